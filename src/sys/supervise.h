#ifndef MOORAGE_SYS_SUPERVISE_H
#define MOORAGE_SYS_SUPERVISE_H

// A command that leaves nothing behind: when it ends, or we do, by whatever end, everything that it started ends too. It is
// asked first, and ended hard when its time is over. To the command all is as if only it ran: streams, signals, terminal,
// job control.
// Whoever asks for the end again, a second or more after the first time, wants it now: then everything is ended hard.
// Invariants: no process is signalled but descendants of the command. The exit code is the command's.
// How the systems differ: on Linux two processes watch each other, this one in front and a guardian in a session of its own;
// both are subreapers (PR_SET_CHILD_SUBREAPER), so that also what daemonizes stays below them, and the death of one makes
// the other end the tree. Only the death of both in the same instant leaves it. Where it may be made, the command also gets a
// cgroup of its own, which can be ended as a whole. When the program that started us is gone, and nobody can read what the
// command says any more (a pipe without a reader), it is asked to end as when its terminal hangs up. On Windows the command and all that it starts are in a job object that
// ends with us; sockets can't be handed over there.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct supervise_variable {
    struct str name;
    struct str value;
};

struct supervise_ask {
    const struct str_list *command;
    const struct supervise_variable *variables; // what is added to the environment
    size_t variable_count;
    intptr_t socket;   // becomes descriptor 3 of the command, with LISTEN_FDS and LISTEN_PID; -1 = none
    unsigned grace_ms; // so long what is asked to end may take
    bool with_parent;  // ends when the program that started us ends, whatever becomes of our streams
};

enum supervise_event {
    SUPERVISE_TIME,   // the time was up
    SUPERVISE_ENDING, // everything is asked to end, and has `grace_ms` for it; told once
    SUPERVISE_ENDED,  // nothing is left
};

// What is worth telling at the end.
struct supervise_end {
    int code;        // of the command; 128 + n when signal n ended it
    size_t left;     // programs that the command left behind, which were ended
    char first[16];  // the short name of one of them, hostile
    size_t hard;     // how many were ended hard
    size_t stubborn; // how many could not be ended (other users' programs); they live on
    bool guard_died; // the guardian was ended by somebody; we took over
};

struct supervise;

// A socket that listens at this address (family NONE: every address, by one socket for IPv4 and IPv6). ERR_UNSUPPORTED where
// it could not be handed over; else err->os is the code of the bind.
bool
supervise_listen(struct address address, uint16_t port, intptr_t *out, struct err *err);

// Starts the command; takes the socket. False with 127 in `code` when there is no such program, 126 when it can't be run; `code` is
// left as it is when it can't be guarded.
bool
supervise_start(struct arena *arena, const struct supervise_ask *ask, struct supervise **out, int *code,
                struct err *err);

enum supervise_event
supervise_next(struct supervise *supervise, unsigned ms);

// The command's own process; and all that live below it, itself among them, in no order.
uint32_t
supervise_pid(const struct supervise *supervise);
size_t
supervise_list(struct arena *arena, const struct supervise *supervise, uint32_t **pids);

// Asks everything to end, as if we had been told to end ourselves.
void
supervise_stop(struct supervise *supervise);

// After ENDED.
void
supervise_result(const struct supervise *supervise, struct supervise_end *out);

// Tells the service manager that started us, if one wants to know, that the service is ready (sd_notify(3) on Linux).
void
supervise_ready(void);

void
supervise_close(struct supervise *supervise);

#endif
