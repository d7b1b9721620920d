#ifndef MOORAGE_CORE_TENANT_H
#define MOORAGE_CORE_TENANT_H

// Whether what has a leased port is who the lease is for, or a stranger. The lease's own are the process that it names, what
// that process started, and the programs of the lease's user that run in the lease's project. The systems do not differ.

#include "base/arena.h"
#include "core/why.h"
#include "decode/host.h"

#include <stdbool.h>

// Whether everything that keeps the port from being bound is the lease's own; false when nothing does, or when somebody who
// has it can't be seen. `answer` is that for the port of the lease.
bool
tenant_is_own(struct arena *arena, const struct lease *lease, const struct answer *answer);

#endif
