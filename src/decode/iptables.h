#ifndef MOORAGE_DECODE_IPTABLES_H
#define MOORAGE_DECODE_IPTABLES_H

// The table `nat` of legacy iptables and ip6tables, as the kernel gives it out (IPT_SO_GET_ENTRIES and
// IP6T_SO_GET_ENTRIES, linux/netfilter_ipv4/ip_tables.h and linux/netfilter_ipv6/ip6_tables.h), down to the rules that change
// the destination of packets for this host. Both chains that do so are followed through their jumps. What one rule takes
// away from the next is not followed, as with nftables. Numbers are in the byte order of the machine that made the bytes.
// Only Linux has it.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"
#include "decode/nat.h"

#include <stdbool.h>
#include <stdint.h>

// Netfilter's hooks, by which the kernel numbers entry points (linux/netfilter.h).
#define IPTABLES_HOOKS 5

struct iptables_info {
    uint32_t valid_hooks; // a bit for each hook that the table has
    uint32_t entry[IPTABLES_HOOKS];
    uint32_t underflow[IPTABLES_HOOKS]; // where the policy of the hook's chain stands, its last rule
    uint32_t entries;
    uint32_t size; // bytes of all entries
};

// The answer to GET_INFO (struct ipt_getinfo).
bool
iptables_parse_info(struct str bytes, struct iptables_info *out);

// Appends the redirects out of the bytes of all entries. False when they are no table.
bool
iptables_parse(struct arena *arena, enum family family, const struct iptables_info *info, struct str entries,
               struct redirect_list *out);

#endif
