#ifndef MOORAGE_DECODE_REGISTRY_H
#define MOORAGE_DECODE_REGISTRY_H

// Values of one key of the Windows registry, as plain data, and what the keys of its port proxy and of its HTTP server say.
// Sources: netsh interface portproxy (learn.microsoft.com/windows-server/networking/technologies/netsh/netsh-interface-portproxy),
// whose rules stand under HKLM\SYSTEM\CurrentControlSet\Services\PortProxy\v4tov4\tcp and its kin, one value each;
// HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\UrlAclInfo.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>

struct registry_value {
    struct str name; // UTF-8
    struct str data; // as it stands there: text is UTF-16, low byte first
};

struct registry_values {
    LIST_OF(struct registry_value);
};

// Appends the rules under one of the port proxy's keys ("v4tov6") to host->redirects: "0.0.0.0/8080" with the text
// "10.0.0.5/80" sends what comes for port 8080 to port 80 of another address. A target that is a name stands in the rule's
// text alone.
void
registry_read_portproxy(struct arena *arena, struct str key, const struct registry_values *values, struct host *host);

// Values as text that a recording can keep: lines of name, TAB and the data in hexadecimal digits.
struct str
registry_write(struct arena *arena, const struct registry_values *values);

#endif
