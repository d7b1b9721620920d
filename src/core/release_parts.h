#ifndef MOORAGE_CORE_RELEASE_PARTS_H
#define MOORAGE_CORE_RELEASE_PARTS_H

// What the files release*.c share. Not for others. The systems do not differ here.

#include "core/release.h"
#include "sys/service_control.h"

// Does one step, whatever became of those before it: result, err and times are filled (release_act.c).
void
release_act(struct release *release, struct plan *plan, struct plan_step *step);

// Asks a process that can't be asked otherwise by Ctrl-C on its console, unless that would reach somebody whom the plan does
// not end; all that it reaches are marked as asked (release_console.c). Where it can't be asked, the target is deaf.
void
release_ask_console(struct plan *plan, struct plan_step *step, struct plan_target *target);

// The same for an entry of a supervisor that goes on: stops or starts it (release_entry.c).
void
release_act_entry(struct release *release, struct plan *plan, struct plan_step *step);

// Moves the deadline of a step for a service that tells how it gets on, by what it says it needs (release_unit.c). `last`, first
// zeroed, is what it told before.
void
release_extend(const struct plan_step *step, struct service_progress *last, int64_t *deadline_us);

// After all other steps: waits for those that were asked and let go of the port later than others.
void
release_finish_supervisors(struct release *release, struct plan *plan);

// Looks cheaply whether what kept a port is gone, and if so tries it: the moment when it is free is kept (release_watch.c).
// False while some port is not free yet.
bool
release_notice(struct plan *plan);

// The same, again and again for a moment: some systems let go of a socket a little after its process has ended.
bool
release_settle(struct plan *plan);

// Watches for release->watch_ms whether a port is taken again, then looks at all ports for good.
void
release_watch(struct release *release, struct plan *plan);

// What came of the plan, and who took a port again.
void
release_judge(struct release *release, struct plan *plan);

// One moment of waiting, shortened where one of these processes ends. False when the time is over or somebody said stop.
bool
release_wait(struct release *release, struct plan *plan, const struct plan_step *step, const struct pinned *const *pins,
             size_t count, int64_t deadline_us);

#endif
