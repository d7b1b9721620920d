#ifndef MOORAGE_SYS_LISTEN_EVENT_LINUX_H
#define MOORAGE_SYS_LISTEN_EVENT_LINUX_H

// The kernel's word that a TCP socket begins to listen on one of some ports, in any network: a small program of moorage's on
// the tracepoint inet_sock_set_state says so. Linux only; part of sys/socket_watch.
// It comes while the socket is not in the kernel's table yet, so that a look right after it may come too early.
// A tracepoint by perf_event_open(2) would need tracefs, and to close it keeps its process for tens of milliseconds.

#include "base/arena.h"
#include "base/str.h"
#include "sys/bpf_linux.h"

#include <stdbool.h>
#include <stdint.h>

struct listen_event {
    struct bpf_map state;
    struct bpf_ring ring; // its fd is readable when there was a word
    int hold;             // what keeps the program in its place
};

// False says in `why_not` why not; then there is nothing to close.
bool
listen_event_open(struct arena *arena, struct listen_event *event, struct str *why_not);

void
listen_event_close(struct listen_event *event);

// From here on there is word of this port.
void
listen_event_add(struct listen_event *event, uint16_t port);

// Takes what was told.
void
listen_event_drain(struct listen_event *event);

#endif
