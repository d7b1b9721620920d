#ifndef MOORAGE_CORE_RANGE_H
#define MOORAGE_CORE_RANGE_H

// Plans that change which ports the system gives away: ports that it keeps out of the dynamic range, and that range itself.
// Invariants: making a plan changes nothing. A plan is refused where it would take the ground from under programs that serve
// now; then nothing of it is done. Each step says what it sets, what stood there, and what right it needs; the whole has one
// line that takes it back.
// How the systems differ: Linux has one setting for all protocols and families, and a file that sets it at the next start;
// Windows has reservations and ranges for each protocol and family, which netsh keeps until the next start or for good.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/why.h"
#include "decode/host.h"
#include "sys/range_act.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum range_deed {
    RANGE_RESERVE,
    RANGE_RELEASE,
    RANGE_MOVE, // the dynamic range
};

struct range_span {
    uint16_t first;
    uint16_t last;
};

struct range_wish {
    enum range_deed deed;
    struct {
        LIST_OF(struct range_span);
    } spans;
    bool tcp; // where the system tells protocols apart; neither: both
    bool udp;
    bool persist; // after a restart too
};

struct range_step {
    enum lever lever;
    enum harm harm;
    struct str sentence;     // "Set net.ipv4.ip_local_reserved_ports to 8080"
    struct str precondition; // what must still be so when it is done
    struct str by_hand;      // the same without moorage
    bool needs_admin;
    struct range_act act;
    bool done;
};

struct range_plan {
    struct {
        LIST_OF(struct range_step);
    } steps;                  // none: it is so already
    struct str_list refusals; // whole sentences; any of them, and nothing is done
    struct str_list notes;
    struct str undo; // the line that takes it back; empty = nothing to take back
};

// `host` must hold ranges, and for RANGE_MOVE and reservations all TCP and UDP rows that serve, with their holders where they can
// be had (range_use_read). False when the present settings can't be read.
bool
range_plan_make(struct arena *arena, const struct host *host, const struct range_wish *wish, struct range_plan *out,
                struct err *err);

// Does the steps in their order, each proved by reading it again where that is possible. False at the first that fails; what
// was done before is marked.
bool
range_plan_run(struct arena *arena, struct range_plan *plan, struct err *err);

#endif
