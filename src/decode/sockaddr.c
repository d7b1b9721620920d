#include "decode/sockaddr.h"

#include <string.h>

#include "decode/netlink.h"

// linux/socket.h
enum {
    LINUX_AF_UNSPEC = 0,
    LINUX_AF_INET = 2,
    LINUX_AF_INET6 = 10,
};

enum {
    AT_PORT = 2,
    AT_IPV4 = 4,
    IPV4_LENGTH = 16,
    AT_IPV6 = 8,
    AT_SCOPE = 24,
    IPV6_LENGTH = 24, // SIN6_LEN_RFC2133 of net/ipv6/af_inet6.c
};

bool
sockaddr_parse(struct str bytes, struct address *address, uint16_t *port)
{
    uint16_t family = 0;

    if (!netlink_u16(bytes, 0, &family) || !netlink_be16(bytes, AT_PORT, port))
        return false;
    if (family == LINUX_AF_INET6 && bytes.len >= IPV6_LENGTH) {
        *address = address_any(FAMILY_IPV6);
        memcpy(address->bytes, bytes.ptr + AT_IPV6, 16);
        if (address_is_link_local(*address))
            (void)netlink_u32(bytes, AT_SCOPE, &address->scope);
        return true;
    }
    if ((family != LINUX_AF_INET && family != LINUX_AF_UNSPEC) || bytes.len < IPV4_LENGTH)
        return false;
    *address = address_any(FAMILY_IPV4);
    memcpy(address->bytes, bytes.ptr + AT_IPV4, 4);
    return family == LINUX_AF_INET || address_is_any(*address);
}
