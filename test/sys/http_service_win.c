#include "sys/http_service.h"

#include "fake_tool_win.h"
#include "sys/late_win.h"
#include "windows_data.h"

#define HTTP_STATE "http show servicestate view=requestq verbose=yes"
#define RESERVATIONS L"SYSTEM\\CurrentControlSet\\Services\\HTTP\\Parameters\\UrlAclInfo"

static const struct http_url *
find(const struct host *host, const char *url)
{
    for (size_t i = 0; i < host->http_urls.count; i++)
        if (str_equal_nocase(host->http_urls.items[i].url, str_of(url)))
            return &host->http_urls.items[i];
    return NULL;
}

// http://+:8081/shop/ for LOCAL SERVICE.
static void
reserve(void)
{
    static const BYTE descriptor[] = {1, 0, 4, 0x80, 0, 0, 0,  0, 0, 0, 0, 0,    0, 0, 0, 0, 20, 0, 0, 0, 2,  0, 28, 0,
                                      1, 0, 0, 0,    0, 0, 20, 0, 0, 0, 0, 0x20, 1, 1, 0, 0, 0,  0, 0, 5, 19, 0, 0,  0};
    HKEY key;
    CHECK(RegCreateKeyExW(HKEY_LOCAL_MACHINE, RESERVATIONS, 0, NULL, 0, KEY_WRITE, NULL, &key, NULL) == ERROR_SUCCESS);
    LSTATUS status = RegSetValueExW(key, L"http://+:8081/shop/", 0, REG_BINARY, descriptor, sizeof descriptor);
    RegCloseKey(key);
    CHECK(status == ERROR_SUCCESS);
}

static DWORD
server_state(void)
{
    SERVICE_STATUS status = {.dwCurrentState = 0};
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = OpenServiceW(manager, L"HTTP", SERVICE_QUERY_STATUS);
    QueryServiceStatus(service, &status);
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return status.dwCurrentState;
}

// netsh is asked only while the server runs. Wine's runs no longer than its prefix is used.
static void
start_server(void)
{
    if (late_is_wine()) {
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        SC_HANDLE service = OpenServiceW(manager, L"HTTP", SERVICE_START);
        StartServiceW(service, 0, NULL);
        CloseServiceHandle(service);
        CloseServiceHandle(manager);
    }
    for (int i = 0; i < 1200 && server_state() != SERVICE_RUNNING; i++)
        Sleep(100);
    CHECK_INT(server_state(), SERVICE_RUNNING);
}

TEST(urls_in_use_are_told_with_their_processes)
{
    start_server();
    struct host host = {0};
    struct err err = {0};
    fake_tool_begin(arena);
    fake_tool_answer(arena, HTTP_STATE, windows_data(arena, "queues-fr.850.txt"), 0);
    bool good = http_service_read(arena, 60000, &host, &err);
    fake_tool_end(arena);
    CHECK(good);
    CHECK_INT(host.http_known, KNOWN_YES);
    const struct http_url *url = find(&host, "http://*:80/");
    CHECK(url && url->registered && url->port == 80);
    CHECK_STR(url->owner, "DefaultAppPool");
    CHECK_INT(url->pids.count, 2);
    CHECK_INT(url->pids.items[0], 6044);
    CHECK(host.raw.count >= 1 && str_ends(host.raw.items[0].name, STR("\\netsh.exe " HTTP_STATE)));
}

TEST(reservations_name_whom_they_are_for)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("it would add a reservation to this machine");
    start_server();
    reserve();
    fake_tool_begin(arena);
    bool good = http_service_read(arena, 60000, &host, &err);
    fake_tool_end(arena);
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, RESERVATIONS);
    CHECK(good);
    // netsh failed: what is in use is not known.
    CHECK_INT(host.http_known, KNOWN_NOT_ALLOWED);
    const struct http_url *url = find(&host, "http://+:8081/shop/");
    CHECK(url && !url->registered && url->port == 8081);
    CHECK(str_find(url->owner, STR("SERVICE")) != SIZE_MAX || str_equal(url->owner, STR("S-1-5-19")));
}

TEST(nothing_to_be_read_is_an_error)
{
    struct host host = {0};
    struct err err = {0};
    if (!late_is_wine())
        SKIP("this machine has reservations");
    start_server();
    fake_tool_begin(arena);
    bool good = http_service_read(arena, 60000, &host, &err);
    fake_tool_end(arena);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_SYSTEM);
    fake_tool_begin(arena);
    fake_tool_answer(arena, HTTP_STATE, STR(""), -1);
    good = http_service_read(arena, 1500, &host, &err);
    fake_tool_end(arena);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

TEST(real_windows_tells_its_reservations)
{
    struct host host = {0};
    struct err err = {0};
    if (late_is_wine())
        SKIP("Wine has none");
    CHECK(http_service_read(arena, 60000, &host, &err));
    CHECK_INT(host.http_known, KNOWN_YES);
    CHECK(host.http_urls.count > 0);
}

// Comes last, which is first where the linker turns the order of tests around: the others start the server.
TEST(server_that_does_not_run_is_not_started)
{
    struct host host = {0};
    struct err err = {0};
    if (server_state() != SERVICE_STOPPED)
        SKIP("the HTTP server runs already");
    fake_tool_begin(arena);
    fake_tool_answer(arena, HTTP_STATE, windows_data(arena, "queues-en.437.txt"), 0);
    bool good = http_service_read(arena, 60000, &host, &err);
    fake_tool_end(arena);
    CHECK_INT(server_state(), SERVICE_STOPPED);
    CHECK(good);
    CHECK_INT(host.http_known, KNOWN_YES);
    for (size_t i = 0; i < host.http_urls.count; i++)
        CHECK(!host.http_urls.items[i].registered);
}

int
main(void)
{
    return fake_tool_main();
}
