#ifndef MOORAGE_CMD_LATER_H
#define MOORAGE_CMD_LATER_H

// Words of the command line that are promised and not there yet. They are data: a command that comes in leaves this list
// and enters src/cmd/table.c. The systems do not differ.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct later {
    const char *name;
    const char *aliases;   // blank between; NULL = none
    const char *meanwhile; // what to do until then, a whole sentence; NULL = nothing to say
};

extern const struct later later_items[];
extern const size_t later_count;

// The word's row, or NULL.
const struct later *
later_find(struct str word);

// 'pick' is not yet part of this version. ... In `word` the name as it was typed.
struct str
later_sentence(struct arena *arena, const struct later *later, struct str word);

#endif
