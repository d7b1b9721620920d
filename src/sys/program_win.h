#ifndef MOORAGE_SYS_PROGRAM_WIN_H
#define MOORAGE_SYS_PROGRAM_WIN_H

// The program that a command means. Windows only.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

// What to start for a command as a person types it: `program` is the file's full path, found along PATH with the endings of
// PATHEXT; `line` what it gets. A batch file (npm is one) runs in the command processor. False when there is no such program.
bool
program_find(struct arena *arena, const struct str *words, size_t count, wchar_t **program, wchar_t **line);

#endif
