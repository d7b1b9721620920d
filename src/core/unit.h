#ifndef MOORAGE_CORE_UNIT_H
#define MOORAGE_CORE_UNIT_H

// Units of a service manager as what is stopped to end a program: only where the unit is about that program. Both who explains
// a port and who frees it ask here, so that they say the same.
// How the systems differ: Linux tells which processes are of a unit (its cgroup), so that bystanders in it are seen. Windows
// tells only which process is the service: what that started in the session of services is held to be of it.

#include "base/arena.h"
#include "core/holder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The service of the holder, where stopping it is what ends the holder with the least harm: its main process is one of those
// that have the port, or started the holder and all else that runs in the unit. NULL for scopes, for what much else depends
// on, for what lets people work from elsewhere, and where somebody else stands between: a person's shell, a build.
const struct service *
unit_to_stop(struct arena *arena, const struct holder_list *holders, const struct holder *holder);

// Whether the unit is never stopped, whatever is allowed: much of the system depends on it.
bool
unit_is_kept(const struct service *service);

// Whether all that runs with the holder in its cgroup is of the tree of those that have the port.
bool
unit_is_whole_tree(struct arena *arena, const struct holder_list *holders, const struct holder *holder);

// The processes that run with the holder in its cgroup. 0 where that is not known, or they are too many.
size_t
unit_members(struct arena *arena, const struct holder *holder, uint32_t **pids);

#endif
