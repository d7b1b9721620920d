#ifndef MOORAGE_SYS_PROC_VIEW_LINUX_H
#define MOORAGE_SYS_PROC_VIEW_LINUX_H

// How much of the machine's processes /proc shows here, and whether its numbers are those of the system calls. Linux only.

#include <stdbool.h>
#include <stdint.h>

// Processes are left out of the list: a mount option hides those of others (hidepid=, proc(5)).
bool
proc_view_hides(void);

// This program runs in a pid namespace of its own, a container mostly: what runs outside of it is not listed.
bool
proc_view_is_inside(void);

// The number of this program in /proc; 0 if it is not in there. It is not getpid() where a program was put into a pid
// namespace and sees the /proc of another one (nsenter(1) without --mount).
uint32_t
proc_view_self(void);

// Whether a number of /proc means the same process to system calls.
bool
proc_view_has_own_numbers(void);

#endif
