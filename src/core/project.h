#ifndef MOORAGE_CORE_PROJECT_H
#define MOORAGE_CORE_PROJECT_H

// A project: what a name for a port belongs to. It is the nearest parent folder with a moorage.toml, else the git work tree,
// else the current folder, by real path. Each git work tree is a project of its own. The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

// The project of the current folder.
bool
project_find(struct arena *arena, struct str *out, struct err *err);

// The project that a folder (absolute, without links) lies in.
struct str
project_of(struct arena *arena, struct str folder);

#endif
