#ifndef MOORAGE_DECODE_NAT_H
#define MOORAGE_DECODE_NAT_H

// A rule that changes where packets go, while it is being read: what was asked of a packet on the way to it, and then where
// it is sent. nftables and iptables both come down to this.
// Invariants: what can't be said in these words makes the match `partial`, never wider in silence; a match that lets
// nothing pass is `empty` and stays so. Only packets for this host's own addresses are meant.
// Only Linux has these.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct redirect_list {
    LIST_OF(struct redirect);
};

struct nat_range {
    uint16_t first;
    uint16_t last;
};

// Ranges that do not overlap, lowest first.
struct nat_ranges {
    LIST_OF(struct nat_range);
};

struct nat_match {
    bool empty;
    bool no_tcp; // the rule asks for another protocol
    bool no_udp;
    bool by_port; // only the destination ports in `ports`
    bool partial;
    bool local_output;
    enum family family; // NONE: both
    struct nat_ranges ports;
    struct address matched; // NONE: any
    uint8_t matched_prefix; // 0 = all bits
    struct address avoided; // one prefix that the destination must not have (and `partial` says so); NONE: none
    uint8_t avoided_prefix;
};

struct nat_target {
    struct address to; // NONE: not changed, or this host
    uint16_t to_port;  // 0: not changed
};

// The packet's protocol is (`equal`) or is not this number of the IANA registry.
void
nat_match_protocol(struct nat_match *match, uint8_t number, bool equal);

void
nat_match_family(struct nat_match *match, enum family family, bool equal);

// The destination port is in one of `ranges` (of any order), or is not when `inside` is false.
void
nat_match_ports(struct arena *arena, struct nat_match *match, const struct nat_ranges *ranges, bool inside);
void
nat_match_port_range(struct arena *arena, struct nat_match *match, uint16_t first, uint16_t last, bool inside);

// The destination is this address, or has its first `prefix` bits in common.
void
nat_match_address(struct nat_match *match, struct address address, unsigned prefix, bool equal);

// Appends a redirect for each protocol and range that reaches the target. What was there before from the same rule and
// differs only in local_output is made one. No more than 4,096 are kept.
void
nat_add(struct arena *arena, const struct nat_match *match, const struct nat_target *target, struct str source,
        struct str rule, struct redirect_list *out);

// How many leading bits are set, when all bits behind them are clear; false for another mask.
bool
nat_prefix(const uint8_t *mask, size_t size, unsigned *prefix);

#endif
