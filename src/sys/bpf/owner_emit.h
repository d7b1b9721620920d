#ifndef MOORAGE_SYS_BPF_OWNER_EMIT_H
#define MOORAGE_SYS_BPF_OWNER_EMIT_H

// What the program in the kernel emits of files and sockets that it meets. Part of sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_number.h"
#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_step.h"
#include "sys/owner_program_linux.h"

#include <stdint.h>

enum {
    TIME_WAIT = 6,
    CLOSE = 7,
    LISTEN = 10,
    NEW_SYN_RECV = 12,
    INET6 = 10, // a family
};

VERIFIED_ONCE
is_wanted(uint64_t key);

VERIFIED_ONCE
is_wanted(uint64_t key)
{
    uint64_t bit = owner_hash(key, state.hash_shift);
    uint32_t word = (uint32_t)(bit >> 6);
    uint64_t *bits = find_element(&wanted, &word);
    return bits && *bits >> (bit & 63) & 1;
}

static inline void
want(uint64_t file)
{
    uint64_t bit = owner_hash(file, state.hash_shift);
    uint32_t word = (uint32_t)(bit >> 6);
    uint64_t *bits = find_element(&wanted, &word);
    if (bits)
        *bits |= (uint64_t)1 << (bit & 63);
    uint32_t place = owner_filter(file);
    state.filter[place >> 6 & (OWNER_FILTER_WORDS - 1)] |= (uint64_t)1 << (place & 63);
}

static inline uint64_t
inode_of(uint64_t file)
{
    return read_u64(read_u64(file + state.at[FIELD_FILE_INODE]) + state.at[FIELD_INODE_NUMBER]);
}

static inline uint64_t
refs_of(uint64_t file)
{
    return read_u64(file + state.refs_at) + state.refs_less;
}

// A file that may be one of those that are looked for.
static inline void
consider(uint64_t file)
{
    uint64_t inode = 0;
    if (state.run != OWNER_RUN_FILES && state.run != OWNER_RUN_SERVERS) {
        if (read_u64(file + state.at[FIELD_FILE_OPERATIONS]) != state.operations)
            return;
        inode = inode_of(file);
    }
    if (!is_wanted(inode ? inode : file))
        return;
    state.met++;
    // A table apart may be shared with whoever was not looked at yet.
    if (state.tid)
        state.enough = 0;
    uint32_t index = (uint32_t)state.count++;
    struct owner_hit *hit = find_element(&hits, &index);
    if (!hit)
        return;
    hit->file = file;
    hit->inode = inode;
    if (ALL && state.run == OWNER_RUN_SERVERS) {
        hit->inode = inode_of(file);
        hit->refs = refs_of(file);
    }
    hit->table = state.table;
    hit->fd = state.fd;
    hit->tid = state.tid;
    // A process mostly has several.
    if (!state.pid && state.task)
        state.pid = (uint32_t)number_of_process(state.task);
    hit->pid = state.pid;
    // In another namespace it has another number.
    if (ALL && state.level && state.tid)
        hit->tid = number_of(read_u64(state.thread + state.at[FIELD_TASK_NUMBERS]));
    if (ALL && state.task && !state.told) {
        state.told = 1;
        state.after = state.step;
        state.step = STEP_TELL;
    }
}

// How a socket lets others share its port; asked for is the socket of MPTCP that it is a part of, or itself.
static inline void
tell_flags(uint64_t sk, uint64_t asked)
{
    uint64_t cookie = read_u64(asked + state.at[FIELD_SKC_COOKIE]);
    if (!is_wanted(cookie))
        return;
    uint32_t index = (uint32_t)state.count++;
    struct owner_hit *hit = find_element(&hits, &index);
    if (!hit)
        return;
    hit->inode = cookie;
    hit->fd = (uint32_t)read_u8(sk + state.reuse_at) | (uint32_t)read_u8(sk + state.reuse_port_at) << 8;
}

// A socket of the port as other tiers ask for it.
static inline void
tell_row(uint64_t sk)
{
    uint32_t index = (uint32_t)state.count++;
    struct owner_row *row = find_element(&hits, &index);
    if (!row)
        return;
    row->socket = sk;
    row->cookie = read_u64(sk + state.at[FIELD_SKC_COOKIE]);
    row->family = (uint8_t)read_u16(sk + state.at[FIELD_SKC_FAMILY]);
    row->state = read_u8(sk + state.at[FIELD_SKC_STATE]);
    row->peer_port = read_u16(sk + state.at[FIELD_SKC_PEER_PORT]);
    row->device = read_u32(sk + state.at[FIELD_SKC_DEVICE]);
    uint32_t six = row->family == INET6;
    uint64_t local = sk + state.at[six ? FIELD_SKC_LOCAL6 : FIELD_SKC_LOCAL4];
    uint64_t peer = sk + state.at[six ? FIELD_SKC_PEER6 : FIELD_SKC_PEER4];
    // Behind an address of IPv4 stands something else, which is not looked at.
    state.faults |= (uint64_t)probe_read(row->local, sizeof row->local, (const void *)local);
    state.faults |= (uint64_t)probe_read(row->peer, sizeof row->peer, (const void *)peer);
    // What another protocol has put itself on (MPTCP), what waits at a listener and has no place in the bucket yet, and what is
    // bound and does nothing.
    if (row->state == CLOSE || (row->state != TIME_WAIT && read_u64(sk + state.at[FIELD_ICSK_ULP])) ||
        (row->state == LISTEN && read_u32(sk + state.at[FIELD_ICSK_QUEUE] + state.at[FIELD_QUEUE_LENGTH])))
        state.odd++;
}

// Stand-ins that are no whole sockets, and that nobody has.
static inline int
is_whole(uint64_t sk)
{
    uint8_t tcp_state = read_u8(sk + state.at[FIELD_SKC_STATE]);
    return tcp_state != TIME_WAIT && tcp_state != NEW_SYN_RECV;
}

// The socket of MPTCP that this one of TCP is a part of; 0: it is none.
static inline uint64_t
parent_of(uint64_t sk)
{
    uint64_t mptcp;
    __builtin_memcpy(&mptcp, "mptcp\0\0", sizeof mptcp);
    uint64_t upper = is_whole(sk) ? read_u64(sk + state.at[FIELD_ICSK_ULP]) : 0;
    if (!upper || read_u64(upper + state.at[FIELD_ULP_NAME]) != mptcp)
        return 0;
    uint64_t part = read_u64(sk + state.at[FIELD_ICSK_ULP_DATA]);
    return part && read_u64(part + state.at[FIELD_PART_SOCKET]) == sk ? read_u64(part + state.at[FIELD_PART_PARENT])
                                                                      : 0;
}

// A socket that is bound to the port, found by its place in a list.
static inline uint64_t
file_of(uint64_t sk)
{
    if (state.run == OWNER_RUN_TCP && !is_whole(sk))
        return 0;
    uint64_t socket = read_u64(sk + state.at[FIELD_SK_SOCKET]);
    return socket ? read_u64(socket + state.at[FIELD_SOCKET_FILE]) : 0;
}

#endif
