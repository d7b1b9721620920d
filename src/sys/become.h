#ifndef MOORAGE_SYS_BECOME_H
#define MOORAGE_SYS_BECOME_H

// This program gives its place to another one, which keeps the streams, the folder and the environment.
// How the systems differ: Linux has a call for that (execvp(3)), so pid, parent and process group stay too. Windows has none:
// the program is started and waited for, and its exit code becomes ours.

#include "base/err.h"
#include "base/str.h"

enum {
    BECOME_CANT_RUN = 126,  // it is there and can't be run
    BECOME_NOT_FOUND = 127, // as shells have it
};

// The command's exit code where it comes back at all; with `err`, one of the above and why.
int
become_program(const struct str_list *command, struct err *err);

#endif
