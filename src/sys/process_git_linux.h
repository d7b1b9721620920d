#ifndef MOORAGE_SYS_PROCESS_GIT_LINUX_H
#define MOORAGE_SYS_PROCESS_GIT_LINUX_H

// The git work tree that a process runs in. Linux only; part of sys/process.
// Only on local file systems, never across a mount, through no symbolic link, at most 64 folders up.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"
#include "sys/process_place_linux.h"

// Fills out->git_root and out->git_branch for a process whose current folder is `cwd` as its link says.
void
process_git_read(struct arena *arena, const struct process_place *place, struct str cwd, struct process *out);

#endif
