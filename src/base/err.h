#ifndef MOORAGE_BASE_ERR_H
#define MOORAGE_BASE_ERR_H

// What went wrong: what a program can act on, the system's own code as it came, and the sentence for people ("open
// /proc/17/fd: Permission denied"). A function that can fail returns bool and takes `struct err *` last; it reports or
// prints, never both. What may not be *seen* is data, not an error: see enum known in decode/host.h.
// How the systems differ: `os` is errno on Linux, GetLastError() or an NTSTATUS on Windows.

#include "base/str.h"

#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_USAGE,       // the caller asked for something that makes no sense: exit 2
    ERR_NOT_ALLOWED, // the right is missing
    ERR_GONE,        // the thing looked at ended meanwhile
    ERR_UNSUPPORTED, // this system does not have it
    ERR_TIMEOUT,     // the deadline passed
    ERR_FORMAT,      // bytes from outside that are not what they should be
    ERR_SYSTEM,      // anything else the system refused
};

struct err {
    enum err_kind kind;
    unsigned long os;
    char text[240];
};

// Fills `err` (may be NULL) and gives false, so that a function ends with `return err_set(...)`. A text that does not
// fit ends in "...".
bool
err_set(struct err *err, enum err_kind kind, unsigned long os, const char *format, ...) STR_PRINTF(4, 5);

// Puts "what: " before the sentence that is there, and gives false.
bool
err_prefix(struct err *err, const char *format, ...) STR_PRINTF(2, 3);

#endif
