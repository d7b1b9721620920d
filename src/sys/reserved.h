#ifndef MOORAGE_SYS_RESERVED_H
#define MOORAGE_SYS_RESERVED_H

// Port ranges that the system treats specially.
// How the systems differ: Linux has the dynamic range, reserved ports (a bind that names one works) and privileged ports,
// all per network namespace (ip_sysctl: ip_local_port_range, ip_local_reserved_ports, ip_unprivileged_port_start), the
// same for all protocols and families. Windows has dynamic ranges per protocol and family and excluded ranges in which
// no bind works, and no privileged ports.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>

// Appends the ranges to host->ranges and sets host->nonlocal_bind.
bool
reserved_read(struct arena *arena, struct host *host, struct err *err);

#endif
