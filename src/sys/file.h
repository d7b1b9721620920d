#ifndef MOORAGE_SYS_FILE_H
#define MOORAGE_SYS_FILE_H

// Files, read with distrust: the path may be a FIFO, a device, a dead network mount or too large.
// How the systems differ: paths are UTF-8 here and are made wide on Windows.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

// The whole regular file, at most `limit` bytes (more is ERR_FORMAT). Never waits: opened with O_NONBLOCK; a symbolic
// link as last part is followed only when `follow`.
bool
file_read(struct arena *arena, const char *path, size_t limit, bool follow, struct str *out, struct err *err);

// Standard input to its end, at most `limit` bytes; the rest is left unread.
bool
file_read_input(struct arena *arena, size_t limit, struct str *out, struct err *err);

// Writes a new file or replaces one (temporary file in the same folder, then rename), mode 0600. "-" writes to standard
// output.
bool
file_write(struct arena *arena, struct str path, struct str bytes, struct err *err);

#endif
