#ifndef MOORAGE_SYS_FOLDER_H
#define MOORAGE_SYS_FOLDER_H

// Folders: where the program stands, and what is there.
// Invariants: asking makes nothing; only folder_make() does. Nothing is opened.
// How the systems differ: paths are UTF-8 with the system's own separator, made wide on Windows.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>

// The current folder as a real path: absolute, without links.
bool
folder_current(struct arena *arena, struct str *out, struct err *err);

// Whether the path leads to something: YES, GONE, or why that can't be told. Nothing is opened.
enum known
folder_look(struct arena *arena, struct str path);

// Makes a folder of the user's own (mode 0700), with what is missing above it. Fine where it is already.
bool
folder_make(struct arena *arena, struct str path, struct err *err);

// What separates the parts of a path here, '/' or '\\'.
char
folder_separator(void);

#endif
