#ifndef MOORAGE_SYS_CONSOLE_H
#define MOORAGE_SYS_CONSOLE_H

// The console on which a program runs, and Ctrl-C pressed there: the way in which a program without windows is asked to end.
// Invariants: Ctrl-C reaches everybody on a console, so it is pressed only where none but those that are meant sit on it; who
// does is looked at by whoever presses, right before. The pin is held meanwhile: the number can't come to mean another one.
// How the systems differ: Windows lets a process be on one console only, so a second moorage without a window of its own
// leaves its console, joins the other one and presses; where the program has switched Ctrl-C off (as those in a process group
// of their own have), Ctrl-Break. Linux asks with signals (sys/pinned.h) and has none of this: ERR_UNSUPPORTED.

#include "base/arena.h"
#include "base/err.h"
#include "decode/console.h"
#include "sys/pinned.h"

#include <stdbool.h>

// To be called first in main(): where this is that second moorage, it does its work and gives its exit code.
bool
console_begin(int argc, char **argv, int *code);

// Presses Ctrl-C for this process, if only those of `meant` (it is one of them) are on its console. True also where others are
// there and nothing was done: see out->kind. ERR_UNSUPPORTED: it has no console, ERR_NOT_ALLOWED, ERR_TIMEOUT, ERR_GONE.
bool
console_interrupt(struct arena *arena, const struct pinned *pinned, const struct console_pids *meant,
                  unsigned deadline_ms, struct console_answer *out, struct err *err);

#endif
