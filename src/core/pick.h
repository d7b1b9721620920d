#ifndef MOORAGE_CORE_PICK_H
#define MOORAGE_CORE_PICK_H

// A port that is free and wise, kept by a lease before anybody is told of it. Free: bound for a moment on every local address,
// IPv4 and IPv6, with no option that would let it share. Wise: not of the dynamic range of this system or of those it is
// wanted for, not reserved, excluded or privileged, not refused by browsers, not the default of well-known software, not
// kept for somebody else.
// The first candidates are bound without any table, since most ports are free; after PICK_TRIALS that are not, one reading of
// the socket tables tells all that is taken. What they can't know (a bind that a policy refuses, a port that was taken since)
// costs a bind each, at most PICK_BINDS. While a port is picked, nobody else picks from the same books.
// A name gets the same port again: a hash of project and name leads to a block of ten, and what the lease says counts.
// The systems do not differ, but for what is dynamic, reserved, excluded and privileged there.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "core/lease.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PICK_TRIALS = 6, // binds that may fail before the socket tables are read
    PICK_BINDS = 64, // binds that may fail before it is said that none works here
    PICK_BLOCK = 10,
};

// Systems whose dynamic range is avoided besides this one's.
enum pick_target {
    PICK_TARGET_LINUX = 1 << 0,
    PICK_TARGET_WINDOWS = 1 << 1,
    PICK_TARGET_MACOS = 1 << 2,
};

struct pick_wish {
    struct lease_wish lease; // what is granted; name, project and protocol count for the choice too
    size_t count;            // how many; with a name the others are called NAME-2, NAME-3, ...
    uint16_t port;           // this one and no other; 0: a choice. It need not be wise, but it must be free
    uint16_t first;          // only from this range; 0 and 0: all
    uint16_t last;
    uint16_t beside;  // the nearest one to this; 0: any
    unsigned targets; // bits of enum pick_target
    bool unkept;      // without a lease, where none can be written down (lease_open failed)
};

enum pick_outcome {
    PICK_DONE,   // result->leases holds `count` leases
    PICK_NONE,   // no port that is free and wise is left; `sentence` says why
    PICK_TAKEN,  // the port of the name (or the one asked for) can't be bound: `held` is its lease or port; why tells
    PICK_BUSY,   // the name is in use by a living process: `held`
    PICK_FOREIGN // the port asked for is kept for somebody else: `held`
};

struct pick_result {
    struct lease_list leases;
    struct lease held;   // TAKEN, BUSY, FOREIGN: what stands in the way; without a lease only its protocol and port
    struct str sentence; // NONE: why, for people
    bool already;        // DONE: the name had the port before
    struct str not_kept; // `unkept` alone: why nothing was written down; empty = it was
};

// Reads what must be known of the host for a choice.
bool
pick_read_host(struct arena *arena, struct host *host, struct err *err);

// Chooses and keeps. `host` comes from pick_read_host(). A name that has its port already gets it back where it can be bound. False
// when it could not be found out, or nothing could be kept: then nothing is granted.
bool
pick_ports(struct arena *arena, const struct host *host, const struct pick_wish *wish, enum pick_outcome *outcome,
           struct pick_result *out, struct err *err);

// Whether the port can be bound now on every local address, as pick asks it. `result` (may be NULL) gets the name of the
// error.
bool
pick_is_free(struct arena *arena, const struct host *host, enum protocol protocol, uint16_t port, struct str *result);

#endif
