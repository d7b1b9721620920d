#ifndef MOORAGE_DECODE_SOCKADDR_H
#define MOORAGE_DECODE_SOCKADDR_H

// The address that a program hands to bind(2), as the bytes stand in its memory. Only Linux is read so; the layout is that of
// struct sockaddr_in (ip(7)) and struct sockaddr_in6 (ipv6(7)).

#include "base/str.h"
#include "decode/address.h"

#include <stdbool.h>
#include <stdint.h>

// False for other families, and for what is too short for its own (the kernel takes an IPv6 address without its scope).
// Family 0 with the address 0.0.0.0 means IPv4, as the kernel has it for an IPv4 socket.
bool
sockaddr_parse(struct str bytes, struct address *address, uint16_t *port);

#endif
