#ifndef MOORAGE_DECODE_RANGE_FILE_H
#define MOORAGE_DECODE_RANGE_FILE_H

// Sets of ports as the kernel writes them ("8080,9000-9010", ip_local_reserved_ports), and the file under /etc/sysctl.d in
// which moorage keeps what must be so after a restart too (sysctl.d(5)). A setting there replaces what others have set, so
// the file has the whole value; what moorage itself has added stands in a comment above it, so that it alone is taken back.
// Only Linux has these.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RANGE_FILE_PORTS = UINT16_MAX + 1,
};

// Marks the ports of a list; what is wrong in it ends the reading.
void
range_file_mark(struct str list, bool *ports);

// The shortest list of the marked ports, empty for none.
struct str
range_file_list(struct arena *arena, const bool *ports);

struct range_file {
    struct str reserved;    // what moorage reserved, as a list
    uint16_t dynamic_first; // the dynamic range that moorage set; 0 = none
    uint16_t dynamic_last;
};

// What the file says in its comments; a file of somebody else says nothing. Views `text`.
void
range_file_parse(struct str text, struct range_file *out);

// The whole file; `value` is all that is to be reserved. Empty when there is nothing to say: then it is removed.
struct str
range_file_format(struct arena *arena, const struct range_file *file, struct str value);

#endif
