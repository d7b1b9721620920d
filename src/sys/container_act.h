#ifndef MOORAGE_SYS_CONTAINER_ACT_H
#define MOORAGE_SYS_CONTAINER_ACT_H

// Orders to the API of a container runtime: start and stop one container. The runtime answers when it has carried the order
// out, which takes as long as the container is given to stop: so an order is given, then waited for piece by piece.
// Invariants: only an API that already told of the container is asked; each wait ends by its deadline; an order that was
// given stays given, whoever stops waiting for it.
// How the systems differ: Linux speaks over unix sockets, Windows over named pipes.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct container_act;

// Gives the order: POST `request` ("/containers/ID/stop") to the API at `path`. NULL and ERR_GONE when nobody listens there,
// ERR_NOT_ALLOWED, ERR_TIMEOUT.
struct container_act *
container_act_begin(struct arena *arena, struct str path, struct str request, unsigned deadline_ms, struct err *err);

// Waits for the answer, at most `ms`. True when the order is carried out; false with ERR_TIMEOUT while there is no answer
// yet, else with why not: ERR_GONE (no such container, or the runtime left), ERR_NOT_ALLOWED, ERR_SYSTEM with its words.
bool
container_act_wait(struct container_act *act, unsigned ms, struct err *err);

// Stops waiting. NULL is fine.
void
container_act_end(struct container_act *act);

#endif
