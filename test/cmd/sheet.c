#include "cmd/sheet.h"

#include "tap.h"

TEST(values_and_remarks_stand_in_columns)
{
    struct sheet sheet = {.arena = arena};
    struct buf out = {.arena = arena};

    sheet_add(&sheet, STR("command"), STR("node server.js"), STR("in ~/src"));
    sheet_add(&sheet, STR("stop it"), STR("moorage free 80"), STR("stops it"));
    sheet_add(&sheet, STR("nothing"), STR(""), STR(""));
    sheet_print(&sheet, &out, 0, false);
    CHECK_STR(buf_str(&out), "  command    node server.js   in ~/src\n"
                             "  stop it    moorage free 80  stops it\n");
}

TEST(long_values_go_on_in_their_column)
{
    struct sheet sheet = {.arena = arena};
    struct buf out = {.arena = arena};

    sheet_add(&sheet, STR("note"), STR("one two three"), STR(""));
    sheet_print(&sheet, &out, 20, false);
    CHECK_STR(buf_str(&out), "  note       one two\n             three\n");
}

TEST(a_remark_without_room_stands_below)
{
    struct sheet sheet = {.arena = arena};
    struct buf out = {.arena = arena};

    sheet_add(&sheet, STR("by hand"), STR("kill 1234567"), STR("asks the program to end"));
    sheet_print(&sheet, &out, 32, false);
    CHECK_STR(buf_str(&out), "  by hand    kill 1234567\n               asks the program\n               to end\n");
}

TEST(hostile_text_is_escaped)
{
    struct sheet sheet = {.arena = arena};
    struct buf out = {.arena = arena};

    sheet_add(&sheet, STR("command"), STR("a\x1b[2Jb\nc"), STR("\xff"));
    sheet_print(&sheet, &out, 0, false);
    struct str text = buf_str(&out);
    CHECK(str_find_byte(text, '\x1b') == SIZE_MAX);
    CHECK(str_find_byte(text, '\n') == text.len - 1);
}

TAP_MAIN
