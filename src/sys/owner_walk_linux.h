#ifndef MOORAGE_SYS_OWNER_WALK_LINUX_H
#define MOORAGE_SYS_OWNER_WALK_LINUX_H

// A walk over all descriptors of all processes that may be seen: the table of each process, and those of threads that have
// one of their own (unshare(2) with CLONE_FILES) or whose leader is dead. Linux only; part of sys/socket_owner.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where a descriptor was met.
struct owner_place {
    uint32_t pid;
    uint32_t tid; // 0: in the table of the process
    uint64_t fd;
};

struct owner_walk {
    struct arena *arena;
    struct host *host;
    void *data; // for the functions
    // Called for each descriptor, with what its link says ("socket:[99123]").
    void (*descriptor)(void *data, const struct owner_place *place, struct str link);
    // Called for each process that could be looked into, after its descriptors. `tid` is 0, or a thread to look at where
    // the files of the process itself are empty: its first thread has ended.
    void (*process)(void *data, uint32_t pid, uint32_t tid);

    // Set by owner_walk_begin() and owner_walk_run().
    int proc;         // /proc, open while the walk lives
    bool sizes_tell;  // st_size of /proc/PID/fd is the number of descriptors (Linux 6.2), not always 0
    bool tables_tell; // kcmp(2) can say whether two threads share a table
    bool enough;      // set by the functions: no more descriptors are wanted
    size_t refused;   // processes that could not be looked into
    char *buffers[3]; // for the folders that are open at the same time: /proc, task, fd
};

// Opens /proc; the members above must be set.
bool
owner_walk_begin(struct owner_walk *walk, struct err *err);

// The walk. What is refused is appended to host->unseen; a process that ends meanwhile is passed over.
bool
owner_walk_run(struct owner_walk *walk, struct err *err);

// The same for one process alone.
void
owner_walk_one(struct owner_walk *walk, uint32_t pid);

struct owner_pids {
    LIST_OF(uint32_t);
};

// All processes.
bool
owner_walk_list(struct owner_walk *walk, struct owner_pids *out, struct err *err);

// Puts those of the user `uid` first.
void
owner_walk_sort(const struct owner_walk *walk, uint32_t uid, struct owner_pids *pids);

void
owner_walk_end(struct owner_walk *walk);

// The start of a file below /proc, as much as `size` holds; false if it can't be read, with the errno in `error`.
bool
owner_walk_read(const struct owner_walk *walk, const char *path, char *buffer, size_t size, struct str *out,
                int *error);

// Notes that something of the process could not be looked at, and the errno why; nothing if it ended.
void
owner_walk_failed(struct owner_walk *walk, uint32_t pid, const char *what, int error);

// Appends to host->unseen, unless the same stands there already.
void
owner_walk_unseen(struct owner_walk *walk, uint32_t pid, struct str what, enum known reason);

#endif
