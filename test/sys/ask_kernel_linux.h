#ifndef MOORAGE_TEST_SYS_ASK_KERNEL_LINUX_H
#define MOORAGE_TEST_SYS_ASK_KERNEL_LINUX_H

// Asks the program in the kernel alone who holds sockets, and the walk over /proc alone.

#include "tap.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/owner_bpf_linux.h"
#include "sys/owner_kernel_linux.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

// Skips the test where the kernel can't be asked.
#define NEED_KERNEL()                                              \
    do {                                                           \
        struct str why_not = {0};                                  \
        if (!owner_kernel_try(arena, &why_not))                    \
            SKIP(str_printf(arena, "%.*s", STR_ARG(why_not)).ptr); \
    } while (0)

static inline int
open_bound(int type, int protocol, uint64_t *inode)
{
    struct stat facts;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, protocol);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || fstat(fd, &facts) != 0)
        return -1;
    *inode = facts.st_ino;
    return fd;
}

// The rows of the sockets with these inodes.
static inline struct host
read_rows(struct arena *arena, const uint64_t *inodes, size_t count)
{
    struct host all = {0};
    struct host host = {0};
    struct err err = {0};
    struct socket_query query = {.protocols = SOCKET_PROTOCOLS_ALL, .states = SOCKET_STATES_ALL};
    CHECK(socket_table_read(arena, &query, &all, &err));
    for (size_t i = 0; i < all.sockets.count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (inodes[k] && all.sockets.items[i].inode == inodes[k])
                *LIST_ADD(arena, &host.sockets) = all.sockets.items[i];
        }
    }
    return host;
}

static inline size_t *
all_rows(struct arena *arena, const struct host *host)
{
    size_t *all = arena_array(arena, host->sockets.count, sizeof *all);
    for (size_t i = 0; i < host->sockets.count; i++)
        all[i] = i;
    return all;
}

// What the kernel alone says of all rows of the host.
static inline enum owner_bpf
ask_kernel_all(struct arena *arena, struct host *host)
{
    struct owner_query query = {.sockets = all_rows(arena, host), .count = host->sockets.count};
    struct owner_walk walk = {.arena = arena, .host = host, .proc = -1};
    struct owner_search search = {.arena = arena, .host = host, .query = &query, .walk = &walk};
    search.next = arena_array(arena, query.count, sizeof *search.next);
    search.held = arena_array(arena, query.count, sizeof *search.held);
    for (size_t i = 0; i < query.count; i++) {
        size_t before;
        if (map64_get(&search.asked, host->sockets.items[i].inode, &before))
            search.next[i] = before + 1;
        map64_put(arena, &search.asked, host->sockets.items[i].inode, i);
    }
    return owner_bpf_find(&search);
}

// And what the walk alone finds.
static inline void
ask_walk_all(struct arena *arena, struct host *host)
{
    struct owner_query query = {.sockets = all_rows(arena, host), .count = host->sockets.count};
    setenv("MOORAGE_TIER", "proc", 1);
    bool good = socket_owner_find(arena, &query, host, NULL);
    unsetenv("MOORAGE_TIER");
    CHECK(good && host->tier != TIER_BPF);
}

// Who holds what, each as a line of text, sorted. The parts of an MPTCP socket have its inode too, and stand once.
static inline struct str
holders_of(struct arena *arena, const struct host *host)
{
    struct str lines[1024];
    size_t used = 0;
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < host->holdings.count && used < sizeof lines / sizeof *lines; i++) {
        const struct holding *holding = &host->holdings.items[i];
        struct str line =
            str_printf(arena, "%llu %u %u %d %llu\n", (unsigned long long)host->sockets.items[holding->socket].inode,
                       holding->pid, holding->tid, (int)holding->how, (unsigned long long)holding->fd);
        size_t at = used++;
        for (; at && strcmp(lines[at - 1].ptr, line.ptr) > 0; at--)
            lines[at] = lines[at - 1];
        lines[at] = line;
    }
    for (size_t i = 0; i < used; i++) {
        if (!i || !str_equal(lines[i], lines[i - 1]))
            buf_add(&out, lines[i]);
    }
    return buf_str(&out);
}

#endif
