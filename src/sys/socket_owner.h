#ifndef MOORAGE_SYS_SOCKET_OWNER_H
#define MOORAGE_SYS_SOCKET_OWNER_H

// Which processes hold a socket, and how: the dear part of the answer, done in tiers.
// Invariant: what could not be looked into is appended to host->unseen; host->complete is true only when nothing that
// could hold one of the asked sockets was left out.
// How the systems differ: Linux reads the file descriptor tables under /proc, those of threads with a table of their own
// and of dead leaders included, then, for sockets that no descriptor explains (or with OWNER_DEEP), what fdinfo says of unix
// sockets (scm_fds) and io_uring (UserFiles), and memory maps (proc_pid_fdinfo(5), proc_pid_maps(5)). Where it is allowed
// to, it asks the kernel itself before (sys/owner_bpf_linux.h), which also tells reuse_addr and reuse_port of the rows, and
// does the rest only for what that does not prove. Windows takes the
// pid of the row and scans handles only where that pid is missing, dead or younger than the socket.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>

// How far a search goes.
enum owner_reach {
    OWNER_ALL,  // every holder; the rare places only for sockets without a descriptor
    OWNER_DEEP, // every holder, the rare places for every socket
    OWNER_FIRST, // one holder of each socket is enough: the likely processes are looked into first, and no more than needed.
                 // host->complete is false then; host->unseen has only what was refused on the way
};

struct owner_query {
    const size_t *sockets; // indexes into host->sockets
    size_t count;
    enum owner_reach reach;
    uint32_t pid;         // only this process is looked into; 0 = all. What else has the sockets then stays unknown
    bool wants_processes; // the holders themselves are welcome in host->processes, as far as the search meets them with
                          // all these facts
    unsigned facts;       // bits of enum process_facts
};

// Appends to host->holdings all holders of the asked sockets, and sets host->tier and host->complete. A process that ends
// while it is read is neither an error nor unseen. Where the list of processes itself can't be
// read (no /proc), nobody is found and an unseen entry of pid 0 says so. False only where a system has no such list at all.
bool
socket_owner_find(struct arena *arena, const struct owner_query *query, struct host *host, struct err *err);

// Sets up what a search will need, so that one that comes later takes less time. Without it a search does so itself.
void
socket_owner_prepare(struct arena *arena);

// Begins to look for the holders of everything that listens, where that can be done while the caller reads the tables. A search that
// follows finds it done, or does all of it itself.
void
socket_owner_begin(struct arena *arena);

// The tier that a search would use here and now, without searching: for answers that needed none.
enum tier
socket_owner_tier(void);

#endif
