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

struct cgroup_mount {
    struct str point; // where it is mounted
    struct str root;  // the group at its top, empty for the whole tree: containers may be given a part of it
};

// The first mount of the whole tree, or else of a part of it, as it is (unescaped). False when there is none.
bool
cgroup_mount_parse(struct arena *arena, struct str mountinfo, enum cgroup_tree tree, struct cgroup_mount *out);

#endif
