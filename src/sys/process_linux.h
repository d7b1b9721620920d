#ifndef MOORAGE_SYS_PROCESS_LINUX_H
#define MOORAGE_SYS_PROCESS_LINUX_H

// What else tells of processes needs of sys/process. Linux only.

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

// When a process started, in milliseconds since 1970 UTC, which started so many clock ticks after the system did. False if it
// can't be told.
bool
process_linux_started(struct arena *arena, uint64_t ticks, int64_t *ms);

#endif
