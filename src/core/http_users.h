#ifndef MOORAGE_CORE_HTTP_USERS_H
#define MOORAGE_CORE_HTTP_USERS_H

// The programs that listen by way of the system's own HTTP server (Windows: http.sys), which has their ports in the name
// of process 4. Who that is stands in its URLs, as far as they could be read; what experts know of them in data/known.json.
// How the systems differ: only Windows has such a server.

#include "base/arena.h"
#include "base/list.h"
#include "core/known.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct http_user {
    const struct http_url *url; // the first of its URLs on the port
    size_t urls;                // how many it has there
    uint32_t pid;               // of its first process; 0 = unknown
    const struct process *process;
    struct known_user known; // empty title: nothing is known of it
};

struct http_users {
    LIST_OF(struct http_user);
};

// Who listens there. Where that could not be read, who reserved an address on that port, which is a hint: `url->registered`
// tells.
void
http_users_find(struct arena *arena, const struct host *host, uint16_t port, struct http_users *out);

// Whether somebody listens there by way of the server, for certain.
bool
http_users_listen(const struct host *host, uint16_t port);

// "IIS", "shop (pid 5000)", "the queue Reports", "NT SERVICE\\PeerDistSvc"; empty if nothing is known.
struct str
http_user_name(struct arena *arena, const struct http_user *user);

#endif
