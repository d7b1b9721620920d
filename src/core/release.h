#ifndef MOORAGE_CORE_RELEASE_H
#define MOORAGE_CORE_RELEASE_H

// Carries a plan out: step after step, each checked again right before it is done; waits for what was asked, proves by a bind
// that the ports are free, and watches whether they stay so. What did not end in time is ended hard only where that was
// agreed to. What started a program again is ended where that was allowed, once, and never in circles.
// Invariants: nothing is done that the plan does not show; every act is recorded before it is done (core/journal.h); a port
// is called free only after a bind of it worked at the end.
// The systems do not differ here.

#include "base/arena.h"
#include "base/str.h"
#include "core/journal.h"
#include "core/plan.h"

#include <stdbool.h>
#include <stdint.h>

enum release_outcome {
    RELEASE_FREED,
    RELEASE_ALREADY_FREE,
    RELEASE_DECLINED,
    RELEASE_NOT_YOURS,
    RELEASE_NEEDS_ELEVATION,
    RELEASE_TIMED_OUT,
    RELEASE_RESPAWNED,
    RELEASE_REFUSED,
};

// What is waited for, to be shown to whoever waits.
struct release_moment {
    const struct plan_step *step; // NULL: it is watched whether the port stays free
    size_t left;                  // programs that have not ended
    unsigned left_ms;             // until the patience ends
};

// Who is asked, and told how it goes. All members may be NULL: then nobody is there.
struct release_face {
    void *data;
    void (*show)(void *data, const struct release_moment *moment);
    // Whether those of the step that have not ended may be ended hard.
    bool (*may_kill)(void *data, const struct plan *plan, const struct plan_step *step);
    // Whether the plan that ends what started a program again may be carried out.
    bool (*may_go_on)(void *data, const struct plan *plan);
};

struct release {
    struct arena *arena;
    struct plan *plan; // as it was agreed to
    struct release_face face;
    unsigned watch_ms;
    uint32_t uid; // who does it, for the record
    struct str user;
    struct str invoker;
    int64_t shown_us; // when a moment was shown last
    enum release_outcome outcome;
    bool acted;                    // something was done
    bool interrupted;              // by Ctrl-C
    struct plan *second;           // against what started a program again; NULL = there was none
    const struct plan_goal *taken; // RESPAWNED, TIMED_OUT: the port that is taken
    struct str starter;            // RESPAWNED: who started it again: "sh (pid 17)"; empty = not known
    bool can_end_starter;          // --allow supervisor would end it
    struct str_list starters;      // see plan_wish
    struct str_list warnings;      // whole sentences: what was left undone beside the plan
};

// Carries out release->plan, which must be READY.
void
release_run(struct release *release);

// Does the steps of a plan in their order, each with its record, whatever the plan is about. False where one of them failed
// or took too long: what comes after it is not begun.
bool
release_steps(struct release *release, struct plan *plan);

// "freed", "already-free", ...
struct str
release_outcome_name(enum release_outcome outcome);

#endif
