#ifndef MOORAGE_SYS_SOCK_DIAG_LINUX_H
#define MOORAGE_SYS_SOCK_DIAG_LINUX_H

// The socket tables of one network namespace, for socket_table and namespace alike. Linux only.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"
#include "sys/netlink_socket_linux.h"
#include "sys/socket_table.h"

#include <stdbool.h>
#include <stdint.h>

// Appends the rows of the namespace that `netlink` (NETLINK_SOCK_DIAG, or closed) and the calling thread live in, and sets
// host->socket_source. Each protocol that netlink refuses is read from /proc/net instead. False when a table that this
// kernel has could be read in neither way; `deadline_us` is a time of clock_mono_us.
bool
sock_diag_read(struct arena *arena, struct netlink_socket *netlink, const struct socket_query *query,
               int64_t deadline_us, struct host *host, struct err *err);

// The one socket that serves this address and port, as inet_diag_request_one() asks for it. False when the kernel could not be
// asked (`netlink` is closed, or the request is refused).
bool
sock_diag_find(struct netlink_socket *netlink, enum protocol protocol, struct address address, uint16_t port,
               bool *found, struct socket_row *row);

// The one TCP socket with the endpoints of `wanted`, as inet_diag_request_row() asks for it. False when the answer is no row.
bool
sock_diag_find_row(struct netlink_socket *netlink, const struct socket_row *wanted, struct socket_row *out);

// Fills in the names of the devices that rows from `start` on are bound to.
void
sock_diag_name_devices(struct arena *arena, struct host *host, size_t start);

#endif
