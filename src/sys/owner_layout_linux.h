#ifndef MOORAGE_SYS_OWNER_LAYOUT_LINUX_H
#define MOORAGE_SYS_OWNER_LAYOUT_LINUX_H

// Where the members that the program in the kernel follows lie in this kernel. Linux only; part of sys/socket_owner.

#include "base/arena.h"
#include "base/str.h"
#include "sys/owner_program_linux.h"

#include <stdbool.h>
#include <stdint.h>

// A bit field.
struct owner_bits {
    uint32_t at;   // the byte with it
    uint32_t mask; // in that byte
};

struct owner_layout {
    uint32_t at[FIELD_COUNT];
    bool found[FIELD_COUNT];
    uint32_t tcp_slot; // size of a slot of the table of bound TCP ports; 0 = unknown
    uint32_t udp_slot;
    uint32_t listen_slot;         // of the table of listeners; 0: they can't be walked
    uint32_t upid_size;           // of a struct upid; 0: only the first pid namespace's numbers can be told
    struct owner_bits reuse_addr; // of SO_REUSEADDR and SO_REUSEPORT in a socket
    struct owner_bits reuse_port;
    // Whether all is there that it takes ...
    bool whole; // to look at descriptors
    bool tcp;   // to find sockets by a TCP port
    bool udp;
    bool mptcp; // to find the sockets that those of a TCP port are parts of
    bool lite;
    bool flat;      // buckets of TCP ports have their sockets themselves
    bool udp_apart; // UDP has one table for all networks
    bool flags;     // to tell how sockets share their port
    bool rows;      // to tell which sockets a TCP port has
    bool spaces;    // to find sockets of other networks
    bool tasks;     // to tell of processes
};

// From the kernel's own type information, or from what root kept of it. False when there is none, or something is missing without which nothing can be
// looked at; `why_not` then says what.
bool
owner_layout_read(struct arena *arena, struct owner_layout *layout, struct str *why_not);

#endif
