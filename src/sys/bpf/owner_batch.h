#ifndef MOORAGE_SYS_BPF_OWNER_BATCH_H
#define MOORAGE_SYS_BPF_OWNER_BATCH_H

// The sockets of several slots of a table at once. They lie everywhere in memory, and to wait for each in turn is most of what a
// run takes: so the same is read of all before the next thing is, and the processor asks for one while it waits for another.
// Part of sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_emit.h"
#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_step.h"
#include "sys/owner_program_linux.h"

#include <stdint.h>

enum {
    SLOT_BYTES = 16, // of a slot, as it mostly is: a list and a lock
    SLOTS_AT_ONCE = OWNER_CHUNK * 8 / SLOT_BYTES,
};

// Where a list of the table ends, a number stands that is no address.
static inline int
is_end(uint64_t node)
{
    return !node || node & 1;
}

// A function of its own that nobody calls would not be verified.
#if OWNER_ALL
VERIFIED_ONCE
read_socket(uint64_t k);
VERIFIED_ONCE
read_file(uint64_t k);

// Of the socket at the kth place of the chunk what is above it (struct socket), and the place behind it. Gives whether there is one.
VERIFIED_ONCE
read_socket(uint64_t k)
{
    uint64_t *place = &state.chunk[k & (SLOTS_AT_ONCE - 1)];
    uint64_t *above = &state.chunk[SLOTS_AT_ONCE + (k & (SLOTS_AT_ONCE - 1))];
    *above = 0;
    if (is_end(*place))
        return 0;
    uint64_t at = *place;
    state.faults |= (uint64_t)probe_read(above, sizeof *above,
                                         (const void *)(at - state.at[FIELD_SKC_NODE] + state.at[FIELD_SK_SOCKET]));
    state.faults |= (uint64_t)probe_read(place, sizeof *place, (const void *)at);
    return !is_end(*place);
}

VERIFIED_ONCE
read_file(uint64_t k)
{
    uint64_t *above = &state.chunk[SLOTS_AT_ONCE + (k & (SLOTS_AT_ONCE - 1))];
    if (*above)
        state.faults |=
            (uint64_t)probe_read(above, sizeof *above, (const void *)(*above + state.at[FIELD_SOCKET_FILE]));
    return 0;
}

VERIFIED_ONCE
want_file(uint64_t k);

VERIFIED_ONCE
want_file(uint64_t k)
{
    uint64_t file = state.chunk[SLOTS_AT_ONCE + (k & (SLOTS_AT_ONCE - 1))];
    if (file)
        want(file);
    return 0;
}

VERIFIED_ONCE
want_sockets(uint64_t unused);

// Wants the files of the sockets at the places in the first half of the chunk, and leaves there what stands behind these. Gives
// whether that is anything.
VERIFIED_ONCE
want_sockets(uint64_t unused)
{
    uint64_t more = 0;
    (void)unused;
    for (uint32_t k = 0; k < SLOTS_AT_ONCE; k++)
        more |= read_socket(k);
    for (uint32_t k = 0; k < SLOTS_AT_ONCE; k++)
        read_file(k);
    for (uint32_t k = 0; k < SLOTS_AT_ONCE; k++)
        want_file(k);
    return more;
}

VERIFIED_ONCE
read_slots(uint64_t at);

// Puts the first places of the slots into the first half of the chunk, and gives whether there are any.
VERIFIED_ONCE
read_slots(uint64_t at)
{
    uint64_t any = 0;
    state.faults |= (uint64_t)probe_read(state.chunk, sizeof state.chunk, (const void *)at);
    for (uint32_t k = 0; k < SLOTS_AT_ONCE; k++) {
        uint64_t place = state.chunk[(2 * k + state.slot_head / 8) & (OWNER_CHUNK - 1)];
        state.chunk[k] = place;
        // As is_end() says, but without a branch.
        any |= (place | -place) >> 63 & ~place;
    }
    return any & 1;
}

#else
uint64_t
want_sockets(uint64_t unused);
uint64_t
read_slots(uint64_t at);
#endif

#endif
