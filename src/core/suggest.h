#ifndef MOORAGE_CORE_SUGGEST_H
#define MOORAGE_CORE_SUGGEST_H

// A port to use instead: near the asked one, free on every local address, and wise (not dynamic, reserved, privileged, excluded,
// refused by browsers, the default of well-known software, or kept for somebody).

#include "base/arena.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Up to `wanted` ports after `port` (then before it), proved by one bind each (at most 32 binds). The host must hold the ranges and
// all TCP and UDP rows that listen or are bound. Gives how many were found.
size_t
suggest_ports(const struct host *host, enum protocol protocol, uint16_t port, uint16_t *out, size_t wanted);

// The same after `port` alone, for a host that need not hold the rows: the system tells which ports no socket uses, where it
// can (sys/socket_table.h); else none is found.
size_t
suggest_unused(const struct host *host, enum protocol protocol, uint16_t port, uint16_t *out, size_t wanted);

#endif
