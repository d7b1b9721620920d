#include "sys/socket_owner.h"

#include "sys/fake_host.h"

enum {
    PORTS = 65536
};

// The recorded rows of each port, as chains: a host may have many thousand.
struct chains {
    size_t *first; // of each port: index + 1, 0 = none
    size_t *next;  // of each row: the same
};

static bool
same_socket(const struct socket_row *a, const struct socket_row *b)
{
    if (a->cookie != 0 && b->cookie != 0)
        return a->cookie == b->cookie && a->netns == b->netns;
    return host_same_ports(a->protocol, b->protocol) && a->inode == b->inode && a->netns == b->netns &&
           a->state == b->state && a->remote_port == b->remote_port && a->owner_pid == b->owner_pid &&
           address_equal(a->local, b->local) && address_equal(a->remote, b->remote);
}

static struct chains
make_chains(struct arena *arena, const struct host *recorded)
{
    struct chains chains = {
        .first = arena_array(arena, PORTS, sizeof(size_t)),
        .next = arena_array(arena, recorded->sockets.count, sizeof(size_t)),
    };
    for (size_t i = recorded->sockets.count; i > 0; i--) {
        uint16_t port = recorded->sockets.items[i - 1].local_port;
        chains.next[i - 1] = chains.first[port];
        chains.first[port] = i;
    }
    return chains;
}

bool
socket_owner_find(struct arena *arena, const struct owner_query *query, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("socket_owner_find", err))
        return false;
    bool *held = arena_array(arena, recorded->sockets.count, sizeof *held);
    bool passed_over = false;
    struct chains chains = make_chains(arena, recorded);
    // Of each recorded row: the caller's index + 1 for it, 0 = not asked for.
    size_t *asked = arena_array(arena, recorded->sockets.count, sizeof *asked);
    for (size_t i = 0; i < query->count; i++) {
        const struct socket_row *row = &host->sockets.items[query->sockets[i]];
        for (size_t at = chains.first[row->local_port]; at != 0; at = chains.next[at - 1])
            if (same_socket(row, &recorded->sockets.items[at - 1]))
                asked[at - 1] = query->sockets[i] + 1;
    }
    for (size_t i = 0; i < recorded->holdings.count; i++) {
        const struct holding *holding = &recorded->holdings.items[i];
        if (asked[holding->socket] == 0 || (query->pid != 0 && holding->pid != query->pid))
            continue;
        if (query->reach == OWNER_FIRST && held[holding->socket]) {
            passed_over = true;
            continue;
        }
        held[holding->socket] = true;
        struct holding *copy = LIST_ADD(arena, &host->holdings);
        *copy = *holding;
        copy->socket = asked[holding->socket] - 1;
    }
    for (size_t i = 0; i < recorded->unseen.count; i++)
        *LIST_ADD(arena, &host->unseen) = recorded->unseen.items[i];
    host->tier = recorded->tier;
    host->complete = recorded->complete && !passed_over;
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
    return TIER_FAKE;
}
