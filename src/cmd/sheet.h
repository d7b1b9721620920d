#ifndef MOORAGE_CMD_SHEET_H
#define MOORAGE_CMD_SHEET_H

// Labelled lines below a verdict:
//
//   stop it    moorage free 3000          stops nodemon too, which would start it again
//
// Indented by two blanks; label, value and a remark stand in columns of their own; what is too long goes on in the next
// line, in its own column. Makes all text safe for a terminal. The systems do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "base/ink.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct sheet_line {
    struct str label;
    struct str value;
    struct str remark; // empty = none
    enum ink ink;      // of the value
};

struct sheet {
    struct arena *arena;
    LIST_OF(struct sheet_line);
};

// Adds a line, unless value and remark are both empty.
void
sheet_add(struct sheet *sheet, struct str label, struct str value, struct str remark);

// `width` 0: no line is folded.
void
sheet_print(const struct sheet *sheet, struct buf *out, size_t width, bool colour);

#endif
