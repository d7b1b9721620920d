#include "cmd/list_watch.h"

#include "tap.h"

static unsigned
interval_of(const char *text)
{
    struct err err;
    unsigned ms = 0;

    return list_watch_interval(str_of(text), &ms, &err) ? ms : 0;
}

TEST(seconds_may_have_one_digit_behind_the_point)
{
    CHECK_INT(interval_of(""), 2000);
    CHECK_INT(interval_of("2"), 2000);
    CHECK_INT(interval_of("0.5"), 500);
    CHECK_INT(interval_of("86400"), 86400000);
    for (const char *const *bad = (const char *const[]){"0", "0.0", "1.23", "x", "2.", "-1", "86401", "1 ", NULL}; *bad;
         bad++)
        CHECK_INT(interval_of(*bad), 0);
}

TEST(a_picture_that_fits_is_drawn_whole)
{
    CHECK_STR(list_watch_frame(arena, STR("a\nb\n"), 3), "\x1b[?25l\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
    CHECK_STR(list_watch_frame(arena, STR(""), 24), "\x1b[?25l\x1b[H\x1b[J");
}

TEST(lines_that_do_not_fit_are_counted)
{
    CHECK_STR(list_watch_frame(arena, STR("a\nb\nc\nd\n"), 4),
              "\x1b[?25l\x1b[Ha\x1b[K\nb\x1b[K\n+ 2 lines that don't fit\x1b[K\n\x1b[J");
    CHECK_STR(list_watch_frame(arena, STR("a\nb\n"), 0), "\x1b[?25l\x1b[H+ 2 lines that don't fit\x1b[K\n\x1b[J");
    CHECK_STR(list_watch_frame(arena, STR("a\nb\nc\n"), 3),
              "\x1b[?25l\x1b[Ha\x1b[K\n+ 2 lines that don't fit\x1b[K\n\x1b[J");
}

TAP_MAIN
