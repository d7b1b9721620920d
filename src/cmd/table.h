#ifndef MOORAGE_CMD_TABLE_H
#define MOORAGE_CMD_TABLE_H

// The list of commands: each describes itself in its own file, here stand only their addresses. The systems do not differ.

#include "base/str.h"
#include "cmd/command.h"

#include <stddef.h>

extern const struct command command_check;
extern const struct command command_completion;
extern const struct command command_doctor;
extern const struct command command_free;
extern const struct command command_help;
extern const struct command command_lease;
extern const struct command command_list;
extern const struct command command_log;
extern const struct command command_pick;
extern const struct command command_run;
extern const struct command command_undo;
extern const struct command command_wait;
extern const struct command command_range;
extern const struct command command_why;
extern const struct command command_why_command; // `why -- CMD`, reached by dispatch alone

extern const struct command *const table_commands[];
extern const size_t table_command_count;

// The command of this name or alias, or NULL.
const struct command *
table_find(struct str word);

// The command (or word of a later one) that was probably meant by a mistyped word; NULL if none is near.
const char *
table_near(struct str word);

#endif
