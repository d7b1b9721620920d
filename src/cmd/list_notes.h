#ifndef MOORAGE_CMD_LIST_NOTES_H
#define MOORAGE_CMD_LIST_NOTES_H

// What `moorage list` says beside its rows: why some have no program, and why there are none. The systems do not differ.

#include "base/err.h"
#include "cmd/command.h"
#include "cmd/list_rows.h"
#include "decode/host.h"

// Explains rows without a program, with what would show it.
void
list_notes_unseen(const struct command_run *run, struct arena *arena, const struct host *host,
                  const struct list_rows *rows);

// Says that nothing matches, and what the reader may have meant; gives the exit code.
int
list_notes_nothing(const struct command_run *run, const struct list_filter *filter, struct host *host, struct err *err);

#endif
