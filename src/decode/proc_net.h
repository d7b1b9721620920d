#ifndef MOORAGE_DECODE_PROC_NET_H
#define MOORAGE_DECODE_PROC_NET_H

// The socket tables as text: /proc/net/tcp, tcp6, udp, udp6, udplite and udplite6 (proc_pid_net(5), get_tcp4_sock of
// net/ipv4/tcp_ipv4.c), for where netlink is refused. They tell neither cookie, cgroup, device nor v6only, the backlog is
// missing, MPTCP has no table, and a TCP socket that is bound and does not listen has no line. Only Linux has these.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// One line; `family` is the table's. False for the title and for what is no such line.
bool
proc_net_parse(struct str line, enum protocol protocol, enum family family, struct socket_row *out);

// Appends the rows of a whole table with a local port from `first` to `last` in one of these states (bits 1u << enum
// socket_state) to host->sockets.
void
proc_net_rows(struct arena *arena, struct str table, enum protocol protocol, enum family family, unsigned states,
              uint16_t first, uint16_t last, struct host *host);

// How many sockets of the protocol and family have a place in the tables of the network, by the text of /proc/net/sockstat (IPv4)
// or sockstat6: those that listen or are connected, without those in TIME_WAIT and without handshakes under way
// (sock_prot_inuse_get of net/core/sock.c). False where the text does not tell.
bool
proc_net_in_use(struct str sockstat, enum protocol protocol, enum family family, uint64_t *out);

// How many sockets of a protocol ("MPTCPv6") the network namespace has, from the text of /proc/net/protocols (proto_seq_printf of
// net/core/sock.c). False where no line tells.
bool
proc_net_count(struct str protocols, struct str name, uint64_t *out);

#endif
