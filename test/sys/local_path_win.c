#include "sys/local_path_win.h"

#include "tap.h"

#include <windows.h>

#include "sys/late_win.h"
#include "sys/wide_win.h"

TEST(only_drives_of_this_machine_are_local)
{
    CHECK(local_path_is_fixed(STR("C:\\")));
    CHECK(local_path_is_fixed(STR("c:/Users/ann")));
    CHECK(!local_path_is_fixed(STR("\\\\server\\share\\x")));
    CHECK(!local_path_is_fixed(STR("\\\\?\\C:\\x")));
    CHECK(!local_path_is_fixed(STR("\\Device\\HarddiskVolume1\\x")));
    CHECK(!local_path_is_fixed(STR("C:")));
    CHECK(!local_path_is_fixed(STR("C:x")));
    CHECK(!local_path_is_fixed(STR("1:\\x")));
    CHECK(!local_path_is_fixed(STR("x\\y")));
    CHECK(!local_path_is_fixed((struct str){0}));
}

TEST(drive_that_is_not_there_is_not_local)
{
    DWORD drives = GetLogicalDrives();
    for (char letter = 'D'; letter <= 'Y'; letter++)
        if (!(drives & 1u << (letter - 'A'))) {
            CHECK(!local_path_is_fixed(str_printf(arena, "%c:\\x", letter)));
            return;
        }
    SKIP("every letter has a drive");
}

TEST(what_is_there_and_no_link_is_plain)
{
    wchar_t folder[MAX_PATH];
    GetSystemDirectoryW(folder, MAX_PATH);
    struct str path = wide_to_z(arena, folder);
    CHECK(local_path_is_plain(arena, path));
    CHECK(local_path_is_plain(arena, str_printf(arena, "%.*s\\kernel32.dll", STR_ARG(path))));
    CHECK(!local_path_is_plain(arena, str_printf(arena, "%.*s\\no such file", STR_ARG(path))));
    CHECK(!local_path_is_plain(arena, str_printf(arena, "%.*s\\no such folder\\x", STR_ARG(path))));
    CHECK(local_path_is_plain(arena, STR("C:\\")));
    CHECK(!local_path_is_plain(arena, STR("\\\\server\\share")));
}

TEST(link_on_the_way_is_not_plain)
{
    wchar_t temporary[MAX_PATH];
    wchar_t windows[MAX_PATH];
    GetTempPathW(MAX_PATH, temporary);
    GetWindowsDirectoryW(windows, MAX_PATH);
    struct str link =
        str_printf(arena, "%.*smoorage-link-%lu", STR_ARG(wide_to_z(arena, temporary)), GetCurrentProcessId());
    if (!CreateSymbolicLinkW(wide_from(arena, link), windows, SYMBOLIC_LINK_FLAG_DIRECTORY))
        SKIP("links can't be made here");
    bool plain = local_path_is_plain(arena, link);
    bool below = local_path_is_plain(arena, str_printf(arena, "%.*s\\system32", STR_ARG(link)));
    RemoveDirectoryW(wide_from(arena, link));
    CHECK(!plain && !below);
}

TAP_MAIN
