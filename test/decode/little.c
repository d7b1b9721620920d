#include "decode/little.h"

#include "tap.h"

TEST(numbers_have_their_little_end_first)
{
    struct str bytes = STR("\x01\x02\x03\x04\x05\x06\x07\x88");
    CHECK_INT(little_u16(bytes, 1), 0x0302);
    CHECK_INT(little_u32(bytes, 4), 0x88070605);
    CHECK(little_at(bytes, 0, 8) == UINT64_C(0x8807060504030201));
}

TEST(what_lies_behind_the_end_is_nothing)
{
    struct str bytes = STR("\x01\x02\x03");
    CHECK_INT(little_u16(bytes, 2), 0);
    CHECK_INT(little_u32(bytes, 0), 0);
    CHECK_INT(little_at(bytes, SIZE_MAX, 8), 0);
    CHECK_INT(little_u16((struct str){0}, 0), 0);
}

TEST(times_count_from_1970)
{
    CHECK_INT(little_filetime_ms(UINT64_C(116444736000000000) + 12345), 1);
    CHECK_INT(little_filetime_ms(UINT64_C(134143344000000000)), 1769860800000); // 2026-01-31 12:00
    CHECK_INT(little_filetime_ms(0), 0);
    CHECK_INT(little_filetime_ms(UINT64_C(116444736000000000)), 0);
    CHECK(little_filetime_ms(UINT64_MAX) > 0);
}

TAP_MAIN
