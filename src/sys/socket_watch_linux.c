#include "sys/socket_watch.h"

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/listen_event_linux.h"
#include "sys/netlink_socket_linux.h"
#include "sys/sock_diag_linux.h"

enum {
    MOST_FILTERED = 60,
};

#define FILES_DEADLINE_US (2 * 1000 * 1000)

struct socket_watch {
    struct arena *arena;
    const struct socket_watch_ask *asks;
    size_t count;
    struct netlink_socket diag; // closed: the tables are read instead
    int closes;                 // what the kernel tells of closed sockets; -1 = nothing
    unsigned told;
    struct listen_event opens; // and of listeners; -1 in its `hold`: nothing
};

static bool
is_datagram(enum protocol protocol)
{
    return protocol == PROTOCOL_UDP || protocol == PROTOCOL_UDPLITE;
}

// Only what is told of the asked ports wakes us: the port stands behind the message's head and 4 bytes of its own
// (struct inet_diag_msg of linux/inet_diag.h).
static void
filter_ports(int fd, const struct socket_watch *watch)
{
    struct sock_filter code[MOST_FILTERED + 3];
    size_t n = 0;

    if (watch->count > MOST_FILTERED)
        return;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NLMSG_HDRLEN + 4);
    for (size_t i = 0; i < watch->count; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, watch->asks[i].port,
                                                 (uint8_t)(watch->count - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    // Without it we wake more often, and that is all.
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void
open_closes(struct socket_watch *watch)
{
    static const int groups[2][2] = {{SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY},
                                     {SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_UDP_DESTROY}};
    struct sockaddr_nl self = {.nl_family = AF_NETLINK};
    bool good = true;

    watch->closes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (watch->closes < 0)
        return;
    filter_ports(watch->closes, watch);
    good = bind(watch->closes, (struct sockaddr *)&self, sizeof self) == 0;
    for (size_t i = 0; i < watch->count && good; i++)
        for (size_t family = 0; family < 2 && good; family++) {
            int group = groups[is_datagram(watch->asks[i].protocol)][family];
            good = setsockopt(watch->closes, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
        }
    if (good) {
        watch->told |= SOCKET_WATCH_CLOSES;
    } else {
        close(watch->closes);
        watch->closes = -1;
    }
}

static void
open_opens(struct socket_watch *watch)
{
    struct str why_not;
    bool every = true;
    bool any = false;

    for (size_t i = 0; i < watch->count; i++) {
        every = every && !is_datagram(watch->asks[i].protocol);
        any = any || !is_datagram(watch->asks[i].protocol);
    }
    if (!any || !listen_event_open(watch->arena, &watch->opens, &why_not))
        return;
    for (size_t i = 0; i < watch->count; i++)
        if (!is_datagram(watch->asks[i].protocol))
            listen_event_add(&watch->opens, watch->asks[i].port);
    if (every)
        watch->told |= SOCKET_WATCH_OPENS;
}

struct socket_watch *
socket_watch_open(struct arena *arena, const struct socket_watch_ask *asks, size_t count)
{
    struct socket_watch *watch = arena_alloc(arena, sizeof *watch);

    *watch = (struct socket_watch){.arena = arena, .asks = asks, .count = count, .closes = -1, .opens.hold = -1};
    (void)netlink_socket_open(&watch->diag, NETLINK_SOCK_DIAG, NULL);
    return watch;
}

void
socket_watch_arm(struct socket_watch *watch, unsigned told)
{
    if (watch->count > 0 && told & SOCKET_WATCH_CLOSES)
        open_closes(watch);
    if (watch->count > 0 && told & SOCKET_WATCH_OPENS)
        open_opens(watch);
}

void
socket_watch_close(struct socket_watch *watch)
{
    if (!watch)
        return;
    netlink_socket_close(&watch->diag);
    if (watch->opens.hold >= 0)
        listen_event_close(&watch->opens);
    if (watch->closes >= 0)
        close(watch->closes);
}

unsigned
socket_watch_told(const struct socket_watch *watch)
{
    return watch->told;
}

bool
socket_watch_try(struct arena *arena, struct str *why_not)
{
    struct listen_event event;

    if (!listen_event_open(arena, &event, why_not))
        return false;
    listen_event_close(&event);
    return true;
}

static bool
look_into_files(const struct socket_watch_ask *ask, struct address address, struct socket_row *row)
{
    struct arena *arena = arena_open();
    struct netlink_socket closed = {.fd = -1};
    struct socket_query query = {
        .protocols = 1u << ask->protocol,
        .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = ask->port,
        .last = ask->port,
    };
    struct host host = {0};
    bool found = false;

    (void)sock_diag_read(arena, &closed, &query, clock_mono_us() + FILES_DEADLINE_US, &host, NULL);
    for (size_t i = 0; i < host.sockets.count && !found; i++)
        if (host_covers(&host.sockets.items[i], address)) {
            *row = host.sockets.items[i];
            row->device_name = (struct str){0};
            found = true;
        }
    arena_close(arena);
    return found;
}

static bool
find_at(struct socket_watch *watch, const struct socket_watch_ask *ask, struct address address, struct socket_row *row)
{
    bool found = false;

    if (watch->diag.fd >= 0 && sock_diag_find(&watch->diag, ask->protocol, address, ask->port, &found, row))
        return found;
    return look_into_files(ask, address, row);
}

bool
socket_watch_find(struct socket_watch *watch, size_t index, struct socket_row *row)
{
    const struct socket_watch_ask *ask = &watch->asks[index];

    if (ask->address.family != FAMILY_NONE)
        return find_at(watch, ask, ask->address, row);
    return find_at(watch, ask, address_loopback(FAMILY_IPV4), row) ||
           find_at(watch, ask, address_loopback(FAMILY_IPV6), row);
}

// What woke us is all that counts, not what it says.
static void
drain(struct socket_watch *watch)
{
    char ignored[4096];

    while (watch->closes >= 0 && recv(watch->closes, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
        ;
    if (watch->opens.hold >= 0)
        listen_event_drain(&watch->opens);
}

bool
socket_watch_pause(struct socket_watch *watch, int64_t microseconds)
{
    struct timespec span = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};
    // A descriptor below 0 is passed over.
    struct pollfd wanted[] = {
        {.fd = watch->closes, .events = POLLIN},
        {.fd = watch->opens.hold < 0 ? -1 : watch->opens.ring.position.fd, .events = POLLIN},
    };

    // EINTR ends the pause early, which does no harm; a lost message (ENOBUFS) counts as one.
    if (ppoll(wanted, sizeof wanted / sizeof *wanted, &span, NULL) <= 0)
        return false;
    drain(watch);
    return true;
}
