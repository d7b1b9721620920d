#ifndef MOORAGE_SYS_BPF_OWNER_TABLE_H
#define MOORAGE_SYS_BPF_OWNER_TABLE_H

// All sockets of a table, whatever their port. Part of sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_batch.h"
#include "sys/bpf/owner_files.h"
#include "sys/bpf/owner_port.h"
#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_step.h"
#include "sys/owner_program_linux.h"

#include <stdint.h>

static inline void
begin_all(uint64_t table, uint32_t mask, uint32_t slot_bytes, uint32_t head)
{
    state.array = table;
    state.slots = mask + 1;
    state.slot_bytes = slot_bytes;
    state.slot_head = head;
    state.by_chunk = slot_bytes == SLOT_BYTES && head % 8 == 0 && state.slots % SLOTS_AT_ONCE == 0;
    state.step = state.by_chunk && state.run == OWNER_RUN_SERVERS ? STEP_SLOTS : STEP_SLOT;
}

static inline long
begin_tcp_all(void)
{
    uint64_t info = hash_of_tcp();
    begin_all(read_u64(info + state.at[FIELD_HASH_LISTEN]), read_u32(info + state.at[FIELD_HASH_LISTEN_MASK]),
              state.listen_slot_size, state.at[FIELD_LISTEN_SLOT_HEAD]);
    return 0;
}

static inline long
begin_udp_all(void)
{
    uint64_t table = udp_table();
    begin_all(read_u64(table + state.at[FIELD_UDP_HASH]), read_u32(table + state.at[FIELD_UDP_MASK]),
              state.udp_slot_size, state.at[FIELD_UDP_SLOT_HEAD]);
    return 0;
}

static inline long
end_of_table(void)
{
    if (state.run != OWNER_RUN_SERVERS)
        return end();
    state.index = 0;
    if (state.tables++ == 0)
        state.step = STEP_UDP_ALL;
    else
        begin_files(current_task());
    return 0;
}

// Several slots at once. Those of other networks stand there too, and nobody asks for them.
static inline long
next_slots(void)
{
    uint64_t at = state.array + (uint64_t)state.index * SLOT_BYTES;
    if (!state.slots)
        return end_of_table();
    state.slots -= SLOTS_AT_ONCE;
    state.index += SLOTS_AT_ONCE;
    if (read_slots(at))
        state.step = STEP_SOCKETS;
    return 0;
}

static inline long
next_sockets(void)
{
    if (!want_sockets(0))
        state.step = STEP_SLOTS;
    return 0;
}

static inline long
next_slot(void)
{
    uint32_t index = state.index++;
    uint64_t at = state.array + (uint64_t)index * state.slot_bytes;
    if (!state.slots)
        return end_of_table();
    state.slots--;
    if (state.by_chunk) {
        if (index % SLOTS_AT_ONCE == 0)
            state.faults |= (uint64_t)probe_read(state.chunk, sizeof state.chunk, (const void *)at);
        uint32_t word = index % SLOTS_AT_ONCE * 2 + state.slot_head / 8;
        state.node = state.chunk[word & (OWNER_CHUNK - 1)];
    } else {
        state.node = read_u64(at + state.slot_head);
    }
    if (!is_end(state.node))
        state.step = STEP_MEMBER;
    return 0;
}

static inline uint64_t
next_member(void)
{
    uint64_t sk = state.node - state.at[FIELD_SKC_NODE];
    state.node = read_u64(state.node);
    if (is_end(state.node))
        state.step = STEP_SLOT;
    return read_u64(sk + state.at[FIELD_SKC_NET]) == state.net ? sk : 0;
}

#endif
