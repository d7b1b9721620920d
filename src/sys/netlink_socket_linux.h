#ifndef MOORAGE_SYS_NETLINK_SOCKET_LINUX_H
#define MOORAGE_SYS_NETLINK_SOCKET_LINUX_H

// A netlink socket on which the kernel is asked for lists (netlink(7)). It belongs to the network namespace of the
// thread that opened it. Linux only.
// Invariants: an answer is whole or an error; only what the kernel itself sent counts; nothing waits longer than the
// deadline.

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct netlink_socket {
    int fd; // -1 = closed
    uint32_t sequence;
};

// `family` is NETLINK_SOCK_DIAG, NETLINK_ROUTE, ... ERR_NOT_ALLOWED and ERR_UNSUPPORTED where such sockets are refused.
bool
netlink_socket_open(struct netlink_socket *out, int family, struct err *err);

// Calm with a closed socket.
void
netlink_socket_close(struct netlink_socket *netlink);

// The sequence number for the next request.
uint32_t
netlink_socket_next(struct netlink_socket *netlink);

// Sends one request for a list (flags NETLINK_REQUEST | NETLINK_DUMP, made with netlink_socket_next) and gives all
// messages of its answer, in the arena, up to and without the one that ends it. An answer during which the table changed
// is asked for again a few times, then taken as it is. ERR_UNSUPPORTED when the kernel does not have what was asked for,
// ERR_NOT_ALLOWED, ERR_TIMEOUT; `deadline_us` is a time of clock_mono_us.
bool
netlink_socket_ask(struct arena *arena, struct netlink_socket *netlink, struct str request, int64_t deadline_us,
                   struct str *answer, struct err *err);

// Who takes an answer as it comes.
struct netlink_taker {
    void (*begin)(void *data);                     // from the start, or once more: what was taken before does not count
    void (*take)(void *data, struct str messages); // whole ones, which are gone afterwards
    void *data;
};

// The same for answers that may be long: their messages are handed over as the kernel sends them.
bool
netlink_socket_take(struct netlink_socket *netlink, struct str request, int64_t deadline_us,
                    const struct netlink_taker *taker, struct err *err);

#endif
