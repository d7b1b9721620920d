#ifndef MOORAGE_CMD_FREE_TEXT_H
#define MOORAGE_CMD_FREE_TEXT_H

// What `moorage free` says to people: the plan before anything is done, then what came of it. Pure. The systems do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "core/plan.h"
#include "core/release.h"
#include "core/report.h"

#include <stdbool.h>
#include <stddef.h>

struct free_view {
    struct arena *arena;
    const struct report_privacy *privacy;
    size_t width; // 0: unlimited
    bool colour;
};

// What has the ports, what would be done, and what speaks against it.
void
free_text_plan(const struct free_view *view, const struct plan *plan, struct buf *out);

// That there is nothing to do.
void
free_text_nothing(const struct free_view *view, const struct plan *plan, struct buf *out);

// What was done, whether the ports are free now, how it is taken back, and what to type where it did not work.
void
free_text_outcome(const struct free_view *view, const struct release *release, struct buf *out);

// "node (pid 40) ignored the request for 10 s. End it hard? Unsaved work in it is lost. [y/N] "
struct str
free_text_kill_question(struct arena *arena, const struct plan_step *step);

// "waiting for node (pid 40) to end: 9 s"; without line end.
struct str
free_text_moment(struct arena *arena, const struct release_moment *moment);

#endif
