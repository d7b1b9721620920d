#ifndef MOORAGE_DECODE_NETNS_MOUNT_H
#define MOORAGE_DECODE_NETNS_MOUNT_H

// Network namespaces that a mount keeps alive without any process in them (ip-netns(8), Docker), out of
// /proc/self/mountinfo (proc(5)). Only Linux has them.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"

#include <stdint.h>

struct netns_mount {
    uint64_t id;     // inode of the namespace file
    struct str path; // where it is mounted
    struct str name; // what `ip netns` calls it; empty for mounts outside of its folder
};

struct netns_mount_list {
    LIST_OF(struct netns_mount);
};

// Appends all of them that nothing else was mounted over, in the order of the file.
void
netns_mount_find(struct arena *arena, struct str mountinfo, struct netns_mount_list *out);

#endif
