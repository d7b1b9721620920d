#ifndef MOORAGE_SYS_BPF_OWNER_STEP_H
#define MOORAGE_SYS_BPF_OWNER_STEP_H

// The steps of the program in the kernel, each of which does one small thing and says what comes next. Part of
// sys/bpf/owner_program.c alone.

#include "sys/bpf/owner_read.h"
#include "sys/owner_program_linux.h"

// Made twice: what is verified each time is dear, and a question about one port needs less. An editor sees the whole of it.
#ifndef OWNER_ALL
#define OWNER_ALL 1
#endif

enum {
    ALL = OWNER_ALL, // tells of processes, and walks the tables of all sockets
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
    STEP_SLOTS,
    STEP_SOCKETS,
    STEP_MEMBER,
    STEP_COUNT,
    STEP_WAITER,
};

static inline long
end(void)
{
    state.done = 1;
    return 1;
}

#endif
