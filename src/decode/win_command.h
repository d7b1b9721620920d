#ifndef MOORAGE_DECODE_WIN_COMMAND_H
#define MOORAGE_DECODE_WIN_COMMAND_H

// A Windows command line, which is one text, taken apart into arguments as the program itself most likely does it: by the
// rules of CommandLineToArgvW. Only Windows has command lines that are one text.

#include "base/arena.h"
#include "base/str.h"

// Appends the arguments, the program's own name first. An empty text has none.
void
win_command_split(struct arena *arena, struct str line, struct str_list *out);

#endif
