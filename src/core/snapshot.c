#include "core/snapshot.h"

#include "base/map64.h"
#include "core/holder.h"
#include "core/lease.h"
#include "core/platform.h"
#include "core/snapshot_parts.h"
#include "sys/bind_probe.h"
#include "sys/http_service.h"
#include "sys/namespace.h"
#include "sys/neighbour.h"
#include "sys/net.h"
#include "sys/os.h"
#include "sys/process.h"
#include "sys/redirect.h"
#include "sys/reserved.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

enum {
    NAMESPACE_DEADLINE_MS = 500,
    HTTP_DEADLINE_MS = 1500,
    NEIGHBOUR_DEADLINE_MS = 2000,
    CONTEXT_DEADLINE_MS = 3000, // of a recording, which has time
    ANCESTRY_LEVELS = 32,
    PROBED_PORTS = 1000, // of a recording
};

// A table that could not be read must not look like an empty one.
static void
note_unread(struct arena *arena, struct host *host, struct str what, enum err_kind kind)
{
    for (size_t i = 0; i < host->unseen.count; i++)
        if (host->unseen.items[i].pid == 0 && str_equal(host->unseen.items[i].what, what))
            return;
    *LIST_ADD(arena, &host->unseen) = (struct unseen){.what = what, .reason = host_known_of(kind)};
}

// How a list stands after its reading failed: never as read.
static void
settle_unread(enum known *known, enum err_kind kind)
{
    if (*known == KNOWN_NOT_ASKED || *known == KNOWN_YES)
        *known = host_known_of(kind);
}

// A namespace that an earlier reading told of already is dropped.
static void
merge_namespaces(struct host *host, size_t first)
{
    size_t kept = first;

    for (size_t i = first; i < host->namespaces.count; i++) {
        size_t k = 0;
        while (k < kept && host->namespaces.items[k].id != host->namespaces.items[i].id)
            k++;
        if (k == kept)
            host->namespaces.items[kept++] = host->namespaces.items[i];
        else
            host->namespaces.items[k] = host->namespaces.items[i];
    }
    host->namespaces.count = kept;
}

static void
read_namespaces(struct arena *arena, const struct snapshot_ask *ask, struct host *host)
{
    size_t first = host->namespaces.count;
    uint16_t last = ask->first == 0 && ask->last == 0 ? UINT16_MAX : ask->last;
    unsigned protocols = SOCKET_PROTOCOLS_ALL & ~(ask->no_tcp_elsewhere ? 1u << PROTOCOL_TCP : 0);
    struct err err = {0};

    host->namespaces_tcp |= !ask->no_tcp_elsewhere;
    if (!namespace_read(arena, protocols, ask->first, last, NAMESPACE_DEADLINE_MS, host, &err))
        settle_unread(&host->namespaces_known, err.kind);
    merge_namespaces(host, first);
}

// Tables that are small and stay as they are for one question: read once.
static void
read_tables(struct arena *arena, unsigned want, struct host *host)
{
    struct err err = {0};

    if (want & SNAPSHOT_RANGES && host->ranges.count == 0 && !reserved_read(arena, host, &err))
        note_unread(arena, host, STR("ranges"), err.kind);
    if (want & SNAPSHOT_ADDRESSES && host->addresses.count == 0 && !net_read_addresses(arena, host, &err))
        note_unread(arena, host, STR("addresses"), err.kind);
    if (want & SNAPSHOT_KERNEL_PORTS && host->kernel_ports.count == 0 && !net_read_kernel_ports(arena, host, &err))
        note_unread(arena, host, STR("kernel ports"), err.kind);
    if (want & SNAPSHOT_REDIRECTS && host->redirects_known == KNOWN_NOT_ASKED && !redirect_read(arena, host, &err))
        settle_unread(&host->redirects_known, err.kind);
    if (want & SNAPSHOT_HTTP && host->http_known == KNOWN_NOT_ASKED &&
        !http_service_read(arena, HTTP_DEADLINE_MS, host, &err))
        settle_unread(&host->http_known, err.kind);
    if (want & SNAPSHOT_NEIGHBOURS && host->neighbours_known == KNOWN_NOT_ASKED &&
        !neighbour_read(arena, NEIGHBOUR_DEADLINE_MS, host, &err))
        settle_unread(&host->neighbours_known, err.kind);
    if (want & SNAPSHOT_LEASES && host->leases_known == KNOWN_NOT_ASKED)
        lease_read_host(arena, host);
}

bool
snapshot_add(struct arena *arena, const struct snapshot_ask *ask, struct host *host, struct err *err)
{
    struct socket_query query = {ask->protocols, ask->states, ask->first, ask->last, ask->record};
    size_t first = host->sockets.count;

    if (ask->protocols != 0 && !socket_table_read(arena, &query, host, err))
        return false;
    read_tables(arena, ask->want, host);
    if (ask->want & SNAPSHOT_NAMESPACES)
        read_namespaces(arena, ask, host);
    if (host->sockets.count > first)
        snapshot_merge_rows(host, first);
    return true;
}

bool
snapshot_read(struct arena *arena, const struct snapshot_ask *ask, struct host *host, struct err *err)
{
    *host = (struct host){0};
    os_identify(arena, host);
    neighbour_identify(arena, host);
    return snapshot_add(arena, ask, host, err);
}

struct lookup
snapshot_pids(struct arena *arena, const struct host *host)
{
    struct lookup pids = {.arena = arena};

    for (size_t i = 0; i < host->processes.count; i++)
        lookup_add(&pids, host->processes.items[i].pid, i);
    return pids;
}

static bool
has_facts(const struct process *process, unsigned facts)
{
    return !((facts & PROCESS_COMMAND && process->command_known == KNOWN_NOT_ASKED) ||
             (facts & PROCESS_EXE && process->exe.known == KNOWN_NOT_ASKED) ||
             (facts & PROCESS_CWD && process->cwd.known == KNOWN_NOT_ASKED) ||
             (facts & PROCESS_GIT && process->git_root.known == KNOWN_NOT_ASKED) ||
             (facts & PROCESS_USER && process->user.known == KNOWN_NOT_ASKED) ||
             (facts & PROCESS_GROUP && process->cgroup.known == KNOWN_NOT_ASKED) ||
             (facts & PROCESS_IMAGE && process->company.known == KNOWN_NOT_ASKED) ||
             (facts & PROCESS_ENTRY && process->entry.name.known == KNOWN_NOT_ASKED));
}

static unsigned
facts_of(const struct process *process)
{
    unsigned facts = PROCESS_BASIC;

    for (unsigned fact = 1; fact < PROCESS_ALL; fact <<= 1)
        if (has_facts(process, fact))
            facts |= fact;
    return facts;
}

size_t
snapshot_read_process(struct arena *arena, struct host *host, struct lookup *pids, uint32_t pid, unsigned facts)
{
    size_t index = lookup_find(pids, pid);
    struct process process;

    if (index == SIZE_MAX) {
        process_read(arena, pid, facts, &process);
        index = host->processes.count;
        *LIST_ADD(arena, &host->processes) = process;
        lookup_add(pids, pid, index);
        return index;
    }
    struct process *known = &host->processes.items[index];
    if (known->known == KNOWN_GONE || has_facts(known, facts))
        return index;
    process_read(arena, pid, facts | facts_of(known), &process);
    // One that ended meanwhile leaves what was read of it.
    if (process.known == KNOWN_YES)
        *known = process;
    return index;
}

void
snapshot_read_ancestry(struct arena *arena, struct host *host, struct lookup *pids, size_t index)
{
    for (int level = 0; level < ANCESTRY_LEVELS; level++) {
        struct process child = host->processes.items[index];
        if (child.pid <= 1 || child.ppid == 0 || child.ppid == child.pid)
            return;
        index = snapshot_read_process(arena, host, pids, child.ppid, PROCESS_COMMAND | PROCESS_EXE);
        if (!holder_is_parent(&host->processes.items[index], &child))
            return;
    }
}

// The same holding told by two searches stands once; one search tells none twice.
static void
merge_holdings(struct host *host, size_t first)
{
    if (first == 0)
        return;
    struct arena *scratch = arena_open();
    struct lookup seen = {.arena = scratch};
    size_t kept = 0;

    for (size_t i = 0; i < host->holdings.count; i++) {
        struct holding holding = host->holdings.items[i];
        uint64_t key = lookup_mix(lookup_mix(0, holding.socket), (uint64_t)holding.pid << 32 | holding.tid);
        size_t cursor = 0;
        size_t other;
        bool repeated = false;
        while (i >= first && !repeated && lookup_next(&seen, key, &cursor, &other)) {
            const struct holding *known = &host->holdings.items[other];
            repeated = known->socket == holding.socket && known->pid == holding.pid && known->how == holding.how &&
                       known->fd == holding.fd && known->tid == holding.tid;
        }
        if (repeated)
            continue;
        host->holdings.items[kept] = holding;
        lookup_add(&seen, key, kept++);
    }
    host->holdings.count = kept;
    arena_close(scratch);
}

static void
merge_unseen(struct arena *arena, struct host *host)
{
    struct lookup seen = {.arena = arena};
    size_t kept = 0;

    for (size_t i = 0; i < host->unseen.count; i++) {
        struct unseen unseen = host->unseen.items[i];
        size_t cursor = 0;
        size_t other = SIZE_MAX;
        bool repeated = false;
        while (!repeated && lookup_next(&seen, unseen.pid, &cursor, &other))
            repeated = str_equal(host->unseen.items[other].what, unseen.what);
        if (repeated) {
            host->unseen.items[other].relevant |= unseen.relevant;
            continue;
        }
        host->unseen.items[kept] = unseen;
        lookup_add(&seen, unseen.pid, kept++);
    }
    host->unseen.count = kept;
}

// Windows: the process that opened a socket and does not hold it any more. That it is gone, or that another one has its
// number now, tells that somebody inherited the socket.
static void
read_openers(struct arena *arena, struct host *host, struct lookup *pids, const bool *asked)
{
    bool *holds = arena_array(arena, host->sockets.count, sizeof *holds);

    for (size_t i = 0; i < host->holdings.count; i++) {
        const struct holding *holding = &host->holdings.items[i];
        holds[holding->socket] |= holding->pid == host->sockets.items[holding->socket].owner_pid;
    }
    for (size_t i = 0; i < host->sockets.count; i++)
        if (asked[i] && !holds[i] && host->sockets.items[i].owner_pid != 0)
            snapshot_read_process(arena, host, pids, host->sockets.items[i].owner_pid, PROCESS_BASIC);
}

static void
read_holder(struct arena *arena, struct host *host, struct lookup *pids, uint32_t pid, unsigned facts, bool ancestry)
{
    size_t index = snapshot_read_process(arena, host, pids, pid, facts & PROCESS_ALL);

    if (facts & SNAPSHOT_NAMES && holder_needs_command(&host->processes.items[index]))
        snapshot_read_process(arena, host, pids, pid, (facts & PROCESS_ALL) | PROCESS_COMMAND | PROCESS_EXE);
    // In the session of services (Windows) the parent tells which one it is.
    const struct process *process = &host->processes.items[index];
    if (ancestry || (process->session_known && process->session == 0))
        snapshot_read_ancestry(arena, host, pids, index);
}

// What the kernel itself tells of holders that the system's list of processes hides, where it is the one that is asked. It
// tells of a process what costs no look at it, and so is asked for no more here.
static void
tell_of_hidden(struct arena *arena, struct host *host, struct lookup *pids, const size_t *sockets, size_t count)
{
    struct owner_query query = {
        .sockets = sockets, .count = count, .wants_processes = true, .facts = PROCESS_USER | PROCESS_GROUP};
    struct host told = {.sockets.items = host->sockets.items, .sockets.count = host->sockets.count};
    struct err ignored = {0};

    if (!socket_owner_find(arena, &query, &told, &ignored))
        return;
    for (size_t i = 0; i < told.processes.count; i++) {
        const struct process *process = &told.processes.items[i];
        size_t index = lookup_find(pids, process->pid);
        if (index == SIZE_MAX || host->processes.items[index].known != KNOWN_NOT_ALLOWED)
            continue;
        host->processes.items[index] = *process;
        host->processes.items[index].exe.known = KNOWN_NOT_ALLOWED;
        host->processes.items[index].cwd.known = KNOWN_NOT_ALLOWED;
        host->processes.items[index].command_known = KNOWN_NOT_ALLOWED;
    }
}

bool
snapshot_add_holders(struct arena *arena, struct host *host, const size_t *sockets, size_t count, unsigned facts,
                     bool ancestry, enum owner_reach reach, struct err *err)
{
    struct owner_query query = {
        .sockets = sockets, .count = count, .reach = reach, .wants_processes = true, .facts = facts & PROCESS_ALL};
    size_t first = host->holdings.count;
    bool was_complete = host->tier == TIER_NONE || host->complete;

    if (count == 0)
        return true;
    if (!socket_owner_find(arena, &query, host, err)) {
        host->complete = false;
        return false;
    }
    host->complete = host->complete && was_complete;
    merge_holdings(host, first);
    merge_unseen(arena, host);

    struct lookup pids = snapshot_pids(arena, host);
    struct map64 read = {0}; // pids: a server may have thousands of sockets
    bool hidden = false;
    bool *asked = arena_array(arena, host->sockets.count, sizeof *asked);
    map64_reserve(arena, &read, host->processes.count);
    for (size_t i = 0; i < count; i++) {
        asked[sockets[i]] = true;
        host->sockets.items[sockets[i]].holders_read = true;
    }
    for (size_t i = 0; i < host->holdings.count; i++) {
        uint32_t pid = host->holdings.items[i].pid;
        if (!asked[host->holdings.items[i].socket] || map64_get(&read, pid, NULL))
            continue;
        map64_put(arena, &read, pid, i);
        read_holder(arena, host, &pids, pid, facts, ancestry);
        size_t index = lookup_find(&pids, pid);
        hidden = hidden || (index != SIZE_MAX && host->processes.items[index].known == KNOWN_NOT_ALLOWED);
    }
    if (hidden && host->tier == TIER_BPF)
        tell_of_hidden(arena, host, &pids, sockets, count);
    read_openers(arena, host, &pids, asked);
    return true;
}

static void
add_probe(struct arena *arena, struct host *host, struct bind_wish wish)
{
    struct probe probe = {0};

    bind_probe(arena, &wish, &probe);
    *LIST_ADD(arena, &host->probes) = probe;
}

// The binds that `why` would try, of each port that something has.
static void
probe_taken_ports(struct arena *arena, struct host *host)
{
    const struct platform *platform = platform_of(host);
    struct lookup done = {.arena = arena};

    for (size_t i = 0; i < host->sockets.count && done.count < PROBED_PORTS; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        enum protocol protocol = host_port_space(row->protocol);
        uint64_t key = (uint64_t)protocol << 16 | row->local_port;
        bool taken = row->state == SOCKET_LISTEN || row->state == SOCKET_BOUND || row->state == SOCKET_UNCONN;
        if (!taken || row->netns != 0 || lookup_find(&done, key) != SIZE_MAX)
            continue;
        lookup_add(&done, key, i);
        for (size_t k = 0; k < platform->evidence_count; k++) {
            struct bind_wish wish = {.protocol = protocol, .port = row->local_port, .mode = platform->evidence[k].mode};
            wish.address = address_any(FAMILY_IPV4);
            add_probe(arena, host, wish);
            wish.address = address_any(FAMILY_IPV6);
            wish.v6only = true;
            add_probe(arena, host, wish);
        }
    }
}

bool
snapshot_read_all(struct arena *arena, struct host *host, struct err *err)
{
    struct snapshot_ask ask = {.protocols = SOCKET_PROTOCOLS_ALL,
                               .states = SOCKET_STATES_ALL,
                               .last = UINT16_MAX,
                               .want = SNAPSHOT_RANGES | SNAPSHOT_ADDRESSES | SNAPSHOT_KERNEL_PORTS |
                                       SNAPSHOT_REDIRECTS | SNAPSHOT_NAMESPACES | SNAPSHOT_HTTP | SNAPSHOT_NEIGHBOURS |
                                       SNAPSHOT_LEASES,
                               .record = true};
    struct err ignored = {0};

    if (!snapshot_read(arena, &ask, host, err))
        return false;
    size_t *sockets = arena_array(arena, host->sockets.count, sizeof *sockets);
    for (size_t i = 0; i < host->sockets.count; i++)
        sockets[i] = i;
    // A recording without holders is still one: the document says that they are not complete.
    if (!snapshot_add_holders(arena, host, sockets, host->sockets.count, PROCESS_ALL, true, OWNER_DEEP, &ignored))
        note_unread(arena, host, STR("holders"), ignored.kind);
    snapshot_add_context(arena, host, sockets, host->sockets.count, CONTEXT_DEADLINE_MS);
    os_read_abilities(arena, host);
    probe_taken_ports(arena, host);
    return true;
}
