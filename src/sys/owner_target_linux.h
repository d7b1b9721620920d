#ifndef MOORAGE_SYS_OWNER_TARGET_LINUX_H
#define MOORAGE_SYS_OWNER_TARGET_LINUX_H

// The files of asked sockets while their holders are looked for in the kernel, and what a run that began ahead of the question
// found of them. Linux only; part of sys/owner_bpf_linux.h.

#include "base/arena.h"
#include "base/list.h"
#include "sys/owner_search_linux.h"
#include "sys/owner_session_linux.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A file of an asked socket.
struct owner_target {
    uint64_t file;
    uint64_t inode;
    uint64_t refs;
    uint64_t waiters;
    size_t found; // descriptors, each once although several processes may share the table
    size_t first; // hits of it
    size_t end;
};

struct owner_target_list {
    LIST_OF(struct owner_target);
};

// Sorts the hits of files by file, then by table and descriptor: what several processes share stands together.
void
owner_target_sort(struct owner_hit *hits, size_t count);

// How many descriptors the sorted hits of one file are.
size_t
owner_target_count(const struct owner_hit *hits, size_t count);

// Notes who has the file, by its sorted hits.
void
owner_target_hold(struct owner_search *search, uint64_t inode, const struct owner_hit *hits, size_t count);

// After OWNER_RUN_SERVERS: notes the holders of the asked sockets that the run met and whose references are as many as it
// met. Gives how many inodes that were; the others that it met are appended to `open`, with what it saw of them.
size_t
owner_target_take(struct owner_search *search, struct arena *arena, const struct owner_session *session,
                  struct owner_target_list *open);

#endif
