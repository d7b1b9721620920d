#include "decode/rtnl.h"

#include <string.h>

#include "decode/netlink.h"

// linux/rtnetlink.h
enum {
    RTM_NEWLINK = 16,
    RTM_GETLINK = 18,
    RTM_NEWADDR = 20,
    RTM_GETADDR = 22,
};

// linux/if_addr.h, linux/if_link.h
enum {
    ADDRESS_HEADER_SIZE = 8,
    LINK_HEADER_SIZE = 16,
    IFA_ADDRESS = 1,
    IFA_LOCAL = 2,
    IFLA_IFNAME = 3,
    IFLA_LINKINFO = 18,
    IFLA_INFO_KIND = 1,
    IFLA_INFO_DATA = 2,
};

#define LINK_UP 1u
#define LINUX_AF_INET 2
#define LINUX_AF_INET6 10

// Which attribute of a kind's data is its port, and which say that it is not (only) for IPv4. 0 = there is none.
struct kind_rule {
    struct str kind;
    uint16_t port;
    uint16_t ipv6[2]; // one of these: IPv6
    uint16_t both;    // this: both families
};

static const struct kind_rule kind_rules[] = {
    // IFLA_VXLAN_PORT, _GROUP6, _LOCAL6, _COLLECT_METADATA
    {STR_INIT("vxlan"), 15, {16, 17}, 25},
    // IFLA_GENEVE_PORT, _REMOTE6, _COLLECT_METADATA
    {STR_INIT("geneve"), 5, {7, 0}, 6},
    // IFLA_BAREUDP_PORT; its socket is for both families always
    {STR_INIT("bareudp"), 1, {0, 0}, 1},
};

static void
request(struct buf *out, uint16_t type, size_t header, uint32_t sequence)
{
    size_t start = netlink_begin(out, type, NETLINK_REQUEST | NETLINK_DUMP, sequence);
    buf_pad(out, '\0', header);
    netlink_end(out, start);
}

void
rtnl_request_addresses(struct buf *out, uint32_t sequence)
{
    request(out, RTM_GETADDR, ADDRESS_HEADER_SIZE, sequence);
}

void
rtnl_request_links(struct buf *out, uint32_t sequence)
{
    request(out, RTM_GETLINK, LINK_HEADER_SIZE, sequence);
}

bool
rtnl_parse_address(struct str payload, struct local_address *out)
{
    uint8_t family;
    struct local_address local = {0};
    struct str attributes = payload;
    struct str bytes;
    if (!netlink_skip(&attributes, ADDRESS_HEADER_SIZE) || !netlink_u8(payload, 0, &family) ||
        (family != LINUX_AF_INET && family != LINUX_AF_INET6) || !netlink_u8(payload, 1, &local.prefix) ||
        !netlink_u32(payload, 4, &local.device))
        return false;
    // On a link between two ends, ADDRESS is the other end and LOCAL this one.
    if (!netlink_find(attributes, IFA_LOCAL, &bytes) && !netlink_find(attributes, IFA_ADDRESS, &bytes))
        return false;
    local.address = address_any(family == LINUX_AF_INET ? FAMILY_IPV4 : FAMILY_IPV6);
    if (bytes.len != (family == LINUX_AF_INET ? 4 : 16))
        return false;
    memcpy(local.address.bytes, bytes.ptr, bytes.len);
    if (local.address.family == FAMILY_IPV6 && address_is_link_local(local.address))
        local.address.scope = local.device;
    *out = local;
    return true;
}

static bool
is_set(struct str data, uint16_t type)
{
    struct str value;
    if (type == 0 || !netlink_find(data, type, &value))
        return false;
    // Flags stand as a byte or, in newer kinds, as an attribute without a value.
    uint8_t byte;
    return value.len != 1 || (netlink_u8(value, 0, &byte) && byte != 0);
}

static void
parse_kind(struct str info, struct rtnl_link *link)
{
    struct str value;
    struct str data;
    if (!netlink_find(info, IFLA_INFO_KIND, &value))
        return;
    link->kind = netlink_text(value);
    if (!netlink_find(info, IFLA_INFO_DATA, &data))
        return;
    for (size_t i = 0; i < sizeof kind_rules / sizeof *kind_rules; i++) {
        const struct kind_rule *rule = &kind_rules[i];
        if (!str_equal(rule->kind, link->kind) || !netlink_find(data, rule->port, &value) ||
            !netlink_be16(value, 0, &link->port))
            continue;
        link->family = FAMILY_IPV4;
        if (is_set(data, rule->both))
            link->family = FAMILY_NONE;
        else if (is_set(data, rule->ipv6[0]) || is_set(data, rule->ipv6[1]))
            link->family = FAMILY_IPV6;
    }
}

bool
rtnl_parse_link(struct str payload, struct rtnl_link *out)
{
    uint32_t flags;
    struct rtnl_link link = {0};
    struct str attributes = payload;
    struct netlink_attribute attribute;
    if (!netlink_skip(&attributes, LINK_HEADER_SIZE) || !netlink_u32(payload, 4, &link.index) ||
        !netlink_u32(payload, 8, &flags))
        return false;
    link.up = (flags & LINK_UP) != 0;
    while (netlink_next_attribute(&attributes, &attribute)) {
        if (attribute.type == IFLA_IFNAME)
            link.name = netlink_text(attribute.value);
        else if (attribute.type == IFLA_LINKINFO)
            parse_kind(attribute.value, &link);
    }
    *out = link;
    return link.name.len != 0;
}

bool
rtnl_next_address(struct str *answer, struct local_address *out)
{
    struct netlink_message message;
    while (netlink_next(answer, &message)) {
        if (message.type == RTM_NEWADDR && rtnl_parse_address(message.payload, out))
            return true;
    }
    return false;
}

bool
rtnl_next_link(struct str *answer, struct rtnl_link *out)
{
    struct netlink_message message;
    while (netlink_next(answer, &message)) {
        if (message.type == RTM_NEWLINK && rtnl_parse_link(message.payload, out))
            return true;
    }
    return false;
}
