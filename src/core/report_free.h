#ifndef MOORAGE_CORE_REPORT_FREE_H
#define MOORAGE_CORE_REPORT_FREE_H

// moorage.free/1, moorage.undo/1 and moorage.log/1 (schemas in man/schema): plans and what came of them, for people's tools.

#include "base/arena.h"
#include "base/json.h"
#include "core/journal.h"
#include "core/plan.h"
#include "core/release.h"
#include "core/report.h"

#include <stdbool.h>

// The members of moorage.free/1 behind the frame. `release` NULL: nothing was carried out, and `outcome` (empty = none yet,
// the plan could be carried out) says why.
void
report_free(struct arena *arena, cJSON *root, const struct plan *plan, const struct release *release,
            struct str outcome, const struct report_privacy *privacy);

// One step as an element of `array`.
void
report_free_step(struct arena *arena, cJSON *array, const struct plan_step *step, const struct report_privacy *privacy);

// One act as an element of `array`.
void
report_free_act(struct arena *arena, cJSON *array, const struct journal_act *act, const struct report_privacy *privacy);

#endif
