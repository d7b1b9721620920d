#ifndef MOORAGE_BASE_TABLE_H
#define MOORAGE_BASE_TABLE_H

// Rows and columns as text. Every line can be grepped: no boxes, cells of one line, two blanks between columns, nothing
// behind the last cell. Cells must be safe for a terminal (utf8_display) before they come here. The systems do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "base/ink.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct table_column {
    struct str title;
    bool right;   // numbers, on a terminal; piped they begin the line, so that it can be cut and searched
    bool shrinks; // gives up columns first when the terminal is too small; cut cells end in "…"
    enum ink ink;
};

struct table {
    struct arena *arena;
    const struct table_column *columns;
    size_t column_count;
    struct {
        LIST_OF(struct str);
    } cells; // row by row
};

// Adds one row of `column_count` cells.
void
table_add(struct table *table, const struct str *cells);

// The rows as text; `width` 0 means unlimited (piped). On a terminal columns without content are left out. `header` prints
// the titles.
void
table_print(const struct table *table, struct buf *out, size_t width, bool header, bool colour);

// The rows as CSV (RFC 4180, line ends "\n"; a cell that starts with = + - @ gets a leading ' so that a spreadsheet does
// not run it).
void
table_csv(const struct table *table, struct buf *out, bool header);

#endif
