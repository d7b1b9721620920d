#ifndef MOORAGE_SYS_SPAWN_H
#define MOORAGE_SYS_SPAWN_H

// Another program, run for what it prints: only where the system has no interface that tells the same.
// Invariants: the program is named by its full path and gets no shell; its standard input is empty; it never outlives the
// deadline (it is ended then, with what it started); no window opens.
// How the systems differ: Linux passes argv as it is; Windows joins it to one command line by the rules of
// CommandLineToArgvW, and ends the whole tree by a job object.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct spawn_answer {
    int code;       // its exit code; 128 + n when signal n ended it
    struct str out; // what it wrote to standard output, as bytes
};

// Runs argv[0] with the arguments behind it and gives what it printed, at most `limit` bytes (more is ERR_FORMAT).
// ERR_GONE where there is no such program, ERR_TIMEOUT, ERR_NOT_ALLOWED, ERR_UNSUPPORTED where it can't run here.
bool
spawn_read(struct arena *arena, const struct str *argv, size_t argc, unsigned deadline_ms, size_t limit,
           struct spawn_answer *out, struct err *err);

#endif
