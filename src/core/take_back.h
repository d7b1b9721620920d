#ifndef MOORAGE_CORE_TAKE_BACK_H
#define MOORAGE_CORE_TAKE_BACK_H

// Takes back what stands in the record of acts: a plan that starts again what was stopped, or puts back what was set. The
// systems do not differ here.

#include "core/journal.h"
#include "core/plan.h"

#include <stdbool.h>

// The plan that takes these acts back (journal_with()): a step for each, carried out by release_steps(). A refusal other than
// for lack of rights: it can't be done. False when what it is about can't be read.
bool
take_back_plan(struct arena *arena, const struct journal_acts *acts, struct str again, struct plan *out,
               struct err *err);

// The line to type where it needs more rights.
struct str
take_back_again(const struct plan *plan, const struct host *host);

#endif
