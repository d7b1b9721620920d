#ifndef MOORAGE_DECODE_WIN_HANDLE_H
#define MOORAGE_DECODE_WIN_HANDLE_H

// Windows' list of all handles (NtQuerySystemInformation, SystemExtendedHandleInformation) and what its socket driver AFD
// answers of one socket, as bytes of a 64-bit system. Undocumented; layouts: ntafd.h and phnt of System Informer, and what
// Wine's own driver gives. Only Windows has these.

#include "base/str.h"
#include "decode/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct win_handle {
    uint64_t object; // address of what it refers to, the same for all handles of one socket; 0 = not told
    uint32_t pid;
    uint64_t value;
    uint32_t access; // the rights that it was given
    uint16_t type;   // number of the kind of object ("File"), another one with each version of Windows
};

// How many rows the list has: what it says, but no more than its bytes hold.
size_t
win_handle_count(struct str list);

// Row `index`, below that count.
struct win_handle
win_handle_at(struct str list, size_t index);

// The answer to AFD_GET_ADDRESS and AFD_GET_REMOTE_ADDRESS: a SOCKADDR, or behind a TDI_ADDRESS_INFO where the socket was
// made for an old transport. False for what is neither IPv4 nor IPv6.
bool
win_afd_address(struct str answer, struct address *address, uint16_t *port);

// The answer to AFD_GET_CONTEXT: what the socket library keeps with each socket (SOCK_SHARED_INFO).
struct win_afd_context {
    int32_t state;  // 0 open, 1 bound, 2 bound UDP, 3 connected, 4 closed
    int32_t family; // 2 IPv4, 23 IPv6
    int32_t type;   // 1 stream, 2 datagram
    int32_t protocol;
    bool listening;
    bool reuse;     // SO_REUSEADDR
    bool exclusive; // SO_EXCLUSIVEADDRUSE
};

// False when it is too short.
bool
win_afd_context(struct str answer, struct win_afd_context *out);

#endif
