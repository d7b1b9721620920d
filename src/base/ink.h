#ifndef MOORAGE_BASE_INK_H
#define MOORAGE_BASE_INK_H

// Colour by meaning: code names what a text is, never a colour. Without colour every ink is empty.
// The systems do not differ: the sequences are ECMA-48 SGR, which a Windows console knows too once asked.

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

enum ink {
    INK_PLAIN,
    INK_STRONG, // a heading, the subject of a line
    INK_GOOD,   // the port can be used
    INK_BAD,    // it cannot
    INK_WARN,   // worth a look
    INK_DIM,    // labels, less important parts
    INK_NAME,   // a program
};

// Adds `text` (already safe for a terminal) in the ink, or plainly when `colour` is false.
void
ink_add(struct buf *out, bool colour, enum ink ink, struct str text);

#endif
