#ifndef MOORAGE_SYS_OWNER_TASK_LINUX_H
#define MOORAGE_SYS_OWNER_TASK_LINUX_H

// What the program in the kernel told of the processes that it met, as facts about them: the same that /proc has of them,
// without a file to open for each. Linux only; part of sys/socket_owner.

#include "sys/owner_search_linux.h"
#include "sys/owner_session_linux.h"

// Whether the kernel tells all that the query wants to know of processes.
bool
owner_task_can(const struct owner_query *query);

// Appends to host->processes those of the noted holders that the last run met and that are not there, when that is all that the query wants to know
// of them. Nothing is taken unless what was told of this process is what /proc says of it. A process that can't be told of so is
// left out.
void
owner_task_take(const struct owner_search *search, const struct owner_session *session);

#endif
