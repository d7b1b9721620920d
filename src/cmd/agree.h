#ifndef MOORAGE_CMD_AGREE_H
#define MOORAGE_CMD_AGREE_H

// What commands that do something share: saying things while they run, asking whether to go on, and showing that it does.
// The systems do not differ.

#include "base/str.h"
#include "cmd/command.h"

#include <stdbool.h>

// Whether somebody is there to be asked.
bool
agree_is_possible(const struct command_run *run);

// Writes what stands in run->out now, and empties it: to where questions are asked, or to standard output where nobody is.
// Not with --json, whose document comes alone at the end, unless somebody is asked; nor with --quiet.
void
agree_say(struct command_run *run);

// Asks a question that ends in "[y/N] ". True for "y" and "yes" alone.
bool
agree_ask(struct command_run *run, struct str question);

// The answer as it was typed, for other questions; empty where there is none.
struct str
agree_read(struct command_run *run, struct str question);

// Shows one line that the next one replaces, where error output is a terminal; the empty text takes it away.
void
agree_show(const struct command_run *run, struct str text);

// Who acts, for the record: the name of the user, and under sudo of the one who typed it.
void
agree_who(const struct command_run *run, uint32_t *uid, struct str *user, struct str *invoker);

// The user that counts as "me": under sudo the one who typed it.
uint32_t
agree_me(void);

#endif
