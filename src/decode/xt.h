#ifndef MOORAGE_DECODE_XT_H
#define MOORAGE_DECODE_XT_H

// Matches and targets of iptables (linux/netfilter/x_tables.h and xt_*.h), as legacy iptables keeps them and as iptables-nft
// puts them into nftables rules. Numbers are in the byte order of the machine that made the bytes. Only Linux has them.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"
#include "decode/nat.h"

#include <stdbool.h>
#include <stdint.h>

// Takes one match into `out`: tcp, udp, multiport and addrtype are understood, comment asks for nothing, and any other, or
// one of an unexpected size, makes the rule partial.
void
xt_match(struct arena *arena, struct str name, unsigned revision, struct str info, struct nat_match *out);

// Whether this is a target that changes the destination (DNAT, REDIRECT), and to what. `family` is the rule's.
bool
xt_target(struct str name, unsigned revision, enum family family, struct str info, struct nat_target *out);

#endif
