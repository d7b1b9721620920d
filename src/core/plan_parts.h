#ifndef MOORAGE_CORE_PLAN_PARTS_H
#define MOORAGE_CORE_PLAN_PARTS_H

// What the files plan*.c share: the making of one plan. Not for others. The order of work: look at the ports -> for each cause
// that blocks, its lever -> for each lever, what it needs and what speaks against it. The systems do not differ here.

#include "core/plan.h"

struct plan_maker {
    struct plan *plan;
    struct plan_goal *goal;
    const struct cause *cause;
    bool changed; // something is not as the reading says any more: look again
};

// A new step. Pointers to other steps do not outlive this.
struct plan_step *
plan_add_step(struct plan *plan, enum lever lever, enum harm harm, struct str sentence);

// Says once what speaks against the plan.
void
plan_refuse(struct plan *plan, struct plan_refusal refusal);
void
plan_note(struct plan *plan, struct str sentence);

// The harm that the remedies of the cause name for this lever.
enum harm
plan_harm(const struct cause *cause, enum lever lever, enum harm otherwise);

// How long to wait for what usually takes `usual_ms`.
unsigned
plan_patience(const struct plan *plan, unsigned usual_ms);

// Programs that hold sockets, each by what ends it with the least harm (plan_lever.c).
void
plan_holders(struct plan_maker *maker);

// The causes that are no programs, or are ended by something else than these (plan_lever.c).
void
plan_socket_unit(struct plan_maker *maker);
void
plan_container_cause(struct plan_maker *maker);
void
plan_left_over(struct plan_maker *maker);

// Pins the process of the holder, reads it again and adds it to the step, unless it stands in some step already
// (plan_target.c). `holds` false: a supervisor, which need not have the sockets.
void
plan_add_target(struct plan_maker *maker, size_t step, const struct holder *holder, bool holds);

// Steps for what would start the programs of this step again (plan_supervisor.c).
void
plan_supervisors(struct plan_maker *maker, size_t step);

// Whether the process is one of those that have the port.
bool
plan_is_holder(const struct cause *cause, uint32_t pid);

// Whether a step ends this process already.
bool
plan_has_target(const struct plan *plan, uint32_t pid);

// Stops a service, after those that depend on it (plan_lever.c). `cost` may be empty.
void
plan_stop_service(struct plan_maker *maker, const struct service *service, struct str cost);

// Whether a step takes this away already: see plan_system.h.
bool
plan_has_setting(const struct plan *plan, struct str name);

// What speaks against ending this process (plan_guard.c).
void
plan_guard_target(struct plan_maker *maker, const struct plan_target *target, const struct holder *holder);

// Refuses until this danger is allowed by its word.
void
plan_guard_word(struct plan *plan, enum plan_allow allow, struct str sentence);

// The same for stopping a unit or a container.
void
plan_guard_unit(struct plan_maker *maker, const struct service *service);

// The same for giving orders to a supervisor that goes on.
void
plan_guard_supervisor(struct plan_maker *maker, const struct process *process, struct str who);

// Whether --only and --mine let all programs of the cause be touched; says so where they don't. Of those that end as part of
// something else: a unit, a container.
void
plan_guard_only_holders(struct plan_maker *maker);

// Whether --only and --mine let this program be touched; says so where they don't.
void
plan_guard_only(struct plan_maker *maker, const struct process *process, struct str name);

// "node (pid 41233)"
struct str
plan_who(struct arena *arena, struct str name, uint32_t pid);

#endif
