#ifndef MOORAGE_SYS_SOCKET_TABLE_H
#define MOORAGE_SYS_SOCKET_TABLE_H

// The system's socket tables: one row a socket, without holders.
// Invariant: a row is as the system gave it; nothing is merged or left out but what the query excludes.
// How the systems differ: Linux asks the kernel by sock_diag over netlink (sock_diag(7)), and reads /proc/net/tcp and its
// kin where netlink is refused: then cookies, cgroups, devices, v6only and sockets in state BOUND are unknown. Windows
// reads the extended TCP and UDP tables; there each row names a pid.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct socket_query {
    unsigned protocols; // bit 1u << enum protocol
    unsigned states;    // bit 1u << enum socket_state; for UDP, UNCONN and ESTABLISHED mean not connected and connected
    uint16_t first;     // local ports that are wanted; 0 and 65535, or 0 and 0: all
    uint16_t last;
    bool record; // keep the bytes too, in host->raw
};

#define SOCKET_STATES_ALL ((1u << SOCKET_STATE_COUNT) - 1)
#define SOCKET_PROTOCOLS_ALL ((1u << PROTOCOL_COUNT) - 1)

// The lowest ports from `first` on that no socket of this protocol is bound to in any state, at most `room` of them: there may be
// more. Gives how many are told; 0 when there is none, and where the system can't tell that without telling all its sockets.
size_t
socket_table_unused(struct arena *arena, enum protocol protocol, uint16_t first, uint16_t *ports, size_t room);

// Appends the rows to host->sockets and says in host->socket_source where they came from. A protocol that the system does
// not have gives no rows and is no error. Asking for LISTEN alone is much cheaper than for any other TCP state.
// False when a table that this system has could be read in no way.
bool
socket_table_read(struct arena *arena, const struct socket_query *query, struct host *host, struct err *err);

#endif
