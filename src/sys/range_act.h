#ifndef MOORAGE_SYS_RANGE_ACT_H
#define MOORAGE_SYS_RANGE_ACT_H

// Single acts that change which ports the system gives away and which it keeps. What is to be done is decided in core/range.
// Invariants: an act is done as a whole or not at all; a value that is no longer what it was when the act was planned is left
// alone (ERR_GONE).
// How the systems differ: Linux has settings of the network namespace (a target such as "net.ipv4.ip_local_port_range") and
// files that set them at the next start (an absolute path). Windows has netsh (the target), which takes a line of words.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct range_act {
    struct str target;
    struct str before; // what stood there; empty: nothing
    struct str after;  // what is to stand there; of a file, empty: it is removed
};

// The folder for files of settings: /etc/sysctl.d, or MOORAGE_SYSCTL_DIR. Empty where the system has none.
struct str
range_act_folder(struct arena *arena);

// What stands at a target now, without white space around it; empty for a file that is not there.
bool
range_act_read(struct arena *arena, struct str target, struct str *out, struct err *err);

bool
range_act_do(struct arena *arena, const struct range_act *act, struct err *err);

#endif
