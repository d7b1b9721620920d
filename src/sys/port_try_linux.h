#ifndef MOORAGE_SYS_PORT_TRY_LINUX_H
#define MOORAGE_SYS_PORT_TRY_LINUX_H

// A port that nothing is bound to, found by binds alone: on one socket that tries port after port a bind that is refused takes the
// kernel less than a microsecond and changes nothing, so that thousands of servers in a row are passed sooner than their list
// is read. Linux only; part of sys/socket_table.

#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// The lowest port from `first` (not 0) on that a bind of all addresses got which shares with nobody; it is let go at once. False when
// there is none, or a bind is refused for another reason than that the port is in use.
bool
port_try_unused(enum protocol protocol, uint16_t first, uint16_t *out);

#endif
