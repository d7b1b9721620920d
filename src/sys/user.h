#ifndef MOORAGE_SYS_USER_H
#define MOORAGE_SYS_USER_H

// Users: names, and what this program may do.
// How the systems differ: Linux has numbers, and a right is a capability (capabilities(7)). Windows has SIDs, folded to a
// number that is stable within one run; `admin` means elevated. Names come from the system's own user database, but never
// over a network: Linux reads /etc/passwd itself (a static look-up that can't hang).

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct user_self {
    uint32_t uid;
    bool admin;          // root / elevated
    bool sees_processes; // may look into every process
    bool net_admin;      // may read packet rules
    bool enters_namespaces;
    bool binds_privileged;
    // Linux: which rights are missing to run programs in the kernel that read its memory; NULL = none.
    const char *kernel_refuses;
};

struct user_self
user_self(void);

// The name, or the number as text where there is none.
struct str
user_name(struct arena *arena, uint32_t uid);

// False if there is no such user; digits are taken as a number.
bool
user_find(struct str name, uint32_t *uid);

#endif
