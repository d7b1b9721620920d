#ifndef MOORAGE_CORE_CONFLICT_H
#define MOORAGE_CORE_CONFLICT_H

// Whether an existing socket keeps a wanted bind from working: pure functions, one set of rules for each system. Who asks
// brings the set (core/platform.h has the one of a host).
// How the systems differ: Linux follows net/ipv4/inet_connection_sock.c (inet_csk_bind_conflict, inet_rcv_saddr_equal) and
// net/ipv4/udp.c (udp_lib_lport_inuse), and test/sys/conflict_linux.c holds the rules against the kernel cell by cell.
// Windows follows the tables of "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE" (learn.microsoft.com), kept as data in
// conflict_matrix.c.
// The options of the existing socket are exported by neither system (sock_diag, GetExtendedTcpTable): then several
// outcomes are possible. The probe is the authority, always: it knows what no row shows, such as VRFs (each has TCP ports
// of its own), and that a SO_REUSEPORT bind may be let in because of one that was there before.

#include "decode/host.h"
#include "sys/bind_probe.h"

#include <stdbool.h>
#include <stdint.h>

enum conflict {
    CONFLICT_NO,
    CONFLICT_YES,
    CONFLICT_UNKNOWN, // it depends on options of the existing socket that can't be seen
};

// How a bind beside an existing socket may end: bits.
enum conflict_outcome {
    CONFLICT_WORKS = 1 << 0,
    CONFLICT_IN_USE = 1 << 1,    // EADDRINUSE, 10048
    CONFLICT_FORBIDDEN = 1 << 2, // 10013; never on Linux
};

struct conflict_rules {
    // Bits of enum conflict_outcome: all that are possible as far as the row tells. `uid` is who wants to bind.
    unsigned (*outcomes)(const struct bind_wish *wish, uint32_t uid, const struct socket_row *row);
    // Beside a socket that is bound and does not listen a bind may work, and listen() fails all the same.
    bool bound_stops_listen;
    // SO_REUSEADDR on both sides lets the second one in beside a listener, whose connections it may get.
    bool reuse_takes_over;
};

extern const struct conflict_rules conflict_rules_linux;
extern const struct conflict_rules conflict_rules_windows;

// `wish->mode` USUAL counts as what it stands for on that system. `wish->port` must be set.
enum conflict
conflict_check(const struct conflict_rules *rules, const struct bind_wish *wish, uint32_t uid,
               const struct socket_row *row);

// Whether the two local endpoints overlap at all (namespace, port space, port, address, family with v6only, device),
// whatever the reuse options and states are: such a row is worth telling. An overlap that can't be ruled out counts.
bool
conflict_overlaps(const struct bind_wish *wish, const struct socket_row *row);

// The options of a bind in Microsoft's tables.
enum conflict_option {
    CONFLICT_OPTION_DEFAULT,
    CONFLICT_OPTION_REUSE,
    CONFLICT_OPTION_EXCLUSIVE,
    CONFLICT_OPTION_COUNT,
};

struct conflict_bind {
    enum conflict_option option;
    bool wildcard; // 0.0.0.0 or [::], not one address
};

// One cell of the tables: how the second bind ends, on the same address or where one of both is a wildcard.
enum conflict_outcome
conflict_matrix(struct conflict_bind first, struct conflict_bind second, bool same_user);

#endif
