#ifndef MOORAGE_CORE_TAKE_BACK_H
#define MOORAGE_CORE_TAKE_BACK_H

// Takes back what stands in the record of acts: a plan of one step that starts again what was stopped. The systems do not
// differ here.

#include "core/journal.h"
#include "core/plan.h"

// The plan that takes this act back, which must be possible. It is carried out by release_step().
void
take_back_plan(struct arena *arena, const struct journal_act *act, struct str again, struct plan *out);

// The line to type where it needs more rights.
struct str
take_back_again(const struct plan *plan, const struct host *host);

#endif
