#ifndef MOORAGE_SYS_BPF_OWNER_READ_H
#define MOORAGE_SYS_BPF_OWNER_READ_H

// What the program in the kernel works with: its memory, the kernel's helpers, and how it reads numbers. Part of
// sys/bpf/owner_program.c alone.

#include "sys/owner_program_linux.h"

#include <stdint.h>

#define IN_SECTION(name) __attribute__((section(name), used))
#define UNUSED __attribute__((unused))

// One value, which is also mapped into moorage; an array of hits; the bits of the set.
struct owner_state state IN_SECTION(".map.0.state");
char hits IN_SECTION(".map.1.hits");
char wanted IN_SECTION(".map.2.wanted");
char tasks IN_SECTION(".map.3.tasks");

// Helpers of the kernel have numbers (include/uapi/linux/bpf.h).
UNUSED static void *(*find_element)(void *map, const void *key) = (void *(*)(void *map, const void *key))1;
UNUSED static uint64_t (*current_task)(void) = (uint64_t(*)(void))35;
UNUSED static long (*probe_read)(void *to, uint32_t size,
                                 const void *from) = (long (*)(void *to, uint32_t size, const void *from))113;
UNUSED static long (*loop)(uint32_t count, long (*each)(uint32_t, void *), void *data,
                           uint64_t flags) = (long (*)(uint32_t count, long (*each)(uint32_t, void *), void *data,
                                                       uint64_t flags))181;

// A function that the kernel verifies once and not wherever it is called, since it is not static. It takes and gives one number.
#define VERIFIED_ONCE __attribute__((noinline)) uint64_t

// read_u64(at) and its like give a number of the kernel's.
#define READER(width)                                                                                               \
    VERIFIED_ONCE read_u##width(uint64_t at);                                                                       \
    VERIFIED_ONCE read_u##width(uint64_t at)                                                                        \
    {                                                                                                               \
        state.faults |= (uint64_t)probe_read(&state.value.u##width, sizeof state.value.u##width, (const void *)at); \
        return state.value.u##width;                                                                                \
    }
READER(8)
READER(16)
READER(32)
READER(64)
#undef READER

#endif
