#include "decode/range_file.h"

#include "tap.h"

static struct str
again(struct arena *arena, const char *list)
{
    bool ports[RANGE_FILE_PORTS] = {false};

    range_file_mark(str_of(list), ports);
    return range_file_list(arena, ports);
}

TEST(lists_are_written_as_short_as_can_be)
{
    CHECK_STR(again(arena, ""), "");
    CHECK_STR(again(arena, "8080\n"), "8080");
    CHECK_STR(again(arena, "9000-9010,8080,8081\n"), "8080-8081,9000-9010");
    CHECK_STR(again(arena, "65535"), "65535");
    CHECK_STR(again(arena, "1-65535"), "1-65535");
    CHECK_STR(again(arena, "80,x,81"), "80");
}

TEST(a_file_comes_back_as_it_was_written)
{
    struct range_file file = {.reserved = STR("8080,9000-9010"), .dynamic_first = 40000, .dynamic_last = 60999};
    struct range_file read;
    struct str text = range_file_format(arena, &file, STR("1234,8080,9000-9010"));

    CHECK(str_find(text, STR("\nnet.ipv4.ip_local_reserved_ports = 1234,8080,9000-9010\n")) != SIZE_MAX);
    CHECK(str_find(text, STR("\nnet.ipv4.ip_local_port_range = 40000 60999\n")) != SIZE_MAX);
    range_file_parse(text, &read);
    CHECK_STR(read.reserved, "8080,9000-9010");
    CHECK_INT(read.dynamic_first, 40000);
    CHECK_INT(read.dynamic_last, 60999);
}

TEST(a_file_that_says_nothing_is_none)
{
    struct range_file file = {0};
    struct range_file read;

    CHECK_STR(range_file_format(arena, &file, STR("80")), "");
    range_file_parse(STR("net.ipv4.ip_local_port_range = 1 2\n# reserved by us: 80\n"), &read);
    CHECK_INT(read.reserved.len, 0);
    CHECK_INT(read.dynamic_first, 0);
    range_file_parse(STR("# dynamic by moorage: 5-4\n# dynamic by moorage: 0-4\n# dynamic by moorage: 1-65536\n"
                         "# dynamic by moorage: x\n"),
                     &read);
    CHECK_INT(read.dynamic_first, 0);
}

TAP_MAIN
