#ifndef MOORAGE_CMD_LIST_WATCH_H
#define MOORAGE_CMD_LIST_WATCH_H

// How `moorage list --watch` looks at the host again and again, as far as that needs no host. The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

// The text as one picture on a terminal of `height` lines: it is drawn over the one before, line by line, so that nothing
// flickers. Lines that don't fit are counted in the last one.
struct str
list_watch_frame(struct arena *arena, struct str text, size_t height);

// The value of --watch: seconds with at most one digit behind the point; empty means the usual ones.
bool
list_watch_interval(struct str text, unsigned *ms, struct err *err);

#endif
