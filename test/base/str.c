#include "base/str.h"

#include "tap.h"

TEST(views_of_literals_and_c_strings)
{
    static const struct str fixed = STR_INIT("abc");
    CHECK_STR(fixed, "abc");
    CHECK_STR(str_of("abc"), "abc");
    CHECK_INT(str_of(NULL).len, 0);
    CHECK(str_of(NULL).ptr == NULL);
}

TEST(a_part_is_cut_to_what_is_there)
{
    CHECK_STR(str_part(STR("moorage"), 0, 4), "moor");
    CHECK_STR(str_part(STR("moorage"), 4, SIZE_MAX), "age");
    CHECK_STR(str_part(STR("moorage"), 9, 2), "");
    CHECK_STR(str_part(STR("moorage"), SIZE_MAX, SIZE_MAX), "");
    CHECK_INT(str_part((struct str){0}, 1, 1).len, 0);
}

TEST(texts_are_compared_by_bytes)
{
    CHECK(str_equal(STR("a"), STR("a")));
    CHECK(str_equal(STR(""), (struct str){0}));
    CHECK(!str_equal(STR("a"), STR("b")));
    CHECK(!str_equal(STR("a"), STR("ab")));
    CHECK(!str_equal(STR("a\0b"), STR("a\0c")));
    CHECK(str_compare(STR("a"), STR("b")) < 0);
    CHECK(str_compare(STR("ab"), STR("a")) > 0);
    CHECK(str_compare(STR("a"), STR("ab")) < 0);
    CHECK(str_compare(STR("\xff"), STR("a")) > 0);
    CHECK(str_compare((struct str){0}, STR("")) == 0);
}

TEST(ascii_case_can_be_ignored)
{
    CHECK(str_equal_nocase(STR("LISTEN-z"), STR("listen-Z")));
    CHECK(!str_equal_nocase(STR("abc"), STR("abd")));
    CHECK(!str_equal_nocase(STR("abc"), STR("ab")));
    CHECK(!str_equal_nocase(STR("["), STR("{")));
    CHECK(!str_equal_nocase(STR("@"), STR("`")));
}

TEST(starts_and_ends)
{
    CHECK(str_starts(STR("docker-proxy"), STR("docker")));
    CHECK(!str_starts(STR("dock"), STR("docker")));
    CHECK(str_starts(STR("x"), STR("")));
    CHECK(str_ends(STR("shop.service"), STR(".service")));
    CHECK(!str_ends(STR("shop.socket"), STR(".service")));
    CHECK(!str_ends(STR("e"), STR(".service")));
    CHECK(str_ends((struct str){0}, STR("")));
}

TEST(needles_are_found_where_they_first_stand)
{
    CHECK_INT(str_find(STR("aaab"), STR("aab")), 1);
    CHECK_INT(str_find(STR("abc"), STR("c")), 2);
    CHECK_INT(str_find(STR("abc"), STR("")), 0);
    CHECK(str_find(STR("abc"), STR("abcd")) == SIZE_MAX);
    CHECK(str_find(STR("abab"), STR("ac")) == SIZE_MAX);
    CHECK(str_find(STR("xyz"), STR("a")) == SIZE_MAX);
    CHECK(str_find((struct str){0}, STR("a")) == SIZE_MAX);
    CHECK_INT(str_find_byte(STR("a:b:c"), ':'), 1);
    CHECK_INT(str_find_last_byte(STR("a:b:c"), ':'), 3);
    CHECK(str_find_byte(STR("abc"), ':') == SIZE_MAX);
    CHECK(str_find_byte((struct str){0}, ':') == SIZE_MAX);
    CHECK(str_find_last_byte(STR("abc"), ':') == SIZE_MAX);
}

TEST(white_space_is_trimmed_at_both_ends)
{
    CHECK_STR(str_trim(STR(" \t a b\r\n\v\f")), "a b");
    CHECK_STR(str_trim(STR(" \n ")), "");
    CHECK_STR(str_trim((struct str){0}), "");
}

TEST(fields_are_cut_one_by_one)
{
    struct str rest = STR("a,,b");
    struct str field;
    CHECK(str_cut(&rest, ',', &field));
    CHECK_STR(field, "a");
    CHECK(str_cut(&rest, ',', &field));
    CHECK_STR(field, "");
    CHECK(str_cut(&rest, ',', &field));
    CHECK_STR(field, "b");
    CHECK(!str_cut(&rest, ',', &field));
}

TEST(a_separator_at_the_end_gives_an_empty_last_field)
{
    struct str rest = STR("a\n");
    struct str field;
    CHECK(str_cut(&rest, '\n', &field));
    CHECK(str_cut(&rest, '\n', &field));
    CHECK_STR(field, "");
    CHECK(!str_cut(&rest, '\n', &field));
    rest = STR("");
    CHECK(str_cut(&rest, '\n', &field));
    CHECK(!str_cut(&rest, '\n', &field));
}

TEST(words_are_taken_one_by_one)
{
    struct str rest = STR("  sl  local_address\trem\n");
    struct str word;
    CHECK(str_word(&rest, &word));
    CHECK_STR(word, "sl");
    CHECK(str_word(&rest, &word));
    CHECK_STR(word, "local_address");
    CHECK(str_word(&rest, &word));
    CHECK_STR(word, "rem");
    CHECK(!str_word(&rest, &word));
    CHECK(!str_word(&rest, &word));
}

TEST(numbers_are_digits_and_nothing_else)
{
    uint64_t n = 7;
    CHECK(str_to_u64(STR("0"), 10, &n) && n == 0);
    CHECK(str_to_u64(STR("18446744073709551615"), 10, &n) && n == UINT64_MAX);
    CHECK(str_to_u64(STR("1F90"), 16, &n) && n == 8080);
    CHECK(str_to_u64(STR("ffffffffffffffff"), 16, &n) && n == UINT64_MAX);
    CHECK(str_to_u64(STR("755"), 8, &n) && n == 493);
    n = 7;
    CHECK(!str_to_u64(STR("18446744073709551616"), 10, &n));
    CHECK(!str_to_u64(STR("10000000000000000"), 16, &n));
    CHECK(!str_to_u64(STR(""), 10, &n));
    CHECK(!str_to_u64(STR("-1"), 10, &n));
    CHECK(!str_to_u64(STR("+1"), 10, &n));
    CHECK(!str_to_u64(STR(" 1"), 10, &n));
    CHECK(!str_to_u64(STR("1a"), 10, &n));
    CHECK(!str_to_u64(STR("0x1"), 16, &n));
    CHECK(!str_to_u64(STR("8"), 8, &n));
    CHECK(!str_to_u64(STR("g"), 16, &n));
    CHECK(n == 7);
}

TEST(copies_end_in_a_nul)
{
    struct str copy = str_copy(arena, STR("a\0b"));
    CHECK_INT(copy.len, 3);
    CHECK(memcmp(copy.ptr, "a\0b", 4) == 0);
    CHECK(strcmp(str_c(arena, str_part(STR("moorage"), 0, 4)), "moor") == 0);
    CHECK(strcmp(str_c(arena, (struct str){0}), "") == 0);
}

TEST(text_is_formatted)
{
    CHECK_STR(str_printf(arena, "%s %d %.*s", "pid", 17, STR_ARG(STR("node"))), "pid 17 node");
    CHECK_STR(str_printf(arena, "%.*s", STR_ARG((struct str){0})), "");
    struct str wide = str_printf(arena, "%500s", "x");
    CHECK_INT(wide.len, 500);
}

TEST(distance_counts_edits)
{
    CHECK_INT(str_distance(STR("list"), STR("list")), 0);
    CHECK_INT(str_distance(STR("lsit"), STR("list")), 1);
    CHECK_INT(str_distance(STR("lst"), STR("list")), 1);
    CHECK_INT(str_distance(STR("lister"), STR("list")), 2);
    CHECK_INT(str_distance(STR("kitten"), STR("sitting")), 3);
    CHECK_INT(str_distance(STR(""), STR("abc")), 3);
    CHECK_INT(str_distance(STR("abc"), (struct str){0}), 3);
}

TEST(texts_too_long_have_no_distance)
{
    char text[65];
    memset(text, 'a', sizeof text);
    CHECK_INT(str_distance((struct str){text, 64}, (struct str){text, 63}), 1);
    CHECK(str_distance((struct str){text, 65}, STR("a")) == SIZE_MAX);
    CHECK(str_distance(STR("a"), (struct str){text, 65}) == SIZE_MAX);
}

TEST(last_part_of_a_path_is_its_name)
{
    CHECK_STR(str_base_name(STR("/usr/bin/node")), "node");
    CHECK_STR(str_base_name(STR("C:\\Program Files\\x/y.exe")), "y.exe");
    CHECK_STR(str_base_name(STR("C:/x\\y.exe")), "y.exe");
    CHECK_STR(str_base_name(STR("node")), "node");
    CHECK_STR(str_base_name(STR("/usr/bin/")), "");
    CHECK_INT(str_base_name((struct str){0}).len, 0);
}

TEST(text_is_found_in_a_list_and_added_once)
{
    struct str_list list = {0};

    CHECK(!str_list_has(&list, STR("a")));
    str_list_add_new(arena, &list, STR("a"));
    str_list_add_new(arena, &list, STR("b"));
    str_list_add_new(arena, &list, STR("a"));
    CHECK_INT(list.count, 2);
    CHECK(str_list_has(&list, STR("b")) && !str_list_has(&list, STR("B")) && !str_list_has(&list, STR("")));
}

TEST(number_is_written_in_digits)
{
    CHECK_STR(str_number(arena, 0), "0");
    CHECK_STR(str_number(arena, 65535), "65535");
    CHECK_STR(str_number(arena, UINT64_MAX), "18446744073709551615");
}

TEST(plain_text_is_ascii_and_what_else_is_named)
{
    CHECK(str_is_plain(STR("azAZ09"), STR("")));
    CHECK(str_is_plain(STR("a-b.c"), STR(".-")) && !str_is_plain(STR("a-b.c"), STR(".")));
    CHECK(!str_is_plain(STR("a\0b"), STR("-")) && !str_is_plain(STR("\xc3\xa9"), STR("-")));
    CHECK(!str_is_plain(STR("@"), STR("")) && !str_is_plain(STR("["), STR("")) && !str_is_plain(STR("`"), STR("")) &&
          !str_is_plain(STR("{"), STR("")) && !str_is_plain(STR("/"), STR("")) && !str_is_plain(STR(":"), STR("")));
    CHECK(str_is_plain((struct str){0}, STR("")));
}

TEST(leading_digits_are_counted)
{
    CHECK_INT(str_digits(STR("6.1")), 1);
    CHECK_INT(str_digits(STR("0123456789")), 10);
    CHECK_INT(str_digits(STR("x1")), 0);
    CHECK_INT(str_digits((struct str){0}), 0);
}

TEST(capital_letters_of_ascii_become_small)
{
    CHECK_STR(str_lower(arena, STR("AZ[az@\xc3\x89 9")), "az[az@\xc3\x89 9");
    CHECK_STR(str_lower(arena, (struct str){0}), "");
}

TAP_MAIN
