#ifndef MOORAGE_CORE_PICK_PORTS_H
#define MOORAGE_CORE_PICK_PORTS_H

// Which ports are out of the question, why, and in which order the others are looked at: the pure part of pick. Not for
// others. The systems do not differ.

#include "base/arena.h"
#include "base/str.h"
#include "core/pick.h"

#include <stdbool.h>
#include <stdint.h>

enum pick_refusal {
    PICK_FINE,
    PICK_OUTSIDE, // of the range that was asked for, or port 0
    PICK_PRIVILEGED,
    PICK_DYNAMIC, // of this system
    PICK_ABROAD,  // of another system that it is wanted for
    PICK_RESERVED,
    PICK_EXCLUDED,
    PICK_BROWSERS,
    PICK_DEFAULT,
    PICK_IN_USE,
    PICK_KEPT,
    PICK_UNBINDABLE,
    PICK_REFUSALS,
};

// Every port and what speaks against it.
struct pick_field {
    uint8_t refused[LEASE_PORTS]; // enum pick_refusal
    struct str result;            // of the last bind that failed
};

struct pick_field *
pick_field_make(struct arena *arena, const struct host *host, const struct pick_wish *wish);

void
pick_refuse_rows(struct pick_field *field, const struct host *host, enum protocol protocol);

void
pick_refuse_kept(struct pick_field *field, struct lease_set *set, enum protocol protocol);

// A way through the ports that are left: each is met once.
struct pick_walk {
    struct {
        uint16_t first;
        uint16_t last;
    } pools[3]; // one after another; within each from `start` on, around its end
    size_t pool_count;
    size_t pool;
    uint32_t start; // offset in the pool
    uint32_t done;  // steps made in the pool
    uint16_t beside;
    uint32_t seed;
};

void
pick_walk_begin(struct pick_walk *walk, const struct pick_wish *wish);

// The next port that nothing speaks against; false when there is none left.
bool
pick_walk_next(struct pick_walk *walk, struct pick_field *field, enum protocol protocol, uint16_t *port);

// Why no port was found, a sentence without a full stop.
struct str
pick_say_none(struct arena *arena, const struct pick_wish *wish, const struct pick_field *field);

#endif
