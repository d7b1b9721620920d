#ifndef MOORAGE_SYS_BIND_CATCH_H
#define MOORAGE_SYS_BIND_CATCH_H

// A command that runs as it would without us, while each bind of a port is seen that it or anything it starts tries.
// Invariants: the kernel itself does every bind, with the program's own rights: nothing is done in its place, and a bind that
// is looked at late is late, no more. Streams, folder, environment, process group and signals are those that the command would
// have had. What can't be seen is not said to have been seen.
// How the systems differ: Linux stops bind(2) by a seccomp filter that asks us (seccomp_unotify(2), since 5.6). Which rights
// programs of the command can get by their files (sudo, ping) are lost where we may not install a filter without that
// (no_new_privs), so for a command that is such a program, and where seccomp is refused, binds are not seen, but what the
// command writes to its error output is. Windows has no way to see binds, so that is so there.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bind_outcome {
    BIND_WILL_FAIL, // it waits to be done; the same bind, tried by us with the same options, fails now
    BIND_FAILED,
    BIND_WORKED,
};

// One bind of a TCP or UDP port, or the listen behind it.
struct bind_try {
    uint64_t number; // counts binds
    uint32_t pid;
    char program[16]; // its short name, hostile
    enum protocol protocol;
    struct address address;
    uint16_t port; // as it was asked for, 0 = any
    uint16_t got;  // WORKED: the port that it has
    bool v6only;
    bool reuse_addr;
    bool reuse_port;
    uint32_t device; // interface index that the socket is bound to, 0 = none
    bool elsewhere;  // in another network namespace: nothing is known of ports there
    bool is_listen;  // it is the listen(2) on a socket that has its port, which can fail where the bind before did not
    unsigned long code; // why it fails, 0 = unknown
    enum bind_outcome outcome;
};

enum catch_event {
    CATCH_TIME,  // the time was up
    CATCH_TRY,   // a bind WILL_FAIL; it waits until the next call
    CATCH_DONE,  // a bind WORKED or FAILED
    CATCH_ENDED, // the command has ended
};

struct bind_catch;

// Starts the command; `apart`: standard output is ours alone, what the command prints there goes to error output. False with
// 127 in `code` when there is no such program, 126 when it can't be run.
bool
bind_catch_start(struct arena *arena, const struct str_list *command, bool apart, struct bind_catch **out, int *code,
                 struct err *err);

// Whether binds are seen; else `why_not` (may be NULL) gets a sentence that says why.
bool
bind_catch_sees(const struct bind_catch *bound, struct str *why_not);

// Goes on, `ms` at most. `bind` is filled for TRY and DONE; of a TRY a DONE follows, unless the program ended.
enum catch_event
bind_catch_next(struct bind_catch *bound, unsigned ms, struct bind_try *bind);

// After ENDED: the exit code, 128 + n when signal n ended it.
int
bind_catch_code(const struct bind_catch *bound);

// Where binds are not seen: the last part of what the command wrote to its error output.
struct str
bind_catch_text(const struct bind_catch *bound);

// Lets go of what is left. Programs that outlive the command keep binding as they did.
void
bind_catch_end(struct bind_catch *bound);

#endif
