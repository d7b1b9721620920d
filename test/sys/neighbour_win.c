#include "sys/neighbour.h"

#include "fake_tool_win.h"
#include "sys/late_win.h"
#include "windows_data.h"

#define LXSS L"Software\\Microsoft\\Windows\\CurrentVersion\\Lxss"
#define LIST "--list --running --quiet"
#define ROW(local, inode)                                                                           \
    "   0: " local " 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 " inode \
    " 1 0 100 0 0 10 0\n"

static void
install(const wchar_t *id, const wchar_t *name)
{
    wchar_t path[200];
    HKEY key;
    swprintf(path, sizeof path / sizeof *path, LXSS L"\\%ls", id);
    CHECK(RegCreateKeyExW(HKEY_CURRENT_USER, path, 0, NULL, 0, KEY_WRITE, NULL, &key, NULL) == ERROR_SUCCESS);
    LSTATUS status =
        RegSetValueExW(key, L"DistributionName", 0, REG_SZ, (const BYTE *)name, (DWORD)((wcslen(name) + 1) * 2));
    RegCloseKey(key);
    CHECK(status == ERROR_SUCCESS);
}

static void
begin(struct arena *arena)
{
    fake_tool_begin(arena);
    install(L"{11111111-0000-0000-0000-000000000000}", L"Debian");
    install(L"{22222222-0000-0000-0000-000000000000}", L"Ubuntu-24.04");
    SetEnvironmentVariableW(L"USERPROFILE", wide_from(arena, str_of(fake_tool_folder)));
}

static void
end(struct arena *arena)
{
    RegDeleteTreeW(HKEY_CURRENT_USER, LXSS);
    fake_tool_end(arena);
}

static void
write_settings(struct arena *arena, const char *text)
{
    FILE *file = _wfopen(wide_from(arena, str_printf(arena, "%s\\.wslconfig", fake_tool_folder)), L"wb");
    CHECK(file != NULL && fputs(text, file) >= 0);
    fclose(file);
}

static void
answer_debian(struct arena *arena)
{
    fake_tool_answer(arena, LIST, windows_utf16(arena, "Debian\r\n"), 0);
    fake_tool_answer(arena, "--distribution Debian --user root --exec sh -c if command -v moorage",
                     STR("moorage-neighbour 1\nT tcp\n" ROW("00000000:1F90", "5")
                             ROW("0100007F:0BB8", "6") "P 9\nN\nnode\nS socket:[5]\n"),
                     0);
}

TEST(windows_without_distributions_has_no_neighbour)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("this machine may have some");
    CHECK(!neighbour_read(arena, 1000, &host, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

TEST(running_distribution_is_asked_and_no_other)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("it would register distributions");
    begin(arena);
    answer_debian(arena);
    bool good = neighbour_read(arena, 60000, &host, &err);
    end(arena);
    if (!good)
        printf("# %s\n", err.text);
    CHECK(good);
    CHECK_INT(host.neighbours_known, KNOWN_YES);
    CHECK_INT(host.neighbour_ports.count, 2);
    CHECK_STR(host.neighbour_ports.items[0].system, "WSL Debian");
    CHECK_STR(host.neighbour_ports.items[0].name, "node");
    CHECK_INT(host.neighbour_ports.items[0].pid, 9);
    CHECK_STR(host.neighbour_ports.items[1].system, "WSL");
}

TEST(where_none_runs_nothing_is_started)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("it would register distributions");
    begin(arena);
    fake_tool_answer(arena, LIST, windows_utf16(arena, "There are no running distributions.\r\n"), 1);
    bool good = neighbour_read(arena, 60000, &host, &err);
    end(arena);
    CHECK(good);
    CHECK_INT(host.neighbours_known, KNOWN_YES);
    CHECK_INT(host.neighbour_ports.count, 0);
}

TEST(distribution_that_does_not_answer_is_given_up)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("it would register distributions");
    begin(arena);
    answer_debian(arena);
    fake_tool_answer(arena, LIST, windows_utf16(arena, "Debian\r\nUbuntu-24.04\r\n"), 0);
    fake_tool_answer(arena, "--distribution Ubuntu-24.04 --user root --exec sh -c if command -v", STR(""), -1);
    bool good = neighbour_read(arena, 8000, &host, &err);
    end(arena);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK_INT(host.neighbours_known, KNOWN_TIMEOUT);
}

TEST(mirrored_mode_and_its_ignored_ports_are_known)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("it would register distributions");
    begin(arena);
    answer_debian(arena);
    write_settings(arena, "[wsl2]\r\nnetworkingMode=mirrored\r\n[experimental]\r\nignoredPorts=3000,9000\r\n");
    neighbour_identify(arena, &host);
    bool good = neighbour_read(arena, 60000, &host, &err);
    end(arena);
    CHECK(good);
    CHECK_STR(host.wsl_networking, "mirrored");
    CHECK_STR(host.wsl, "");
    CHECK_INT(host.neighbour_ports.count, 1);
    CHECK_INT(host.neighbour_ports.items[0].port, 8080);
}

int
main(void)
{
    return fake_tool_main();
}
