#ifndef MOORAGE_SYS_PROCESS_GIT_WIN_H
#define MOORAGE_SYS_PROCESS_GIT_WIN_H

// The git work tree around a folder. Part of sys/process. Windows only.

#include "base/arena.h"
#include "decode/host.h"

// Fills out->git_root and out->git_branch: the nearest folder at or above `folder` that is a work tree. Only on drives of this
// machine, through no link.
void
process_git_read(struct arena *arena, struct str folder, struct process *out);

#endif
