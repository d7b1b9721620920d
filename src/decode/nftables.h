#ifndef MOORAGE_DECODE_NFTABLES_H
#define MOORAGE_DECODE_NFTABLES_H

// Rules of nftables, as the kernel tells them over netlink (linux/netfilter/nf_tables.h), down to those that change the
// destination of packets for this host: what iptables-nft, Docker, Podman, firewalld, kube-proxy and people put there.
// Each nat chain hooked at prerouting or output is followed through its jumps, with all that is asked of a packet on the way.
// What one rule takes away from the next (an earlier accept) is not followed: a redirect says that a rule would catch
// the port, not that it is the first to do so. Only Linux has nftables.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/nat.h"

#include <stdbool.h>
#include <stdint.h>

// Types of netlink messages: the subsystem in the upper byte (linux/netfilter/nfnetlink.h), the message in the lower.
enum {
    NFTABLES_NEWCHAIN = 10 << 8 | 3,
    NFTABLES_GETCHAIN = 10 << 8 | 4,
    NFTABLES_NEWRULE = 10 << 8 | 6,
    NFTABLES_GETRULE = 10 << 8 | 7,
    NFTABLES_NEWSET = 10 << 8 | 9,
    NFTABLES_GETSET = 10 << 8 | 10,
    NFTABLES_NEWSETELEM = 10 << 8 | 12,
    NFTABLES_GETSETELEM = 10 << 8 | 13,
};

// Attributes of GETSETELEM.
enum {
    NFTABLES_ELEMENTS_TABLE = 1,
    NFTABLES_ELEMENTS_SET = 2,
};

// A set that rules look into.
struct nftables_set {
    uint8_t family; // as the kernel numbers it: NFPROTO_IPV4 is 2, IPV6 is 10, INET is 1
    struct str table;
    struct str name;
};

struct nftables_set_list {
    LIST_OF(struct nftables_set);
};

// Whether any chain in the answer to GETCHAIN translates destinations: if not, no more needs to be asked.
bool
nftables_translates(struct arena *arena, struct str chains);

// The sets whose elements are needed to understand the rules, out of the answers to GETCHAIN and GETRULE: those that rules
// of tables with such chains look into. Each once, at most 256.
void
nftables_sets(struct arena *arena, struct str messages, struct nftables_set_list *out);

// Appends the redirects, out of the answers to GETCHAIN, GETRULE, GETSET and GETSETELEM one behind the other. A set without
// elements in `messages` is one that is not known, which makes the rules that look into it partial.
void
nftables_parse(struct arena *arena, struct str messages, struct redirect_list *out);

#endif
