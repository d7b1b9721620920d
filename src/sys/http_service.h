#ifndef MOORAGE_SYS_HTTP_SERVICE_H
#define MOORAGE_SYS_HTTP_SERVICE_H

// The HTTP server that is part of the system and listens for many programs at once, under a process id that names none of
// them.
// Invariant: asking does not start it.
// How the systems differ: Windows has http.sys, which listens as pid 4: reservations (urlacl) are asked of the HTTP API and
// the registry, queues and their processes of netsh, since no interface tells them. Linux has none: ERR_UNSUPPORTED.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>

// Appends the registered and reserved URLs to host->http_urls and sets host->http_known: NOT_ALLOWED where only
// reservations could be read. With `deadline_ms` for all of it.
bool
http_service_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err);

#endif
