#include "sys/service_control.h"

#include <windows.h>

#include "sys/fault_win.h"
#include "sys/wide_win.h"
#include "sys/worker_win.h"

enum order_kind {
    ORDER_STOP,
    ORDER_START,
    ORDER_TELL, // only tells how far it is
};

// One call to the service control manager. It comes back when the service has heard of it, which has 30 s for that: so it runs
// on a thread of its own, with its own memory.
struct order {
    struct arena *arena;
    enum order_kind kind;
    struct str unit;
    bool good;
    struct service_progress progress;
    struct err err;
};

static const char *const verbs[] = {[ORDER_STOP] = "stop", [ORDER_START] = "start", [ORDER_TELL] = "ask"};

static bool
fail(struct order *order)
{
    return fault_set(&order->err, GetLastError(), "%s %.*s", verbs[order->kind], STR_ARG(order->unit));
}

static bool
give(SC_HANDLE service, struct order *order)
{
    SERVICE_STATUS_PROCESS status;
    SERVICE_STATUS ignored;
    DWORD needed;
    if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &needed))
        return fail(order);
    DWORD state = status.dwCurrentState;
    order->progress = (struct service_progress){
        .pending = state == SERVICE_STOP_PENDING || state == SERVICE_START_PENDING,
        .checkpoint = status.dwCheckPoint,
        .hint_ms = status.dwWaitHint,
    };
    // What stands so already, or is on its way there, is as good as done.
    if (order->kind == ORDER_STOP)
        return state == SERVICE_STOPPED || state == SERVICE_STOP_PENDING ||
               ControlService(service, SERVICE_CONTROL_STOP, &ignored) || GetLastError() == ERROR_SERVICE_NOT_ACTIVE ||
               fail(order);
    if (order->kind == ORDER_START)
        return state == SERVICE_RUNNING || state == SERVICE_START_PENDING || StartServiceW(service, 0, NULL) ||
               GetLastError() == ERROR_SERVICE_ALREADY_RUNNING || fail(order);
    return true;
}

static void
run(void *data)
{
    static const DWORD rights[] = {[ORDER_STOP] = SERVICE_STOP, [ORDER_START] = SERVICE_START, [ORDER_TELL] = 0};
    struct order *order = data;
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    if (!manager) {
        fail(order);
        return;
    }
    SC_HANDLE service =
        OpenServiceW(manager, wide_from(order->arena, order->unit), SERVICE_QUERY_STATUS | rights[order->kind]);
    if (service)
        order->good = give(service, order);
    else
        fail(order);
    if (service)
        CloseServiceHandle(service);
    CloseServiceHandle(manager);
}

static bool
call(enum order_kind kind, bool user_manager, struct str unit, unsigned deadline_ms, struct service_progress *progress,
     struct err *err)
{
    if (user_manager)
        return err_set(err, ERR_UNSUPPORTED, 0, "%s %.*s: users have no service managers here", verbs[kind],
                       STR_ARG(unit));
    struct arena *own = arena_open();
    struct order *order = arena_alloc(own, sizeof *order);
    *order = (struct order){.arena = own, .kind = kind, .unit = str_copy(own, unit)};
    void *worker = worker_start(run, order);
    if (!worker) {
        run(order);
    } else if (!worker_wait(worker, deadline_ms)) {
        // The order stays given, and its memory to who gives it.
        worker_leave(worker);
        return err_set(err, ERR_TIMEOUT, 0, "%s %.*s: the service has not heard of it yet", verbs[kind], STR_ARG(unit));
    }
    bool good = order->good;
    if (good && progress)
        *progress = order->progress;
    if (!good && err)
        *err = order->err;
    arena_close(own);
    return good;
}

bool
service_control_stop(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                     struct err *err)
{
    (void)arena;
    (void)uid;
    return call(ORDER_STOP, user_manager, unit, deadline_ms, NULL, err);
}

bool
service_control_start(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                      struct err *err)
{
    (void)arena;
    (void)uid;
    return call(ORDER_START, user_manager, unit, deadline_ms, NULL, err);
}

bool
service_control_progress(struct str unit, unsigned deadline_ms, struct service_progress *out)
{
    *out = (struct service_progress){.pending = false};
    return call(ORDER_TELL, false, unit, deadline_ms, out, NULL);
}
