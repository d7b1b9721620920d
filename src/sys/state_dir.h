#ifndef MOORAGE_SYS_STATE_DIR_H
#define MOORAGE_SYS_STATE_DIR_H

// Where moorage keeps what it must remember from one run to the next, for one user: small files of lines.
// Invariants: a line is written whole or not at all, also when two runs write at the same time or the machine stops; only
// the user can read it; nothing is written through a symbolic link, nor into anything but a regular file.
// How the systems differ: Linux has $XDG_STATE_HOME/moorage, else ~/.local/state/moorage (XDG Base Directory
// Specification); Windows has %LOCALAPPDATA%\moorage. MOORAGE_STATE_DIR, an absolute path, replaces either.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

// The folder, whether it is there or not. ERR_UNSUPPORTED where no place can be told.
bool
state_dir_path(struct arena *arena, struct str *out, struct err *err);

// The folder that all users of this machine share, whether it is there or not; empty where MOORAGE_STATE_DIR replaces all.
// Linux: /var/lib/moorage (file-hierarchy(7)). Windows: %ProgramData%\moorage.
struct str
state_dir_machine(struct arena *arena);

// Appends a line (without its line end) to the file of this name, under a lock; makes folder and file where they are missing.
bool
state_dir_append(struct arena *arena, const char *name, struct str line, struct err *err);

// The last whole lines of the file that fit into `limit` bytes. ERR_GONE where there is none yet.
bool
state_dir_read(struct arena *arena, const char *name, size_t limit, struct str *out, struct err *err);

#endif
