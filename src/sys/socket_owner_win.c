#include "sys/socket_owner.h"

#include "decode/little.h"
#include "sys/clock.h"
#include "sys/handle_scan_win.h"
#include "sys/process_list_win.h"

enum {
    LIST_AGE_MS = 1000,
    SCAN_AGE_MS = 1000,
    FRESH_US = 20 * 1000,
    FIRST_USER_PID = 5, // 4 is the system itself
};

// What the table says of the owner of a row.
enum owner {
    OWNER_NONE,    // it names nobody
    OWNER_DEAD,    // it ended
    OWNER_YOUNGER, // a process with this pid lives, and started after the socket was bound
    OWNER_LIVES,
};

struct search {
    struct arena *arena;
    const struct owner_query *query;
    struct host *host;
    const struct process_list *processes;
    bool *held; // of each asked socket
};

static struct socket_row *
row_of(const struct search *search, size_t asked)
{
    return &search->host->sockets.items[search->query->sockets[asked]];
}

static enum owner
owner_of(const struct search *search, const struct socket_row *row)
{
    const struct win_process *process = process_list_find(search->processes, row->owner_pid);

    if (row->owner_pid == 0)
        return OWNER_NONE;
    // Of those that are part of the system none has a start that could be compared.
    if (row->owner_pid < FIRST_USER_PID)
        return OWNER_LIVES;
    if (!process || process->threads == 0)
        return OWNER_DEAD;
    int64_t started_ms = little_filetime_ms(process->created);
    return row->created_ms != 0 && started_ms > row->created_ms ? OWNER_YOUNGER : OWNER_LIVES;
}

static void
hold(struct search *search, size_t asked, struct holding holding)
{
    search->held[asked] = true;
    holding.socket = search->query->sockets[asked];
    *LIST_ADD(search->arena, &search->host->holdings) = holding;
}

// Whether the pid was found to hold the socket by a handle.
static bool
is_held_by(const struct search *search, size_t asked, uint32_t pid, size_t first)
{
    for (size_t i = first; i < search->host->holdings.count; i++) {
        const struct holding *holding = &search->host->holdings.items[i];
        if (holding->socket == search->query->sockets[asked] && holding->pid == pid)
            return true;
    }
    return false;
}

// Whether the row must be looked for among the handles.
static bool
needs_scan(const struct search *search, size_t asked)
{
    const struct socket_row *row = row_of(search, asked);

    if (!host_could_be_held(row))
        return false;
    return search->query->reach == OWNER_DEEP || owner_of(search, row) != OWNER_LIVES ||
           (search->query->pid != 0 && row->owner_pid != search->query->pid);
}

// Gives the asked socket those handles that lead to it for certain, and where none does, those that may.
static void
take_handles(struct search *search, const struct handle_scan *scan, size_t asked)
{
    struct socket_row *row = row_of(search, asked);

    for (int pass = 0; pass < 2 && !search->held[asked]; pass++)
        for (size_t i = 0; i < scan->count; i++) {
            const struct scanned_socket *scanned = &scan->items[i];
            if (handle_scan_is(scanned, row) != (pass == 0 ? TRI_YES : TRI_UNKNOWN))
                continue;
            hold(search, asked, (struct holding){.pid = scanned->pid, .how = HOLDING_HANDLE, .fd = scanned->handle});
            if (row->reuse_addr == TRI_UNKNOWN) // no table tells it
                row->reuse_addr = scanned->reuse;
        }
}

static size_t
count_open(const struct search *search)
{
    size_t open = 0;

    for (size_t i = 0; i < search->query->count; i++)
        open += needs_scan(search, i) && !search->held[i];
    return open;
}

// What could not be looked into matters where a socket is left without a holder.
static void
add_unseen(struct search *search, const struct handle_scan *scan, bool relevant)
{
    for (size_t i = 0; i < scan->unseen.count; i++) {
        struct unseen *unseen = LIST_ADD(search->arena, &search->host->unseen);
        *unseen = scan->unseen.items[i];
        unseen->relevant = relevant;
    }
}

static void
take_all(struct search *search, const struct handle_scan *scan)
{
    for (size_t i = 0; i < search->query->count; i++)
        if (needs_scan(search, i) && !search->held[i])
            take_handles(search, scan, i);
}

// An earlier scan may have missed what was bound since. How long it counts goes by what it cost: who asks again and again
// scans for half of the time at most.
static bool
is_stale(const struct handle_scan *scan)
{
    int64_t age_us = clock_mono_us() - scan->read_us;
    return age_us > FRESH_US && age_us > 2 * scan->took_us;
}

static void
search_handles(struct search *search)
{
    struct err err = {0};
    uint32_t pid = search->query->pid;
    // Who asks for one process wants to know how it is now.
    unsigned age_ms = pid != 0 ? 0 : SCAN_AGE_MS;
    const struct handle_scan *scan;

    for (;;) {
        scan = handle_scan_read(age_ms, search->query->reach == OWNER_DEEP, pid, &err);
        if (scan)
            take_all(search, scan);
        // Only for what is left it is worth to look at pipes and files too.
        if (scan && count_open(search) > 0 && search->query->reach != OWNER_DEEP) {
            scan = handle_scan_read(SCAN_AGE_MS, true, pid, &err);
            take_all(search, scan);
        }
        if (!scan || count_open(search) == 0 || age_ms == 0 || !is_stale(scan))
            break;
        age_ms = 0;
    }
    if (scan)
        add_unseen(search, scan, count_open(search) > 0 || search->query->reach == OWNER_DEEP);
    else
        *LIST_ADD(search->arena, &search->host->unseen) =
            (struct unseen){.what = STR("handles"), .reason = host_known_of(err.kind), .relevant = true};
}

static bool
nothing_left_out(const struct host *host)
{
    for (size_t i = 0; i < host->unseen.count; i++)
        if (host->unseen.items[i].relevant)
            return false;
    return true;
}

// A pid that is not in the list may have started after it was made.
static const struct process_list *
list_with_owners(const struct owner_query *query, const struct host *host, struct err *err)
{
    const struct process_list *list = process_list_read(LIST_AGE_MS, err);

    for (size_t i = 0; list && i < query->count; i++) {
        uint32_t pid = host->sockets.items[query->sockets[i]].owner_pid;
        if (pid != 0 && !process_list_find(list, pid))
            return process_list_read(0, err);
    }
    return list;
}

bool
socket_owner_find(struct arena *arena, const struct owner_query *query, struct host *host, struct err *err)
{
    struct search search = {.arena = arena, .query = query, .host = host};
    size_t first = host->holdings.count; // those before are of other searches
    size_t scans = 0;
    struct err refused = {0};

    (void)err;
    host->tier = TIER_WINDOWS;
    host->complete = false;
    search.held = arena_array(arena, query->count, sizeof *search.held);
    search.processes = list_with_owners(query, host, &refused);
    if (!search.processes) {
        *LIST_ADD(arena, &host->unseen) =
            (struct unseen){.what = STR("processes"), .reason = host_known_of(refused.kind), .relevant = true};
        return true;
    }
    for (size_t i = 0; i < query->count; i++)
        scans += needs_scan(&search, i);
    if (scans > 0)
        search_handles(&search);
    for (size_t i = 0; i < query->count; i++) {
        const struct socket_row *row = row_of(&search, i);
        enum owner owner = owner_of(&search, row);
        if (query->pid != 0 && row->owner_pid != query->pid)
            continue;
        // That the clock was set back makes a process look younger than its socket: it is named where nobody else has it.
        if ((owner == OWNER_LIVES || (owner == OWNER_YOUNGER && !search.held[i])) &&
            !is_held_by(&search, i, row->owner_pid, first))
            hold(&search, i, (struct holding){.pid = row->owner_pid, .how = HOLDING_TABLE});
    }
    host->complete = nothing_left_out(host);
    return true;
}

void
socket_owner_prepare(struct arena *arena)
{
    (void)arena;
}

void
socket_owner_begin(struct arena *arena)
{
    (void)arena;
}

enum tier
socket_owner_tier(void)
{
    return TIER_WINDOWS;
}
