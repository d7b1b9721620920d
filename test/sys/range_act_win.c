#include "sys/range_act.h"

#include "fake_tool_win.h"

static const struct range_act reserve = {
    STR_INIT("netsh"),
    {0},
    STR_INIT("interface ipv4 add excludedportrange protocol=tcp startport=9000 numberofports=1")};

TEST(netsh_is_given_the_words)
{
    struct err err = {0};
    fake_tool_begin(arena);
    fake_tool_answer(arena, str_c(arena, reserve.after), STR("Ok.\r\n"), 0);
    bool good = range_act_do(arena, &reserve, &err);
    // Others than those that it has an answer for fail.
    struct range_act other = {STR("netsh"), {0}, STR("interface ipv6 set dynamicport tcp start=50000 num=1000")};
    bool other_good = range_act_do(arena, &other, NULL);
    fake_tool_end(arena);
    if (!good)
        printf("# %s\n", err.text);
    CHECK(good && !other_good);
}

TEST(what_netsh_says_is_told_as_it_came)
{
    struct err err = {0};
    fake_tool_begin(arena);
    fake_tool_answer(arena, str_c(arena, reserve.after),
                     STR("\r\nDer angeforderte Vorgang erfordert erh\xc3\xb6hte Rechte.\r\n"), 1);
    bool good = range_act_do(arena, &reserve, &err);
    fake_tool_end(arena);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK(str_starts(str_of(err.text), STR("netsh interface ipv4 add excludedportrange")));
    CHECK(str_find(str_of(err.text), STR("Der angeforderte Vorgang")) != SIZE_MAX);
}

TEST(a_netsh_that_is_not_there_is_an_error)
{
    struct err err = {0};
    tool_use_folder("C:\\nowhere");
    bool good = range_act_do(arena, &reserve, &err);
    tool_use_folder(NULL);
    CHECK(!good && err.kind != ERR_NONE);
}

TEST(windows_has_no_file_and_no_value_to_read)
{
    struct str value = STR("x");
    CHECK_INT(range_act_folder(arena).len, 0);
    CHECK(range_act_read(arena, STR("netsh"), &value, NULL));
    CHECK_INT(value.len, 0);
}

int
main(void)
{
    return fake_tool_main();
}
