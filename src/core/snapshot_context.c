#include "core/snapshot.h"

#include "core/container.h"
#include "core/known.h"
#include "core/snapshot_parts.h"
#include "decode/cgroup.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/service.h"

enum {
    GROUP_PIDS = 16,
    PORT_NETBIOS = 139,
    PORT_SMB = 445,
};

// A service manager: the system's, or that of a user.
struct manager {
    bool of_user;
    uint32_t uid;
};

struct context {
    struct arena *arena;
    struct host *host;
    int64_t end_us;
    bool wants_containers;
    bool wants_http;
};

static uint32_t
manager_key(struct manager manager)
{
    return manager.of_user ? manager.uid : UINT32_MAX;
}

static unsigned
time_left_ms(const struct context *context)
{
    int64_t left = (context->end_us - clock_mono_us()) / 1000;
    return left > 0 ? (unsigned)left : 0;
}

// Whether the manager may be asked: it answered so far, and there is time.
static bool
may_ask(struct context *context, struct manager manager)
{
    const struct host *host = context->host;

    for (size_t i = 0; i < host->silent_managers.count; i++)
        if (host->silent_managers.items[i] == manager_key(manager))
            return false;
    if (time_left_ms(context) > 0)
        return true;
    if (context->host->services_known == KNOWN_NOT_ASKED)
        context->host->services_known = KNOWN_TIMEOUT;
    return false;
}

// What the answer of a manager says about managers as a whole.
static void
note_answer(struct context *context, struct manager manager, bool answered, enum err_kind kind)
{
    struct host *host = context->host;

    // That there is no such unit is an answer.
    if (answered || kind == ERR_GONE)
        host->services_known = KNOWN_YES;
    else if (host->services_known != KNOWN_YES)
        host->services_known = host_known_of(kind);
    if (!answered && kind != ERR_GONE)
        *LIST_ADD(context->arena, &host->silent_managers) = manager_key(manager);
}

static bool
has_service(const struct host *host, struct manager manager, struct str name)
{
    for (size_t i = 0; i < host->services.count; i++) {
        const struct service *service = &host->services.items[i];
        bool of_user = str_equal(service->manager, STR("systemd --user"));
        if (of_user == manager.of_user && (!of_user || service->uid == manager.uid) && str_equal(service->name, name))
            return true;
    }
    return false;
}

static void
read_unit(struct context *context, struct manager manager, struct str name)
{
    struct service service = {0};
    struct err err = {0};

    if (name.len == 0 || has_service(context->host, manager, name) || !may_ask(context, manager))
        return;
    bool good = service_read(context->arena, manager.of_user, manager.uid, name, time_left_ms(context), &service, &err);
    note_answer(context, manager, good, err.kind);
    if (!good)
        return;
    *LIST_ADD(context->arena, &context->host->services) = service;
    // Stopping a service alone is in vain while its socket unit starts it again.
    if (service.triggered_by.len > 0)
        read_unit(context, manager, service.triggered_by);
}

static void
list_socket_units(struct context *context, struct manager manager)
{
    struct host *host = context->host;
    struct service_list list = {0};
    struct err err = {0};

    for (size_t i = 0; i < host->socket_units_of.count; i++)
        if (host->socket_units_of.items[i] == manager_key(manager))
            return;
    if (!may_ask(context, manager))
        return;
    bool good = service_list_sockets(context->arena, manager.of_user, manager.uid, time_left_ms(context), &list, &err);
    note_answer(context, manager, good, err.kind);
    if (good)
        *LIST_ADD(context->arena, &host->socket_units_of) = manager_key(manager);
    for (size_t i = 0; good && i < list.count; i++)
        if (!has_service(host, manager, list.items[i].name))
            *LIST_ADD(context->arena, &host->services) = list.items[i];
}

// The unit and container that a cgroup path leads to. Scopes are only a name: nothing more is known of them.
static struct cgroup_facts
follow_path(struct context *context, struct str path)
{
    struct cgroup_facts facts = {0};

    cgroup_explain(context->arena, path, &facts);
    if (str_ends(facts.unit, STR(".service")) || str_ends(facts.unit, STR(".socket")))
        read_unit(context, (struct manager){facts.user_manager, facts.uid}, facts.unit);
    context->wants_containers |= facts.runtime.len > 0;
    return facts;
}

// Where a process does not tell its unit itself, the service manager may know the process.
static void
read_services_of(struct context *context, uint32_t pid)
{
    struct manager manager = {0};
    struct service_list list = {0};
    struct err err = {0};

    if (time_left_ms(context) == 0 || !may_ask(context, manager))
        return;
    bool good = service_of_process(context->arena, pid, time_left_ms(context), &list, &err);
    if (!good && err.kind == ERR_UNSUPPORTED)
        return;
    note_answer(context, manager, good, err.kind);
    for (size_t i = 0; good && i < list.count; i++)
        if (!has_service(context->host, manager, list.items[i].name))
            *LIST_ADD(context->arena, &context->host->services) = list.items[i];
}

static void
follow_holder(struct context *context, const struct process *process)
{
    struct cgroup_facts facts = {0};

    read_services_of(context, process->pid);
    // Windows runs services, and what they start, in session 0: a service's child may have its port.
    if (process->session_known && process->session == 0 && process->ppid != 0)
        read_services_of(context, process->ppid);
    if (process->cgroup.known == KNOWN_YES)
        facts = follow_path(context, process->cgroup.value);
    if (process->pid == 1)
        list_socket_units(context, (struct manager){0});
    else if (facts.user_manager && str_equal(facts.unit, STR("init.scope")))
        list_socket_units(context, (struct manager){true, facts.uid});
    context->wants_containers |= known_is("forwarder", process->name);
}

// The group with this id, read if it was not yet. Of the processes in it the name is read: one of them is the holder.
static const struct group *
read_group(struct context *context, uint64_t id)
{
    struct host *host = context->host;
    uint32_t pids[GROUP_PIDS];
    struct err err = {0};

    for (size_t i = 0; i < host->groups.count; i++)
        if (host->groups.items[i].id == id)
            return &host->groups.items[i];
    struct group *group = LIST_ADD(context->arena, &host->groups);
    group->id = id;
    group->path.known = KNOWN_YES;
    if (!service_group_path(context->arena, id, &group->path.value, &err)) {
        group->path = (struct fact){.known = host_known_of(err.kind)};
        return group;
    }
    size_t count = service_group_pids(context->arena, group->path.value, pids, GROUP_PIDS);
    struct lookup known = snapshot_pids(context->arena, host);
    for (size_t i = 0; i < count; i++) {
        *LIST_ADD(context->arena, &group->pids) = pids[i];
        snapshot_read_process(context->arena, host, &known, pids[i], PROCESS_COMMAND | PROCESS_USER);
    }
    return group;
}

// A socket whose holder can't be seen: its cgroup tells the unit, and the manager itself may hold it.
static void
follow_socket(struct context *context, size_t socket)
{
    struct socket_row row = context->host->sockets.items[socket];
    struct cgroup_facts facts = {0};

    if (row.cgroup != 0) {
        const struct group *group = read_group(context, row.cgroup);
        if (group->path.known == KNOWN_YES)
            facts = follow_path(context, group->path.value);
    }
    if (row.netns != 0)
        return;
    context->wants_containers = true;
    if (facts.unit.len == 0 || str_equal(facts.unit, STR("init.scope")) || str_ends(facts.unit, STR(".socket")))
        list_socket_units(context, (struct manager){facts.user_manager, facts.uid});
}

// Its restart policy tells whether a stopped container comes back; the list of containers does not say it.
static void
detail_container(struct context *context, const struct container *container)
{
    struct host *host = context->host;

    if (!container || container->restart.len > 0 || time_left_ms(context) == 0)
        return;
    (void)container_detail(context->arena, host, (size_t)(container - host->containers.items), time_left_ms(context));
}

static void
detail_containers(struct context *context, const size_t *sockets, size_t count, const struct lookup *asked,
                  const struct lookup *pids)
{
    struct host *host = context->host;

    for (size_t i = 0; i < count; i++) {
        const struct socket_row *row = &host->sockets.items[sockets[i]];
        detail_container(context, container_by_port(host, row->protocol, row->local, row->local_port));
    }
    for (size_t i = 0; i < host->holdings.count; i++) {
        size_t process = lookup_find(pids, host->holdings.items[i].pid);
        struct cgroup_facts facts = {0};
        if (lookup_find(asked, host->holdings.items[i].socket) == SIZE_MAX || process == SIZE_MAX ||
            host->processes.items[process].cgroup.known != KNOWN_YES)
            continue;
        cgroup_explain(context->arena, host->processes.items[process].cgroup.value, &facts);
        if (facts.container_id.len > 0)
            detail_container(context, container_by_id(host, facts.container_id));
    }
}

// What the row itself calls for: it names a service, or the kernel that the system's HTTP server is part of.
static void
follow_row(struct context *context, const struct socket_row *row)
{
    if (row->owner_service.len > 0)
        read_unit(context, (struct manager){0}, row->owner_service);
    if (row->owner_pid == HOST_SYSTEM_PID && row->protocol == PROTOCOL_TCP && row->local_port != PORT_NETBIOS &&
        row->local_port != PORT_SMB)
        context->wants_http = true;
}

// Who has the asked sockets, and what has nobody, leads on to services and containers.
static void
follow_all(struct context *context, const size_t *sockets, size_t count, const struct lookup *asked,
           const struct lookup *pids, struct arena *scratch)
{
    struct host *host = context->host;
    struct lookup followed = {.arena = scratch};
    struct lookup held = {.arena = scratch};

    for (size_t i = 0; i < count; i++)
        follow_row(context, &host->sockets.items[sockets[i]]);
    for (size_t i = 0; i < host->holdings.count; i++) {
        const struct holding *holding = &host->holdings.items[i];
        size_t process = lookup_find(pids, holding->pid);
        if (lookup_find(asked, holding->socket) == SIZE_MAX)
            continue;
        lookup_add(&held, holding->socket, i);
        if (process == SIZE_MAX || lookup_find(&followed, holding->pid) != SIZE_MAX)
            continue;
        lookup_add(&followed, holding->pid, i);
        follow_holder(context, &host->processes.items[process]);
    }
    for (size_t i = 0; i < count; i++)
        if (lookup_find(&held, sockets[i]) == SIZE_MAX && host_could_be_held(&host->sockets.items[sockets[i]]))
            follow_socket(context, sockets[i]);
}

// Who is behind the system's HTTP server on this port: the name at least.
static void
follow_http(struct context *context, uint16_t port)
{
    struct host *host = context->host;
    struct lookup known = snapshot_pids(context->arena, host);

    for (size_t i = 0; i < host->http_urls.count; i++) {
        const struct http_url *url = &host->http_urls.items[i];
        if (url->port == port && url->pids.count > 0)
            snapshot_read_process(context->arena, host, &known, url->pids.items[0], PROCESS_EXE);
    }
}

void
snapshot_add_context(struct arena *arena, struct host *host, const size_t *sockets, size_t count, unsigned deadline_ms)
{
    struct context context = {.arena = arena, .host = host, .end_us = clock_mono_us() + (int64_t)deadline_ms * 1000};
    // Asked once for each port of a range: what only finds the answer does not stay.
    struct arena *scratch = arena_open();
    struct err ignored;
    struct lookup pids = snapshot_pids(scratch, host);
    struct lookup asked = {.arena = scratch};

    for (size_t i = 0; i < count; i++)
        lookup_add(&asked, sockets[i], i);
    follow_all(&context, sockets, count, &asked, &pids, scratch);
    if (context.wants_http)
        (void)snapshot_add(arena, &(struct snapshot_ask){.want = SNAPSHOT_HTTP}, host, &ignored);
    for (size_t i = 0; i < count; i++)
        if (host->sockets.items[sockets[i]].owner_pid == HOST_SYSTEM_PID)
            follow_http(&context, host->sockets.items[sockets[i]].local_port);
    if (context.wants_containers && time_left_ms(&context) > 0)
        container_find(arena, host, time_left_ms(&context));
    if (context.wants_containers && host->containers.count > 0)
        detail_containers(&context, sockets, count, &asked, &pids);
    arena_close(scratch);
}

void
snapshot_add_services(struct arena *arena, struct host *host, const struct str *names, size_t count,
                      unsigned deadline_ms)
{
    struct context context = {.arena = arena, .host = host, .end_us = clock_mono_us() + (int64_t)deadline_ms * 1000};

    for (size_t i = 0; i < count; i++)
        read_unit(&context, (struct manager){0}, names[i]);
}

void
snapshot_add_processes(struct arena *arena, struct host *host, const uint32_t *pids, size_t count, unsigned deadline_ms)
{
    struct context context = {.arena = arena, .host = host, .end_us = clock_mono_us() + (int64_t)deadline_ms * 1000};
    struct lookup known = snapshot_pids(arena, host);

    for (size_t i = 0; i < count; i++) {
        size_t index = snapshot_read_process(arena, host, &known, pids[i], PROCESS_ALL);
        snapshot_read_ancestry(arena, host, &known, index);
        read_services_of(&context, pids[i]);
    }
}
