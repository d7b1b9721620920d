#ifndef MOORAGE_SYS_DIALOG_H
#define MOORAGE_SYS_DIALOG_H

// The person at the terminal, who is asked before something is done, sees that it goes on, and may stop it by Ctrl-C.
// How the systems differ: Linux gets SIGINT, Windows a console control event in a thread of its own.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

// Whether somebody can be asked: standard input is a terminal, and so is what shows the question. `*on_output` (may be NULL)
// tells whether that is standard output; else it is error output.
bool
dialog_is_possible(bool *on_output);

// Whether error output is a terminal: where a countdown is shown.
bool
dialog_shows_progress(void);

// The next line that is typed, without its end. False at the end of the input, and after Ctrl-C.
bool
dialog_read_line(struct arena *arena, struct str *out);

// From now on a first Ctrl-C only sets a flag, so that what was begun is ended in order and recorded; a second one ends the
// program as ever. `hold` false: back to the usual, where it ends the program.
void
dialog_hold_interrupt(bool hold);

bool
dialog_interrupted(void);

#endif
