#ifndef MOORAGE_DECODE_CONTAINER_API_H
#define MOORAGE_DECODE_CONTAINER_API_H

// The JSON that the API of a container runtime answers with: Docker Engine API v1.24 and later (GET /containers/json and
// GET /containers/ID/json), and Podman's API of the same shape, which differs in what it leaves out or gives as null.
// The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"
#include "decode/http.h"

#include <stdbool.h>

struct container_list {
    LIST_OF(struct container);
};

// Appends each container of a list to `out`. `runtime` and `api` are what they get as such. An entry without an id is left
// out, and a member of an unexpected type counts as missing. False with ERR_FORMAT when it is no list at all.
bool
container_api_parse_list(struct arena *arena, struct str body, struct str runtime, struct str api,
                         struct container_list *out, struct err *err);

// Adds to `out` what the full description of one container tells: pid, restart policy, and what the list had not. The
// ports replace those of the list only when there are any. False with ERR_FORMAT when it describes no container, or
// another one than out->id.
bool
container_api_parse_one(struct arena *arena, struct str body, struct container *out, struct err *err);

// What the answer to an order (POST /containers/ID/stop, /start) says: true when it is carried out, or stood so before.
// Else ERR_GONE (no such container), ERR_NOT_ALLOWED or ERR_SYSTEM, with the runtime's own words.
bool
container_api_judge(struct arena *arena, const struct http_answer *answer, struct err *err);

#endif
