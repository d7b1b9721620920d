#ifndef MOORAGE_CMD_HELP_H
#define MOORAGE_CMD_HELP_H

// Help, made of the commands' own descriptions. The systems do not differ.

#include "base/buf.h"
#include "cmd/command.h"

#include <stdbool.h>
#include <stddef.h>

// What moorage is and its commands.
void
help_all(struct buf *out, size_t width, bool colour);

// One command: usage, what it does, its options, examples.
void
help_command(struct buf *out, const struct command *command, size_t width, bool colour);

// The same for programs: the document moorage.help/1, about one command or (NULL) about all of them.
void
help_json(struct command_run *run, const struct command *command);

#endif
