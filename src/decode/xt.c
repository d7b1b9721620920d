#include "decode/xt.h"

#include "decode/netlink.h"

#include <string.h>

// linux/netfilter/xt_tcpudp.h
#define TCP_SIZE 12u
#define TCP_INVERT_AT 11u
#define UDP_SIZE 10u
#define UDP_INVERT_AT 8u
#define DESTINATION_PORTS_AT 4u
#define INVERT_SOURCE_PORT 0x01u
#define INVERT_DESTINATION_PORT 0x02u

// linux/netfilter/xt_multiport.h: flags, count, 15 ports, 15 marks "a range starts here", invert
#define MULTIPORT_PORTS 15u
#define MULTIPORT_MARKS_AT 32u
#define MULTIPORT_INVERT_AT 47u
#define MULTIPORT_DESTINATION 1

// linux/netfilter/xt_addrtype.h
#define ADDRTYPE_LOCAL 0x0004u
#define ADDRTYPE_INVERT_SOURCE 0x0001u
#define ADDRTYPE_INVERT_DESTINATION 0x0002u
#define ADDRTYPE_LIMITS 0x000cu

// linux/netfilter/nf_nat.h
#define RANGE_MAP_IPS 0x01u
#define RANGE_PROTO_SPECIFIED 0x02u

// Protocol numbers of the matches "tcp" and "udp".
#define NUMBER_TCP 6
#define NUMBER_UDP 17

// struct xt_tcp and struct xt_udp start alike: two source ports, two destination ports.
static void
take_ports(struct arena *arena, struct str info, size_t invert_at, struct nat_match *out)
{
    uint16_t source_first = 0;
    uint16_t source_last = 0;
    uint16_t first = 0;
    uint16_t last = 0;
    uint8_t invert = 0;
    netlink_u16(info, 0, &source_first);
    netlink_u16(info, 2, &source_last);
    netlink_u16(info, DESTINATION_PORTS_AT, &first);
    netlink_u16(info, DESTINATION_PORTS_AT + 2, &last);
    netlink_u8(info, invert_at, &invert);
    if (source_first != 0 || source_last != 65535 || (invert & INVERT_SOURCE_PORT) != 0)
        out->partial = true;
    nat_match_port_range(arena, out, first, last, (invert & INVERT_DESTINATION_PORT) == 0);
}

static void
take_tcp(struct arena *arena, struct str info, struct nat_match *out)
{
    uint8_t option = 0;
    uint8_t flag_mask = 0;
    nat_match_protocol(out, NUMBER_TCP, true);
    if (info.len < TCP_SIZE) {
        out->partial = true;
        return;
    }
    netlink_u8(info, 8, &option);
    netlink_u8(info, 9, &flag_mask);
    out->partial = out->partial || option != 0 || flag_mask != 0;
    take_ports(arena, info, TCP_INVERT_AT, out);
}

static void
take_udp(struct arena *arena, struct str info, struct nat_match *out)
{
    nat_match_protocol(out, NUMBER_UDP, true);
    if (info.len < UDP_SIZE)
        out->partial = true;
    else
        take_ports(arena, info, UDP_INVERT_AT, out);
}

// Revision 1, the only one that kernels have; which protocol it is stands in the rule.
static void
take_multiport(struct arena *arena, unsigned revision, struct str info, struct nat_match *out)
{
    struct nat_ranges ranges = {.count = 0};
    uint8_t kind = 0;
    uint8_t count = 0;
    uint8_t invert = 0;
    if (revision != 1 || !netlink_u8(info, MULTIPORT_INVERT_AT, &invert)) {
        out->partial = true;
        return;
    }
    netlink_u8(info, 0, &kind);
    netlink_u8(info, 1, &count);
    // "Either port" asks for more than the destination.
    if (kind != MULTIPORT_DESTINATION || count > MULTIPORT_PORTS) {
        out->partial = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct nat_range range = {.first = 0};
        uint8_t starts = 0;
        netlink_u16(info, 2 + 2 * i, &range.first);
        range.last = range.first;
        netlink_u8(info, MULTIPORT_MARKS_AT + i, &starts);
        if (starts != 0 && i + 1 < count)
            netlink_u16(info, 2 + 2 * ++i, &range.last);
        *LIST_ADD(arena, &ranges) = range;
    }
    nat_match_ports(arena, out, &ranges, invert == 0);
}

// Only packets for this host matter here: a rule for other kinds of destination never meets one.
static void
take_addrtype(unsigned revision, struct str info, struct nat_match *out)
{
    uint16_t source = 0;
    uint16_t destination = 0;
    uint32_t flags = 0;
    uint32_t invert = 0;
    if (!netlink_u16(info, 0, &source) || !netlink_u16(info, 2, &destination) || !netlink_u32(info, 4, &flags)) {
        out->partial = true;
        return;
    }
    if (revision == 0) {
        netlink_u32(info, 8, &invert);
        flags = (flags != 0 ? ADDRTYPE_INVERT_SOURCE : 0) | (invert != 0 ? ADDRTYPE_INVERT_DESTINATION : 0);
    }
    bool local = (destination & ADDRTYPE_LOCAL) != 0;
    if (destination != 0 && local == ((flags & ADDRTYPE_INVERT_DESTINATION) != 0))
        out->empty = true;
    if (source != 0 || (flags & ADDRTYPE_LIMITS) != 0)
        out->partial = true;
}

void
xt_match(struct arena *arena, struct str name, unsigned revision, struct str info, struct nat_match *out)
{
    if (str_equal(name, STR("tcp")))
        take_tcp(arena, info, out);
    else if (str_equal(name, STR("udp")))
        take_udp(arena, info, out);
    else if (str_equal(name, STR("multiport")))
        take_multiport(arena, revision, info, out);
    else if (str_equal(name, STR("addrtype")))
        take_addrtype(revision, info, out);
    else if (!str_equal(name, STR("comment")))
        out->partial = true;
}

// struct nf_nat_ipv4_multi_range_compat: a count, then flags, two addresses, two ports
static bool
take_old_range(struct str info, struct nat_target *out)
{
    uint32_t count = 0;
    uint32_t flags = 0;
    if (!netlink_u32(info, 0, &count) || count == 0 || !netlink_u32(info, 4, &flags) || info.len < 20)
        return false;
    if ((flags & RANGE_MAP_IPS) != 0) {
        out->to.family = FAMILY_IPV4;
        memcpy(out->to.bytes, info.ptr + 8, 4);
    }
    if ((flags & RANGE_PROTO_SPECIFIED) != 0)
        netlink_be16(info, 16, &out->to_port);
    return true;
}

// struct nf_nat_range, and nf_nat_range2 which goes on behind it: flags, two addresses of 16 bytes, two ports
static bool
take_new_range(enum family family, struct str info, struct nat_target *out)
{
    uint32_t flags = 0;
    if (!netlink_u32(info, 0, &flags) || info.len < 40)
        return false;
    if ((flags & RANGE_MAP_IPS) != 0) {
        out->to.family = (uint8_t)family;
        memcpy(out->to.bytes, info.ptr + 4, family == FAMILY_IPV4 ? 4 : 16);
    }
    if ((flags & RANGE_PROTO_SPECIFIED) != 0)
        netlink_be16(info, 36, &out->to_port);
    return true;
}

bool
xt_target(struct str name, unsigned revision, enum family family, struct str info, struct nat_target *out)
{
    *out = (struct nat_target){.to_port = 0};
    if (!str_equal(name, STR("DNAT")) && !str_equal(name, STR("REDIRECT")))
        return false;
    // net/netfilter/xt_nat.c and xt_REDIRECT.c: revision 0 has the old form for IPv4 only.
    return revision == 0 && family == FAMILY_IPV4 ? take_old_range(info, out) : take_new_range(family, info, out);
}
