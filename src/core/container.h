#ifndef MOORAGE_CORE_CONTAINER_H
#define MOORAGE_CORE_CONTAINER_H

// Containers: which runtime's API tells what, and which container a port, an id or a forwarder belongs to.
// Invariants: all APIs together take no longer than the deadline, however many of them are silent; one that did not answer
// is not asked again for the same host; what they answered is kept in host->api_answers.
// How the systems differ: not here; see sys/container.h for where the APIs are.

#include "base/arena.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Asks every runtime that runs here for its containers and appends them to host->containers. Each API may use its equal
// share of the time that is left, so that a dead one does not silence the next. Asks once per host: a second call does
// nothing.
void
container_find(struct arena *arena, struct host *host, unsigned deadline_ms);

// Asks the API that told of host->containers.items[index] for its first process and restart policy. False when it did
// not answer in time, or told of no such container (any more).
bool
container_detail(struct arena *arena, struct host *host, size_t index, unsigned deadline_ms);

// The container whose id starts with `id` (at least 12 digits, Docker's short form) or whose name is `id`. NULL when none
// or more than one fits.
const struct container *
container_by_id(const struct host *host, struct str id);

// What to call it: its name, else the start of its id.
struct str
container_title(const struct container *container);

// The running container that publishes this endpoint on the host. NULL when none does.
const struct container *
container_by_port(const struct host *host, enum protocol protocol, struct address address, uint16_t port);

// The container for which the process holds this endpoint, if the process is a runtime's forwarder. `is_forwarder` (may be
// NULL) tells whether it is one; NULL is given when it is none, or its container is not known. A container is named by the id
// in the arguments, else by the published port; a docker-proxy whose own arguments forward another port has none.
const struct container *
container_by_forwarder(struct arena *arena, const struct host *host, const struct process *process,
                       enum protocol protocol, struct address address, uint16_t port, bool *is_forwarder);

#endif
