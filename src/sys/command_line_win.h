#ifndef MOORAGE_SYS_COMMAND_LINE_WIN_H
#define MOORAGE_SYS_COMMAND_LINE_WIN_H

// Words of a command line joined to the one text that Windows hands to a program, so that CommandLineToArgvW and the C
// run-time take them apart as they were ("Parsing C command-line arguments"). Windows only.

#include "base/buf.h"
#include "base/str.h"

// Adds a word, with a blank before it unless it is the first.
void
command_line_add(struct buf *line, struct str word);

#endif
