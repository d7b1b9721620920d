#include "sys/redirect.h"

#include "tap.h"

#include <windows.h>

#include "sys/late_win.h"

#define PORT_PROXY L"SYSTEM\\CurrentControlSet\\Services\\PortProxy"

static void
add_rule(const wchar_t *side, const wchar_t *name, const wchar_t *target)
{
    wchar_t path[128];
    HKEY key;
    swprintf(path, sizeof path / sizeof *path, PORT_PROXY L"\\%ls\\tcp", side);
    CHECK(RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, 0, KEY_WRITE, NULL, &key, NULL) == ERROR_SUCCESS);
    LSTATUS status = RegSetValueExW(key, name, 0, REG_SZ, (const BYTE *)target, (DWORD)((wcslen(target) + 1) * 2));
    RegCloseKey(key);
    CHECK(status == ERROR_SUCCESS);
}

TEST(machine_without_rules_has_none)
{
    struct host host = {0};
    struct err err = {0};
    CHECK(redirect_read(arena, &host, &err));
    CHECK_INT(host.redirects_known, KNOWN_YES);
    if (late_is_wine())
        CHECK_INT(host.redirects.count, 0);
}

TEST(rules_of_the_port_proxy_are_read)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("it would add rules to this machine");
    add_rule(L"v4tov4", L"0.0.0.0/8080", L"192.168.1.5/80");
    add_rule(L"v4tov6", L"127.0.0.1/8081", L"gr\u00fc\u00df.example/81");
    add_rule(L"v6tov4", L"*/8082", L"127.0.0.1/82");
    bool good = redirect_read(arena, &host, &err);
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, PORT_PROXY);
    CHECK(good);
    CHECK_INT(host.redirects_known, KNOWN_YES);
    CHECK_INT(host.redirects.count, 3);
    CHECK_STR(host.redirects.items[0].rule, "v4tov4 0.0.0.0:8080 -> 192.168.1.5:80");
    CHECK_STR(host.redirects.items[1].rule, "v4tov6 127.0.0.1:8081 -> gr\xc3\xbc\xc3\x9f.example:81");
    CHECK_STR(host.redirects.items[2].rule, "v6tov4 *:8082 -> 127.0.0.1:82");
    CHECK_INT(host.redirects.items[2].family, FAMILY_IPV6);
}

TAP_MAIN
