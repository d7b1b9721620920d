#ifndef MOORAGE_SYS_PROCESS_LIST_WIN_H
#define MOORAGE_SYS_PROCESS_LIST_WIN_H

// The list of all processes, got by one call and kept, since many ask for it in one run. Also processes opened to look into
// them. Windows only; one thread uses it.

#include "base/err.h"
#include "base/list.h"
#include "base/map64.h"
#include "base/str.h"
#include "decode/win_process.h"

#include <stdbool.h>
#include <stdint.h>

struct process_list {
    LIST_OF(struct win_process);
    struct map64 by_pid;
    struct str bytes; // as they came, which lay at `base`
    uint64_t base;
    int64_t read_us; // by clock_mono_us(), before the call
};

// The list as it was at most `max_age_ms` ago; what was given before is valid no longer. NULL with `err` when it can't be read.
const struct process_list *
process_list_read(unsigned max_age_ms, struct err *err);

// The process with this pid, or NULL.
const struct win_process *
process_list_find(const struct process_list *list, uint32_t pid);

// Opens the process with these rights (PROCESS_*), as administrator also those of others and the system's. NULL with the
// code of GetLastError() in `code`. To be closed by CloseHandle().
void *
process_list_open(uint32_t pid, unsigned long rights, unsigned long *code);

#endif
