#ifndef MOORAGE_SYS_NAMESPACE_H
#define MOORAGE_SYS_NAMESPACE_H

// Other network namespaces of this host and what listens in them.
// How the systems differ: Linux enumerates the namespaces of processes and the named ones (/run/netns, nsfs mounts) and
// enters each in a thread of its own to read its tables (setns(2), needs CAP_SYS_ADMIN). Without that right it reads the
// tables of a process that lives there (/proc/PID/net), which leave out v6only and devices. Windows has compartments, which
// moorage does not read: unsupported.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Appends every other namespace to host->namespaces (also those that can't be read: their `known` says why), and their
// listening TCP sockets and unconnected UDP and UDP-Lite sockets of these protocols (bits 1u << enum protocol; MPTCP's are
// TCP's) with a local port from `first` to `last` to host->sockets, with `netns` set: who could answer there. TCP sockets
// in state BOUND are not asked for: they block nothing here, and finding them is dear. The id of a namespace whose own file
// may not be seen is the inode of its table instead, which the kernel takes from the same numbers (proc_alloc_inum), so
// that no two are the same.
// Sets host->namespaces_known: NOT_ALLOWED when a process would not even tell which one it lives in, or is hidden. At most 1,000
// namespaces and `deadline_ms`; beyond that TIMEOUT.
bool
namespace_read(struct arena *arena, unsigned protocols, uint16_t first, uint16_t last, unsigned deadline_ms,
               struct host *host, struct err *err);

// Whether it is certain that no socket of this protocol (MPTCP's are TCP's) has the port in any other namespace, be there
// processes in it or not: then there is nothing to read. False where that can't be told without reading them.
bool
namespace_has_none(struct arena *arena, enum protocol protocol, uint16_t port);

// The inode of the namespace that this program runs in; 0 = unknown.
uint64_t
namespace_own(void);

#endif
