#ifndef MOORAGE_SYS_OWNER_KERNEL_LINUX_H
#define MOORAGE_SYS_OWNER_KERNEL_LINUX_H

// Whether the kernel lets this program ask it, and the session in which it does. What the kernel has of this program is kept
// to its end: to load it costs more than to ask it, and some questions are several searches. Linux only; part of
// sys/socket_owner.

#include "base/arena.h"
#include "base/str.h"
#include "sys/owner_layout_linux.h"
#include "sys/owner_session_linux.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    // What questions about one port need, so that one session does for all of them: to make it anew costs more than they do.
    OWNER_KERNEL_HITS = 1024,
    OWNER_KERNEL_WANTED = 512,
};

// Whether the kernel would take any program of moorage's, as far as can be told without trying; `why_not` says what is missing.
bool
owner_kernel_takes_programs(struct str *why_not);

// Whether the kernel would let this program ask, as far as can be told without trying; `why_not` (may be NULL) says what
// is missing.
bool
owner_kernel_is_allowed(struct str *why_not);

// Tries in earnest, without looking for anything. False says in `why_not` why.
bool
owner_kernel_try(struct arena *arena, struct str *why_not);

// Where things lie in this kernel; NULL where it can't be asked.
const struct owner_layout *
owner_kernel_layout(struct arena *arena);

// The session, with room for so many hits and so much in the set; `all`: its program tells of processes and all sockets too. It belongs to this file, and another call may change it. NULL
// where the kernel refuses; it is not tried again then.
struct owner_session *
owner_kernel_open(struct arena *arena, size_t room, size_t wanted, bool all);

// Opens that session and runs its program with OWNER_RUN_SERVERS on another thread, while this one does other things. Whatever is asked
// here next waits for its end, and must be asked before a fork.
void
owner_kernel_begin(struct arena *arena, size_t room, size_t wanted);

// Whether that run may not have ended yet.
bool
owner_kernel_runs_ahead(void);

// The session after that run; NULL where there was none, where it failed or found more than there is room for, and when it was
// asked for once.
const struct owner_session *
owner_kernel_ahead(void);

#endif
