#ifndef MOORAGE_SYS_NAMESPACE_H
#define MOORAGE_SYS_NAMESPACE_H

// Other network namespaces of this host and what listens in them.
// How the systems differ: Linux enumerates the namespaces of processes and the named ones (/run/netns, nsfs mounts) and
// enters each in a thread of its own to read its tables (setns(2), needs CAP_SYS_ADMIN). Windows has compartments, which
// moorage does not read: unsupported.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Appends every other namespace to host->namespaces (also those that can't be entered: their `known` says why), and their
// listening and bound sockets with a local port from `first` to `last` to host->sockets, with `netns` set.
// Sets host->namespaces_known. At most 1,000 namespaces and `deadline_ms`.
bool
namespace_read(struct arena *arena, uint16_t first, uint16_t last, unsigned deadline_ms, struct host *host,
               struct err *err);

// The inode of the namespace that this program runs in; 0 = unknown.
uint64_t
namespace_own(void);

#endif
