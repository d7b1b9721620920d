#ifndef MOORAGE_SYS_CONTAINER_H
#define MOORAGE_SYS_CONTAINER_H

// The APIs of container runtimes that run on this host.
// Invariants: only a daemon that already runs is asked (a socket-activated one is not woken); each call ends by its
// deadline; nothing is ever changed.
// How the systems differ: Linux connects to unix sockets of Docker and Podman, the rootless ones of users included.
// Windows connects to named pipes.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>

struct container_endpoint {
    struct str runtime; // "docker", "podman"
    struct str path;
};

struct container_endpoint_list {
    LIST_OF(struct container_endpoint);
};

// API sockets whose daemon lives; DOCKER_HOST and CONTAINER_HOST of the environment are respected when they name a unix
// socket. An empty list is the usual answer.
void
container_endpoints(struct arena *arena, struct container_endpoint_list *out);

// Sends GET `request` ("/containers/json") and gives the answer's bytes, header included, as they came (at most 16 MiB).
// ERR_TIMEOUT when the daemon accepts and does not answer in time, ERR_NOT_ALLOWED, ERR_GONE when nobody listens.
bool
container_ask(struct arena *arena, struct container_endpoint endpoint, struct str request, unsigned deadline_ms,
              struct str *answer, struct err *err);

#endif
