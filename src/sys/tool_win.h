#ifndef MOORAGE_SYS_TOOL_WIN_H
#define MOORAGE_SYS_TOOL_WIN_H

// Programs that come with Windows, run where it has no interface that tells the same: netsh and wsl. They are named by the
// full path of the system's own folder, so that none of the same name in PATH or in the current folder can stand in for
// them. Windows only.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>

// Runs a tool ("netsh.exe") with these words. Gives what it printed in `out`, whatever its exit code; that of the latter is
// then ERR_SYSTEM unless it is 0. ERR_GONE where the tool is not there, ERR_TIMEOUT.
bool
tool_run(struct arena *arena, const char *name, const struct str_list *words, unsigned deadline_ms, struct str *out,
         struct err *err);

// The words of a line that blanks separate.
struct str_list
tool_words(struct arena *arena, struct str line);

// What netsh answers to the words of `line`, also in `raw` (by the name "spawn" and the whole command line), so that a
// recording shows what a real Windows prints.
bool
tool_ask_netsh(struct arena *arena, struct str line, unsigned deadline_ms, struct raw_bytes *raw, struct str *out,
               struct err *err);

// For tests: the tools are in this folder instead.
void
tool_use_folder(const char *folder);

#endif
