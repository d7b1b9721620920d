#ifndef MOORAGE_SYS_TERM_H
#define MOORAGE_SYS_TERM_H

// The terminal or pipe that the program talks to.
// How the systems differ: a Windows console must be told to understand UTF-8 and escape sequences; a pipe gets UTF-8 on both.

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

// Makes standard output ready (console modes on Windows), and Ctrl-C end the program with exit code 130 and a clean screen.
// What comes closed stays so: no file or socket that is opened later takes its place and the answer.
void
term_begin(void);

// Gives back what term_begin() took, for a program that comes in place of this one or beside it.
void
term_end(void);

// Whether standard output (error output, input) is a terminal.
bool
term_output_is_terminal(void);
bool
term_error_is_terminal(void);
bool
term_input_is_terminal(void);

// Whether nobody else is on this terminal, so that it goes when the program ends: Windows makes a console for a program that
// was started by double click. No terminal of Linux is known to do so.
bool
term_is_own_console(void);

// Columns of the terminal; COLUMNS of the environment wins; 80 where it can't be told.
size_t
term_width(void);

// Rows of the terminal; LINES of the environment wins; 24 where it can't be told.
size_t
term_height(void);

// Whether colour is wanted by the surroundings: a terminal, TERM not "dumb", NO_COLOR not set (no-color.org).
bool
term_wants_colour(void);

// Writes all of it to standard output. False with ERR_GONE when the reader has gone (`moorage | head`), which changes no
// answer, and with ERR_SYSTEM when it can't be written (a full disk). `err` may be NULL.
bool
term_write(struct str text, struct err *err);

// The same for error output, where nothing could be said about a failure.
bool
term_write_error(struct str text);

// The value of an environment variable, empty when it is not set; `present` (may be NULL) tells the difference.
struct str
term_environment(const char *name, bool *present);

#endif
