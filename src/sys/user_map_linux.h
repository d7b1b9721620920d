#ifndef MOORAGE_SYS_USER_MAP_LINUX_H
#define MOORAGE_SYS_USER_MAP_LINUX_H

// Users inside of a user namespace (user_namespaces(7)): those of outside who have no number here are all told by one and the
// same number, which is that of a user called nobody as well. Linux only.

#include <stdbool.h>
#include <stdint.h>

enum {
    // What the kernel starts with (DEFAULT_OVERFLOWUID in include/linux/highuid.h); nobody has a reason to change it.
    USER_MAP_SHARED = 65534,
};

// Whether a number that the kernel tells means one user here, and not everybody who has none.
bool
user_map_tells(uint32_t uid);

#endif
