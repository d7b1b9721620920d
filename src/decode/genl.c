#include "decode/genl.h"

#include "decode/netlink.h"

#define HEADER_SIZE 4

// linux/genetlink.h
enum {
    CONTROL_TYPE = 16,
    CONTROL_GETFAMILY = 3,
    CONTROL_FAMILY_ID = 1,
    CONTROL_FAMILY_NAME = 2,
};

enum {
    WIREGUARD_GET_DEVICE = 0,
    WIREGUARD_IFINDEX = 1,
    WIREGUARD_LISTEN_PORT = 6,
    FOU_GET = 3,
    FOU_PORT = 1,
    FOU_FAMILY = 2,
    L2TP_TUNNEL_GET = 4,
    L2TP_ENCAP_TYPE = 2,
    L2TP_UDP_SPORT = 26,
    L2TP_IP6_SADDR = 31,
    L2TP_ENCAP_UDP = 0,
};

#define LINUX_AF_INET 2
#define LINUX_AF_INET6 10

static size_t
begin(struct buf *out, uint16_t type, uint8_t command, uint32_t sequence)
{
    size_t start = netlink_begin(out, type, NETLINK_REQUEST | NETLINK_DUMP, sequence);
    netlink_add_u8(out, command);
    netlink_add_u8(out, 1); // version of the family, 1 for all of these
    netlink_add_u16(out, 0);
    return start;
}

void
genl_request_families(struct buf *out, uint32_t sequence)
{
    netlink_end(out, begin(out, CONTROL_TYPE, CONTROL_GETFAMILY, sequence));
}

bool
genl_find_family(struct str answer, struct str name, uint16_t *type)
{
    struct netlink_message message;
    while (netlink_next(&answer, &message)) {
        struct str attributes = message.payload;
        struct str value;
        if (message.type == CONTROL_TYPE && netlink_skip(&attributes, HEADER_SIZE) &&
            netlink_find(attributes, CONTROL_FAMILY_NAME, &value) && str_equal(netlink_text(value), name) &&
            netlink_find(attributes, CONTROL_FAMILY_ID, &value) && netlink_u16(value, 0, type))
            return true;
    }
    return false;
}

void
genl_request_wireguard(struct buf *out, uint16_t type, uint32_t device, uint32_t sequence)
{
    size_t start = begin(out, type, WIREGUARD_GET_DEVICE, sequence);
    netlink_add_attribute(out, WIREGUARD_IFINDEX, (struct str){(const char *)&device, sizeof device});
    netlink_end(out, start);
}

void
genl_request_fou(struct buf *out, uint16_t type, uint32_t sequence)
{
    netlink_end(out, begin(out, type, FOU_GET, sequence));
}

void
genl_request_l2tp(struct buf *out, uint16_t type, uint32_t sequence)
{
    netlink_end(out, begin(out, type, L2TP_TUNNEL_GET, sequence));
}

bool
genl_parse_wireguard(struct str payload, uint16_t *port)
{
    struct str value;
    return netlink_skip(&payload, HEADER_SIZE) && netlink_find(payload, WIREGUARD_LISTEN_PORT, &value) &&
           netlink_u16(value, 0, port) && *port != 0;
}

bool
genl_parse_fou(struct str payload, enum family *family, uint16_t *port)
{
    struct str value;
    uint8_t number;
    if (!netlink_skip(&payload, HEADER_SIZE) || !netlink_find(payload, FOU_PORT, &value) ||
        !netlink_be16(value, 0, port) || *port == 0 || !netlink_find(payload, FOU_FAMILY, &value) ||
        !netlink_u8(value, 0, &number) || (number != LINUX_AF_INET && number != LINUX_AF_INET6))
        return false;
    *family = number == LINUX_AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
    return true;
}

bool
genl_parse_l2tp(struct str payload, enum family *family, uint16_t *port)
{
    struct str value;
    uint16_t type;
    if (!netlink_skip(&payload, HEADER_SIZE) || !netlink_find(payload, L2TP_ENCAP_TYPE, &value) ||
        !netlink_u16(value, 0, &type) || type != L2TP_ENCAP_UDP || !netlink_find(payload, L2TP_UDP_SPORT, &value) ||
        !netlink_u16(value, 0, port) || *port == 0)
        return false;
    *family = netlink_find(payload, L2TP_IP6_SADDR, &value) ? FAMILY_IPV6 : FAMILY_IPV4;
    return true;
}
