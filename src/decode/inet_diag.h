#ifndef MOORAGE_DECODE_INET_DIAG_H
#define MOORAGE_DECODE_INET_DIAG_H

// Linux's answer to "which sockets are there": requests and rows of NETLINK_SOCK_DIAG for TCP, MPTCP, UDP and UDP-Lite
// (sock_diag(7), linux/inet_diag.h, net/ipv4/inet_diag.c). Only Linux has this.

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct inet_diag_ask {
    enum protocol protocol;
    enum family family; // NONE: both in one answer, which only TCP can
    unsigned states;    // bits 1u << enum socket_state
    uint16_t port;      // the one local port that is wanted, 0 = all
};

// What a state number of the kernel (include/net/tcp_states.h) means for a socket of this protocol with this local port;
// /proc/net uses the same numbers. False for a number that is none.
bool
inet_diag_state(enum protocol protocol, unsigned wire, uint16_t port, enum socket_state *out);

// The kernel's own bits for these states of this protocol; 0 means that the protocol has none of them.
uint32_t
inet_diag_states(enum protocol protocol, unsigned states);

// Appends the request. A row of every state that `ask` names comes back, and nothing else.
void
inet_diag_request(struct buf *out, const struct inet_diag_ask *ask, uint32_t sequence);

// Appends the order to destroy the socket of this row (SOCK_DESTROY, Linux 4.5), which its cookie names beside its addresses.
void
inet_diag_destroy_request(struct buf *out, const struct socket_row *row, uint32_t sequence);

// Appends a request for the one socket with the endpoints and the device of this row, and its cookie where it has one. The
// answer is its row, whatever its state is, or an error. Sockets that are bound and do nothing are not found so, and of
// listeners that share an address one.
void
inet_diag_request_row(struct buf *out, const struct socket_row *row, uint32_t sequence);

// Appends a request for the one socket that would get what arrives for this address and port: of TCP the listener, of UDP
// the receiver. The answer is its row or an error (ENOENT), then, since it is asked for, an acknowledgement. A socket that
// is bound to a wildcard, or to both families, is found by any address that it covers.
void
inet_diag_request_one(struct buf *out, enum protocol protocol, struct address local, uint16_t port, uint32_t sequence);

// One row out of the payload of one message. False when it is too short, of no known family or of no known state.
bool
inet_diag_parse(struct str payload, enum protocol protocol, struct socket_row *out);

// Appends all rows of a whole answer whose local port lies between `first` and `last` to host->sockets. Messages that are
// no rows are passed over.
void
inet_diag_rows(struct arena *arena, struct str answer, enum protocol protocol, uint16_t first, uint16_t last,
               struct host *host);

#endif
