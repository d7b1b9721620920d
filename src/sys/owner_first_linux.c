#include "sys/owner_search_linux.h"
#include "sys/service.h"

enum {
    GROUP_MOST = 4096
};

struct first {
    struct owner_search *search;
    struct map64 seen; // pids that were looked into
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

// The processes in the cgroup of the socket: most often one program, of a service or a container.
static void
look_into_group(struct first *first, uint64_t group)
{
    struct arena *arena = first->search->arena;
    uint32_t *pids = arena_array(arena, GROUP_MOST, sizeof *pids);
    struct str path;

    if (!group || !service_group_path(arena, group, &path, NULL))
        return;
    size_t count = service_group_pids(arena, path, pids, GROUP_MOST);
    for (size_t i = 0; i < count; i++)
        look_into(first, pids[i]);
}

// One user is enough for an order: the sockets of one port are most often those of one program.
static uint32_t
likely_user(const struct owner_search *search)
{
    const struct owner_query *query = search->query;
    size_t at = 0;

    while (at + 1 < query->count && !owner_search_is_open(search, at))
        at++;
    return search->host->sockets.items[query->sockets[at]].uid;
}

bool
owner_first_find(struct owner_search *search, struct err *err)
{
    const struct owner_query *query = search->query;
    struct first first = {.search = search};
    struct owner_pids all = {0};

    for (size_t i = 0; i < query->count; i++)
        if (owner_search_is_open(search, i))
            look_into_group(&first, search->host->sockets.items[query->sockets[i]].cgroup);
    if (search->walk->enough)
        return true;
    if (!owner_walk_list(search->walk, likely_user(search), &all, err))
        return false;
    for (size_t i = 0; i < all.count; i++)
        look_into(&first, all.items[i]);
    return true;
}
