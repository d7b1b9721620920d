#include "decode/wsl.h"

#include "windows_data.h"

TEST(kernel_and_one_more_sign_make_a_distribution)
{
    struct wsl_signs two = {.kernel = STR("5.15.167.4-microsoft-standard-WSL2"), .run_folder = true};
    struct wsl_signs one = {.kernel = STR("4.4.0-19041-Microsoft"), .named = true};

    CHECK_STR(wsl_version(&two), "2");
    CHECK_STR(wsl_version(&one), "1");
    two = (struct wsl_signs){.kernel = STR("6.6.87.2-microsoft-standard-WSL2"), .interop = true};
    CHECK_STR(wsl_version(&two), "2");
}

TEST(container_inside_of_wsl_is_no_distribution)
{
    struct wsl_signs signs = {.kernel = STR("5.15.167.4-microsoft-standard-WSL2")};

    CHECK_STR(wsl_version(&signs), "");
}

TEST(kernel_of_ones_own_is_known_by_the_other_signs)
{
    struct wsl_signs signs = {.kernel = STR("6.12.1-mine"), .named = true, .run_folder = true};

    CHECK_STR(wsl_version(&signs), "2");
    signs.run_folder = false;
    CHECK_STR(wsl_version(&signs), "");
    signs.kernel = STR("6.12.1-mine-WSL2");
    CHECK_STR(wsl_version(&signs), "2");
    signs = (struct wsl_signs){.kernel = STR("6.12.43-generic"), .interop = true};
    CHECK_STR(wsl_version(&signs), "");
}

TEST(way_of_networking_is_one_word)
{
    CHECK_STR(wsl_parse_networking(arena, STR("mirrored\n")), "mirrored");
    CHECK_STR(wsl_parse_networking(arena, STR(" NAT\r\n")), "nat");
    CHECK_STR(wsl_parse_networking(arena, STR("wsl1\n")), "wsl1");
    CHECK_STR(wsl_parse_networking(arena, STR("Usage: wslinfo [--networking-mode]\n")), "");
    CHECK_STR(wsl_parse_networking(arena, STR("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz")), "");
    CHECK_STR(wsl_parse_networking(arena, STR("\n")), "");
}

TEST(settings_file_tells_the_mode_and_the_ignored_ports)
{
    struct wsl_settings settings;

    wsl_parse_settings(arena,
                       STR("\xef\xbb\xbf# of mine\r\n[user]\r\nnetworkingMode=nat\r\n[WSL2]\r\nmemory=8GB\r\n"
                           "networkingmode = Mirrored # new\r\n[experimental]\r\nignoredPorts=3000, 9000,x,0,70000,9090"
                           "\r\nhostAddressLoopback=true\r\nalone\r\n"),
                       &settings);
    CHECK_STR(settings.networking, "mirrored");
    CHECK_INT(settings.ignored.count, 3);
    CHECK(settings.ignored.items[0] == 3000 && settings.ignored.items[1] == 9000 && settings.ignored.items[2] == 9090);
    wsl_parse_settings(arena, STR("[wsl2]\nnetworkingMode=\"virtioproxy\"\n"), &settings);
    CHECK_STR(settings.networking, "virtioproxy");
    wsl_parse_settings(arena, windows_utf16(arena, "[wsl2]\r\nnetworkingMode=none\r\n"), &settings);
    CHECK_STR(settings.networking, "none");
    wsl_parse_settings(arena, STR(""), &settings);
    CHECK(settings.networking.len == 0 && settings.ignored.count == 0);
}

TEST(running_distributions_are_those_that_are_installed)
{
    struct str_list installed = {0};
    struct str_list running = {0};

    *LIST_ADD(arena, &installed) = STR("Ubuntu-24.04");
    *LIST_ADD(arena, &installed) = STR("Debian");
    *LIST_ADD(arena, &installed) = STR("My distribution");
    wsl_parse_running(arena, windows_utf16(arena, "Debian\r\nMy distribution\r\nother\r\n"), &installed, &running);
    CHECK_INT(running.count, 2);
    CHECK_STR(running.items[1], "My distribution");
    running.count = 0;
    wsl_parse_running(arena, windows_utf16(arena, "There are no running distributions.\r\n"), &installed, &running);
    CHECK_INT(running.count, 0);
    wsl_parse_running(arena, STR("Ubuntu-24.04\n"), &installed, &running);
    CHECK_INT(running.count, 1);
}

TAP_MAIN
