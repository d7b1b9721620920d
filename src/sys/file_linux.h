#ifndef MOORAGE_SYS_FILE_LINUX_H
#define MOORAGE_SYS_FILE_LINUX_H

// Files that are open already. Linux only; part of sys/file.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

// Opens a regular file for reading, as file_read() does. -1 with `err`.
int
file_open_regular(const char *path, bool follow, struct err *err);

// Reads up to the end of the file, but never more than `limit` bytes. False with the errno in `error`.
bool
file_read_open(struct arena *arena, int fd, size_t limit, struct str *out, int *error);

#endif
