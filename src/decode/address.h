#ifndef MOORAGE_DECODE_ADDRESS_H
#define MOORAGE_DECODE_ADDRESS_H

// An IPv4 or IPv6 address as plain bytes, without any OS header. Bytes are in network order; an IPv4 address uses the
// first four, and an IPv4-mapped IPv6 address (::ffff:a.b.c.d) stays IPv6 as the system gave it.
// The systems do not differ, but for the scope: an interface index, which has a meaning on one host only.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum family {
    FAMILY_NONE = 0, // no address
    FAMILY_IPV4 = 4,
    FAMILY_IPV6 = 6,
};

struct address {
    uint8_t family; // enum family
    uint8_t bytes[16];
    uint32_t scope; // interface index of a link-local IPv6 address, 0 = none
};

struct address
address_any(enum family family);
struct address
address_loopback(enum family family);
struct address
address_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

bool
address_equal(struct address a, struct address b);
// 0.0.0.0 or ::
bool
address_is_any(struct address address);
// 127.0.0.0/8, ::1, or a mapped 127.0.0.0/8
bool
address_is_loopback(struct address address);
// ::ffff:a.b.c.d; `out` (may be NULL) gets a.b.c.d
bool
address_is_mapped(struct address address, struct address *out);
// 169.254.0.0/16 or fe80::/10
bool
address_is_link_local(struct address address);

// "127.0.0.1", "::1", "fe80::1%3"; brackets are not taken. The scope must be a number.
bool
address_parse(struct str text, struct address *out);
// As RFC 5952 writes it, the scope as %NUMBER.
struct str
address_format(struct arena *arena, struct address address);
// "0.0.0.0:8080", "[::]:8080"
struct str
address_format_port(struct arena *arena, struct address address, uint16_t port);

#endif
