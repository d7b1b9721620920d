#include "sys/wide_win.h"

#include "tap.h"

#include <windows.h>

TEST(text_goes_both_ways)
{
    static const char text[] = "gr\xc3\xbc\xc3\x9f \xe6\xb8\xaf \xf0\x9f\x9a\xa2";
    const wchar_t *wide = wide_from(arena, str_of(text));
    CHECK(wcscmp(wide, L"gr\u00fc\u00df \u6e2f \xd83d\xdea2") == 0);
    CHECK_STR(wide_to(arena, wide, wcslen(wide)), text);
    CHECK_STR(wide_to_z(arena, wide), text);
}

TEST(broken_text_is_marked)
{
    static const wchar_t lone[] = {L'a', 0xd83d, L'b'};
    CHECK(wcscmp(wide_from(arena, STR("a\xff")), L"a\ufffd") == 0);
    CHECK_STR(wide_to(arena, lone, 3), "a\xef\xbf\xbd"
                                       "b");
}

TEST(no_text_is_empty)
{
    CHECK(wcscmp(wide_from(arena, STR("")), L"") == 0);
    CHECK_INT(wide_to(arena, L"x", 0).len, 0);
    CHECK_INT(wide_to_z(arena, NULL).len, 0);
}

static struct str
path(struct arena *arena, struct str text)
{
    return wide_to_z(arena, wide_path(arena, text));
}

TEST(short_paths_and_devices_stay_as_they_are)
{
    CHECK_STR(path(arena, STR("C:/windows/win.ini")), "C:/windows/win.ini");
    CHECK_STR(path(arena, STR("NUL")), "NUL");
    CHECK_STR(path(arena, STR("\\\\.\\pipe\\x")), "\\\\.\\pipe\\x");
}

TEST(long_paths_are_told_to_be_long)
{
    struct str name = str_printf(arena, "%0200d", 0);
    struct str deep = str_printf(arena, "C:/a/../%.*s/%.*s", STR_ARG(name), STR_ARG(name));
    struct str share = str_printf(arena, "\\\\server\\share\\%.*s\\%.*s", STR_ARG(name), STR_ARG(name));
    struct str done = str_printf(arena, "\\\\?\\C:\\%.*s\\%.*s", STR_ARG(name), STR_ARG(name));
    struct str at_share = str_printf(arena, "\\\\?\\UNC\\server\\share\\%.*s\\%.*s", STR_ARG(name), STR_ARG(name));
    CHECK_STR(path(arena, deep), str_c(arena, done));
    CHECK_STR(path(arena, done), str_c(arena, done));
    CHECK_STR(path(arena, share), str_c(arena, at_share));
}

TAP_MAIN
