// Runs in the kernel, once for each question: finds the files of the sockets on a port, and who has them open. It reads
// numbers alone, each by bpf_probe_read_kernel(), so that nothing it meets can do harm; where members lie it is told.
// Whatever it finds may be stale or torn: moorage compares it with the files' own counters (sys/owner_bpf_linux.c).
// It goes in steps, each of which does one small thing and says what comes next: loops within loops are dear to verify, and
// the kernel verifies the program each time.
// Made by clang for the target bpf and put into moorage by tools/bpf_image.py; see sys/owner_program_linux.h.

#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_tell.h"
#include "sys/owner_program_linux.h"

// Made twice: what is verified each time is dear, and a question about one port needs less. An editor sees the whole of it.
#ifndef OWNER_ALL
#define OWNER_ALL 1
#endif

enum {
    ALL = OWNER_ALL, // tells of processes, and walks the tables of all sockets
};

enum {
    MOST_STEPS = 1 << 23, // that the kernel allows
    TIME_WAIT = 6,
    CLOSE = 7,
    LISTEN = 10,
    NEW_SYN_RECV = 12,
    SLOT_BYTES = 16, // of a slot, as it mostly is: a list and a lock
    SLOTS_AT_ONCE = OWNER_CHUNK * 8 / SLOT_BYTES,
    INET6 = 10, // a family
    LAST_PORT = 65535,
};

enum step {
    STEP_FILE,
    STEP_CHUNK,
    STEP_THREAD,
    STEP_PROCESS,
    STEP_FIRST,
    STEP_TELL,
    STEP_SPACE,
    STEP_TCP,
    STEP_BIND_SLOT,
    STEP_UDP_TABLE,
    STEP_BUCKET,
    STEP_BUCKET2,
    STEP_OWNER,
    STEP_UDP,
    STEP_TCP_ALL,
    STEP_UDP_ALL,
    STEP_SLOT,
    STEP_MEMBER,
    STEP_COUNT,
    STEP_WAITER,
};

static inline int
is_wanted(uint64_t key)
{
    uint64_t bit = owner_hash(key, state.hash_shift);
    uint32_t word = (uint32_t)(bit >> 6);
    uint64_t *bits = find_element(&wanted, &word);
    return bits && *bits >> (bit & 63) & 1;
}

// A file that may be one of those that are looked for.
static inline void
consider(uint64_t file)
{
    uint64_t inode = 0;
    if (state.run != OWNER_RUN_FILES) {
        if (read_u64(file + state.at[FIELD_FILE_OPERATIONS]) != state.operations)
            return;
        inode = read_u64(read_u64(file + state.at[FIELD_FILE_INODE]) + state.at[FIELD_INODE_NUMBER]);
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
    hit->table = state.table;
    hit->fd = state.base + state.index - 1;
    hit->tid = state.tid;
    hit->pid = state.tgid;
    if (ALL && state.task && !state.told) {
        state.told = 1;
        state.after = state.step;
        state.step = STEP_TELL;
    }
}

// How a socket lets others share its port.
static inline void
tell_flags(uint64_t sk)
{
    uint64_t cookie = read_u64(sk + state.at[FIELD_SKC_COOKIE]);
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

// A socket that is bound to the port, found by its place in a list.
static inline uint64_t
file_of(uint64_t sk)
{
    uint8_t tcp_state = read_u8(sk + state.at[FIELD_SKC_STATE]);
    // These are no whole sockets, and nobody has them.
    if (state.run == OWNER_RUN_TCP && (tcp_state == TIME_WAIT || tcp_state == NEW_SYN_RECV))
        return 0;
    uint64_t socket = read_u64(sk + state.at[FIELD_SK_SOCKET]);
    return socket ? read_u64(socket + state.at[FIELD_SOCKET_FILE]) : 0;
}

static inline long
end(void)
{
    state.done = 1;
    return 1;
}

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

static inline void
find_bind_slot(void)
{
    uint32_t slot = (state.port + state.bind_mix) & (state.bind_slots - 1);
    state.node = read_u64(state.array + (uint64_t)slot * state.slot_size + state.at[FIELD_SLOT_CHAIN]);
    state.step = STEP_BUCKET;
}

static inline void
begin_udp(void)
{
    uint64_t table = read_u64(state.net + state.at[FIELD_NET_IPV4] + state.at[FIELD_IPV4_UDP_TABLE]);
    uint64_t hash = read_u64(table + state.at[FIELD_UDP_HASH]);
    uint32_t mask = read_u32(table + state.at[FIELD_UDP_MASK]);
    uint32_t slot = (state.port + read_u32(state.net + state.at[FIELD_NET_MIX])) & mask;
    state.node = read_u64(hash + (uint64_t)slot * state.udp_slot_size + state.at[FIELD_UDP_SLOT_HEAD]);
    state.step = STEP_UDP;
}

static inline void
next_port(void)
{
    state.port++;
    state.step = STEP_BIND_SLOT;
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
    next_port();
    return 0;
}

// One bucket for each port and network, in it one for each address, in it the sockets.
static inline long
next_bucket(void)
{
    if (!state.node)
        return end_of_buckets();
    uint64_t bucket = state.node - state.at[FIELD_BUCKET_NODE];
    state.node = read_u64(state.node);
    if (read_u16(bucket + state.at[FIELD_BUCKET_PORT]) != state.port ||
        read_u64(bucket + state.at[FIELD_BUCKET_NET]) != state.net)
        return 0;
    if (state.run == OWNER_RUN_TCP_SPACES) {
        state.count++;
        return end();
    }
    if (state.run == OWNER_RUN_UNUSED) {
        if (state.port >= LAST_PORT)
            return end();
        next_port();
        return 0;
    }
    state.node2 = read_u64(bucket + state.at[FIELD_BUCKET_BHASH2]);
    state.step = STEP_BUCKET2;
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

// All sockets of a table.

static inline void
begin_all(uint64_t table, uint32_t mask, uint32_t slot_bytes, uint32_t head)
{
    state.array = table;
    state.slots = mask + 1;
    state.slot_bytes = slot_bytes;
    state.slot_head = head;
    state.by_chunk = slot_bytes == SLOT_BYTES && head % 8 == 0 && state.slots >= SLOTS_AT_ONCE;
    state.step = STEP_SLOT;
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
    uint64_t table = read_u64(state.net + state.at[FIELD_NET_IPV4] + state.at[FIELD_IPV4_UDP_TABLE]);
    begin_all(read_u64(table + state.at[FIELD_UDP_HASH]), read_u32(table + state.at[FIELD_UDP_MASK]),
              state.udp_slot_size, state.at[FIELD_UDP_SLOT_HEAD]);
    return 0;
}

// Where a list of the table ends, a number stands that is no address.
static inline int
is_end(uint64_t node)
{
    return !node || node & 1;
}

static inline long
next_slot(void)
{
    uint32_t index = state.index++;
    uint64_t at = state.array + (uint64_t)index * state.slot_bytes;
    if (!state.slots)
        return end();
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

// Descriptors of all threads.

static inline void
begin_table(uint64_t files)
{
    uint64_t table = read_u64(files + state.at[FIELD_FILES_FDT]);
    state.table = files;
    state.array = read_u64(table + state.at[FIELD_FDTABLE_FD]);
    state.chunks = read_u32(table + state.at[FIELD_FDTABLE_SIZE]) / OWNER_CHUNK;
    state.base = (uint32_t)-OWNER_CHUNK;
    state.step = STEP_CHUNK;
}

static inline void
next_chunk(void)
{
    uint64_t met = 0;
    if (!state.chunks) {
        state.step = STEP_THREAD;
        return;
    }
    state.chunks--;
    state.base += OWNER_CHUNK;
    uint64_t near_bits = state.near_bits;
    uint64_t far_bits = state.far_bits;
    state.faults |= (uint64_t)probe_read(state.chunk, sizeof state.chunk,
                                         (const void *)(state.array + (uint64_t)state.base * sizeof *state.chunk));
    // Without a branch, which would double what the kernel has to verify each time. An empty place passes
    // seldom, and is passed over later.
    for (uint32_t k = 0; k < OWNER_CHUNK; k++)
        met |= near_bits >> owner_near(state.chunk[k]) & far_bits >> owner_far(state.chunk[k]);
    if (met & 1) {
        state.index = 0;
        state.step = STEP_FILE;
    }
}

static inline uint64_t
next_file(void)
{
    if (state.index >= OWNER_CHUNK) {
        state.step = STEP_CHUNK;
        return 0;
    }
    return state.chunk[state.index++ & (OWNER_CHUNK - 1)];
}

// Threads mostly share the table of the first one; those of a dead first one share another's.
static inline void
next_thread(void)
{
    uint64_t node = state.node2;
    if (node == state.head || !node) {
        state.step = STEP_PROCESS;
        return;
    }
    uint64_t thread = node - state.at[FIELD_TASK_THREAD_NODE];
    state.node2 = read_u64(node);
    uint64_t files = read_u64(thread + state.at[FIELD_TASK_FILES]);
    uint32_t pid = read_u32(thread + state.at[FIELD_TASK_PID]);
    state.sharers += files && files == state.first_table;
    if (!files || files == state.table || files == state.first_table)
        return;
    state.tid = pid;
    begin_table(files);
}

// Whether nobody else can have what is wanted: as many descriptors were met as refer to it, in tables that no other process
// shares.
static inline int
is_enough(void)
{
    if (!state.enough || !state.met)
        return 0;
    if (read_u32(state.first_table + state.at[FIELD_FILES_COUNT]) != state.sharers)
        state.enough = 0;
    else if (state.met < state.enough)
        state.enough -= state.met;
    else
        return 1;
    return 0;
}

static inline long
next_process(void)
{
    if (is_enough())
        return end();
    state.met = 0;
    uint64_t task = state.node - state.at[FIELD_TASK_TASKS];
    state.tgid = read_u32(task + state.at[FIELD_TASK_TGID]);
    // The first task of all, the idle one, stands at both ends of the list.
    if (!state.tgid && state.begun)
        return end();
    state.begun = 1;
    state.task = task;
    state.told = 0;
    state.node = read_u64(state.node);
    uint64_t signal = read_u64(task + state.at[FIELD_TASK_SIGNAL]);
    state.tid = 0;
    state.head = signal + state.at[FIELD_SIGNAL_THREAD_HEAD];
    state.sharers = read_u32(signal + state.at[FIELD_SIGNAL_THREADS]) == 1;
    state.node2 = state.sharers ? 0 : read_u64(state.head);
    state.table = 0;
    state.first_table = read_u64(task + state.at[FIELD_TASK_FILES]);
    if (state.first_table)
        begin_table(state.first_table);
    else
        state.step = STEP_THREAD;
    return 0;
}

// New processes come in at the end of the list: begun at its start, it shows all that are there by then.
static inline void
next_to_first(void)
{
    if (read_u32(state.node - state.at[FIELD_TASK_TASKS] + state.at[FIELD_TASK_TGID]))
        state.node = read_u64(state.node);
    else
        state.step = STEP_PROCESS;
}

// How often files are referred to.

static inline uint64_t
waiters_of(uint64_t socket)
{
    return socket + state.at[FIELD_SOCKET_WQ] + state.at[FIELD_WQ_WAIT] + state.at[FIELD_WAIT_HEAD];
}

static inline long
next_count(void)
{
    uint32_t index = state.index++;
    struct owner_hit *hit = find_element(&hits, &index);
    if (!hit || index >= state.count)
        return end();
    uint64_t file = hit->file;
    state.head = waiters_of(read_u64(file + state.at[FIELD_FILE_DATA]));
    state.node2 = read_u64(state.head);
    state.step = STEP_WAITER;
    hit->inode = read_u64(read_u64(file + state.at[FIELD_FILE_INODE]) + state.at[FIELD_INODE_NUMBER]);
    hit->refs = read_u64(file + state.refs_at) + state.refs_less;
    hit->waiters = 0;
    return 0;
}

static inline void
next_waiter(void)
{
    uint64_t node = state.node2;
    uint32_t index = state.index - 1;
    struct owner_hit *hit = find_element(&hits, &index);
    if (node == state.head || !node || !hit) {
        state.step = STEP_COUNT;
        return;
    }
    state.node2 = read_u64(node);
    hit->waiters += read_u64(node - state.at[FIELD_ENTRY_NODE] + state.at[FIELD_ENTRY_FUNC]) != state.epoll;
}

static inline long
tell_next(void)
{
    tell_process(state.task);
    state.step = state.after;
    return 0;
}

// What a walk came to: a socket, or a file at once.
static inline long
meet(uint64_t sk, uint64_t file)
{
    if (sk && state.run == OWNER_RUN_UDP_SPACES) {
        state.count++;
        return end();
    }
    if (sk && state.run == OWNER_RUN_ROWS)
        tell_row(sk);
    else if (sk && (state.run == OWNER_RUN_TCP_FLAGS || state.run == OWNER_RUN_UDP_FLAGS))
        tell_flags(sk);
    else if (sk)
        file = file_of(sk);
    if (file)
        consider(file);
    return 0;
}

static long
step(uint32_t i, void *data)
{
    (void)i;
    (void)data;
    uint64_t file = 0;
    uint64_t sk = 0;
    switch (state.step) {
    case STEP_FILE:
        file = next_file();
        break;
    case STEP_CHUNK:
        next_chunk();
        return 0;
    case STEP_THREAD:
        next_thread();
        return 0;
    case STEP_PROCESS:
        return next_process();
    case STEP_TELL:
        return ALL ? tell_next() : end();
    case STEP_FIRST:
        next_to_first();
        return 0;
    case STEP_SPACE:
        return next_space();
    case STEP_TCP:
        begin_tcp();
        return 0;
    case STEP_BIND_SLOT:
        find_bind_slot();
        return 0;
    case STEP_UDP_TABLE:
        begin_udp();
        return 0;
    case STEP_BUCKET:
        return next_bucket();
    case STEP_BUCKET2:
        next_bucket2();
        return 0;
    case STEP_OWNER:
        sk = next_owner();
        break;
    case STEP_UDP:
        if (!state.node)
            return end_of_udp();
        sk = next_udp();
        break;
    case STEP_TCP_ALL:
        return ALL ? begin_tcp_all() : end();
    case STEP_UDP_ALL:
        return ALL ? begin_udp_all() : end();
    case STEP_SLOT:
        return ALL ? next_slot() : end();
    case STEP_MEMBER:
        if (!ALL)
            return end();
        sk = next_member();
        break;
    case STEP_COUNT:
        return next_count();
    default:
        next_waiter();
        return 0;
    }
    return meet(sk, file);
}

static inline void
learn(uint64_t task)
{
    uint64_t table = read_u64(read_u64(task + state.at[FIELD_TASK_FILES]) + state.at[FIELD_FILES_FDT]);
    uint64_t file = read_u64(read_u64(table + state.at[FIELD_FDTABLE_FD]) + 8 * (uint64_t)state.own_fd);
    uint64_t socket = read_u64(file + state.at[FIELD_FILE_DATA]);
    uint64_t entry = read_u64(waiters_of(socket)) - state.at[FIELD_ENTRY_NODE];
    state.own_inode = read_u64(read_u64(file + state.at[FIELD_FILE_INODE]) + state.at[FIELD_INODE_NUMBER]);
    state.own_refs = read_u64(file + state.refs_at) + state.refs_less;
    state.own_pid = read_u32(task + state.at[FIELD_TASK_TGID]);
    state.operations = read_u64(file + state.at[FIELD_FILE_OPERATIONS]);
    state.epoll = read_u64(entry + state.at[FIELD_ENTRY_FUNC]);
    state.net = read_u64(read_u64(task + state.at[FIELD_TASK_SPACES]) + state.at[FIELD_SPACES_NET]);
    state.own_net = state.net;
}

IN_SECTION("program") int owner_program(void *context)
{
    (void)context;
    uint64_t task = current_task();
    state.faults = 0;
    state.odd = 0;
    state.done = 0;
    state.begun = 0;
    state.task = 0;
    state.met = 0;
    state.table = 0;
    state.tgid = 0;
    state.tid = 0;
    state.index = 0;
    learn(task);
    if (state.run != OWNER_RUN_COUNTS) {
        state.count = 0;
        state.tasks = 0;
    }
    if (state.run == OWNER_RUN_TCP || state.run == OWNER_RUN_TCP_FLAGS || state.run == OWNER_RUN_ROWS ||
        state.run == OWNER_RUN_UNUSED) {
        state.step = STEP_TCP;
    } else if (state.run == OWNER_RUN_UDP || state.run == OWNER_RUN_UDP_FLAGS) {
        state.step = STEP_UDP_TABLE;
    } else if (state.run == OWNER_RUN_TCP_SPACES || state.run == OWNER_RUN_UDP_SPACES) {
        state.kind = read_u64(state.net + state.at[FIELD_NET_SPACE] + state.at[FIELD_SPACE_KIND]);
        state.head = state.net + state.at[FIELD_NET_LIST];
        state.step = STEP_SPACE;
    } else if (state.run == OWNER_RUN_TCP_ALL) {
        state.step = STEP_TCP_ALL;
    } else if (state.run == OWNER_RUN_UDP_ALL) {
        state.step = STEP_UDP_ALL;
    } else if (state.run == OWNER_RUN_COUNTS) {
        state.step = STEP_COUNT;
    } else {
        uint64_t leader = read_u64(task + state.at[FIELD_TASK_LEADER]);
        state.node = leader + state.at[FIELD_TASK_TASKS];
        state.task = leader;
        state.after = STEP_FIRST;
        state.step = ALL ? STEP_TELL : STEP_FIRST;
    }
    loop(MOST_STEPS, step, 0, 0);
    return 0;
}
