#ifndef MOORAGE_DECODE_GENL_H
#define MOORAGE_DECODE_GENL_H

// Generic netlink (linux/genetlink.h) as far as it tells UDP ports that the kernel holds for tunnels: WireGuard
// (linux/wireguard.h), Foo-over-UDP (linux/fou.h), L2TP (linux/l2tp.h). Only Linux has this.

#include "base/buf.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Appends a request for the list of all families. The list, because asking for one by its name would make the kernel
// load a module.
void
genl_request_families(struct buf *out, uint32_t sequence);

// The message type of the family with this name in such a list; false when the kernel does not have it.
bool
genl_find_family(struct str answer, struct str name, uint16_t *type);

// Appends a request for one WireGuard device, and for all ports of Foo-over-UDP, and all tunnels of L2TP. `type` comes
// from genl_find_family.
void
genl_request_wireguard(struct buf *out, uint16_t type, uint32_t device, uint32_t sequence);
void
genl_request_fou(struct buf *out, uint16_t type, uint32_t sequence);
void
genl_request_l2tp(struct buf *out, uint16_t type, uint32_t sequence);

// The port in the payload of one message of the answer. False when it tells none.
bool
genl_parse_wireguard(struct str payload, uint16_t *port);
bool
genl_parse_fou(struct str payload, enum family *family, uint16_t *port);
bool
genl_parse_l2tp(struct str payload, enum family *family, uint16_t *port);

#endif
