#include "sys/service_control.h"

#include <windows.h>

#include "sys/fault_win.h"
#include "sys/wide_win.h"

static bool
is_running(SC_HANDLE service)
{
    SERVICE_STATUS status;
    return QueryServiceStatus(service, &status) && status.dwCurrentState != SERVICE_STOPPED &&
           status.dwCurrentState != SERVICE_STOP_PENDING;
}

static bool
order(struct arena *arena, bool user_manager, struct str unit, bool stop, struct err *err)
{
    SERVICE_STATUS status;
    SC_HANDLE service = NULL;
    const char *verb = stop ? "stop" : "start";
    bool good = false;
    if (user_manager)
        return err_set(err, ERR_UNSUPPORTED, 0, "%s %.*s: users have no service managers here", verb, STR_ARG(unit));
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    if (!manager) {
        fault_set(err, GetLastError(), "%s %.*s", verb, STR_ARG(unit));
        goto out;
    }
    service =
        OpenServiceW(manager, wide_from(arena, unit), SERVICE_QUERY_STATUS | (stop ? SERVICE_STOP : SERVICE_START));
    if (!service) {
        fault_set(err, GetLastError(), "%s %.*s", verb, STR_ARG(unit));
        goto out;
    }
    // What stands so already is as good as done.
    good = is_running(service) != stop ||
           (stop ? ControlService(service, SERVICE_CONTROL_STOP, &status) : StartServiceW(service, 0, NULL)) ||
           fault_set(err, GetLastError(), "%s %.*s", verb, STR_ARG(unit));
out:
    if (service)
        CloseServiceHandle(service);
    if (manager)
        CloseServiceHandle(manager);
    return good;
}

bool
service_control_stop(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                     struct err *err)
{
    (void)uid;
    (void)deadline_ms;
    return order(arena, user_manager, unit, true, err);
}

bool
service_control_start(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                      struct err *err)
{
    (void)uid;
    (void)deadline_ms;
    return order(arena, user_manager, unit, false, err);
}
