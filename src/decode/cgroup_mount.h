#ifndef MOORAGE_DECODE_CGROUP_MOUNT_H
#define MOORAGE_DECODE_CGROUP_MOUNT_H

// Where a cgroup tree is mounted, out of /proc/self/mountinfo (proc(5)). Only Linux has it.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

enum cgroup_tree {
    CGROUP_TREE_UNIFIED, // cgroup v2
    CGROUP_TREE_SYSTEMD, // systemd's own named hierarchy of v1
};

// The first mount point, unescaped. False when there is none.
bool
cgroup_mount_parse(struct arena *arena, struct str mountinfo, enum cgroup_tree tree, struct str *out);

#endif
