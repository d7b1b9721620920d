#include "base/ink.h"

#include "tap.h"

TEST(without_colour_every_ink_is_empty)
{
    struct buf out = {.arena = arena};
    ink_add(&out, false, INK_BAD, STR("taken"));
    CHECK_STR(buf_str(&out), "taken");
}

TEST(with_colour_each_text_closes_its_ink)
{
    for (enum ink ink = INK_STRONG; ink <= INK_NAME; ink++) {
        struct buf out = {.arena = arena};
        ink_add(&out, true, ink, STR("x"));
        CHECK(str_starts(buf_str(&out), STR("\x1b[")));
        CHECK(str_ends(buf_str(&out), STR("mx\x1b[0m")));
    }
}

TEST(plain_and_empty_texts_get_no_ink)
{
    struct buf out = {.arena = arena};
    ink_add(&out, true, INK_PLAIN, STR("x"));
    ink_add(&out, true, INK_BAD, STR(""));
    CHECK_STR(buf_str(&out), "x");
}

TAP_MAIN
