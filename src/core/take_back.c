#include "core/take_back.h"

#include "core/plan_parts.h"
#include "core/platform.h"
#include "core/range.h"
#include "core/range_use.h"
#include "sys/user.h"

enum {
    UNIT_MS = 90000, // what systemd gives a unit to start (systemd-system.conf(5))
    CONTAINER_MS = 30000,
    ENTRY_MS = 30000,
};

static void
fill_container(const struct journal_undo *undo, struct plan_step *step)
{
    step->container.id = undo->id.len > 0 ? undo->id : undo->name;
    step->container.name = undo->name;
    step->container.api = undo->api;
    step->container.runtime = undo->runtime;
    step->patience_ms = CONTAINER_MS;
}

static void
fill_unit(struct plan *plan, const struct journal_undo *undo, struct plan_step *step)
{
    struct user_self self = user_self();
    bool of_user = str_equal(undo->manager, STR("systemd --user"));

    step->service.name = undo->name;
    step->service.manager = undo->manager;
    step->service.uid = undo->uid;
    step->needs_admin = !of_user;
    step->patience_ms = UNIT_MS;
    if (!self.admin && (!of_user || undo->uid != self.uid))
        plan_refuse(plan, (struct plan_refusal){.kind = PLAN_REFUSED_RIGHT,
                                                .sentence = str_printf(plan->arena, "starting %.*s takes more rights",
                                                                       STR_ARG(undo->name))});
}

static void
fill_entry(const struct journal_undo *undo, struct plan_step *step)
{
    step->entry = (struct supervisor_entry){.name = {KNOWN_YES, undo->name}, .of = undo->manager, .api = undo->api};
    step->of_uid = undo->uid;
    step->patience_ms = ENTRY_MS;
}

static void
start_again(struct plan *plan, const struct journal_act *act)
{
    const struct journal_undo *undo = &act->undo;
    bool container = undo->lever == LEVER_CONTAINER;
    struct plan_step *step = plan_add_step(plan, undo->lever, HARM_LOW,
                                           str_printf(plan->arena, "Start %s%.*s again",
                                                      container                         ? "container "
                                                      : undo->lever == LEVER_SUPERVISOR ? "entry "
                                                                                        : "",
                                                      STR_ARG(undo->name)));

    step->goal = SIZE_MAX;
    step->start = true;
    step->by_hand = undo->command;
    step->undoes = act->id;
    if (container)
        fill_container(undo, step);
    else if (undo->lever == LEVER_SUPERVISOR)
        fill_entry(undo, step);
    else
        fill_unit(plan, undo, step);
}

bool
take_back_plan(struct arena *arena, const struct journal_acts *acts, struct str again, struct plan *out,
               struct err *err)
{
    bool good = true;

    *out = (struct plan){.arena = arena};
    if (acts->items[0]->undo.lever == LEVER_SETTING) {
        struct host host;
        good = range_use_read(arena, false, &host, err) && range_take_back(arena, &host, acts, out, err);
    } else {
        for (size_t i = 0; i < acts->count; i++)
            start_again(out, acts->items[i]);
    }
    out->wish.again = again;
    return good;
}

struct str
take_back_again(const struct plan *plan, const struct host *host)
{
    return platform_elevate(plan->arena, platform_of(host), plan->wish.again);
}
