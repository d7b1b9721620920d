#ifndef MOORAGE_DECODE_NETNS_MOUNT_H
#define MOORAGE_DECODE_NETNS_MOUNT_H

// Network namespaces that a mount keeps alive without any process in them (ip-netns(8), Docker), out of
// /proc/self/mountinfo (proc(5)). Only Linux has them.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct netns_mount {
    uint64_t id;     // inode of the namespace file
    struct str path; // where it is mounted
    struct str name; // what `ip netns` calls it; empty for mounts outside of its folder
};

// Cuts lines off `rest` until one is such a mount that nothing else was mounted over; `mountinfo` is the whole file.
// False when there is none left.
bool
netns_mount_next(struct arena *arena, struct str mountinfo, struct str *rest, struct netns_mount *out);

#endif
