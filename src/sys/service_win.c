#include "sys/service.h"

#include <windows.h>

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/fault_win.h"
#include "sys/wide_win.h"
#include "sys/worker_win.h"

enum {
    LIST_KEPT_US = 250000, // one look at a host; what starts after it must not be missed by the next
    LIST_LIMIT = 16 << 20,
    CONFIG_LIMIT = 8192, // QueryServiceConfigW and QueryServiceConfig2W give no more
    DEPENDANTS_LIMIT = 65536,
};

// A service that runs, as the list of all tells it.
struct entry {
    struct str name;
    struct str title;
    DWORD pid;
    DWORD state;
    DWORD type;
};

// The list of all services that run, asked for once for all processes of one look.
static struct {
    struct arena *arena; // NULL: not asked yet
    int64_t read_us;
    struct {
        LIST_OF(struct entry);
    } entries;
} list;

// The service control manager answers calls one after another, and none of them has a time limit: so each runs on a thread
// of its own. One that never came back must not be followed by a second.
static bool stuck;

struct question {
    struct arena *arena; // of the thread, and then the caller's to close
    uint32_t pid;        // the services of this process; 0: the one by `name`
    struct str name;
    bool good;
    struct service_list found;
    struct err err;
};

// In the words of systemd, so that nobody has to know two sets of them.
static struct str
word_of_state(DWORD state)
{
    switch (state) {
    case SERVICE_STOPPED:
        return STR("inactive");
    case SERVICE_START_PENDING:
        return STR("activating");
    case SERVICE_STOP_PENDING:
        return STR("deactivating");
    case SERVICE_PAUSED:
        return STR("paused");
    default:
        return STR("active");
    }
}

static bool
read_list(SC_HANDLE manager, struct err *err)
{
    DWORD needed = 0;
    DWORD count = 0;
    DWORD resume = 0;
    if (list.arena && clock_mono_us() - list.read_us < LIST_KEPT_US)
        return true;
    arena_close(list.arena);
    list.arena = arena_open();
    list.entries.count = list.entries.capacity = 0;
    EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_ACTIVE, NULL, 0, &needed, &count,
                          &resume, NULL);
    // One that starts between the two calls needs room as well.
    DWORD size = needed < LIST_LIMIT ? needed + 4096 : LIST_LIMIT;
    BYTE *bytes = arena_alloc(list.arena, size);
    resume = 0;
    if (!EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32, SERVICE_ACTIVE, bytes, size, &needed,
                               &count, &resume, NULL)) {
        fault_set(err, GetLastError(), "list the services");
        arena_close(list.arena);
        list.arena = NULL;
        return false;
    }
    const ENUM_SERVICE_STATUS_PROCESSW *rows = (const ENUM_SERVICE_STATUS_PROCESSW *)(const void *)bytes;
    for (DWORD i = 0; i < count; i++) {
        const SERVICE_STATUS_PROCESS *status = &rows[i].ServiceStatusProcess;
        *LIST_ADD(list.arena, &list.entries) = (struct entry){
            .name = wide_to_z(list.arena, rows[i].lpServiceName),
            .title = wide_to_z(list.arena, rows[i].lpDisplayName),
            .pid = status->dwProcessId,
            .state = status->dwCurrentState,
            .type = status->dwServiceType,
        };
    }
    list.read_us = clock_mono_us();
    return true;
}

// Whether it starts with the system: by the kernel, by itself, or a little later.
static void
read_start(SC_HANDLE service, struct service *out)
{
    union {
        QUERY_SERVICE_CONFIGW config;
        BYTE room[CONFIG_LIMIT];
    } bytes;
    DWORD needed;
    if (QueryServiceConfigW(service, &bytes.config, sizeof bytes, &needed))
        out->at_boot = bytes.config.dwStartType <= SERVICE_AUTO_START;
}

// What the manager does when its process ends without having been stopped.
static void
read_recovery(SC_HANDLE service, struct service *out)
{
    union {
        SERVICE_FAILURE_ACTIONSW actions;
        BYTE room[CONFIG_LIMIT];
    } bytes;
    DWORD needed;
    if (!QueryServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, bytes.room, sizeof bytes, &needed))
        return;
    out->restart = STR("no");
    for (DWORD i = 0; i < bytes.actions.cActions; i++)
        if (bytes.actions.lpsaActions[i].Type == SC_ACTION_RESTART)
            out->restart = STR("on-failure");
}

static void
read_dependants(struct arena *arena, SC_HANDLE service, struct service *out)
{
    struct buf names = {.arena = arena};
    DWORD needed = 0;
    DWORD count = 0;
    if (EnumDependentServicesW(service, SERVICE_ACTIVE, NULL, 0, &needed, &count) ||
        GetLastError() != ERROR_MORE_DATA || needed > DEPENDANTS_LIMIT)
        return;
    ENUM_SERVICE_STATUSW *rows = arena_alloc(arena, needed);
    if (!EnumDependentServicesW(service, SERVICE_ACTIVE, rows, needed, &needed, &count))
        return;
    for (DWORD i = 0; i < count; i++) {
        struct str name = wide_to_z(arena, rows[i].lpServiceName);
        buf_addf(&names, "%s%.*s", i > 0 ? "," : "", STR_ARG(name));
    }
    out->dependants = buf_str(&names);
}

// What may not be asked of a service that Windows protects stays unknown.
static void
read_details(struct arena *arena, SC_HANDLE manager, struct service *out)
{
    const wchar_t *name = wide_from(arena, out->name);
    SC_HANDLE service = OpenServiceW(manager, name, SERVICE_QUERY_CONFIG);
    if (service) {
        read_start(service, out);
        read_recovery(service, out);
        CloseServiceHandle(service);
    }
    service = OpenServiceW(manager, name, SERVICE_ENUMERATE_DEPENDENTS);
    if (service) {
        read_dependants(arena, service, out);
        CloseServiceHandle(service);
    }
}

static struct service
service_of(struct arena *arena, const struct entry *entry)
{
    return (struct service){
        .manager = STR("windows"),
        .name = str_copy(arena, entry->name),
        .description = str_copy(arena, entry->title),
        .state = word_of_state(entry->state),
        .main_pid = entry->pid,
        .shares_process = (entry->type & SERVICE_WIN32_SHARE_PROCESS) != 0,
    };
}

// One that does not run is in no list.
static bool
read_one(SC_HANDLE manager, struct question *question)
{
    struct entry entry = {.name = question->name};
    SERVICE_STATUS_PROCESS status;
    wchar_t title[512];
    DWORD units = sizeof title / sizeof *title;
    DWORD needed;
    const wchar_t *name = wide_from(question->arena, question->name);
    SC_HANDLE service = OpenServiceW(manager, name, SERVICE_QUERY_STATUS);
    if (!service)
        return fault_set(&question->err, GetLastError(), "service %.*s", STR_ARG(question->name));
    bool good = QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &needed);
    if (!good)
        fault_set(&question->err, GetLastError(), "service %.*s", STR_ARG(question->name));
    CloseServiceHandle(service);
    if (!good)
        return false;
    if (GetServiceDisplayNameW(manager, name, title, &units))
        entry.title = wide_to(question->arena, title, units);
    entry.pid = status.dwProcessId;
    entry.state = status.dwCurrentState;
    entry.type = status.dwServiceType;
    struct service *found = LIST_ADD(question->arena, &question->found);
    *found = service_of(question->arena, &entry);
    read_details(question->arena, manager, found);
    return true;
}

static bool
read_process(SC_HANDLE manager, struct question *question)
{
    if (!read_list(manager, &question->err))
        return false;
    for (size_t i = 0; i < list.entries.count; i++) {
        if (list.entries.items[i].pid != question->pid)
            continue;
        struct service *found = LIST_ADD(question->arena, &question->found);
        *found = service_of(question->arena, &list.entries.items[i]);
        read_details(question->arena, manager, found);
    }
    return true;
}

static void
answer(void *data)
{
    struct question *question = data;
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE);
    if (!manager) {
        fault_set(&question->err, GetLastError(), "ask the service control manager");
        return;
    }
    question->good = question->pid != 0 ? read_process(manager, question) : read_one(manager, question);
    CloseServiceHandle(manager);
}

static struct service
copy(struct arena *arena, const struct service *service)
{
    struct service mine = *service;
    mine.name = str_copy(arena, service->name);
    mine.description = str_copy(arena, service->description);
    mine.dependants = str_copy(arena, service->dependants);
    return mine;
}

static bool
ask(struct arena *arena, uint32_t pid, struct str name, unsigned deadline_ms, struct service_list *out, struct err *err)
{
    if (stuck)
        return err_set(err, ERR_TIMEOUT, 0, "ask the service control manager: it did not answer before");
    struct arena *own = arena_open();
    struct question *question = arena_alloc(own, sizeof *question);
    *question = (struct question){.arena = own, .pid = pid, .name = str_copy(own, name)};
    void *worker = worker_start(answer, question);
    if (!worker) {
        answer(question);
    } else if (!worker_wait(worker, deadline_ms)) {
        // Its memory is left to it.
        worker_leave(worker);
        stuck = true;
        return err_set(err, ERR_TIMEOUT, 0, "ask the service control manager: no answer in time");
    }
    bool good = question->good;
    for (size_t i = 0; good && i < question->found.count; i++)
        *LIST_ADD(arena, out) = copy(arena, &question->found.items[i]);
    if (!good && err)
        *err = question->err;
    arena_close(own);
    return good;
}

bool
service_read(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
             struct service *out, struct err *err)
{
    struct service_list found = {.count = 0};
    (void)uid;
    if (user_manager)
        return err_set(err, ERR_UNSUPPORTED, 0, "service %.*s: users have no service managers here", STR_ARG(unit));
    if (!ask(arena, 0, unit, deadline_ms, &found, err))
        return false;
    *out = found.items[0];
    return true;
}

bool
service_list_sockets(struct arena *arena, bool user_manager, uint32_t uid, unsigned deadline_ms,
                     struct service_list *out, struct err *err)
{
    (void)arena;
    (void)uid;
    (void)deadline_ms;
    (void)out;
    // Windows holds no sockets for services: there are none to list.
    return !user_manager || err_set(err, ERR_UNSUPPORTED, 0, "list services: users have no service managers here");
}

bool
service_of_process(struct arena *arena, uint32_t pid, unsigned deadline_ms, struct service_list *out, struct err *err)
{
    if (pid == 0)
        return true;
    return ask(arena, pid, STR(""), deadline_ms, out, err);
}

bool
service_group_path(struct arena *arena, uint64_t group, struct str *out, struct err *err)
{
    (void)arena;
    (void)group;
    (void)out;
    return err_set(err, ERR_UNSUPPORTED, 0, "name a control group: Windows has none");
}

size_t
service_group_pids(struct arena *arena, struct str path, uint32_t *pids, size_t limit)
{
    (void)arena;
    (void)path;
    (void)pids;
    (void)limit;
    return 0;
}
