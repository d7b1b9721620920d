#ifndef MOORAGE_CORE_ENDPOINT_H
#define MOORAGE_CORE_ENDPOINT_H

// What a person may write for a port, as data. Same number is not same endpoint: protocol, address and device decide.
// The systems do not differ, but for service names (the system's own table first, then moorage's).

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

enum endpoint_host {
    ENDPOINT_EVERY,     // no address named: every address, IPv4 and IPv6
    ENDPOINT_ADDRESS,   // `address`
    ENDPOINT_LOCALHOST, // 127.0.0.1 and ::1
};

// A port or a range of ports that was asked for.
struct endpoint {
    uint16_t first;
    uint16_t last;          // equal to `first` for one port
    bool any_protocol;      // not named: TCP and UDP both, TCP decides
    enum protocol protocol; // when named
    enum endpoint_host host;
    struct address address;
    struct str device;  // "%eth0" behind an address that is not link-local, or --device; empty = none
    struct str text;    // as it was written
    struct str service; // the service name that was written; empty = none
};

struct service_table;

struct endpoint_list {
    LIST_OF(struct endpoint);
};

enum endpoint_kind {
    ENDPOINT_IS_PORT,    // one or more endpoints were added
    ENDPOINT_IS_MEANING, // "EADDRINUSE": an error's name, no port
    ENDPOINT_IS_WORD,    // neither a port nor a service: maybe a program's name
    ENDPOINT_IS_WRONG,   // a port was meant, but it is none: `err` is the sentence (ERR_USAGE)
};

// Reads one argument: 8080, :8080, 8000-8010, 8080,8081, udp/53, 53/udp, tcp/8080, 127.0.0.1:80, [::1]:80, :::80, *:80,
// localhost:3000, http://localhost:3000/x, a service name. Port 0, ports above 65535, reversed ranges, empty text, and
// names of other machines are WRONG. A protocol or host that an item of a list names holds for the items behind it that
// name none ("udp/53,5353"). An error message that was pasted as one argument is read by endpoint_find. `services` may be
// NULL: then only the built-in table is known.
enum endpoint_kind
endpoint_parse(struct arena *arena, struct str text, const struct service_table *services, struct endpoint_list *out,
               struct err *err);

// The address of `--on ADDRESS`: an address, "localhost", or "*". It replaces the host of each endpoint.
bool
endpoint_set_address(struct endpoint_list *list, struct str text, struct err *err);

// Finds the ports that an error message of another program speaks of ("listen EADDRINUSE: address already in use
// :::3000", "bind to 0.0.0.0:80 failed", "FAILED TO BIND TO PORT ... *:25565", "port is already allocated"); each once,
// in their order, at most 16. False if there is none. Numbers that are no ports (pids, line numbers, dates, errno codes)
// are not taken: a number must stand behind a host and ':', or near the word port.
bool
endpoint_find(struct arena *arena, struct str text, struct endpoint_list *out);

// An address for people: a link-local one with the name of its interface ("fe80::1%eth0"), not with its number.
struct str
endpoint_address(struct arena *arena, struct address address);
struct str
endpoint_address_port(struct arena *arena, struct address address, uint16_t port);

// "8080", "udp/53", "127.0.0.1:80", "8000-8010", as a person would write it shortest.
struct str
endpoint_format(struct arena *arena, const struct endpoint *endpoint);

#endif
