#include "core/range_use.h"

#include <stdlib.h>

#include "core/lookup.h"
#include "core/snapshot.h"
#include "sys/process.h"
#include "sys/socket_table.h"

enum {
    PORTS = UINT16_MAX + 1,
};

bool
range_use_read(struct arena *arena, bool all, struct host *host, struct err *err)
{
    struct snapshot_ask ask = {
        .protocols = 1u << PROTOCOL_TCP | 1u << PROTOCOL_UDP,
        .states = all ? SOCKET_STATES_ALL : 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .last = UINT16_MAX,
        .want = SNAPSHOT_RANGES,
    };
    struct err ignored = {0};

    if (!snapshot_read(arena, &ask, host, err))
        return false;
    size_t *sockets = arena_array(arena, host->sockets.count + 1, sizeof *sockets);
    size_t count = 0;
    for (size_t i = 0; i < host->sockets.count; i++)
        if (host->sockets.items[i].netns == 0 && host_could_be_held(&host->sockets.items[i]))
            sockets[count++] = i;
    // Whose they are is told as far as it can be seen.
    (void)snapshot_add_holders(arena, host, sockets, count, PROCESS_BASIC, false, OWNER_ALL, &ignored);
    return true;
}

static bool
holds(const struct port_range *range, const struct socket_row *row)
{
    return (range->any_protocol || host_same_ports(range->protocol, row->protocol)) &&
           (range->family == FAMILY_NONE || range->family == row->local.family) && row->local_port >= range->first &&
           row->local_port <= range->last;
}

static bool
is_reserved(const struct host *host, const struct socket_row *row)
{
    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        if ((range->kind == RANGE_RESERVED || range->kind == RANGE_EXCLUDED) && holds(range, row))
            return true;
    }
    return false;
}

static int
compare_users(const void *a, const void *b)
{
    const struct range_user *x = a;
    const struct range_user *y = b;

    if (x->sockets != y->sockets)
        return x->sockets > y->sockets ? -1 : 1;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

// The first holder of each socket; 0 where there is none.
static uint32_t *
first_holders(struct arena *arena, const struct host *host)
{
    uint32_t *pids = arena_array(arena, host->sockets.count + 1, sizeof *pids);

    for (size_t i = 0; i < host->holdings.count; i++) {
        const struct holding *holding = &host->holdings.items[i];
        if (pids[holding->socket] == 0 || holding->pid < pids[holding->socket])
            pids[holding->socket] = holding->pid;
    }
    return pids;
}

static void
count_user(struct arena *arena, const struct host *host, uint32_t pid, struct lookup *known, struct range_use *use)
{
    size_t at = lookup_find(known, pid);

    if (at == SIZE_MAX) {
        const struct process *process = pid ? host_process(host, pid) : NULL;
        at = use->users.count;
        *LIST_ADD(arena, &use->users) =
            (struct range_user){.pid = pid, .name = process ? process->name : (struct str){0}};
        lookup_add(known, pid, at);
    }
    use->users.items[at].sockets++;
}

// Ports of the range that may be given away.
static size_t
count_ports(struct arena *arena, const struct host *host, const struct range_use *use)
{
    bool *kept = arena_array(arena, PORTS, sizeof *kept);
    size_t count = 0;

    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        bool other = !(range->any_protocol || host_same_ports(range->protocol, use->protocol)) ||
                     (range->family != FAMILY_NONE && use->family != FAMILY_NONE && range->family != use->family);
        if ((range->kind != RANGE_RESERVED && range->kind != RANGE_EXCLUDED) || other)
            continue;
        for (uint32_t port = range->first; port <= range->last; port++)
            kept[port] = true;
    }
    for (uint32_t port = use->first; port <= use->last; port++)
        count += !kept[port];
    return count;
}

static void
add_use(struct arena *arena, const struct host *host, const struct port_range *range, enum protocol protocol,
        const uint32_t *pids, struct range_uses *out)
{
    struct range_use *use = LIST_ADD(arena, out);
    struct lookup known = {.arena = arena};
    bool *taken = arena_array(arena, PORTS, sizeof *taken);

    *use =
        (struct range_use){.protocol = protocol, .family = range->family, .first = range->first, .last = range->last};
    use->ports = count_ports(arena, host, use);
    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->netns || !host_same_ports(row->protocol, protocol) || !holds(range, row) || is_reserved(host, row))
            continue;
        use->sockets++;
        use->taken += !taken[row->local_port];
        taken[row->local_port] = true;
        count_user(arena, host, pids[i], &known, use);
    }
    if (use->users.count)
        qsort(use->users.items, use->users.count, sizeof *use->users.items, compare_users);
}

void
range_use_find(struct arena *arena, const struct host *host, struct range_uses *out)
{
    static const enum protocol protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};
    const uint32_t *pids = first_holders(arena, host);

    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        for (size_t p = 0; p < 2 && range->kind == RANGE_DYNAMIC; p++)
            if (range->any_protocol || range->protocol == protocols[p])
                add_use(arena, host, range, protocols[p], pids, out);
    }
}

size_t
range_use_inside(struct arena *arena, const struct host *host, size_t *out)
{
    bool *seen = arena_array(arena, 2 * (size_t)PORTS, sizeof *seen);
    size_t count = 0;

    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        bool inside = false;
        size_t key = row->local_port + (host_same_ports(row->protocol, PROTOCOL_TCP) ? 0u : (size_t)PORTS);
        // A UDP socket that serves can't be told from a client that waits for an answer: only TCP listeners are certain.
        if (row->netns || row->state != SOCKET_LISTEN || is_reserved(host, row) || seen[key])
            continue;
        for (size_t r = 0; r < host->ranges.count && !inside; r++)
            inside = host->ranges.items[r].kind == RANGE_DYNAMIC && holds(&host->ranges.items[r], row);
        seen[key] = inside;
        if (inside)
            out[count++] = i;
    }
    return count;
}

static int
compare_pids(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;

    return (*x > *y) - (*x < *y);
}

// One process may hold a socket by several files.
static void
keep_each_once(struct range_pids *pids)
{
    size_t kept = 0;

    if (pids->count > 1)
        qsort(pids->items, pids->count, sizeof *pids->items, compare_pids);
    for (size_t i = 0; i < pids->count; i++)
        if (kept == 0 || pids->items[kept - 1] != pids->items[i])
            pids->items[kept++] = pids->items[i];
    pids->count = kept;
}

void
range_use_holders(struct arena *arena, const struct host *host, const size_t *sockets, size_t count,
                  struct range_pids *out)
{
    struct arena *scratch = arena_open();
    struct lookup asked = {.arena = scratch};

    for (size_t i = 0; i < count; i++) {
        out[i] = (struct range_pids){0};
        lookup_add(&asked, sockets[i], i);
    }
    for (size_t i = 0; i < host->holdings.count; i++) {
        size_t at = lookup_find(&asked, host->holdings.items[i].socket);
        if (at != SIZE_MAX)
            *LIST_ADD(arena, &out[at]) = host->holdings.items[i].pid;
    }
    for (size_t i = 0; i < count; i++)
        keep_each_once(&out[i]);
    arena_close(scratch);
}
