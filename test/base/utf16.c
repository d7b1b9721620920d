#include "base/utf16.h"

#include "tap.h"

TEST(all_lengths_of_utf8_come_out)
{
    CHECK_STR(utf16_to_utf8(arena, STR("a\0\xe9\0\xac\x20\x3d\xd8\x00\xde")), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK_STR(utf16_to_utf8(arena, STR("\xff\xdb\xff\xdf")), "\xf4\x8f\xbf\xbf");
    CHECK_STR(utf16_to_utf8(arena, STR("")), "");
}

TEST(half_of_a_pair_is_replaced)
{
    CHECK_STR(utf16_to_utf8(arena, STR("\x3d\xd8")), "\xef\xbf\xbd");
    CHECK_STR(utf16_to_utf8(arena, STR("\x3d\xd8x\0")), "\xef\xbf\xbdx");
    CHECK_STR(utf16_to_utf8(arena, STR("\x00\xde\x3d\xd8")), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(odd_last_byte_is_dropped)
{
    CHECK_STR(utf16_to_utf8(arena, STR("a\0b")), "a");
    CHECK_STR(utf16_to_utf8(arena, STR("a")), "");
}

TEST(nul_stays_or_ends_as_asked)
{
    struct str text = utf16_to_utf8(arena, STR("a\0\0\0b\0"));
    CHECK_INT(text.len, 3);
    CHECK_STR(utf16_to_utf8_z(arena, STR("a\0\0\0b\0")), "a");
    CHECK_STR(utf16_to_utf8_z(arena, STR("a\0b\0")), "ab");
}

TAP_MAIN
