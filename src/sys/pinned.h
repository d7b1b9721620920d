#ifndef MOORAGE_SYS_PINNED_H
#define MOORAGE_SYS_PINNED_H

// One process, held so that its number can't come to mean another one: what is to be ended is pinned before its facts are
// read, and stays pinned until the act. A number with a start time is a name for people, not an identity to act on.
// Invariants: nothing reaches a process other than the one that was pinned; that it ended meanwhile is ERR_GONE.
// How the systems differ: Linux has pidfds (pidfd_open(2), since 5.3). Where they are missing or refused, a pin may be
// asked for that is the bare number, which must be allowed for by name, since it can hit another process. Windows has
// handles, and no signals: END and INTERRUPT close the windows of the process (WM_CLOSE), and are ERR_UNSUPPORTED where it has
// none: then it is asked on its console (sys/console.h). CONTINUE does nothing.

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pinned {
    uint32_t pid;
    intptr_t handle;  // pidfd or HANDLE; -1 = none
    bool bare;        // only the number is held
    uint64_t started; // bare: when it was started, which makes it less likely to hit another one
};

enum pinned_word {
    PINNED_END,       // asks the process to end: SIGTERM
    PINNED_INTERRUPT, // the same for those that expect it so: SIGINT
    PINNED_CONTINUE,  // lets a stopped one go on, so that it hears what it was told: SIGCONT
    PINNED_KILL,      // ends it; it is not asked: SIGKILL
};

// Pins the process with this number. ERR_GONE when there is none, ERR_UNSUPPORTED when this system has no pins and `bare`
// was not given, ERR_NOT_ALLOWED, ERR_SYSTEM when no more can be opened.
bool
pinned_open(uint32_t pid, bool bare, struct pinned *out, struct err *err);

// Calm about one that was closed, or never opened (zeroed by PINNED_NONE).
void
pinned_close(struct pinned *pinned);

#define PINNED_NONE ((struct pinned){.handle = -1})

// Whether it still runs. One that has ended and was not waited for yet does not.
bool
pinned_lives(const struct pinned *pinned);

// Whether this program may end it; nothing is sent. ERR_NOT_ALLOWED, ERR_GONE.
bool
pinned_permits(const struct pinned *pinned, struct err *err);

bool
pinned_send(const struct pinned *pinned, enum pinned_word word, struct err *err);

// Waits until one of these has ended, or a signal came to this program, but no longer than `ms`. Those in the list should
// still live. An empty list is waited for too.
void
pinned_wait(const struct pinned *const *list, size_t count, unsigned ms);

#endif
