#ifndef MOORAGE_CORE_CONFLICT_H
#define MOORAGE_CORE_CONFLICT_H

// Whether an existing socket keeps a wanted bind from working: a pure function, checked cell by cell against the kernel
// by test/sys/conflict_linux.c. The rules are those of net/ipv4/inet_connection_sock.c (inet_csk_bind_conflict,
// inet_rcv_saddr_equal) and net/ipv4/udp.c (udp_lib_lport_inuse); on Windows the tables of Microsoft's "Using
// SO_REUSEADDR and SO_EXCLUSIVEADDRUSE" (a later file beside this one).
// Reuse flags are not exported by sock_diag: then the answer may be UNKNOWN. The probe is the authority, always: it knows
// what no row shows, such as VRFs (each has TCP ports of its own), and that a SO_REUSEPORT bind may be let in because of
// one that was there before.

#include "decode/host.h"
#include "sys/bind_probe.h"

#include <stdbool.h>
#include <stdint.h>

enum conflict {
    CONFLICT_NO,
    CONFLICT_YES,
    CONFLICT_UNKNOWN, // it depends on options of the existing socket that can't be seen
};

// `uid` is who wants to bind (SO_REUSEPORT is shared only within one user). `wish->mode` must not be USUAL for a pure
// answer; USUAL counts as REUSE. `wish->port` must be set.
enum conflict
conflict_check(const struct bind_wish *wish, uint32_t uid, const struct socket_row *row);

// Whether the two local endpoints overlap at all (namespace, port space, port, address, family with v6only, device),
// whatever the reuse options and states are: such a row is worth telling. An overlap that can't be ruled out counts.
bool
conflict_overlaps(const struct bind_wish *wish, const struct socket_row *row);

#endif
