#ifndef MOORAGE_SYS_BPF_OWNER_PORT_H
#define MOORAGE_SYS_BPF_OWNER_PORT_H

// The sockets that are bound to a port, by the kernel's tables of ports. Part of sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_step.h"
#include "sys/owner_program_linux.h"

#include <stdint.h>

enum {
    LAST_PORT = 65535,
};

static inline uint64_t
hash_of_tcp(void)
{
    return read_u64(state.net + state.at[FIELD_NET_IPV4] + state.at[FIELD_IPV4_DEATH_ROW] +
                    state.at[FIELD_DEATH_ROW_HASH]);
}

static inline void
begin_tcp(void)
{
    uint64_t info = hash_of_tcp();
    state.array = read_u64(info + state.at[FIELD_HASH_BIND]);
    state.bind_slots = read_u32(info + state.at[FIELD_HASH_BIND_SIZE]);
    state.bind_mix = read_u32(state.net + state.at[FIELD_NET_MIX]);
    state.step = STEP_BIND_SLOT;
}

VERIFIED_ONCE
find_bind_slot(uint64_t port);

VERIFIED_ONCE
find_bind_slot(uint64_t port)
{
    uint32_t slot = ((uint32_t)port + state.bind_mix) & (state.bind_slots - 1);
    state.port = (uint32_t)port;
    state.step = STEP_BUCKET;
    state.node = read_u64(state.array + (uint64_t)slot * state.slot_size + state.at[FIELD_SLOT_CHAIN]);
    return 0;
}

static inline uint64_t
udp_table(void)
{
    if (ALL && state.apart)
        return state.apart_table;
    return read_u64(state.net + state.at[FIELD_NET_IPV4] + state.at[FIELD_IPV4_UDP_TABLE]);
}

static inline void
begin_udp(void)
{
    uint64_t table = udp_table();
    uint64_t hash = read_u64(table + state.at[FIELD_UDP_HASH]);
    uint32_t mask = read_u32(table + state.at[FIELD_UDP_MASK]);
    uint32_t slot = (state.port + read_u32(state.net + state.at[FIELD_NET_MIX])) & mask;
    state.node = read_u64(hash + (uint64_t)slot * state.udp_slot_size + state.at[FIELD_UDP_SLOT_HEAD]);
    state.step = STEP_UDP;
}

static inline long
end_of_buckets(void)
{
    if (state.run == OWNER_RUN_TCP_SPACES) {
        state.step = STEP_SPACE;
        return 0;
    }
    if (state.run != OWNER_RUN_UNUSED)
        return end();
    uint32_t index = (uint32_t)state.count++;
    struct owner_hit *hit = find_element(&hits, &index);
    if (hit)
        hit->inode = state.port;
    if (state.port >= LAST_PORT || state.count >= state.most)
        return end();
    return (long)find_bind_slot(state.port + 1);
}

// One bucket for each port and network, in it one for each address, in it the sockets.
static inline long
next_bucket(void)
{
    if (!state.node)
        return end_of_buckets();
    uint64_t bucket = state.node - state.at[FIELD_BUCKET_NODE];
    if (read_u16(bucket + state.at[FIELD_BUCKET_PORT]) == state.port &&
        read_u64(bucket + state.at[FIELD_BUCKET_NET]) == state.net) {
        if (state.run == OWNER_RUN_TCP_SPACES) {
            state.count++;
            return end();
        }
        if (state.run == OWNER_RUN_UNUSED)
            return state.port >= LAST_PORT ? end() : (long)find_bind_slot(state.port + 1);
        state.node2 = state.flat ? 0 : read_u64(bucket + state.at[FIELD_BUCKET_BHASH2]);
        state.step = STEP_BUCKET2;
        if (state.flat) {
            state.node3 = read_u64(bucket + state.at[FIELD_BUCKET_OWNERS]);
            state.step = STEP_OWNER;
        }
    }
    state.node = read_u64(state.node);
    return 0;
}

// All networks stand in a ring, in which something stands that is none: its head.
static inline long
next_space(void)
{
    state.head = read_u64(state.head);
    state.net = state.head - state.at[FIELD_NET_LIST];
    if (state.net == state.own_net)
        return end();
    if (read_u64(state.net + state.at[FIELD_NET_SPACE] + state.at[FIELD_SPACE_KIND]) == state.kind)
        state.step = state.run == OWNER_RUN_TCP_SPACES ? STEP_TCP : STEP_UDP_TABLE;
    return 0;
}

static inline void
next_bucket2(void)
{
    if (!state.node2) {
        state.step = STEP_BUCKET;
        return;
    }
    state.node3 = read_u64(state.node2 - state.at[FIELD_BUCKET2_NODE] + state.at[FIELD_BUCKET2_OWNERS]);
    state.node2 = read_u64(state.node2);
    state.step = STEP_OWNER;
}

static inline uint64_t
next_owner(void)
{
    uint64_t node = state.node3;
    if (!node) {
        state.step = STEP_BUCKET2;
        return 0;
    }
    state.node3 = read_u64(node);
    return node - state.at[FIELD_SKC_BIND_NODE];
}

static inline uint64_t
next_udp(void)
{
    uint64_t sk = state.node - state.at[FIELD_SKC_NODE];
    state.node = read_u64(state.node);
    return read_u16(sk + state.at[FIELD_SKC_NUMBER]) == state.port &&
                   read_u64(sk + state.at[FIELD_SKC_NET]) == state.net
               ? sk
               : 0;
}

static inline long
end_of_udp(void)
{
    if (state.run != OWNER_RUN_UDP_SPACES)
        return end();
    state.step = STEP_SPACE;
    return 0;
}

#endif
