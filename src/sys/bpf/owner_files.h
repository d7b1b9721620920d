#ifndef MOORAGE_SYS_BPF_OWNER_FILES_H
#define MOORAGE_SYS_BPF_OWNER_FILES_H

// The descriptors of all threads. Part of sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_step.h"
#include "sys/owner_program_linux.h"

#include <stdint.h>

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

// Keeps of a chunk what may be wanted. Without a branch, which would double what the kernel has to verify each time.
static inline void
next_chunk(void)
{
    if (!state.chunks) {
        state.step = STEP_THREAD;
        return;
    }
    state.chunks--;
    state.base += OWNER_CHUNK;
    uint64_t every = state.every;
    uint32_t kept = 0;
    state.faults |= (uint64_t)probe_read(state.chunk, sizeof state.chunk,
                                         (const void *)(state.array + (uint64_t)state.base * sizeof *state.chunk));
    for (uint32_t k = 0; k < OWNER_CHUNK; k++) {
        uint64_t file = state.chunk[k];
        uint32_t place = owner_filter(file);
        state.chunk[kept & (OWNER_CHUNK - 1)] = file;
        state.place[kept & (OWNER_CHUNK - 1)] = (uint8_t)k;
        kept += (state.filter[place >> 6 & (OWNER_FILTER_WORDS - 1)] >> (place & 63) | every) & 1;
    }
    state.kept = kept;
    if (kept) {
        state.index = 0;
        state.step = STEP_FILE;
    }
}

static inline uint64_t
next_file(void)
{
    uint32_t index = state.index++ & (OWNER_CHUNK - 1);
    state.fd = state.base + state.place[index];
    if (state.index >= state.kept)
        state.step = STEP_CHUNK;
    return state.chunk[index];
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
    state.thread = thread;
    begin_table(files);
}

static inline void
begin_files(uint64_t task)
{
    uint64_t leader = read_u64(task + state.at[FIELD_TASK_LEADER]);
    state.node = leader + state.at[FIELD_TASK_TASKS];
    state.task = leader;
    state.after = STEP_FIRST;
    state.step = ALL ? STEP_TELL : STEP_FIRST;
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

static inline void
begin_threads(uint64_t task)
{
    state.head = read_u64(task + state.at[FIELD_TASK_SIGNAL]) + state.at[FIELD_SIGNAL_THREAD_HEAD];
    state.node2 = read_u64(state.head);
}

static inline long
next_process(void)
{
    if (is_enough())
        return end();
    state.met = 0;
    // The first task of all, the idle one, stands at both ends of the list.
    if (state.node == state.first)
        return end();
    if (!state.first)
        state.first = state.node;
    uint64_t task = state.node - state.at[FIELD_TASK_TASKS];
    state.task = task;
    state.pid = 0;
    state.told = 0;
    state.tid = 0;
    state.node = read_u64(state.node);
    // In the ring of the threads stands also its head, which alone is on both sides of a single thread.
    struct owner_ring *ring = &state.value.ring;
    state.faults |= (uint64_t)probe_read(ring, sizeof *ring, (const void *)(task + state.at[FIELD_TASK_THREAD_NODE]));
    state.sharers = ring->next == ring->last;
    state.node2 = 0;
    if (!state.sharers)
        begin_threads(task);
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

#endif
