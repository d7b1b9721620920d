#ifndef MOORAGE_SYS_LOCAL_PATH_WIN_H
#define MOORAGE_SYS_LOCAL_PATH_WIN_H

// Which files may be touched at all: those that another program's path leads to may lie on a share that is gone, in a cloud,
// or behind a link to either, and a mere look could wait for minutes or fetch them. Windows only.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// Whether the path names a place on a drive that is built into this machine ("C:\Users\ann"). Touches nothing.
bool
local_path_is_fixed(struct str path);

// Whether it also is there and no part of it is a link or lies in a cloud, so that all of it is on that drive. Its parts are
// looked at from the root on, each before what lies in it.
bool
local_path_is_plain(struct arena *arena, struct str path);

#endif
