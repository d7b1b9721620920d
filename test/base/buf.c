#include "base/buf.h"

#include "tap.h"

TEST(an_empty_text_ends_in_a_nul)
{
    struct buf buf = {.arena = arena};
    CHECK_STR(buf_str(&buf), "");
    CHECK(buf_str(&buf).ptr[0] == '\0');
}

TEST(text_is_built_piece_by_piece)
{
    struct buf buf = {.arena = arena};
    buf_add(&buf, STR("port"));
    buf_add(&buf, (struct str){0});
    buf_add_byte(&buf, ' ');
    buf_addf(&buf, "%d", 8080);
    buf_pad(&buf, '.', 3);
    buf_pad(&buf, '.', 0);
    buf_add_c(&buf, "end");
    buf_add_c(&buf, NULL);
    CHECK_STR(buf_str(&buf), "port 8080...end");
}

TEST(it_grows_and_keeps_what_was_there)
{
    struct buf buf = {.arena = arena};
    for (int i = 0; i < 5000; i++)
        buf_addf(&buf, "%04d,", i);
    struct str all = buf_str(&buf);
    CHECK_INT(all.len, 25000);
    CHECK_STR(str_part(all, 0, 10), "0000,0001,");
    CHECK_STR(str_part(all, 24990, 10), "4998,4999,");
    CHECK(all.ptr[all.len] == '\0');
}

TEST(room_is_filled_by_the_caller)
{
    struct buf buf = {.arena = arena};
    buf_add_c(&buf, "a");
    memcpy(buf_room(&buf, 1000), "bc", 2);
    CHECK_STR(buf_str(&buf), "a");
    memcpy(buf_room(&buf, 1000), "bc", 2);
    buf.len += 2;
    CHECK_STR(buf_str(&buf), "abc");
}

TEST(a_formatted_text_may_be_as_long_as_the_room)
{
    for (int width = 60; width < 70; width++) {
        struct buf buf = {.arena = arena};
        buf_addf(&buf, "%*d", width, 1);
        CHECK_INT(buf_str(&buf).len, width);
    }
}

TAP_MAIN
