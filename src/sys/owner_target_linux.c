#include "sys/owner_target_linux.h"

#include <stdlib.h>

static int
compare_hits(const void *a, const void *b)
{
    const struct owner_hit *left = a;
    const struct owner_hit *right = b;
    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    if (left->table != right->table)
        return left->table < right->table ? -1 : 1;
    if (left->fd != right->fd)
        return left->fd < right->fd ? -1 : 1;
    if (left->pid != right->pid)
        return left->pid < right->pid ? -1 : 1;
    return left->tid < right->tid ? -1 : left->tid > right->tid;
}

void
owner_target_sort(struct owner_hit *hits, size_t count)
{
    if (count > 1)
        qsort(hits, count, sizeof *hits, compare_hits);
}

static bool
is_same_descriptor(const struct owner_hit *a, const struct owner_hit *b)
{
    return a->table == b->table && a->fd == b->fd;
}

size_t
owner_target_count(const struct owner_hit *hits, size_t count)
{
    size_t found = count > 0;
    for (size_t i = 1; i < count; i++)
        found += !is_same_descriptor(&hits[i - 1], &hits[i]);
    return found;
}

void
owner_target_hold(struct owner_search *search, uint64_t inode, const struct owner_hit *hits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct owner_hit *hit = &hits[i];
        if (i > 0 && is_same_descriptor(&hits[i - 1], hit) && hits[i - 1].pid == hit->pid)
            continue;
        if (hit->pid == 0)
            owner_search_hold_outside(search, inode);
        else
            owner_search_hold(
                search, inode,
                (struct holding){
                    .pid = hit->pid, .how = hit->tid ? HOLDING_THREAD_FD : HOLDING_FD, .fd = hit->fd, .tid = hit->tid});
    }
}

// Hits that are of one inode, as a chain: most have one.
struct chains {
    size_t *last;   // hit of each asked socket, + 1; 0 = none
    size_t *before; // each hit, + 1
    size_t longest;
};

static struct chains
chain_hits(const struct owner_search *search, struct arena *arena, const struct owner_hit *hits, size_t count)
{
    struct chains chains = {.last = arena_array(arena, search->query->count, sizeof *chains.last),
                            .before = arena_array(arena, count, sizeof *chains.before)};
    size_t *lengths = arena_array(arena, search->query->count, sizeof *lengths);
    for (size_t i = 0; i < count; i++) {
        size_t at;
        // The set lets others pass too.
        if (!map64_get(&search->asked, hits[i].inode, &at))
            continue;
        chains.before[i] = chains.last[at];
        chains.last[at] = i + 1;
        chains.longest = ++lengths[at] > chains.longest ? lengths[at] : chains.longest;
    }
    return chains;
}

size_t
owner_target_take(struct owner_search *search, struct arena *arena, const struct owner_session *session,
                  struct owner_target_list *open)
{
    size_t proved = 0;
    size_t count = session->state->count < session->room ? session->state->count : session->room;
    struct chains chains = chain_hits(search, arena, session->hits, count);
    struct owner_hit *hits = arena_array(arena, chains.longest, sizeof *hits);
    for (size_t at = 0; at < search->query->count; at++) {
        size_t length = 0;
        // Read last were the references of the hit that was met last.
        for (size_t i = chains.last[at]; i; i = chains.before[i - 1])
            hits[length++] = session->hits[i - 1];
        if (length == 0)
            continue;
        struct owner_target target = {.file = hits[0].file, .inode = hits[0].inode, .refs = hits[0].refs};
        bool one_file = true;
        for (size_t i = 1; i < length; i++)
            one_file = one_file && hits[i].file == target.file;
        owner_target_sort(hits, length);
        target.found = owner_target_count(hits, length);
        if (!one_file)
            continue;
        if (target.found != target.refs) {
            *LIST_ADD(arena, open) = target;
            continue;
        }
        owner_target_hold(search, target.inode, hits, length);
        proved++;
    }
    return proved;
}
