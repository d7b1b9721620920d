#include "base/utf8.h"

#include "base/utf8_ranges.h"

#include "tap.h"

TEST(good_sequences_are_decoded)
{
    static const struct {
        struct str bytes;
        uint32_t point;
    } rows[] = {
        {STR_INIT("A"), 'A'},
        {STR_INIT("\0"), 0},
        {STR_INIT("\xc2\x80"), 0x80},
        {STR_INIT("\xdf\xbf"), 0x7ff},
        {STR_INIT("\xe0\xa0\x80"), 0x800},
        {STR_INIT("\xed\x9f\xbf"), 0xd7ff},
        {STR_INIT("\xee\x80\x80"), 0xe000},
        {STR_INIT("\xef\xbf\xbd"), 0xfffd},
        {STR_INIT("\xf0\x90\x80\x80"), 0x10000},
        {STR_INIT("\xf4\x8f\xbf\xbf"), 0x10ffff},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = 0;
        CHECK_INT(utf8_decode(rows[i].bytes, &length), rows[i].point);
        CHECK_INT(length, rows[i].bytes.len);
        CHECK(utf8_valid(rows[i].bytes));
    }
}

TEST(broken_sequences_are_one_byte_each)
{
    static const struct str rows[] = {
        STR_INIT("\x80"),             // continuation alone
        STR_INIT("\xc0\xaf"),         // overlong
        STR_INIT("\xc1\xbf"),         // overlong
        STR_INIT("\xc2"),             // cut
        STR_INIT("\xc2\x41"),         // no continuation
        STR_INIT("\xe0\x9f\xbf"),     // overlong
        STR_INIT("\xe2\x82"),         // cut
        STR_INIT("\xed\xa0\x80"),     // surrogate
        STR_INIT("\xed\xbf\xbf"),     // surrogate
        STR_INIT("\xf0\x8f\xbf\xbf"), // overlong
        STR_INIT("\xf0\x9f\x98"),     // cut
        STR_INIT("\xf4\x90\x80\x80"), // above U+10FFFF
        STR_INIT("\xf5\x80\x80\x80"),
        STR_INIT("\xfe"),
        STR_INIT("\xff"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = 0;
        CHECK_INT(utf8_decode(rows[i], &length), 0xfffd);
        CHECK_INT(length, 1);
        CHECK(!utf8_valid(rows[i]));
    }
}

TEST(every_code_point_comes_back)
{
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char bytes[4];
        size_t len = 0;
        if (point < 0x80) {
            bytes[len++] = (char)point;
        } else if (point < 0x800) {
            bytes[len++] = (char)(0xc0 | point >> 6);
        } else if (point < 0x10000) {
            bytes[len++] = (char)(0xe0 | point >> 12);
            bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
        } else {
            bytes[len++] = (char)(0xf0 | point >> 18);
            bytes[len++] = (char)(0x80 | (point >> 12 & 0x3f));
            bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
        }
        if (point >= 0x80)
            bytes[len++] = (char)(0x80 | (point & 0x3f));
        size_t length = 0;
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        uint32_t got = utf8_decode((struct str){bytes, len}, &length);
        CHECK_INT(got, surrogate ? 0xfffd : point);
        CHECK_INT(length, surrogate ? 1 : len);
    }
}

TEST(valid_text_is_not_copied)
{
    struct str text = STR("gr\xc3\xbc\xc3\x9f");
    CHECK(utf8_repair(arena, text).ptr == text.ptr);
    CHECK(utf8_display(arena, text).ptr == text.ptr);
    CHECK(utf8_valid((struct str){0}));
}

TEST(broken_bytes_are_repaired_one_by_one)
{
    CHECK_STR(utf8_repair(arena, STR("a\xff\xfe"
                                     "b\xe2\x82")),
              "a\xef\xbf\xbd\xef\xbf\xbd"
              "b\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(display_escapes_what_could_touch_a_terminal)
{
    CHECK_STR(utf8_display(arena, STR("a\nb\rc\td")), "a\\nb\\rc\\td");
    CHECK_STR(utf8_display(arena, STR("\x1b[2J\x7f\0")), "\\x1b[2J\\x7f\\x00");
    CHECK_STR(utf8_display(arena, STR("\xc2\x9b"
                                      "31m")),
              "\\u009b31m");
    CHECK_STR(utf8_display(arena, STR("x\xffy")), "x\\xffy");
    CHECK_STR(utf8_display(arena, STR("cod\xe2\x80\xaetxt.exe")), "cod\\u202etxt.exe");
    CHECK_STR(utf8_display(arena, STR("\xef\xbb\xbf.")), "\\ufeff.");
    CHECK_STR(utf8_display(arena, STR("\xf3\xa0\x81\x81")), "\\U000e0041");
    CHECK_STR(utf8_display(arena, STR("a\xef\xbf\xbd")), "a\xef\xbf\xbd");
}

TEST(display_knows_all_direction_controls_and_invisible_characters)
{
    static const uint32_t points[] = {0xad,   0x61c,  0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029,
                                      0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2064, 0x2066, 0x2067, 0x2068,
                                      0x2069, 0x206f, 0x3164, 0xfeff, 0xffa0, 0xfff9, 0xffff, 0xfdd0};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        uint32_t p = points[i];
        char bytes[3] = {(char)(0xe0 | p >> 12), (char)(0x80 | (p >> 6 & 0x3f)), (char)(0x80 | (p & 0x3f))};
        char two[2] = {(char)(0xc0 | p >> 6), bytes[2]};
        struct str text = p < 0x800 ? (struct str){two, 2} : (struct str){bytes, 3};
        CHECK_STR(utf8_display(arena, text), str_printf(arena, "\\u%04x", (unsigned)p).ptr);
    }
}

TEST(display_gives_valid_text_for_any_bytes)
{
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        struct str shown = utf8_display(arena, (struct str){bytes, sizeof bytes});
        CHECK(utf8_valid(shown));
        for (size_t i = 0; i < shown.len; i++)
            CHECK((unsigned char)shown.ptr[i] >= 0x20 && shown.ptr[i] != 0x7f);
        CHECK(utf8_valid(utf8_repair(arena, (struct str){bytes, sizeof bytes})));
    }
}

TEST(width_counts_columns)
{
    CHECK_INT(utf8_width((struct str){0}), 0);
    CHECK_INT(utf8_width(STR("node")), 4);
    CHECK_INT(utf8_width(STR("gr\xc3\xbc\xc3\x9f")), 4);
    CHECK_INT(utf8_width(STR("e\xcc\x81")), 1);                // e and a combining acute accent
    CHECK_INT(utf8_width(STR("\xe6\x97\xa5\xe6\x9c\xac")), 4); // Japan
    CHECK_INT(utf8_width(STR("\xed\x95\x9c")), 2);             // a Hangul syllable
    CHECK_INT(utf8_width(STR("\xe1\x84\x92\xe1\x85\xa1")), 2); // the same, from its parts
    CHECK_INT(utf8_width(STR("\xf0\x9f\x9a\xa2")), 2);         // a ship
    CHECK_INT(utf8_width(STR("\xef\xbc\xa1")), 2);             // a fullwidth A
    CHECK_INT(utf8_width(STR("\xef\xbd\xb1")), 1);             // a halfwidth katakana
    CHECK_INT(utf8_width(STR("\xe2\x80\xa6")), 1);             // …
    CHECK_INT(utf8_width(STR("\xf0\xa0\x80\x80")), 2);         // CJK extension B
    CHECK_INT(utf8_width(STR("\xff")), 1);
}

TEST(text_is_cut_to_fit)
{
    CHECK_STR(utf8_fit(arena, STR("moorage"), 7, false), "moorage");
    CHECK_STR(utf8_fit(arena, STR("moorage"), 5, false), "moor\xe2\x80\xa6");
    CHECK_STR(utf8_fit(arena, STR("moorage"), 5, true), "moor~");
    CHECK_STR(utf8_fit(arena, STR("moorage"), 1, true), "~");
    CHECK_STR(utf8_fit(arena, STR("moorage"), 0, false), "");
    CHECK_STR(utf8_fit(arena, STR("\xe6\x97\xa5\xe6\x9c\xac"), 3, false), "\xe6\x97\xa5\xe2\x80\xa6");
    CHECK_STR(utf8_fit(arena, STR("\xe6\x97\xa5\xe6\x9c\xac"), 2, true), "~");
    CHECK_STR(utf8_fit(arena, STR("e\xcc\x81xy"), 2, true), "e\xcc\x81~");
}

static bool
is_sorted(const struct utf8_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ranges[i].first > ranges[i].last || (i > 0 && ranges[i].first <= ranges[i - 1].last))
            return false;
    return count > 0;
}

TEST(the_ranges_are_sorted)
{
    CHECK(is_sorted(utf8_zero, utf8_zero_count));
    CHECK(is_sorted(utf8_wide, utf8_wide_count));
    CHECK(is_sorted(utf8_invisible, utf8_invisible_count));
}

TAP_MAIN
