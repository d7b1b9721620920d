#ifndef MOORAGE_SYS_OWNER_CACHE_LINUX_H
#define MOORAGE_SYS_OWNER_CACHE_LINUX_H

// The one file in which root keeps what was looked up in the kernel's type information. Only what nobody but root can have
// written is read: offsets decide what the program in the kernel follows. Linux only; part of sys/socket_owner.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// Where it is kept: a folder that the system empties when it starts. NULL where nothing is to be kept: for other users than
// root, and where MOORAGE_STATE_DIR asks for all to be elsewhere.
const char *
owner_cache_folder(void);

// What the file in the folder says. False if it is not there, or folder or file could be another user's work.
bool
owner_cache_read(struct arena *arena, const char *folder, struct str *out);

// Writes it, as a whole or not at all; makes the folder. What can't be written is not kept.
void
owner_cache_write(const char *folder, struct str text);

#endif
