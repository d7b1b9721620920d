// Runs in the kernel, once for each question: finds the files of the sockets on a port, and who has them open. It reads
// numbers alone, each by bpf_probe_read_kernel(), so that nothing it meets can do harm; where members lie it is told.
// Whatever it finds may be stale or torn: moorage compares it with the files' own counters (sys/owner_bpf_linux.c).
// It goes in steps, each of which does one small thing and says what comes next: loops within loops are dear to verify, and
// the kernel verifies the program each time.
// Made by clang for the target bpf and put into moorage by tools/bpf_image.py; see sys/owner_program_linux.h.

#include "sys/bpf/owner_emit.h"
#include "sys/bpf/owner_files.h"
#include "sys/bpf/owner_number.h"
#include "sys/bpf/owner_port.h"
#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_step.h"
#include "sys/bpf/owner_table.h"
#include "sys/bpf/owner_tell.h"
#include "sys/owner_program_linux.h"

enum {
    MOST_STEPS = 1 << 23, // that the kernel allows
};

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
    hit->inode = inode_of(file);
    hit->refs = refs_of(file);
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
    uint64_t parent = ALL && sk && state.parents ? parent_of(sk) : 0;
    if (sk && state.run == OWNER_RUN_ROWS) {
        tell_row(sk);
    } else if (sk && (state.run == OWNER_RUN_TCP_FLAGS || state.run == OWNER_RUN_UDP_FLAGS)) {
        tell_flags(sk, sk);
        if (parent)
            tell_flags(sk, parent);
    } else if (sk) {
        file = file_of(parent ? parent : sk);
    }
    if (ALL && file && sk && state.run == OWNER_RUN_SERVERS)
        want(file);
    else if (file)
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
        return (long)find_bind_slot(state.port);
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
    case STEP_SLOTS:
        return ALL ? next_slots() : end();
    case STEP_SOCKETS:
        return ALL ? next_sockets() : end();
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

static inline uint64_t
own_file(uint64_t task, uint32_t fd)
{
    uint64_t table = read_u64(read_u64(task + state.at[FIELD_TASK_FILES]) + state.at[FIELD_FILES_FDT]);
    return read_u64(read_u64(table + state.at[FIELD_FDTABLE_FD]) + 8 * (uint64_t)fd);
}

// The table of UDP-Lite, and before Linux 6.2 that of UDP, is the same for all networks, and is found by a socket of that kind.
static inline void
learn_table(uint64_t task)
{
    if (!ALL || !state.apart)
        return;
    uint64_t sk =
        read_u64(read_u64(own_file(task, state.apart_fd) + state.at[FIELD_FILE_DATA]) + state.at[FIELD_SOCKET_SK]);
    state.apart_table = read_u64(read_u64(sk + state.at[FIELD_SKC_PROTOCOL]) + state.at[FIELD_PROTOCOL_TABLE]);
}

static inline void
learn(uint64_t task)
{
    uint64_t file = own_file(task, state.own_fd);
    uint64_t socket = read_u64(file + state.at[FIELD_FILE_DATA]);
    uint64_t entry = read_u64(waiters_of(socket)) - state.at[FIELD_ENTRY_NODE];
    state.own_inode = inode_of(file);
    state.own_refs = refs_of(file);
    learn_numbers(task);
    learn_table(task);
    state.own_pid = number_of_process(task);
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
    state.first = 0;
    state.task = 0;
    state.pid = 0;
    state.met = 0;
    state.table = 0;
    state.tid = 0;
    state.index = 0;
    state.tables = 0;
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
    } else if (state.run == OWNER_RUN_TCP_ALL || state.run == OWNER_RUN_SERVERS) {
        state.step = STEP_TCP_ALL;
    } else if (state.run == OWNER_RUN_UDP_ALL) {
        state.step = STEP_UDP_ALL;
    } else if (state.run == OWNER_RUN_COUNTS) {
        state.step = STEP_COUNT;
    } else {
        begin_files(task);
    }
    loop(MOST_STEPS, step, 0, 0);
    return 0;
}
