#ifndef MOORAGE_CORE_SNAPSHOT_PARTS_H
#define MOORAGE_CORE_SNAPSHOT_PARTS_H

// What the files snapshot*.c share. Not for others. The systems do not differ.

#include "base/arena.h"
#include "core/lookup.h"
#include "decode/host.h"

#include <stddef.h>
#include <stdint.h>

// Makes the rows from index `first` on one with rows that are there already, and with each other: the same socket read
// twice, and an MPTCP socket with its TCP subflow. Rows before `first` keep their index.
void
snapshot_merge_rows(struct host *host, size_t first);

// Reads these facts (bits of enum process_facts) of the process unless they are there; gives its index in
// host->processes. `pids` holds the index of every process of the host by pid.
size_t
snapshot_read_process(struct arena *arena, struct host *host, struct lookup *pids, uint32_t pid, unsigned facts);

// Reads what started the process at `index`, up to the first one of the system.
void
snapshot_read_ancestry(struct arena *arena, struct host *host, struct lookup *pids, size_t index);

// Every process of the host by pid.
struct lookup
snapshot_pids(struct arena *arena, const struct host *host);

#endif
