#ifndef MOORAGE_SYS_ELEVATE_H
#define MOORAGE_SYS_ELEVATE_H

// The same command again with the rights of an administrator, for who asked for that (--elevate).
// Invariant: the system asks its user; moorage never stores, reads or guesses a password.
// How the systems differ: Linux becomes sudo(8), which becomes moorage. Windows starts a second program (ShellExecuteEx,
// "runas"), which gets neither console nor pipes: it attaches itself to the console of the first one, and what is no console
// there comes through named pipes that the first one copies.

#include "base/err.h"

#include <stdbool.h>

// To be called first in main(): takes off the line what elevate_run() put on it, and connects the standard streams.
void
elevate_begin(int *argc, char **argv);

// Runs this program with these words (argv[0] is not looked at), elevated, waits for its end and gives its exit code. Does
// not return where this program became the other. ERR_NOT_ALLOWED when the user said no or may not, ERR_UNSUPPORTED where
// there is no way to ask, ERR_USAGE where the words can't be run so.
bool
elevate_run(int argc, char **argv, int *code, struct err *err);

#endif
