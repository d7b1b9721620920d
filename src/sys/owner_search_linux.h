#ifndef MOORAGE_SYS_OWNER_SEARCH_LINUX_H
#define MOORAGE_SYS_OWNER_SEARCH_LINUX_H

// The search for the holders of some sockets: what is asked for and what was found so far. Linux only; part of
// sys/socket_owner.

#include "base/arena.h"
#include "base/map64.h"
#include "decode/host.h"
#include "sys/owner_walk_linux.h"
#include "sys/socket_owner.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A descriptor that may lead to more: a socket that was not asked for, or an io_uring. Packed, for there may be 100,000s.
struct owner_lead {
    uint32_t pid;
    uint32_t tid;
    uint32_t fd;
    bool ring;
    uint64_t inode; // of the socket
};

// A process that could be looked into, and the thread to look at instead, or 0.
struct owner_process {
    uint32_t pid;
    uint32_t tid;
};

struct owner_search {
    struct arena *arena;
    struct host *host;
    const struct owner_query *query;
    struct owner_walk *walk;
    struct map64 asked; // from the inode to the last asked socket with it (index into query->sockets)
    size_t *next;       // from there to the one before, + 1; 0 = no more
    bool *held;         // for each asked socket: a holder was found, here or outside
    struct {
        LIST_OF(struct owner_lead);
    } leads;
    struct {
        LIST_OF(struct owner_process);
    } processes;
    size_t first_new; // holdings before this index were there before the walk
    bool by_kernel;   // the kernel told some of these holders: a walk may meet them again
    size_t hidden;    // files that more refers to than descriptors and sleepers explain
};

// The row of an asked socket (index into query->sockets), in the host.
static inline struct socket_row *
owner_search_row(const struct owner_search *search, size_t asked)
{
    return &search->host->sockets.items[search->query->sockets[asked]];
}

// Notes a holder of the asked sockets with this inode; what is known already is not noted twice.
void
owner_search_hold(struct owner_search *search, uint64_t inode, struct holding how);

// Notes that a process outside of this program's pid namespace, which has no number here, holds them.
void
owner_search_hold_outside(struct owner_search *search, uint64_t inode);

// Whether this asked socket (index into query->sockets) has an inode, and neither a holder nor a part of the kernel explains it.
bool
owner_search_is_open(const struct owner_search *search, size_t asked);

// How many of them are.
size_t
owner_search_count_open(const struct owner_search *search);

// Looks for one holder of each asked socket, in the likely processes first: those in the cgroup that the socket was made in,
// then those that made other sockets and pipes at the same time, then those of its user, then the rest. Ends as soon as walk->enough is set.
bool
owner_first_find(struct owner_search *search, struct err *err);

// Follows the leads into the rare places: registered files of io_uring, memory maps, and descriptors in flight. These last can't be told
// apart, so the holder of a unix socket in which any wait counts as holder of what nothing else explains.
void
owner_deep_find(struct owner_search *search);

#endif
