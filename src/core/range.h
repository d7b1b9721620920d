#ifndef MOORAGE_CORE_RANGE_H
#define MOORAGE_CORE_RANGE_H

// Plans that change which ports the system gives away: ports that it keeps out of the dynamic range, and that range itself.
// Invariants: making a plan changes nothing. A plan is refused where it would take the ground from under programs that serve
// now; then nothing of it is done. Each step is a SETTING (core/plan.h), carried out and recorded by core/release.h; it says
// what it sets, what stood there, what right it needs and what puts it back; the whole has one line that takes it back.
// How the systems differ: Linux has one setting for all protocols and families, and a file that sets it at the next start;
// Windows has reservations and ranges for each protocol and family, which netsh keeps until the next start or for good.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/journal.h"
#include "core/plan.h"
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

// `host` must hold ranges, and for RANGE_MOVE and reservations all TCP and UDP rows that serve, with their holders where they can
// be had (range_use_read). No steps: it is so already; any refusal, and nothing is to be done. False when the present settings
// can't be read.
bool
range_plan_make(struct arena *arena, const struct host *host, const struct range_wish *wish, struct plan *out,
                struct err *err);

// The line that takes the whole plan back; empty = nothing to take back.
struct str
range_plan_undo(const struct plan *plan);

// Does one setting, proved by reading it again where that is possible. `needless`: it was so already.
bool
range_set(struct arena *arena, const struct range_act *setting, bool *needless, struct err *err);

// The plan that puts back what these acts changed, all of which can be taken back (journal_with()); of lists of ports only
// the ports that they changed, whatever else has been added since. What was changed since in another way is refused. `host`
// as for RANGE_MOVE. False when the present settings can't be read.
bool
range_take_back(struct arena *arena, const struct host *host, const struct journal_acts *acts, struct plan *out,
                struct err *err);

#endif
