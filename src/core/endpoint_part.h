#ifndef MOORAGE_CORE_ENDPOINT_PART_H
#define MOORAGE_CORE_ENDPOINT_PART_H

// The parts that endpoints are written with, for endpoint.c (what people type) and endpoint_find.c (what programs
// print): hosts, protocols, URLs. Nothing here makes a sentence. The systems do not differ.

#include "base/str.h"
#include "core/endpoint.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

enum endpoint_part_answer {
    ENDPOINT_PART_GOOD,
    ENDPOINT_PART_NO_ADDRESS, // neither an address nor a name of this machine
    ENDPOINT_PART_NO_DEVICE,  // the interface behind a link-local address is not there
};

// Fills host, address and device of `out` from what stands before the port, without brackets: "" and "*" (and "+" of
// http.sys) are every address; "127.0.0.1%lo" names a device, "fe80::1%eth0" the address's scope.
enum endpoint_part_answer
endpoint_part_host(struct str text, struct endpoint *out);

// "localhost" and the names under it (RFC 6761 section 6.3), and localhost.localdomain as some systems have it.
bool
endpoint_part_is_localhost(struct str name);

// "tcp", "UDP", "tcp4", "udp6" (as Go writes them), ...
bool
endpoint_part_protocol(struct str text, enum protocol *out);

struct endpoint_part_url {
    struct str authority; // "localhost:3000", without user and password
    uint16_t port;        // the scheme's usual one, 0 = none is known
    bool has_protocol;    // tcp:// and udp://
    enum protocol protocol;
};

// False when it is no URL. Schemes may be put together: "jdbc:postgresql://", "postgresql+psycopg2://".
bool
endpoint_part_read_url(struct str text, struct endpoint_part_url *out);

// Splits an authority's host from its port; brackets are taken off the host. False when there is no port.
bool
endpoint_part_split(struct str authority, struct str *host, struct str *port);

#endif
