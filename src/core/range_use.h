#ifndef MOORAGE_CORE_RANGE_USE_H
#define MOORAGE_CORE_RANGE_USE_H

// How full the dynamic range is, of what, and which servers stand in it though any client may be given their ports. The systems
// do not differ, but that Windows has a range for each protocol and family.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Who has the most sockets there.
struct range_user {
    uint32_t pid; // 0: no program: closed connections, and programs that can't be seen
    struct str name;
    size_t sockets;
};

// One dynamic range and one protocol.
struct range_use {
    enum protocol protocol;
    enum family family; // NONE: both
    uint16_t first;
    uint16_t last;
    size_t ports; // that may be given away: without the reserved ones
    size_t taken; // of these, how many have a socket
    size_t sockets;
    struct {
        LIST_OF(struct range_user);
    } users; // the most first
};

struct range_uses {
    LIST_OF(struct range_use);
};

// Reads what range_use_find() and a plan need: ranges, every TCP and UDP socket or, without `all`, those that serve, and who
// holds them.
bool
range_use_read(struct arena *arena, bool all, struct host *host, struct err *err);

void
range_use_find(struct arena *arena, const struct host *host, struct range_uses *out);

// Processes by their numbers, each once, rising.
struct range_pids {
    LIST_OF(uint32_t);
};

// Who holds each of these sockets: out[i] of sockets[i]. One pass over all holdings, however many sockets are asked for.
void
range_use_holders(struct arena *arena, const struct host *host, const size_t *sockets, size_t count,
                  struct range_pids *out);

// The sockets that serve inside the dynamic range of their protocol on ports that are not reserved, as indexes into
// host->sockets; one a port and protocol. Gives how many; `out` has room for all sockets.
size_t
range_use_inside(struct arena *arena, const struct host *host, size_t *out);

#endif
