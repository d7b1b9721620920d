#ifndef MOORAGE_SYS_SOCKET_WATCH_H
#define MOORAGE_SYS_SOCKET_WATCH_H

// Some ports of this machine, looked at again and again: whether somebody serves them now, and a pause that ends early when
// that may have changed. A look is cheap, needs no right and changes nothing.
// How the systems differ: Linux looks the one socket up by sock_diag(7), hears of closed sockets by its multicast groups,
// and of TCP listeners that come by a program of moorage's in the kernel where that may be (sys/listen_event_linux.h).
// Windows reads its tables, and tells nothing by itself.

#include "base/arena.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct socket_watch_ask {
    enum protocol protocol;
    struct address address; // who serves this address; family NONE: who serves 127.0.0.1 or ::1
    uint16_t port;
};

// What the system may tell by itself.
enum socket_watch_told {
    SOCKET_WATCH_OPENS = 1 << 0,
    SOCKET_WATCH_CLOSES = 1 << 1,
};

struct socket_watch;

// `asks` is kept, not copied.
struct socket_watch *
socket_watch_open(struct arena *arena, const struct socket_watch_ask *asks, size_t count);

// NULL is fine.
void
socket_watch_close(struct socket_watch *watch);

// Has the system tell of such changes (bits of enum socket_watch_told) as far as it does, from here on: what came before is
// seen by the next look. Once for each watch.
void
socket_watch_arm(struct socket_watch *watch, unsigned told);

// What it tells of every ask: bits of enum socket_watch_told. Of some asks it may tell all the same.
unsigned
socket_watch_told(const struct socket_watch *watch);

// Whether the system tells of new listeners, and if not, why: for people.
bool
socket_watch_try(struct arena *arena, struct str *why_not);

// The listener (of UDP the receiver) of asks[index]. False when there is none, and where sockets may not be looked up at
// all, which reading a table would tell.
bool
socket_watch_find(struct socket_watch *watch, size_t index, struct socket_row *row);

// Waits; less when a socket of one of the ports came or went meanwhile, as far as the system tells: then it gives true. One
// that comes may be told of some microseconds before it can be found, and one of another network too.
bool
socket_watch_pause(struct socket_watch *watch, int64_t microseconds);

#endif
