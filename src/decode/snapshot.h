#ifndef MOORAGE_DECODE_SNAPSHOT_H
#define MOORAGE_DECODE_SNAPSHOT_H

// moorage.snapshot/1: a host as a JSON document, for recordings, for the fake platform, and later for history and
// fleets. Reading what was written gives the same host. A document may hold a "script" for the fake: changes of the host
// that happen after a time or after an act. The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/host.h"

// One change of a scripted host.
struct script_step {
    uint32_t after_ms;      // since the fake started; 0 = at once when `after_act` is empty
    struct str after_act;   // "probe" (the first bind), "signal 41233", "stop nginx.service", ...; empty = time alone
    struct str_list remove; // sockets whose local "tcp 0.0.0.0:8080" equals one of these go away
    struct {
        LIST_OF(uint32_t);
    } end; // processes that end, and with them the sockets that nobody else holds
    struct host
        add; // its sockets, holdings, processes, services, probes and API answers are added (holding.socket counts from 0 here)
};

struct script {
    LIST_OF(struct script_step);
};

// The document; `redact` hides command lines behind argv[0], and user names and home paths behind placeholders.
struct str
snapshot_write(struct arena *arena, const struct host *host, bool redact);

// False with ERR_FORMAT for what is no snapshot/1; `script` may be NULL.
bool
snapshot_parse(struct arena *arena, struct str text, struct host *out, struct script *script, struct err *err);

#endif
