#ifndef MOORAGE_SYS_BIND_NOTICE_LINUX_H
#define MOORAGE_SYS_BIND_NOTICE_LINUX_H

// Notices of bind(2) that the kernel gives to whoever listens for a seccomp filter (seccomp_unotify(2)). Each notice is a
// thread that waits in bind(); it goes on when it is told to. Linux only.
// The memory of the other program is read twice at different times, by us and by the kernel, and may change between: what is
// read here is for telling alone, never for allowing.

#include "decode/host.h"
#include "sys/bind_catch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// In the child: installs the filter for itself and all that it starts, and gives the descriptor to listen on, or -1 with errno.
// Where the right for it is missing, it gives up for good that files can give rights (PR_SET_NO_NEW_PRIVS), unless `no_loss`.
int
bind_notice_install(bool no_loss);

// Whether this kernel has all that is needed: notices that can be let go on, descriptors of others.
bool
bind_notice_supported(void);

// Where the kernel writes a notice: memory that is shared with a process that takes over when this one is ended by force, so
// that no thread is left waiting for good.
struct bind_notice_slot {
    _Alignas(8) char room[1024]; // struct seccomp_notif and what newer kernels add; its id is 0 when nobody waits
};

// One thread that waits, or has been let go on.
struct bind_notice {
    uint64_t id;
    pid_t tid;
    pid_t tgid;
    int fd;          // of the socket, in the program
    uint64_t cookie; // of the socket
    struct bind_try bind;
    int64_t let_go_us;
    int64_t look_us;        // when to look again
    unsigned looks;         // so far
    unsigned looks_running; // of these, while its thread had come to run
    uint64_t ran_ns;        // processor time of the thread when it was let go
    bool past;              // it is known to do something else by now
};

enum bind_notice_kind {
    BIND_NOTICE_NONE,  // nobody waits (any more)
    BIND_NOTICE_OTHER, // a bind that is of no interest, or that can't be looked into; let it go on
    BIND_NOTICE_BIND,
};

// Receives the next notice, which must be there, and looks at it: `out->bind` has an outcome of WILL_FAIL or WORKED by what
// our own try of the same bind says.
enum bind_notice_kind
bind_notice_receive(int listener, struct bind_notice_slot *slot, struct bind_notice *out);

// Lets it go on: the kernel does the bind.
void
bind_notice_let_go(int listener, struct bind_notice_slot *slot, struct bind_notice *notice);

// Lets go on whoever waits, now and later, and looks at nothing, until no program of the filter is left. For the process that
// takes over.
void
bind_notice_let_all_go(int listener, struct bind_notice_slot *slot);

// Whether the bind is known to have been done; then bind.outcome is WORKED or FAILED. `ended`: the program is gone. Else
// notice->look_us says when to look again.
bool
bind_notice_is_done(struct bind_notice *notice, bool ended);

#endif
