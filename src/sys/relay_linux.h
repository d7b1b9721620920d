#ifndef MOORAGE_SYS_RELAY_LINUX_H
#define MOORAGE_SYS_RELAY_LINUX_H

// Signals for a program that runs in front of another one, so that it is as if only the other one were there. What a
// terminal sends reaches the other one by itself, since both are of one process group; so does what somebody sends to the
// whole group. What is sent to us alone must be passed on. Linux only.
// Invariant: who sends to the group is told from who sends to us by a child that does nothing else but hear the same; it
// lives in the same group and ends with us. One program has one relay.

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct relay {
    int signals; // readable when a signal came; -1 = closed
    int heard;   // what the child in the group heard; -1 = there is none
    pid_t ear;   // that child
};

struct relay_signal {
    int number;
    bool by_person; // by kill(2), not by the terminal or the kernel
    bool to_group;  // the whole process group got it
};

// Takes the signals that end a program, and those that programs use among themselves, but not those that were ignored before.
// To be called before any thread and any other child is started.
bool
relay_open(struct relay *out, struct err *err);

// Gives the signals back. Calm with a closed one.
void
relay_close(struct relay *relay);

// Ends the child that hears what the group gets: from then on everything counts as sent to us alone. Calm when it is gone.
void
relay_deafen(struct relay *relay);

// In a child, before it becomes another program: what was blocked before.
void
relay_forget(void);

// The next signal that came; false when there is none (left). SIGCHLD and SIGWINCH come too.
bool
relay_read(struct relay *relay, struct relay_signal *out);

#endif
