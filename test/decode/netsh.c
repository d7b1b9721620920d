#include "decode/netsh.h"

#include "windows_data.h"

static const char *const languages[] = {"en.437", "de.850", "fr.850", "ja.932"};

TEST(excluded_ranges_are_read_in_every_language)
{
    static const struct netsh_exclusion ranges[] = {
        {80, 80, false},       {1337, 1436, false},  {5357, 5357, false},   {8072, 8171, false},
        {49152, 49251, false}, {50000, 50059, true}, {65535, 65535, false},
    };

    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        struct str text = windows_data(arena, str_printf(arena, "excluded-%s.txt", languages[i]).ptr);
        struct netsh_exclusion range;
        for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
            CHECK(netsh_next_exclusion(&text, &range));
            CHECK_INT(range.first, ranges[k].first);
            CHECK_INT(range.last, ranges[k].last);
            CHECK_INT(range.administered, ranges[k].administered);
        }
        CHECK(!netsh_next_exclusion(&text, &range));
    }
}

TEST(lines_that_are_no_range_are_passed_over)
{
    static const char *const wrong[] = {"",     "80",      "80 70000",  "90 80",   "80 80 80",
                                        "a 80", "80 8x",   "80 80 * *", "-1 80",   "*",
                                        "80*",  "0x50 80", "80,90",     "80 - 90", "99999999999 80 *"};
    struct netsh_exclusion range;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct str text = str_of(wrong[i]);
        CHECK(!netsh_next_exclusion(&text, &range));
    }
    struct str text = STR("Protocol 80 90\n80 90*\r\n\t1\t2");
    CHECK(netsh_next_exclusion(&text, &range) && range.first == 80 && range.last == 90 && range.administered);
    CHECK(netsh_next_exclusion(&text, &range) && range.first == 1 && range.last == 2 && !range.administered);
    CHECK(!netsh_next_exclusion(&text, &range));
}

TEST(dynamic_range_is_read_in_every_language)
{
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        uint16_t first = 0;
        uint16_t last = 0;
        CHECK(netsh_parse_dynamic(windows_data(arena, str_printf(arena, "dynamic-%s.txt", languages[i]).ptr), &first,
                                  &last));
        CHECK_INT(first, 49152);
        CHECK_INT(last, 65535);
    }
}

TEST(dynamic_range_that_can_not_be_is_none)
{
    static const char *const wrong[] = {"",
                                        "a : 49152",
                                        "a : 0\nb : 5",
                                        "a : 49152\nb : 0",
                                        "a : 49152\nb : 16385",
                                        "a : 70000\nb : 1",
                                        "a : 1\nb : 99999999999999999999",
                                        "tcp4\nudp6"};
    uint16_t first = 7;
    uint16_t last = 8;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!netsh_parse_dynamic(str_of(wrong[i]), &first, &last));
    CHECK(first == 7 && last == 8);
    CHECK(netsh_parse_dynamic(STR("IPv4\n1024\n a:64512\r\n"), &first, &last) && first == 1024 && last == 65535);
}

TAP_MAIN
