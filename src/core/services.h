#ifndef MOORAGE_CORE_SERVICES_H
#define MOORAGE_CORE_SERVICES_H

// Names of ports: "postgresql" is 5432/tcp. The system's own table (services(5)) wins where it has the name; a built-in
// one of common names stands in where the system has none. Not to be confused with sys/service.h, which is about units.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct service_name {
    struct str name;
    enum protocol protocol;
    uint16_t port;
};

struct service_table {
    LIST_OF(struct service_name); // of the system
    // Gives the text of the system's table, which is read when a name is looked up: most questions name none. NULL: all names
    // stand here.
    struct str (*read)(struct arena *arena);
};

// Reads the text of an /etc/services; lines that are wrong are passed over.
void
services_parse(struct arena *arena, struct str file, struct service_table *out);

// The port of this name (case does not matter), in the system's table, then in the built-in one. `tcp`/`udp` say for which
// protocols the name is known. False if it is unknown.
bool
services_find(const struct service_table *table, struct str name, uint16_t *port, bool *tcp, bool *udp);

#endif
