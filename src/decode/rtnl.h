#ifndef MOORAGE_DECODE_RTNL_H
#define MOORAGE_DECODE_RTNL_H

// Addresses and network devices as NETLINK_ROUTE tells them (rtnetlink(7), linux/if_addr.h, linux/if_link.h). Only Linux
// has this.

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// A network device, with the UDP port that the kernel opens for it where its kind has one and tells it.
struct rtnl_link {
    uint32_t index;
    struct str name;
    struct str kind; // "vxlan", "wireguard"; empty for ordinary devices
    bool up;         // the port is open only then
    uint16_t port;   // 0 = none told
    enum family family;
};

// Appends a request for all addresses (devices).
void
rtnl_request_addresses(struct buf *out, uint32_t sequence);
void
rtnl_request_links(struct buf *out, uint32_t sequence);

// The payload of one RTM_NEWADDR (RTM_NEWLINK) message. False for what is none. Texts view the payload.
bool
rtnl_parse_address(struct str payload, struct local_address *out);
bool
rtnl_parse_link(struct str payload, struct rtnl_link *out);

// Cuts the next address (device) off a whole answer; other messages are passed over. False at its end.
bool
rtnl_next_address(struct str *answer, struct local_address *out);
bool
rtnl_next_link(struct str *answer, struct rtnl_link *out);

#endif
