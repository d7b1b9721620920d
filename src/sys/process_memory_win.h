#ifndef MOORAGE_SYS_PROCESS_MEMORY_WIN_H
#define MOORAGE_SYS_PROCESS_MEMORY_WIN_H

// What stands in the memory of a process about itself: its command line and its current folder. It can change both at
// will. Part of sys/process. Windows only.

#include "base/arena.h"
#include "decode/host.h"

// The command line as one text, as the system itself tells it since Windows 8.1: PROCESS_QUERY_LIMITED_INFORMATION is
// enough. UNSUPPORTED where it does not.
struct fact
process_memory_told(struct arena *arena, void *process);

// The same out of the memory of the process. Needs PROCESS_VM_READ.
struct fact
process_memory_command(struct arena *arena, void *process);

// The current folder ("C:\Users\ann\src", "C:\"). Needs PROCESS_VM_READ.
struct fact
process_memory_folder(struct arena *arena, void *process);

// Whether it has switched Ctrl-C off, or was started so. False where that can't be read. Needs PROCESS_VM_READ.
bool
process_memory_ignores_interrupt(void *process);

#endif
