#include "core/holder.h"

#include "core/container.h"
#include "core/holder_parts.h"
#include "core/known.h"
#include "core/lookup.h"
#include "decode/cgroup.h"

#include <stdlib.h>

enum {
    ANCESTRY_LEVELS = 32
};

bool
holder_is_parent(const struct process *parent, const struct process *child)
{
    if (parent->known != KNOWN_YES || parent->pid == child->pid)
        return false;
    // Ticks are what the kernel counts; milliseconds come of them by way of a clock that may have been set.
    if (parent->started_ticks != 0 && child->started_ticks != 0)
        return parent->started_ticks <= child->started_ticks;
    return !parent->started_known || !child->started_known || parent->started_ms <= child->started_ms;
}

bool
holder_is_below(const struct holder *holder, const struct holder_list *others)
{
    for (size_t i = 0; i < holder->ancestry.count; i++)
        for (size_t k = 0; k < others->count; k++)
            if (others->items[k].pid == holder->ancestry.items[i]->pid)
                return true;
    return false;
}

static const struct service *
find_service(const struct host *host, const struct cgroup_facts *facts)
{
    for (size_t i = 0; i < host->services.count; i++) {
        const struct service *service = &host->services.items[i];
        bool of_user = str_equal(service->manager, STR("systemd --user"));
        if (of_user == facts->user_manager && (!of_user || service->uid == facts->uid) &&
            str_equal(service->name, facts->unit))
            return service;
    }
    return NULL;
}

// What the cgroup path says of unit and container.
static void
place(struct arena *arena, const struct host *host, struct str path, struct holder *holder)
{
    struct cgroup_facts facts = {0};

    cgroup_explain(arena, path, &facts);
    holder->unit = facts.unit;
    holder->user_manager = facts.user_manager;
    holder->manager_uid = facts.uid;
    holder->runtime = facts.runtime;
    holder->container_id = facts.container_id;
    if (facts.unit.len > 0)
        holder->service = find_service(host, &facts);
    if (facts.container_id.len > 0)
        holder->container = container_by_id(host, facts.container_id);
}

static void
find_ancestry(struct arena *arena, const struct host *host, const struct lookup *pids, struct holder *holder)
{
    const struct process *child = holder->process;

    for (int level = 0; level < ANCESTRY_LEVELS && child->ppid != 0; level++) {
        size_t index = lookup_find(pids, child->ppid);
        if (index == SIZE_MAX || !holder_is_parent(&host->processes.items[index], child))
            return;
        child = &host->processes.items[index];
        *LIST_ADD(arena, &holder->ancestry) = child;
    }
}

// Who takes in processes whose parent ended: pid 1, and the managers that asked for it (PR_SET_CHILD_SUBREAPER).
static bool
is_orphan(struct arena *arena, const struct holder *holder)
{
    const struct process *process = holder->process;
    const struct process *parent = holder->ancestry.count > 0 ? holder->ancestry.items[0] : NULL;
    bool manager = parent && holder_is(arena, parent, "service-manager");

    if (process->ppid != 1 && !manager)
        return false;
    // A manager starts a unit's main process itself, and never what is in a scope (systemd.scope(5)).
    if (str_ends(holder->unit, STR(".scope")))
        return parent && manager && !str_equal(holder->unit, STR("init.scope"));
    if (str_ends(holder->unit, STR(".service")))
        return holder->service && holder->service->main_pid != 0 && holder->service->main_pid != process->pid;
    // Without units it takes a session that is neither its own nor that of pid 1: the one who began it is gone.
    if (!parent || process->sid == 0 || process->sid == parent->sid)
        return false;
    return process->sid != process->pid || holder_is(arena, parent, "never-listens");
}

// Equal ways come one after the other (compare_ways()): a server may have very many.
static void
add_how(struct arena *arena, struct holder *holder, const struct holding *holding)
{
    struct str how = host_how_format(arena, holding);

    if (holder->how.count == 0 || !str_equal(holder->how.items[holder->how.count - 1], how))
        *LIST_ADD(arena, &holder->how) = how;
}

// The usual ways first: a program that has a descriptor is not one that keeps the socket in a rare way.
static int
compare_ways(const void *a, const void *b)
{
    const struct holding *left = *(const struct holding *const *)a;
    const struct holding *right = *(const struct holding *const *)b;

    if (left->how != right->how)
        return left->how < right->how ? -1 : 1;
    if (left->fd != right->fd)
        return left->fd < right->fd ? -1 : 1;
    return (left->tid > right->tid) - (left->tid < right->tid);
}

// The runtime's container that the process holds the socket for.
static void
find_forwarded(struct arena *arena, const struct host *host, size_t socket, struct holder *holder)
{
    const struct socket_row *row = &host->sockets.items[socket];
    bool is_forwarder = false;

    if (!holder->process || holder->forwards)
        return;
    holder->forwards =
        container_by_forwarder(arena, host, holder->process, row->protocol, row->local, row->local_port, &is_forwarder);
    // Docker Desktop's has no arguments that tell.
    if (!is_forwarder && holder_is_program(arena, holder, "forwarder")) {
        holder->forwards = container_by_port(host, row->protocol, row->local, row->local_port);
        is_forwarder = true;
    }
    holder->is_forwarder |= is_forwarder;
}

static int
compare_pids(const void *a, const void *b)
{
    uint32_t left = ((const struct holder *)a)->pid;
    uint32_t right = ((const struct holder *)b)->pid;

    return (left > right) - (left < right);
}

// The holder of this pid, made if there is none yet.
static struct holder *
holder_of(struct arena *arena, const struct host *host, const struct lookup *pids, struct lookup *seen, uint32_t pid,
          struct holder_list *out)
{
    size_t index = lookup_find(seen, pid);
    size_t process = lookup_find(pids, pid);

    if (index != SIZE_MAX)
        return &out->items[index];
    lookup_add(seen, pid, out->count);
    struct holder *holder = LIST_ADD(arena, out);
    holder->pid = pid;
    holder->process = process == SIZE_MAX ? NULL : &host->processes.items[process];
    return holder;
}

const struct service *
holder_only_service(const struct host *host, uint32_t pid)
{
    const struct service *found = NULL;

    for (size_t i = 0; i < host->services.count; i++) {
        if (host->services.items[i].main_pid != pid || host->services.items[i].is_socket)
            continue;
        if (found)
            return NULL;
        found = &host->services.items[i];
    }
    return found;
}

static const struct service *
named_service(const struct host *host, struct str name, uint32_t pid)
{
    for (size_t i = 0; i < host->services.count; i++) {
        const struct service *service = &host->services.items[i];
        if (str_equal_nocase(service->name, name) && (service->main_pid == pid || service->main_pid == 0))
            return service;
    }
    return NULL;
}

void
holder_place_by_process(struct arena *arena, const struct host *host, const struct socket_row *row,
                        struct holder *holder)
{
    if (row && row->owner_service.len > 0 && row->owner_pid == holder->pid) {
        holder->service = named_service(host, row->owner_service, holder->pid);
        holder->unit = holder->service ? holder->service->name : row->owner_service;
        return;
    }
    if (holder->unit.len > 0)
        return;
    holder->services.count = 0;
    for (size_t i = 0; i < host->services.count; i++) {
        const struct service *service = &host->services.items[i];
        if (service->main_pid == holder->pid && holder->pid != 0 && !service->is_socket)
            *LIST_ADD(arena, &holder->services) = service;
    }
    if (holder->services.count == 1) {
        holder->service = holder->services.items[0];
        holder->unit = holder->service->name;
    }
}

// Windows: what a service started runs in its session, and ends or comes back with it.
static void
place_by_parent(const struct host *host, struct holder *holder)
{
    bool of_services = holder->process->session_known && holder->process->session == 0;

    for (size_t i = 0; of_services && i < holder->ancestry.count; i++) {
        holder->service = holder_only_service(host, holder->ancestry.items[i]->pid);
        if (!holder->service)
            continue;
        holder->unit = holder->service->name;
        return;
    }
}

// `origins` is NULL where nobody asks what started it.
static void
describe(struct arena *arena, const struct host *host, const struct lookup *pids, struct holder_origins *origins,
         struct holder *holder)
{
    if (holder->process->cgroup.known == KNOWN_YES)
        place(arena, host, holder->process->cgroup.value, holder);
    if (origins || holder->process->session_known)
        find_ancestry(arena, host, pids, holder);
    if (holder->unit.len == 0)
        holder_place_by_process(arena, host, NULL, holder);
    if (holder->unit.len == 0 && holder->services.count == 0)
        place_by_parent(host, holder);
    if (!origins)
        return;
    holder->orphan = is_orphan(arena, holder);
    holder_guess_origin(arena, origins, holder);
}

static struct lookup
index_processes(struct arena *arena, const struct host *host)
{
    struct lookup pids = {.arena = arena};

    for (size_t i = 0; i < host->processes.count; i++)
        lookup_add(&pids, host->processes.items[i].pid, i);
    return pids;
}

void
holder_describe(struct arena *arena, const struct host *host, uint32_t pid, struct holder *out)
{
    struct lookup pids = index_processes(arena, host);
    struct holder_origins origins = {.known.arena = arena};

    *out = (struct holder){.pid = pid, .process = host_process(host, pid)};
    if (out->process)
        describe(arena, host, &pids, &origins, out);
}

bool
holder_is_program(struct arena *arena, const struct holder *holder, const char *class_name)
{
    return holder->process &&
           (known_is(class_name, holder->process->name) || known_is(class_name, holder_name(arena, holder)));
}

bool
holder_hosts_services(const struct holder *holder)
{
    static const struct str home = STR_INIT(":\\Windows\\System32\\");
    const struct process *process = holder->process;

    if (!process || !known_is("service-host", process->name))
        return false;
    return process->exe.known != KNOWN_YES || str_equal_nocase(str_part(process->exe.value, 1, home.len), home);
}

bool
holder_opener_is_gone(const struct host *host, const struct socket_row *row)
{
    const struct process *opener = host_process(host, row->owner_pid);

    if (row->owner_pid == 0 || !opener || opener->known == KNOWN_NOT_ALLOWED)
        return false;
    return opener->known == KNOWN_GONE ||
           (opener->started_known && row->created_ms != 0 && opener->started_ms > row->created_ms);
}

static void
find(struct arena *arena, const struct host *host, const size_t *sockets, size_t count, bool whole,
     struct holder_list *out)
{
    // Asked once for each port of a range: what only finds the answer does not stay.
    struct arena *scratch = arena_open();
    struct lookup pids = index_processes(scratch, host);
    struct lookup seen = {.arena = scratch};
    struct lookup holdings = {.arena = scratch};
    struct lookup asked = {.arena = scratch};
    struct holder_origins origins = {.known.arena = scratch};
    struct {
        LIST_OF(const struct holding *);
    } of_asked = {0}; // of all holdings, which may be very many more

    *out = (struct holder_list){0};
    LIST_RESERVE(arena, out, count < host->processes.count ? count : host->processes.count);
    for (size_t i = 0; i < count; i++)
        lookup_add(&asked, sockets[i], i);
    for (size_t i = 0; i < host->holdings.count; i++) {
        const struct holding *holding = &host->holdings.items[i];
        if (lookup_find(&asked, holding->socket) == SIZE_MAX)
            continue;
        *LIST_ADD(scratch, &of_asked) = holding;
        struct holder *holder = holder_of(arena, host, &pids, &seen, holding->pid, out);
        find_forwarded(arena, host, holding->socket, holder);
        holder_place_by_process(arena, host, &host->sockets.items[holding->socket], holder);
    }
    // Backwards, since the newest is found first.
    for (size_t i = whole ? of_asked.count : 0; i > 0; i--)
        lookup_add(&holdings, of_asked.items[i - 1]->pid, (size_t)(of_asked.items[i - 1] - host->holdings.items));
    if (whole && of_asked.count > 1)
        qsort(of_asked.items, of_asked.count, sizeof *of_asked.items, compare_ways);
    for (size_t i = 0; whole && i < of_asked.count; i++)
        add_how(arena, holder_of(arena, host, &pids, &seen, of_asked.items[i]->pid, out), of_asked.items[i]);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, compare_pids);
    for (size_t i = 0; i < out->count; i++) {
        struct holder *holder = &out->items[i];
        if (!holder->process)
            continue;
        describe(arena, host, &pids, whole ? &origins : NULL, holder);
        if (whole)
            holder_warn(arena, host, &holdings, holder);
    }
    arena_close(scratch);
}

void
holder_find(struct arena *arena, const struct host *host, const size_t *sockets, size_t count, struct holder_list *out)
{
    find(arena, host, sockets, count, true, out);
}

void
holder_find_plain(struct arena *arena, const struct host *host, const size_t *sockets, size_t count,
                  struct holder_list *out)
{
    find(arena, host, sockets, count, false, out);
}

// Whether the socket unit listens on this socket, as the manager writes it: "[::]:631", "0.0.0.0:22", "*:80".
static bool
unit_listens(struct arena *arena, const struct service *service, const struct socket_row *row)
{
    struct str endpoint = address_format_port(arena, row->local, row->local_port);
    struct str rest = service->listens;
    struct str word;

    while (service->is_socket && str_word(&rest, &word))
        if (str_equal(word, endpoint))
            return true;
    return false;
}

bool
holder_unseen(struct arena *arena, const struct host *host, size_t socket, struct holder *out,
              const struct group **group)
{
    const struct socket_row *row = &host->sockets.items[socket];

    *out = (struct holder){0};
    *group = NULL;
    for (size_t i = 0; row->cgroup != 0 && i < host->groups.count; i++)
        if (host->groups.items[i].id == row->cgroup && host->groups.items[i].path.known == KNOWN_YES)
            *group = &host->groups.items[i];
    if (*group)
        place(arena, host, (*group)->path.value, out);
    for (size_t i = 0; !out->service && i < host->services.count; i++)
        if (unit_listens(arena, &host->services.items[i], row))
            out->service = &host->services.items[i];
    if (out->service && out->unit.len == 0)
        out->unit = out->service->name;
    return out->service || out->container || out->unit.len > 0 || out->runtime.len > 0 ||
           (*group && (*group)->pids.count > 0);
}
