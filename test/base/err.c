#include "base/err.h"

#include "tap.h"

TEST(an_error_has_kind_code_and_sentence)
{
    struct err err = {0};
    CHECK(!err_set(&err, ERR_NOT_ALLOWED, 13, "open %s: %s", "/proc/17/fd", "Permission denied"));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK_INT(err.os, 13);
    CHECK_STR(str_of(err.text), "open /proc/17/fd: Permission denied");
}

TEST(a_prefix_says_what_was_being_done)
{
    struct err err = {0};
    err_set(&err, ERR_GONE, 2, "it ended");
    CHECK(!err_prefix(&err, "look at pid %d", 17));
    CHECK_STR(str_of(err.text), "look at pid 17: it ended");
    CHECK_INT(err.kind, ERR_GONE);
    CHECK_INT(err.os, 2);
}

TEST(nobody_may_want_to_know)
{
    CHECK(!err_set(NULL, ERR_SYSTEM, 1, "x"));
    CHECK(!err_prefix(NULL, "x"));
}

TEST(a_long_text_ends_in_dots)
{
    struct err err = {0};
    err_set(&err, ERR_SYSTEM, 0, "%300s", "x");
    CHECK_INT(strlen(err.text), sizeof err.text - 1);
    CHECK(str_ends(str_of(err.text), STR(" ...")));
    err_set(&err, ERR_SYSTEM, 0, "%*s", (int)sizeof err.text - 1, "x");
    CHECK(str_ends(str_of(err.text), STR(" x")));
}

TEST(a_long_text_is_not_cut_inside_of_a_character)
{
    char text[400] = "";
    for (size_t i = 0; i < sizeof text - 3; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 4);
    for (int blanks = 0; blanks < 3; blanks++) {
        struct err err = {0};
        err_set(&err, ERR_SYSTEM, 0, "%*s%s", blanks, "", text);
        CHECK(str_ends(str_of(err.text), STR("\xe2\x82\xac...")));
    }
}

TEST(a_prefix_that_makes_it_too_long_keeps_the_start)
{
    struct err err = {0};
    err_set(&err, ERR_SYSTEM, 0, "%200s", "x");
    err_prefix(&err, "%s", "start of a rather long prefix that leaves no room for all of it");
    CHECK_INT(strlen(err.text), sizeof err.text - 1);
    CHECK(str_starts(str_of(err.text), STR("start of")));
    CHECK(str_ends(str_of(err.text), STR("...")));
    err_prefix(&err, "%300s", "y");
    CHECK(str_ends(str_of(err.text), STR(" ...")));
}

TAP_MAIN
