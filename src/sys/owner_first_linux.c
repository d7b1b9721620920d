#include "sys/owner_search_linux.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode/proc.h"
#include "sys/service.h"

enum {
    GROUP_MOST = 4096,
    GROUP_SMALL = 64,
    // Descriptors of a process that are looked at to see when it opened things: the first behind the standard ones.
    SAMPLE_FIRST = 3,
    SAMPLE_END = 7,
    SAMPLES = 40,     // of all processes, spread evenly
    VERY_NEAR = 64,   // most likely made by the same process: each processor has 1,024 numbers to give at a time
    NEAR = 16 * 1024, // what is further away is no sign
    NEAR_MOST = 256,  // processes that are looked into for such a sign
    SOCKETS_MOST = 4, // that are looked for so
};

#define FAR UINT64_MAX
#define UNKNOWN (UINT64_MAX - 1)

struct first {
    struct owner_search *search;
    struct map64 seen; // pids that were looked into
};

struct candidate {
    uint32_t pid;
    uint64_t distance; // of the nearest number that was met from the one that is looked for; UNKNOWN: not sampled
};

struct candidate_list {
    struct candidate *items;
    size_t count;
};

static void
look_into(struct first *first, uint32_t pid)
{
    struct owner_search *search = first->search;

    if (search->walk->enough || map64_get(&first->seen, pid, NULL))
        return;
    map64_put(search->arena, &first->seen, pid, 0);
    owner_walk_one(search->walk, pid);
}

static int
compare_pids(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;

    return (left->pid > right->pid) - (left->pid < right->pid);
}

static int
compare_distances(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;

    return (left->distance > right->distance) - (left->distance < right->distance);
}

static struct candidate_list
candidates_of(struct arena *arena, const uint32_t *pids, size_t count)
{
    struct candidate_list list = {.items = arena_array(arena, count, sizeof *list.items), .count = count};

    for (size_t i = 0; i < count; i++)
        list.items[i].pid = pids[i];
    qsort(list.items, count, sizeof *list.items, compare_pids);
    return list;
}

// How near the numbers of the first sockets and pipes of the process are to this one.
static uint64_t
distance_of(const struct owner_walk *walk, uint32_t pid, uint64_t inode)
{
    char path[32];
    char link[64];
    uint64_t nearest = FAR;

    snprintf(path, sizeof path, "%u/fd", pid);
    int folder = openat(walk->proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int fd = SAMPLE_FIRST; folder >= 0 && fd < SAMPLE_END && nearest > 0; fd++) {
        char name[] = {(char)('0' + fd), '\0'};
        uint64_t met = 0;
        ssize_t length = readlinkat(folder, name, link, sizeof link);
        if (length < 0)
            break;
        struct str text = {link, (size_t)length};
        if (!proc_parse_link(text, STR("socket"), &met) && !proc_parse_link(text, STR("pipe"), &met))
            continue;
        uint64_t distance = met > inode ? met - inode : inode - met;
        nearest = distance < nearest ? distance : nearest;
    }
    if (folder >= 0)
        close(folder);
    return nearest;
}

static uint64_t
sample(const struct first *first, struct candidate *candidate, uint64_t inode)
{
    if (candidate->distance == UNKNOWN)
        candidate->distance = distance_of(first->search->walk, candidate->pid, inode);
    return candidate->distance;
}

// Outward from `middle`, until a holder of the asked socket is found, or a process whose things are nearer to it than those of
// the one in the middle: that is the better place to go on from, and is given. Else `middle` again.
static size_t
look_around(struct first *first, const struct candidate_list *list, size_t middle, size_t asked)
{
    const struct owner_search *search = first->search;
    uint64_t inode = owner_search_row(search, asked)->inode;

    for (size_t away = 0; away < list->count && owner_search_is_open(search, asked); away++)
        for (int side = 0; side < 2; side++) {
            size_t at = side ? middle - away : middle + away;
            uint64_t distance = at < list->count ? sample(first, &list->items[at], inode) : FAR;
            if (distance <= VERY_NEAR)
                look_into(first, list->items[at].pid);
            if (distance < list->items[middle].distance)
                return at;
        }
    return middle;
}

// Sockets and pipes are numbered as they are made, and so are processes: a server mostly opens its sockets when it starts,
// one after the other. So who made others at the same time is found by a few samples.
static void
look_near(struct first *first, const struct candidate_list *all, size_t asked)
{
    const struct owner_search *search = first->search;
    uint64_t inode = owner_search_row(search, asked)->inode;
    struct candidate_list list = {arena_array(search->arena, all->count, sizeof *list.items), all->count};
    size_t best = 0;

    for (size_t i = 0; i < list.count; i++)
        list.items[i] = (struct candidate){all->items[i].pid, UNKNOWN};
    for (size_t i = 0; i < list.count; i += list.count / SAMPLES + 1)
        if (sample(first, &list.items[i], inode) < list.items[best].distance)
            best = i;
    for (size_t from = SIZE_MAX; from != best && owner_search_is_open(search, asked);) {
        from = best;
        best = look_around(first, &list, from, asked);
    }
    if (!owner_search_is_open(search, asked))
        return;
    qsort(list.items, list.count, sizeof *list.items, compare_distances);
    for (size_t i = 0; i < list.count && i < NEAR_MOST && list.items[i].distance < NEAR; i++)
        look_into(first, list.items[i].pid);
}

// For each socket that is still looked for, up to a number.
static void
look_near_all(struct first *first, const struct candidate_list *list)
{
    const struct owner_search *search = first->search;
    size_t count = 0;

    for (size_t i = 0; i < search->query->count && count < SOCKETS_MOST && !search->walk->enough; i++)
        if (owner_search_is_open(search, i)) {
            look_near(first, list, i);
            count++;
        }
}

// The processes in the cgroup of the socket: most often one program, of a service or a container. One with very many may
// hold all that a user runs: it is looked into as a whole only with `whole`.
static void
look_into_group(struct first *first, size_t asked, bool whole)
{
    struct arena *arena = first->search->arena;
    uint64_t group = owner_search_row(first->search, asked)->cgroup;
    uint32_t *pids = arena_array(arena, GROUP_MOST, sizeof *pids);
    struct str path;

    if (!service_group_path(arena, group, &path, NULL))
        return;
    size_t count = service_group_pids(arena, path, pids, GROUP_MOST);
    if (!whole && count < GROUP_MOST) {
        struct candidate_list list = candidates_of(arena, pids, count);
        look_near(first, &list, asked);
    }
    for (size_t i = 0; i < count && (whole || count <= GROUP_SMALL); i++)
        look_into(first, pids[i]);
}

// Sockets of one port are mostly of one group.
static void
look_into_groups(struct first *first, bool whole)
{
    struct owner_search *search = first->search;
    uint64_t last = 0;

    for (size_t i = 0; i < search->query->count; i++) {
        uint64_t group = owner_search_row(search, i)->cgroup;
        if (group == last || !owner_search_is_open(search, i))
            continue;
        last = group;
        look_into_group(first, i, whole);
    }
}

// One user is enough for an order: the sockets of one port are most often those of one program.
static uint32_t
likely_user(const struct owner_search *search)
{
    size_t at = 0;

    while (at + 1 < search->query->count && !owner_search_is_open(search, at))
        at++;
    return owner_search_row(search, at)->uid;
}

bool
owner_first_find(struct owner_search *search, struct err *err)
{
    struct first first = {.search = search};
    struct owner_pids all = {0};

    look_into_groups(&first, false);
    if (search->walk->enough)
        return true;
    if (!owner_walk_list(search->walk, &all, err))
        return false;
    struct candidate_list list = candidates_of(search->arena, all.items, all.count);
    look_near_all(&first, &list);
    if (search->walk->enough)
        return true;
    look_into_groups(&first, true);
    owner_walk_sort(search->walk, likely_user(search), &all);
    for (size_t i = 0; i < all.count; i++)
        look_into(&first, all.items[i]);
    return true;
}
