#ifndef MOORAGE_SYS_PORT_VIEW_LINUX_H
#define MOORAGE_SYS_PORT_VIEW_LINUX_H

// What the kernel's own table of bound ports has of one port. sock_diag goes through all connections of the machine to tell in
// which states sockets are on a port, and /proc through all processes to find other networks: this table is where the kernel
// itself looks when somebody binds. Where it can't be asked (sys/owner_kernel_linux.h), or there is more on the port than is
// told here, the answer is that it is not known, and others must be asked. Linux only; part of sys/socket_table and
// sys/namespace.

#include "base/arena.h"
#include "decode/host.h"
#include "sys/netlink_socket_linux.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Appends all TCP sockets of this network namespace that have the port in one of these states (bits 1u << enum socket_state) to
// host->sockets, as sock_diag tells them. False, with nothing appended, when that can't be told so: by rights; since one of
// them is bound without a connection or a listener, waits to be established, or belongs to another protocol (MPTCP); or since
// they are many, or change while they are read.
bool
port_view_read(struct arena *arena, struct netlink_socket *netlink, uint16_t port, unsigned states, struct host *host);

// Whether it is certain that no socket of this protocol, TCP (with MPTCP) or UDP, has the port in any other network namespace of
// this machine, be there processes in that namespace or not.
bool
port_view_is_here_alone(struct arena *arena, enum protocol protocol, uint16_t port);

// The lowest ports from `first` on that no TCP socket of this network namespace is bound to, `room` of them; gives how many
// there are, 0 also where it can't be told.
size_t
port_view_unused(struct arena *arena, uint16_t first, uint16_t *ports, size_t room);

#endif
