#ifndef MOORAGE_SYS_GUARD_LINUX_H
#define MOORAGE_SYS_GUARD_LINUX_H

// The two that watch a command: the front, which the user's shell knows, and the guardian, which is the command's parent and
// lives in a session of its own, where no signal for the terminal or the process group reaches it. What they tell each other,
// and what both can do: bring everything below them to its end. Linux only.

#include "sys/supervise.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum guard_word {
    GUARD_STARTED, // the command runs: `number` is its pid
    GUARD_FAILED,  // it could not be started: `number` is the errno
    GUARD_STOPPED, // it was stopped, as by Ctrl-Z
    GUARD_ENDING,  // everything is asked to end
    GUARD_ENDED,   // nothing is left
};

// From the guardian to the front.
struct guard_told {
    enum guard_word word;
    int number;
    struct supervise_end end; // ENDED
};

// From the front to the guardian.
struct guard_order {
    bool end;    // to everything, and it must end; else to the command alone
    int number;  // the signal
    pid_t group; // a process group that has got it already, 0 = none
};

// The end of everything below the process that has this; it has no other children.
struct guard {
    unsigned grace_ms;
    pid_t child; // the command
    bool child_ended;
    int status;
    const char *cgroup; // NULL = none
    int64_t unseen_us;  // since when something lives that is not met, 0 = nothing
    int64_t ending_us;  // when all were asked, 0 = not yet
    struct supervise_end end;
};

// Asks all to end by this signal; those of the process group have got it. Asked for again after a second, their time is over.
void
guard_begin_end(struct guard *guard, int number, pid_t group);

// Takes notice of children that ended; gives whether the command was stopped meanwhile (1) or goes on again (2), else 0.
int
guard_reap(struct guard *guard);

// Whether nothing is left: what is left behind by the command is asked to end, and ended hard when its time is over. To be
// called whenever something may have ended, and every now and then.
bool
guard_is_over(struct guard *guard);

// In a child of the front: is the guardian, from the start of the command to the end of everything. Never returns.
void
guard_be_guardian(const struct supervise_ask *ask, char *const *argv, int socket, int front_pidfd, const char *cgroup);

#endif
