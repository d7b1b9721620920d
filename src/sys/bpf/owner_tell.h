#ifndef MOORAGE_SYS_BPF_OWNER_TELL_H
#define MOORAGE_SYS_BPF_OWNER_TELL_H

// How the program in the kernel tells of a process. Part of sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_number.h"
#include "sys/bpf/owner_read.h"
#include "sys/owner_program_linux.h"

#include <stdint.h>

static inline uint32_t
inode_of_pidns(uint64_t task)
{
    uint64_t numbers = read_u64(task + state.at[FIELD_TASK_NUMBERS]);
    // One that has just ended has none any more.
    if (!numbers)
        return 0;
    uint64_t last = number_at(numbers, read_u32(numbers + state.at[FIELD_NUMBERS_LEVEL]));
    return read_u32(read_u64(last + state.at[FIELD_NUMBER_SPACE]) + state.at[FIELD_PIDS_SPACE] +
                    state.at[FIELD_SPACE_INODE]);
}

static inline void
tell_tty(uint64_t signal, struct owner_task *out)
{
    uint64_t tty = read_u64(signal + state.at[FIELD_SIGNAL_TTY]);
    out->tty_major = 0;
    out->tty_minor = 0;
    if (!tty)
        return;
    uint64_t driver = read_u64(tty + state.at[FIELD_TTY_DRIVER]);
    out->tty_major = read_u32(driver + state.at[FIELD_DRIVER_MAJOR]);
    out->tty_minor = read_u32(driver + state.at[FIELD_DRIVER_MINOR]) + read_u32(tty + state.at[FIELD_TTY_INDEX]);
}

// The facts that /proc has in "stat" and "status" (fs/proc/array.c).
static inline void
tell_process(uint64_t task)
{
    uint32_t index = (uint32_t)state.tasks;
    struct owner_task *out = find_element(&tasks, &index);
    if (!state.tells)
        return;
    state.tasks++;
    if (!out)
        return;
    uint64_t signal = read_u64(task + state.at[FIELD_TASK_SIGNAL]);
    uint64_t spaces = read_u64(task + state.at[FIELD_TASK_SPACES]);
    out->start = read_u64(task + state.at[FIELD_TASK_START]);
    out->groups = read_u64(task + state.at[FIELD_TASK_GROUPS]);
    out->pid = number_of_process(task);
    out->parent = number_of_process(read_u64(task + state.at[FIELD_TASK_PARENT]));
    out->group = number_of(read_u64(signal + state.at[FIELD_SIGNAL_NUMBERS] + NUMBER_GROUP * 8));
    out->session = number_of(read_u64(signal + state.at[FIELD_SIGNAL_NUMBERS] + NUMBER_SESSION * 8));
    out->uid = read_u32(read_u64(task + state.at[FIELD_TASK_CRED]) + state.at[FIELD_CRED_USER]);
    out->flags = read_u32(task + state.at[FIELD_TASK_FLAGS]);
    out->state = read_u32(task + state.at[FIELD_TASK_STATE]);
    out->exit_state = read_u32(task + state.at[FIELD_TASK_EXIT_STATE]);
    out->netns = spaces ? read_u32(read_u64(spaces + state.at[FIELD_SPACES_NET]) + state.at[FIELD_NET_SPACE] +
                                   state.at[FIELD_SPACE_INODE])
                        : 0;
    out->pidns = inode_of_pidns(task);
    state.faults |= (uint64_t)probe_read(out->name, sizeof out->name, (const void *)(task + state.at[FIELD_TASK_NAME]));
    tell_tty(signal, out);
}

#endif
