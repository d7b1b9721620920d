#ifndef MOORAGE_SYS_BPF_OWNER_NUMBER_H
#define MOORAGE_SYS_BPF_OWNER_NUMBER_H

// The numbers of processes and threads as moorage's own pid namespace counts them. Each has one in every namespace that it is
// in, from the first of all to its own, and 0 elsewhere (pid_nr_ns() in kernel/pid.c). Part of sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_read.h"
#include "sys/bpf/owner_step.h"
#include "sys/owner_program_linux.h"

#include <stdint.h>

enum {
    // Places in an array of numbers (enum pid_type).
    NUMBER_PROCESS = 1,
    NUMBER_GROUP = 2,
    NUMBER_SESSION = 3,
};

static inline uint64_t
number_at(uint64_t numbers, uint32_t level)
{
    return numbers + state.at[FIELD_NUMBERS_EACH] + (uint64_t)level * state.upid_size;
}

// A function of its own that nobody calls would not be verified.
#if OWNER_ALL
VERIFIED_ONCE
number_of(uint64_t numbers);

// Of a process, a thread, a group or a session.
VERIFIED_ONCE
number_of(uint64_t numbers)
{
    uint64_t own = number_at(numbers, state.level);
    // What has just ended has none any more.
    if (!numbers)
        return 0;
    if (state.level && (read_u32(numbers + state.at[FIELD_NUMBERS_LEVEL]) < state.level ||
                        read_u64(own + state.at[FIELD_NUMBER_SPACE]) != state.pid_space))
        return 0;
    return read_u32(own + state.at[FIELD_NUMBER]);
}
#else
uint64_t
number_of(uint64_t numbers);
#endif

VERIFIED_ONCE
number_of_process(uint64_t task);

VERIFIED_ONCE
number_of_process(uint64_t task)
{
    if (!ALL || !state.level)
        return read_u32(task + state.at[FIELD_TASK_TGID]);
    uint64_t signal = read_u64(task + state.at[FIELD_TASK_SIGNAL]);
    return number_of(read_u64(signal + state.at[FIELD_SIGNAL_NUMBERS] + NUMBER_PROCESS * 8));
}

static inline void
learn_numbers(uint64_t task)
{
    state.level = 0;
    if (!ALL || !state.upid_size)
        return;
    uint64_t numbers = read_u64(task + state.at[FIELD_TASK_NUMBERS]);
    state.level = read_u32(numbers + state.at[FIELD_NUMBERS_LEVEL]);
    state.pid_space = read_u64(number_at(numbers, state.level) + state.at[FIELD_NUMBER_SPACE]);
}

#endif
