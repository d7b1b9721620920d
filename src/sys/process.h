#ifndef MOORAGE_SYS_PROCESS_H
#define MOORAGE_SYS_PROCESS_H

// Facts about one process, read without changing it and without trusting its paths.
// Invariant: all facts are of one and the same process: where it ended while it was read, `known` is GONE.
// How the systems differ: Linux reads /proc/PID between opening a pidfd and checking that it still names a living process
// (pidfd_open(2)); exe and cwd of others need the right that ptrace(2) calls PTRACE_MODE_READ. A process whose first
// thread has ended while others run is a zombie with empty files: it is read from one of the others. Windows
// tells of every process what stands in its list, and where its program lies; the rest needs a right, and the current
// folder is read from the memory of the process, where it may write what it likes.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

enum process_facts {
    PROCESS_BASIC = 0,        // pid, parent, name, state, user id, start, terminal, kernel thread
    PROCESS_COMMAND = 1 << 0, // argv
    PROCESS_EXE = 1 << 1,     // exe and whether its file still exists
    PROCESS_CWD = 1 << 2,
    PROCESS_GIT = 1 << 3,   // git work tree of the cwd; reads files there, never on a network or FUSE file system
    PROCESS_USER = 1 << 4,  // user name
    PROCESS_GROUP = 1 << 5, // cgroup path, namespaces
    PROCESS_IMAGE = 1 << 6, // company, product and signature of the program file, which is read for it (Windows)
    PROCESS_ENTRY = 1 << 7, // what a supervisor of many programs calls it, out of its environment (Linux)
    PROCESS_ALL = (1 << 8) - 1,
};

// The facts that were asked for (bits of enum process_facts); the others stay NOT_ASKED. Always fills `out`: see
// out->known.
void
process_read(struct arena *arena, uint32_t pid, unsigned facts, struct process *out);

// This process and its parent chain must never be named as somebody else's: the own pid.
uint32_t
process_self(void);

#endif
