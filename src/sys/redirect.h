#ifndef MOORAGE_SYS_REDIRECT_H
#define MOORAGE_SYS_REDIRECT_H

// Rules that send packets for a local port elsewhere, so that a bind works and its listener hears nothing.
// Invariant: looking loads no kernel module and changes nothing.
// How the systems differ: Linux reads nftables over netlink (NFNL_SUBSYS_NFTABLES), and legacy iptables by its socket
// options only when `nat` stands in /proc/net/ip_tables_names; both need CAP_NET_ADMIN. Windows reads the port proxy's
// registry keys.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>

// Appends the rules that redirect or translate the destination of packets by port to host->redirects and sets
// host->redirects_known.
bool
redirect_read(struct arena *arena, struct host *host, struct err *err);

#endif
