#ifndef MOORAGE_SYS_OWN_CGROUP_LINUX_H
#define MOORAGE_SYS_OWN_CGROUP_LINUX_H

// A cgroup for one command and all that it starts, which can be ended as a whole, however fast it makes new ones. Linux only.
// Invariant: it is an aid, never needed: where none may be made, its folder is NULL, and all of these are calm about that.

#include "base/arena.h"

// Below the cgroup of this process, named after its pid.
const char *
own_cgroup_make(struct arena *arena);

// Moves this process into it.
void
own_cgroup_enter(const char *folder);

// Kills all that is in it (cgroup.kill, since 5.14).
void
own_cgroup_kill(const char *folder);

// Removes it, and what was made below it; for a moment it is waited for what has just ended.
void
own_cgroup_remove(const char *folder);

#endif
