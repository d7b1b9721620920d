#ifndef MOORAGE_SYS_HANDLE_SCAN_WIN_H
#define MOORAGE_SYS_HANDLE_SCAN_WIN_H

// The sockets that processes have handles of, found by going through all handles of the system: the one way to see who keeps a
// socket that another process bound, and sockets that are bound and do not listen. Dear: a few thousand calls.
// Invariants: a handle is looked at through a copy of it, asked for nothing but its address, and never used; one whose query
// hangs costs a moment and is noted, never more; what could not be looked into is noted. Windows only; one thread uses it.

#include "base/err.h"
#include "base/list.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct scanned_socket {
    uint32_t pid;
    uint64_t handle; // its value in that process
    enum protocol protocol;
    struct address local;
    uint16_t local_port;
    struct address remote; // FAMILY_NONE: not connected
    uint16_t remote_port;
    enum tri listens;
    enum tri reuse;           // SO_REUSEADDR
    struct str address_bytes; // the driver's answers as they came; empty = it gave none
    struct str context_bytes;
};

struct handle_scan {
    LIST_OF(struct scanned_socket);
    struct {
        LIST_OF(struct unseen);
    } unseen;
    int64_t read_us; // by clock_mono_us(), before it began
    int64_t took_us;
};

// The TCP and UDP sockets with a local port, as they were at most `max_age_ms` ago; what was given before is valid no longer.
// Sockets of this program and of those that the system can't do without are left out. `rare`: also those of which somebody made a copy with fewer rights, for which every
// file and pipe must be looked at. `pid`: only this process is looked into, 0 = all. NULL with `err` when the list of handles can't be read.
const struct handle_scan *
handle_scan_read(unsigned max_age_ms, bool rare, uint32_t pid, struct err *err);

// Whether a handle leads to the socket of this row; UNKNOWN: it may, if an IPv6 socket takes IPv4 too. Rows do not tell which
// of several alike it is.
enum tri
handle_scan_is(const struct scanned_socket *scanned, const struct socket_row *row);

#endif
