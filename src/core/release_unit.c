#include "core/release_parts.h"
#include "sys/clock.h"

enum {
    ASK_MS = 2000,
    MARGIN_MS = 1000,  // what a service says of itself comes a little late
    MOST_MS = 1800000, // half an hour: whoever says that it gets on may be wrong
};

void
release_extend(const struct plan_step *step, struct service_progress *last, int64_t *deadline_us)
{
    struct service_progress now;
    int64_t most = step->began_us + (int64_t)MOST_MS * 1000;

    if (!service_control_progress(step->service.name, ASK_MS, &now) || !now.pending)
        return;
    int64_t until = clock_mono_us() + ((int64_t)now.hint_ms + MARGIN_MS) * 1000;
    until = until < most ? until : most;
    if (now.checkpoint != last->checkpoint && until > *deadline_us)
        *deadline_us = until;
    *last = now;
}
