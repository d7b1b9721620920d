#ifndef MOORAGE_CORE_SNAPSHOT_H
#define MOORAGE_CORE_SNAPSHOT_H

// One reading of a host: what is asked for is read, nothing else, in a second round only what the first one calls for.
// Each fact comes back as read, not asked, or refused with the reason. Touches the system only through sys.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"
#include "sys/socket_owner.h"

#include <stdbool.h>
#include <stdint.h>

enum snapshot_want {
    SNAPSHOT_RANGES = 1 << 0,
    SNAPSHOT_ADDRESSES = 1 << 1,
    SNAPSHOT_KERNEL_PORTS = 1 << 2,
    SNAPSHOT_REDIRECTS = 1 << 3,
    SNAPSHOT_NAMESPACES = 1 << 4, // listeners of other network namespaces on the asked ports
    SNAPSHOT_HTTP = 1 << 5,       // URLs of the system's own HTTP server, all ports
    SNAPSHOT_NEIGHBOURS = 1 << 6, // listeners of the system that shares this one's ports, all ports
    SNAPSHOT_LEASES = 1 << 7,     // ports that are kept for names, all ports
};

enum {
    SNAPSHOT_NAMES = 1 << 16, // beside facts of holders: what it takes to call each of them by its name
};

struct snapshot_ask {
    unsigned protocols; // as struct socket_query; 0: no sockets
    unsigned states;
    uint16_t first;
    uint16_t last;
    unsigned want;         // bits of enum snapshot_want
    bool no_tcp_elsewhere; // NAMESPACES: TCP's sockets, which are dear to find there, are not wanted
    bool record;
};

// A fresh host: who and where, and the sockets and facts that were asked for. Rows that stand twice (an MPTCP listener
// and its TCP subflow) are made one.
bool
snapshot_read(struct arena *arena, const struct snapshot_ask *ask, struct host *host, struct err *err);

// More of the same host: rows already there are kept once (by cookie, else by inode and endpoint).
bool
snapshot_add(struct arena *arena, const struct snapshot_ask *ask, struct host *host, struct err *err);

// The holders of these sockets, with facts (bits of enum process_facts, and SNAPSHOT_NAMES) of each holder and, when
// `ancestry`, of what started them. Processes are read once.
bool
snapshot_add_holders(struct arena *arena, struct host *host, const size_t *sockets, size_t count, unsigned facts,
                     bool ancestry, enum owner_reach reach, struct err *err);

// Units and containers that the holders of these sockets run in or belong to, asked only where a holder (or a socket without
// one) calls for it; `deadline_ms` for all of it together. In the same way the URLs of the system's HTTP server are read
// where it holds one of the sockets, within a time of their own.
void
snapshot_add_context(struct arena *arena, struct host *host, const size_t *sockets, size_t count, unsigned deadline_ms);

// Services of the system that hold no socket, by their names, where there are such.
void
snapshot_add_services(struct arena *arena, struct host *host, const struct str *names, size_t count,
                      unsigned deadline_ms);

// Processes that hold no socket and yet have something to do with one: all facts, what started them, and their services
// (within `deadline_ms`).
void
snapshot_add_processes(struct arena *arena, struct host *host, const uint32_t *pids, size_t count,
                       unsigned deadline_ms);

// Everything that can be seen here, for a recording: all sockets in all states, holders, their processes, units,
// containers, ranges, addresses, redirects, namespaces, abilities, and probes of the ports that are taken.
bool
snapshot_read_all(struct arena *arena, struct host *host, struct err *err);

#endif
