#include "decode/utf16.h"

#include "tap.h"

#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

TEST(text_becomes_utf8)
{
    CHECK_STR(utf16_to_utf8(arena, BYTES("a\0\xfc\0\xac\x20=\xd8\x00\xde")), "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK_STR(utf16_to_utf8(arena, BYTES("\xff\xfe"
                                         "a\0\0\0b\0")),
              "a");
    CHECK_STR(utf16_to_utf8(arena, BYTES("")), "");
    CHECK_STR(utf16_to_utf8(arena, BYTES("a\0b")), "a");
}

TEST(half_of_a_pair_is_replaced)
{
    CHECK_STR(utf16_to_utf8(arena, BYTES("=\xd8"
                                         "a\0")),
              "\xef\xbf\xbd"
              "a");
    CHECK_STR(utf16_to_utf8(arena, BYTES("\x00\xde"
                                         "a\0")),
              "\xef\xbf\xbd"
              "a");
    CHECK_STR(utf16_to_utf8(arena, BYTES("a\0=\xd8")), "a\xef\xbf\xbd");
}

TEST(utf16_is_told_from_utf8)
{
    CHECK(utf16_is_likely(BYTES("\xff\xfe")) && utf16_is_likely(BYTES("U\0b\0")));
    CHECK(!utf16_is_likely(BYTES("Ubuntu\r\n")) && !utf16_is_likely(BYTES("")));
}

TAP_MAIN
