#include "core/holder_parts.h"
#include "core/plan_parts.h"
#include "core/plan_system.h"
#include "sys/process.h"
#include "sys/socket_owner.h"

bool
plan_has_target(const struct plan *plan, uint32_t pid)
{
    for (size_t i = 0; i < plan->steps.count; i++)
        for (size_t k = 0; k < plan->steps.items[i].targets.count; k++)
            if (plan->steps.items[i].targets.items[k].process.pid == pid)
                return true;
    return false;
}

bool
plan_is_holder(const struct cause *cause, uint32_t pid)
{
    for (size_t i = 0; i < cause->holders.count; i++)
        if (cause->holders.items[i].pid == pid)
            return true;
    return false;
}

bool
plan_target_holds(struct arena *arena, const struct plan_target *target)
{
    struct host host = {0};
    size_t *sockets = arena_array(arena, target->sockets.count + 1, sizeof *sockets);
    struct owner_query query = {.sockets = sockets, .count = target->sockets.count, .pid = target->process.pid};
    struct err ignored;

    if (target->http_port != 0)
        return plan_serves_http(arena, target->process.pid, target->http_port) && pinned_lives(&target->pin);
    if (target->sockets.count == 0)
        return pinned_lives(&target->pin);
    for (size_t i = 0; i < target->sockets.count; i++) {
        *LIST_ADD(arena, &host.sockets) = target->sockets.items[i];
        sockets[i] = i;
    }
    if (!socket_owner_find(arena, &query, &host, &ignored))
        return false;
    for (size_t i = 0; i < host.holdings.count; i++) {
        const struct holding *holding = &host.holdings.items[i];
        // What waits in a socket can't be told apart: it counts only for those that had it that way before.
        if (holding->pid == target->process.pid && (holding->how != HOLDING_IN_FLIGHT || target->in_flight))
            // The look was at this very process if it lives still: until then nobody else can get its number.
            return pinned_lives(&target->pin);
    }
    return false;
}

// The sockets of the cause that this process has, and how.
static void
take_sockets(const struct plan_maker *maker, struct plan_target *target)
{
    const struct host *host = maker->goal->host;
    bool openly = false;

    for (size_t i = 0; i < maker->cause->sockets.count; i++) {
        size_t socket = maker->cause->sockets.items[i];
        bool held = false;
        for (size_t k = 0; k < host->holdings.count; k++) {
            const struct holding *holding = &host->holdings.items[k];
            if (holding->socket != socket || holding->pid != target->process.pid)
                continue;
            held = true;
            openly = openly || holding->how != HOLDING_IN_FLIGHT;
        }
        if (held)
            *LIST_ADD(maker->plan->arena, &target->sockets) = host->sockets.items[socket];
    }
    target->in_flight = !openly;
}

static bool
is_same(const struct process *a, const struct process *b)
{
    return a->started_ticks == b->started_ticks &&
           (!a->started_known || !b->started_known || a->started_ms == b->started_ms);
}

static void
refuse_pin(struct plan_maker *maker, const struct err *err)
{
    struct plan *plan = maker->plan;

    if (err->kind == ERR_GONE)
        maker->changed = true;
    else if (err->kind == ERR_UNSUPPORTED)
        plan_refuse(plan, (struct plan_refusal){.kind = PLAN_REFUSED_WORD,
                                                .word = plan_allow_name(PLAN_ALLOW_SYSTEM),
                                                .sentence = str_printf(plan->arena,
                                                                       "%s; only by its number, which could "
                                                                       "hit another one",
                                                                       str_copy(plan->arena, str_of(err->text)).ptr)});
    else
        plan_refuse(plan,
                    (struct plan_refusal){.kind = maker->goal->host->admin ? PLAN_REFUSED_ALWAYS : PLAN_REFUSED_RIGHT,
                                          .sentence = str_copy(plan->arena, str_of(err->text))});
}

// Reads the pinned process anew and looks whether it is still what the reading said. False when it changed.
static bool
is_still(struct plan_maker *maker, const struct holder *holder, struct plan_target *target, bool holds)
{
    struct arena *arena = maker->plan->arena;

    process_read(arena, holder->pid, PROCESS_ALL, &target->process);
    if (target->process.known == KNOWN_GONE || (holder->process && !is_same(&target->process, holder->process)))
        return false;
    if (holds)
        take_sockets(maker, target);
    return holds ? plan_target_holds(arena, target) : pinned_lives(&target->pin);
}

static void
settle_target(struct plan_maker *maker, const struct holder *holder, struct plan_target *target)
{
    struct arena *arena = maker->plan->arena;
    struct holder as_read = *holder;

    as_read.process = &target->process;
    target->name = holder_name(arena, &as_read);
    target->interrupts = holder_is(arena, &target->process, "interrupts");
    target->leader = SIZE_MAX;
    for (size_t i = 0; i < holder->ancestry.count; i++)
        *LIST_ADD(arena, &target->ancestors) = plan_key(arena, holder->ancestry.items[i]);
}

void
plan_add_target(struct plan_maker *maker, size_t step, const struct holder *holder, bool holds)
{
    struct plan *plan = maker->plan;
    struct plan_target target = {.pin = PINNED_NONE};
    bool bare = (plan->wish.allow & PLAN_ALLOW_SYSTEM) != 0;
    struct err err = {0};

    if (plan_has_target(plan, holder->pid))
        return;
    if (!pinned_open(holder->pid, bare, &target.pin, &err)) {
        refuse_pin(maker, &err);
        return;
    }
    if (!is_still(maker, holder, &target, holds)) {
        pinned_close(&target.pin);
        maker->changed = true;
        return;
    }
    settle_target(maker, holder, &target);
    *LIST_ADD(plan->arena, &plan->steps.items[step].targets) = target;
    plan_guard_only(maker, &target.process, target.name);
    plan_guard_target(maker, &target, holder);
}
