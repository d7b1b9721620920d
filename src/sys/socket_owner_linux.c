#include "sys/socket_owner.h"

#include "decode/proc.h"
#include "sys/owner_bpf_linux.h"
#include "sys/owner_kernel_linux.h"
#include "sys/owner_search_linux.h"
#include "sys/owner_walk_linux.h"
#include "sys/proc_view_linux.h"
#include "sys/user.h"

static void
search_begin(struct owner_search *search)
{
    const struct owner_query *query = search->query;
    search->next = arena_array(search->arena, query->count, sizeof *search->next);
    search->held = arena_array(search->arena, query->count, sizeof *search->held);
    search->first_new = search->host->holdings.count;
    LIST_RESERVE(search->arena, &search->host->holdings, query->count);
    map64_reserve(search->arena, &search->asked, query->count);
    for (size_t i = 0; i < query->count; i++) {
        uint64_t inode = search->host->sockets.items[query->sockets[i]].inode;
        size_t before;
        if (!inode)
            continue;
        // One inode may stand in several rows: an MPTCP socket and the TCP subflow that listens for it.
        if (map64_get(&search->asked, inode, &before))
            search->next[i] = before + 1;
        map64_put(search->arena, &search->asked, inode, i);
    }
}

// Whether the same was noted before. A descriptor comes once in a walk, so that only what an earlier search found can repeat
// it; the rare places, and threads of which it can't be told who shares a table, can repeat themselves. The kernel tells tables
// apart by their addresses.
static bool
is_known(const struct owner_search *search, const struct holding *how)
{
    bool walks = search->walk->proc >= 0;
    bool any_thread = walks && how->how == HOLDING_THREAD_FD && (search->by_kernel || !search->walk->tables_tell);
    size_t count = how->how == HOLDING_FD ? search->first_new : search->host->holdings.count;
    for (size_t i = 0; i < count; i++) {
        const struct holding *old = &search->host->holdings.items[i];
        if (old->socket == how->socket && old->pid == how->pid && old->fd == how->fd &&
            (any_thread || (old->how == how->how && old->tid == how->tid)))
            return true;
    }
    return false;
}

void
owner_search_hold(struct owner_search *search, uint64_t inode, struct holding how)
{
    size_t at;
    if (!map64_get(&search->asked, inode, &at))
        return;
    for (size_t i = at + 1; i; i = search->next[i - 1]) {
        how.socket = search->query->sockets[i - 1];
        search->held[i - 1] = true;
        if (!is_known(search, &how))
            *LIST_ADD(search->arena, &search->host->holdings) = how;
    }
}

void
owner_search_hold_outside(struct owner_search *search, uint64_t inode)
{
    size_t at;
    if (!map64_get(&search->asked, inode, &at))
        return;
    for (size_t i = at + 1; i; i = search->next[i - 1])
        search->held[i - 1] = true;
    owner_walk_unseen(search->walk, 0, STR(UNSEEN_OUTSIDE), KNOWN_NOT_ALLOWED);
}

static bool
is_of_kernel(const struct host *host, const struct socket_row *row)
{
    for (size_t i = 0; i < host->kernel_ports.count; i++) {
        const struct kernel_port *port = &host->kernel_ports.items[i];
        if (port->port == row->local_port && host_same_ports(port->protocol, row->protocol) &&
            (port->family == FAMILY_NONE || (uint8_t)port->family == row->local.family))
            return true;
    }
    return false;
}

bool
owner_search_is_open(const struct owner_search *search, size_t asked)
{
    if (search->held[asked])
        return false;
    const struct socket_row *row = owner_search_row(search, asked);
    return row->inode && !is_of_kernel(search->host, row);
}

size_t
owner_search_count_open(const struct owner_search *search)
{
    size_t open = 0;
    for (size_t i = 0; i < search->query->count; i++)
        open += owner_search_is_open(search, i);
    return open;
}

// Whether one holder of each socket was asked for and is known.
static bool
has_first(const struct owner_search *search)
{
    return search->query->reach == OWNER_FIRST && owner_search_count_open(search) == 0;
}

static void
on_descriptor(void *data, const struct owner_place *place, struct str link)
{
    struct owner_search *search = data;
    uint64_t inode = 0;
    bool ring = str_equal(link, STR("anon_inode:[io_uring]"));
    if (!ring && !proc_parse_link(link, STR("socket"), &inode))
        return;
    if (!ring && map64_get(&search->asked, inode, NULL)) {
        owner_search_hold(search, inode,
                          (struct holding){.pid = place->pid,
                                           .how = place->tid ? HOLDING_THREAD_FD : HOLDING_FD,
                                           .fd = place->fd,
                                           .tid = place->tid});
        search->walk->enough = has_first(search);
        return;
    }
    *LIST_ADD(search->arena, &search->leads) = (struct owner_lead){
        .pid = place->pid, .tid = place->tid, .fd = (uint32_t)place->fd, .ring = ring, .inode = inode};
}

static void
on_process(void *data, uint32_t pid, uint32_t tid)
{
    struct owner_search *search = data;
    *LIST_ADD(search->arena, &search->processes) = (struct owner_process){pid, tid};
}

// Processes that no list shows: hidden by a mount option, or outside of the container that this program runs in. The latter
// count only where something is left to explain: that they share a socket with the inside is rare.
static void
note_invisible(struct owner_walk *walk, bool all_explained)
{
    if (proc_view_hides())
        owner_walk_unseen(walk, 0, STR("processes"), KNOWN_NOT_ALLOWED);
    if (!all_explained && proc_view_is_inside())
        owner_walk_unseen(walk, 0, STR(UNSEEN_OUTSIDE), KNOWN_NOT_ALLOWED);
}

static bool
nothing_left_out(const struct host *host)
{
    for (size_t i = 0; i < host->unseen.count; i++) {
        if (host->unseen.items[i].relevant)
            return false;
    }
    return true;
}

static bool
walk_all(struct owner_search *search, struct err *err)
{
    return search->query->reach == OWNER_FIRST ? owner_first_find(search, err) : owner_walk_run(search->walk, err);
}

// The walk over /proc, and the rare places where a socket is still open or may have holders that no descriptor shows.
static void
search_proc(struct owner_search *search, enum owner_bpf kernel)
{
    struct owner_walk *walk = search->walk;
    const struct owner_query *query = search->query;
    struct err refused = {0};
    search->first_new = search->host->holdings.count;
    bool begun = owner_walk_begin(walk, &refused);
    if (begun && query->pid)
        owner_walk_one(walk, query->pid);
    if (begun && (query->pid || walk_all(search, &refused))) {
        if (query->reach == OWNER_DEEP || (kernel == OWNER_BPF_OPEN && !walk->enough) ||
            owner_search_count_open(search))
            owner_deep_find(search);
        if (!walk->enough)
            note_invisible(walk, owner_search_count_open(search) == 0);
        if (kernel == OWNER_BPF_REFUSED && walk->refused && !user_self().sees_processes)
            search->host->tier = TIER_OWN;
    } else {
        // The sockets are known all the same: that nobody can be named is part of the answer.
        owner_walk_unseen(walk, 0, STR("processes"), host_known_of(refused.kind));
        search->host->tier = kernel == OWNER_BPF_REFUSED ? TIER_OWN : search->host->tier;
    }
    if (search->hidden && search->host->holdings.count == search->first_new && nothing_left_out(search->host))
        owner_walk_unseen(walk, 0, STR(UNSEEN_HIDDEN), KNOWN_UNSUPPORTED);
    owner_walk_end(walk);
}

bool
socket_owner_find(struct arena *arena, const struct owner_query *query, struct host *host, struct err *err)
{
    struct owner_walk walk = {
        .arena = arena, .host = host, .descriptor = on_descriptor, .process = on_process, .proc = -1};
    struct owner_search search = {.arena = arena, .host = host, .query = query, .walk = &walk};
    (void)err;
    search_begin(&search);
    if (!query->pid)
        owner_bpf_read_flags(&search);
    walk.data = &search;
    host->complete = false;
    host->tier = TIER_PROC;
    // Without a file (TIME_WAIT, orphans, connections not accepted yet) there can be no holder.
    if (!search.asked.count) {
        host->tier = socket_owner_tier();
        host->complete = true;
        return true;
    }
    enum owner_bpf kernel = query->pid ? OWNER_BPF_REFUSED : owner_bpf_find(&search);
    search.by_kernel = kernel != OWNER_BPF_REFUSED;
    if (search.by_kernel)
        host->tier = TIER_BPF;
    bool explained = kernel == OWNER_BPF_PROVED || (kernel == OWNER_BPF_EXPLAINED && query->reach != OWNER_DEEP);
    walk.enough = !explained && has_first(&search);
    if (!explained && !walk.enough)
        search_proc(&search, kernel);
    host->complete = !walk.enough && nothing_left_out(host);
    return true;
}

void
socket_owner_prepare(struct arena *arena)
{
    owner_bpf_prepare(arena);
}

void
socket_owner_begin(struct arena *arena)
{
    owner_bpf_begin(arena);
}

enum tier
socket_owner_tier(void)
{
    if (owner_kernel_is_allowed(NULL))
        return TIER_BPF;
    return user_self().sees_processes ? TIER_PROC : TIER_OWN;
}
