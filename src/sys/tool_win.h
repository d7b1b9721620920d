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

// Runs a tool ("netsh.exe") with the words of `line`, which blanks separate, and then `last` unless that is empty. Gives what
// it printed, also in `raw` (unless NULL) by the name "spawn" and its command line. ERR_SYSTEM when its exit code is not 0,
// ERR_GONE where it is not there, ERR_TIMEOUT.
bool
tool_run(struct arena *arena, const char *name, const char *line, struct str last, unsigned deadline_ms,
         struct raw_bytes *raw, struct str *out, struct err *err);

// For tests: the tools are in this folder instead.
void
tool_use_folder(const char *folder);

#endif
