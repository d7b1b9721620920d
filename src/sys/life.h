#ifndef MOORAGE_SYS_LIFE_H
#define MOORAGE_SYS_LIFE_H

// Whether a process that was named earlier, maybe by another program, still lives. A pid is used again; pid and start
// together name one process for this purpose (a lease that ends), though never for an act upon it.
// How the systems differ: Linux counts clock ticks since the boot (/proc/PID/stat) and has pid namespaces, in each of which a
// pid means something else; Windows has the time of creation.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct life {
    uint32_t pid;
    uint64_t started; // as the system counts it; 0 = unknown
    uint64_t space;   // Linux: inode of the pid namespace that `pid` counts in; 0 = unknown, or there are none
};

// Names the process that has this pid now. False with ERR_GONE when there is none.
bool
life_of(uint32_t pid, struct life *out, struct err *err);

// NO: it has certainly ended. UNKNOWN: it can't be told here (another pid namespace, a process that is hidden).
// Only for a life of this boot.
enum tri
life_lasts(const struct life *life);

// What names this run of the system, from its start to its end (the boot id of os_identify); empty where it can't be told.
struct str
life_boot(struct arena *arena);

// The process that started this program; 0 = it can't be told.
uint32_t
life_parent(void);

#endif
