#ifndef MOORAGE_DECODE_NETSH_H
#define MOORAGE_DECODE_NETSH_H

// What netsh prints of port ranges, where Windows has no interface that tells them. netsh speaks the user's language in
// the console's code page, so no word is read: digits, "*" and the order of lines alone count. In the double-byte code
// pages (932, 936, 949, 950) the second byte of a character is 0x40 or above, so that none of these can be part of one.
// Source: learn.microsoft.com/windows-server/networking/technologies/netsh/netsh-interface-ipv4, and outputs that people
// posted in several languages.

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct netsh_exclusion {
    uint16_t first;
    uint16_t last;
    bool administered; // it has a star: made by somebody on purpose
};

// Cuts the next range off what `netsh interface ipv4|ipv6 show excludedportrange` printed; lines that are none are passed
// over. False at the end.
bool
netsh_next_exclusion(struct str *rest, struct netsh_exclusion *out);

// The range that `netsh interface ipv4|ipv6 show dynamicport` printed: its last two numbers are the first port and how many
// ports there are.
bool
netsh_parse_dynamic(struct str text, uint16_t *first, uint16_t *last);

#endif
