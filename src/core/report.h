#ifndef MOORAGE_CORE_REPORT_H
#define MOORAGE_CORE_REPORT_H

// The one place that makes JSON for people's tools (schemas in man/schema). Text for people is made in cmd/.

#include "base/arena.h"
#include "base/json.h"
#include "core/holder.h"
#include "core/why.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>

// How much of other people's data may be shown.
struct report_privacy {
    bool full;  // --full: nothing is masked
    bool share; // --share: no users, homes and arguments
    struct str home;
};

// The common frame: {"schema": ..., "host": ..., "time": ...}.
cJSON *
report_begin(struct arena *arena, const char *schema, const struct host *host, const struct report_privacy *privacy);

// One entry of "asked" of moorage.why/1.
void
report_add_answer(struct arena *arena, cJSON *asked, const struct host *host, const struct answer *answer,
                  const struct report_privacy *privacy);

// In what way the holders were searched, whether all were found, and what could not be looked into for it.
void
report_add_sight(struct arena *arena, cJSON *object, enum tier tier, bool complete, const struct unseen *unseen,
                 size_t count);

// The socket fields that why and list share, added to `object`.
void
report_add_socket(struct arena *arena, cJSON *object, const struct host *host, const struct socket_row *row,
                  const struct report_privacy *privacy);

// One holder as an element of `array`.
void
report_add_holder(struct arena *arena, cJSON *array, const struct host *host, const struct holder *holder,
                  const struct report_privacy *privacy);

// "2026-01-31T12:00:00Z"
struct str
report_time(struct arena *arena, int64_t ms);

#endif
