#ifndef MOORAGE_SYS_SERVICE_CONTROL_H
#define MOORAGE_SYS_SERVICE_CONTROL_H

// Orders to the service manager: start and stop one unit, over its own interface, never by running a program.
// Invariants: a call only gives the order and ends by its deadline; what became of it, sys/service tells (struct service,
// `state`). An order that was given stays given: a deadline does not take it back.
// How the systems differ: Linux asks systemd over D-Bus (StopUnit, StartUnit of org.freedesktop.systemd1(5)), which stops
// what depends on the unit too. Windows asks the service control manager, which refuses while others depend on the service; a
// call there comes back only when the service has heard of it, and the service tells how it gets on.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// `user_manager` asks the manager of user `uid` instead of the system's. ERR_UNSUPPORTED without a service manager, ERR_GONE
// for a unit that it does not know, ERR_NOT_ALLOWED, ERR_TIMEOUT.
bool
service_control_stop(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                     struct err *err);

bool
service_control_start(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
                      struct err *err);

// What a service tells of itself while it stops or starts.
struct service_progress {
    bool pending;        // it is on its way
    uint32_t checkpoint; // rises as it gets on
    unsigned hint_ms;    // how long it takes until then at most; 0 = it does not say
};

// False where it does not tell: systemd gives its units a time instead (struct service, `stop_ms`).
bool
service_control_progress(struct str unit, unsigned deadline_ms, struct service_progress *out);

#endif
