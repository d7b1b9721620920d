#ifndef MOORAGE_CORE_LEASE_H
#define MOORAGE_CORE_LEASE_H

// Leases: ports promised to names, on this machine. They stand in books (sys/lease_book.h): the user's own, and the machine's,
// which all users share where root has made it; each user writes only what is his.
// Invariants: while a lease_set is open for writing, nobody else grants a port from the same books, so that what is looked at
// and then granted can't be granted twice. A name of a project has at most one live lease for each protocol. Each grant has a
// random token and a fencing number above all earlier ones, also after the clock was set back or a book was removed. A lease
// whose end can't be told is held to live.
// A lease ends when it is released; when its time is over; with the process it was taken for; or, if it is lasting, when its
// project's folder is gone.
// How the systems differ: only where the books are and how they are locked.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LEASE_PORTS = UINT16_MAX + 1,
    LEASE_BRIEF_MS = 30000, // of `pick` without a name
    LEASE_WAIT_MS = 10000,  // for the lock of a book
};

enum lease_access {
    LEASE_READ,  // nothing is made and nothing locked: what stands there now
    LEASE_WRITE, // locked until lease_close()
};

// What a lease is asked for.
struct lease_wish {
    struct str name;        // empty: nobody's; then only `ttl_ms` ends it
    struct str project;     // with a name: the folder of project_find()
    enum protocol protocol; // TCP or UDP
    int64_t ttl_ms;         // 0: no end by time
    uint32_t pid;           // 0: of no process
    bool lasting;           // until the project is gone; `pid` then only tells who uses the port
};

struct lease_list {
    LIST_OF(struct lease);
};

// The books of this machine.
struct lease_set;

// Opens the books that there are; for LEASE_WRITE makes the user's own where it may not write in the machine's, and waits up to
// LEASE_WAIT_MS for the locks. False for LEASE_WRITE when there is no book that can be written (a full disk shows only in
// lease_grant). The set lives in the arena and must be closed.
bool
lease_open(struct arena *arena, enum lease_access access, struct lease_set **out, struct err *err);

// Gives the locks back. NULL is fine.
void
lease_close(struct lease_set *set);

// A name is 1 to 64 letters, digits, '.', '_' and '-', begins with a letter or digit, and is no number. False with ERR_USAGE.
bool
lease_check_name(struct str name, struct err *err);

// Marks the ports that somebody has a claim to, in LEASE_PORTS flags; those whose end was not looked into count too.
void
lease_mark(struct lease_set *set, enum protocol protocol, bool *ports);

// The live lease that this user has for a name of a project; false when there is none.
bool
lease_find(struct lease_set *set, enum protocol protocol, struct str project, struct str name, struct lease *out);

// The live lease of a port, anybody's; a damaged one counts as live. False when there is none.
bool
lease_at(struct lease_set *set, enum protocol protocol, uint16_t port, struct lease *out);

// Grants a port, or grants anew what the same name has at this port already. False with ERR_GONE when the port is somebody
// else's, or the name has another port, or the process has ended; with ERR_NOT_ALLOWED or ERR_SYSTEM when it can't be
// written down (nothing is granted then).
bool
lease_grant(struct lease_set *set, const struct lease_wish *wish, uint16_t port, struct lease *out, struct err *err);

// Lets the time of a lease begin anew; `ttl_ms` 0 keeps its length. Token and fence stay.
bool
lease_renew(struct lease_set *set, struct lease *lease, int64_t ttl_ms, struct err *err);

// Ends a lease of this user (root: of anybody).
bool
lease_release(struct lease_set *set, const struct lease *lease, struct err *err);

// All live leases, by port; those of nobody too. With `others` those of all users. For LEASE_WRITE, removes what has ended.
bool
lease_list(struct lease_set *set, bool others, struct lease_list *out, struct err *err);

// Whether the two are one and the same grant.
bool
lease_is_same(const struct lease *a, const struct lease *b);

// The leases of all users, read for an answer: fills host->leases and host->leases_known. What can't be read is left out.
void
lease_read_host(struct arena *arena, struct host *host);

#endif
