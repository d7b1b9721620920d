#include "sys/service.h"

#include "tap.h"

#include <windows.h>

#include "sys/clock.h"
#include "sys/late_win.h"
#include "sys/wide_win.h"

#define NAME L"moorage-test"
#define OTHER L"moorage-test-needs-it"

static SERVICE_STATUS_HANDLE status_handle;
static HANDLE stopped;

static void
say(DWORD state)
{
    SERVICE_STATUS status = {.dwServiceType = SERVICE_WIN32_OWN_PROCESS,
                             .dwCurrentState = state,
                             .dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0};
    SetServiceStatus(status_handle, &status);
}

static DWORD WINAPI
control(DWORD order, DWORD event, void *data, void *context)
{
    (void)event;
    (void)data;
    (void)context;
    if (order == SERVICE_CONTROL_STOP) {
        say(SERVICE_STOP_PENDING);
        SetEvent(stopped);
    }
    return NO_ERROR;
}

// This program as a service: runs until it is stopped.
static void WINAPI
serve(DWORD argc, wchar_t **argv)
{
    (void)argc;
    status_handle = RegisterServiceCtrlHandlerExW(argv[0], control, NULL);
    say(SERVICE_RUNNING);
    WaitForSingleObject(stopped, INFINITE);
    say(SERVICE_STOPPED);
}

static SC_HANDLE
create(SC_HANDLE manager, const wchar_t *name, const wchar_t *title, const wchar_t *needs)
{
    wchar_t self[MAX_PATH];
    wchar_t line[MAX_PATH + 16];
    GetModuleFileNameW(NULL, self, MAX_PATH);
    swprintf(line, MAX_PATH + 16, L"\"%ls\" service", self);
    return CreateServiceW(manager, name, title, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START,
                          SERVICE_ERROR_IGNORE, line, NULL, NULL, needs, NULL, NULL);
}

static DWORD
wait_until(SC_HANDLE service, DWORD state)
{
    SERVICE_STATUS_PROCESS status = {.dwCurrentState = 0};
    DWORD needed;
    for (int i = 0; i < 600; i++) {
        QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &needed);
        if (status.dwCurrentState == state)
            break;
        Sleep(100);
    }
    return status.dwCurrentState == state ? status.dwProcessId : 0;
}

static void
remove_service(SC_HANDLE service)
{
    SERVICE_STATUS status;
    if (!service)
        return;
    ControlService(service, SERVICE_CONTROL_STOP, &status);
    DeleteService(service);
    CloseServiceHandle(service);
}

TEST(service_is_found_by_its_process_and_by_its_name)
{
    struct service_list found = {0};
    struct service one = {0};
    struct err err = {0};
    SC_ACTION restart = {SC_ACTION_RESTART, 60000};
    SERVICE_FAILURE_ACTIONSW recovery = {.cActions = 1, .lpsaActions = &restart};
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    if (!manager)
        SKIP("services may not be made here");
    SC_HANDLE service = create(manager, NAME, L"Moorage's test service", NULL);
    SC_HANDLE other = create(manager, OTHER, L"Another test service", NAME L"\0");
    ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, &recovery);
    bool started = service && other && StartServiceW(service, 0, NULL);
    if (!started)
        printf("# services %p and %p: error %lu\n", (void *)service, (void *)other, GetLastError());
    DWORD pid = started ? wait_until(service, SERVICE_RUNNING) : 0;
    bool second = pid != 0 && StartServiceW(other, 0, NULL) && wait_until(other, SERVICE_RUNNING) != 0;
    // A list that was read for another question just before is used again.
    Sleep(300);
    bool listed = pid != 0 && service_of_process(arena, pid, 60000, &found, &err);
    bool read = pid != 0 && service_read(arena, false, 0, STR("moorage-test"), 60000, &one, &err);
    remove_service(other);
    remove_service(service);
    CloseServiceHandle(manager);
    CHECK(pid != 0);
    CHECK(listed);
    CHECK_INT(found.count, 1);
    CHECK_STR(found.items[0].name, "moorage-test");
    CHECK_STR(found.items[0].manager, "windows");
    CHECK_STR(found.items[0].description, "Moorage's test service");
    CHECK_STR(found.items[0].state, "active");
    CHECK_INT(found.items[0].main_pid, pid);
    CHECK(!found.items[0].at_boot && !found.items[0].shares_process && !found.items[0].is_socket);
    CHECK(read);
    CHECK_INT(one.main_pid, pid);
    // Wine 8 tells neither what it does about a broken service nor what depends on one.
    if (!late_is_wine())
        CHECK_STR(one.restart, "on-failure");
    if (second && !late_is_wine())
        CHECK_STR(one.dependants, "moorage-test-needs-it");
}

TEST(service_that_does_not_run_or_is_not_there)
{
    struct service one = {0};
    struct service_list found = {0};
    struct err err = {0};
    // The manager itself is no service.
    CHECK(service_of_process(arena, GetCurrentProcessId(), 60000, &found, &err));
    CHECK_INT(found.count, 0);
    CHECK(service_of_process(arena, 0, 60000, &found, &err) && found.count == 0);
    CHECK(!service_read(arena, false, 0, STR("no such service"), 60000, &one, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(!service_read(arena, true, 5, STR("x"), 60000, &one, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    CHECK(service_list_sockets(arena, false, 0, 60000, &found, &err) && found.count == 0);
    CHECK(!service_list_sockets(arena, true, 0, 60000, &found, &err));
}

TEST(control_groups_are_unsupported)
{
    struct str path;
    uint32_t pids[4];
    struct err err = {0};
    CHECK(!service_group_path(arena, 7, &path, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    CHECK_INT(service_group_pids(arena, STR("/x"), pids, 4), 0);
}

int
main(int argc, char **argv)
{
    SERVICE_TABLE_ENTRYW table[] = {{(wchar_t[]){L""}, serve}, {NULL, NULL}};
    if (argc == 2 && strcmp(argv[1], "service") == 0) {
        stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
        return !StartServiceCtrlDispatcherW(table);
    }
    return tap_run_all();
}
