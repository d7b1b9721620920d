#ifndef MOORAGE_CORE_ENDPOINT_SCAN_H
#define MOORAGE_CORE_ENDPOINT_SCAN_H

// Ports in one line of what other programs print. A number is taken only where its surroundings say that it is a port:
// behind a host and ':', near the word port, in a ('HOST', PORT) pair, before "/tcp", before "is already in use".
// The systems do not differ.

#include "base/str.h"
#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>

struct endpoint_scan {
    struct str line; // without NUL, line ends and terminal sequences
    size_t at;       // where the scan goes on
    bool strong;     // the line speaks of a failed bind: ":8080" and "somehost:8080" alone mean a port too
};

// The next port of the line. `named` tells whether its host was written there. False at the end of the line.
bool
endpoint_scan_next(struct endpoint_scan *scan, struct endpoint *out, bool *named);

#endif
