#include "core/range.h"

#include "core/plan_parts.h"
#include "core/range_parts.h"
#include "decode/range_file.h"
#include "decode/sysctl.h"
#include "sys/user.h"

// The list as it is now, without the ports that the act added and with those that it took out.
static struct str
list_back(struct arena *arena, struct str now, const struct journal_undo *undo)
{
    bool since[RANGE_FILE_PORTS] = {false};
    bool before[RANGE_FILE_PORTS] = {false};
    bool ports[RANGE_FILE_PORTS] = {false};

    range_file_mark(undo->before, since);
    range_file_mark(undo->after, before);
    range_file_mark(now, ports);
    for (uint32_t port = 0; port < RANGE_FILE_PORTS; port++)
        if (since[port] != before[port])
            ports[port] = before[port];
    return range_file_list(arena, ports);
}

// What somebody else has set since is not overwritten.
static void
refuse_changed(struct plan *plan, const struct journal_undo *undo)
{
    struct range_act since = {.target = undo->name, .after = undo->before};
    struct range_act back = {.target = undo->name, .after = undo->after};

    if (!range_is_so(plan->arena, &since) && !range_is_so(plan->arena, &back))
        range_refuse(plan, str_printf(plan->arena, "%.*s has been changed since then, and is left as it is.",
                                      STR_ARG(undo->name)));
}

static struct plan_step *
dynamic_back(struct plan *plan, const struct host *host, struct str now, const struct journal_undo *undo)
{
    struct range_span span;
    struct str after = undo->after;

    if (sysctl_parse_range(undo->after, &span.first, &span.last)) {
        range_refuse_servers(plan, host, span);
        after = str_printf(plan->arena, "%u %u", span.first, span.last);
    }
    struct plan_step *step = range_add_setting(plan, undo->name, now, after);
    step->harm = HARM_SOME;
    return step;
}

static struct plan_step *
file_back(struct plan *plan, struct str now, const struct journal_undo *undo)
{
    // It was read without the end of its last line.
    struct str after = undo->after.len ? str_printf(plan->arena, "%.*s\n", STR_ARG(undo->after)) : undo->after;

    return range_add_file(plan, undo->name, now, after);
}

static bool
put_back(struct plan *plan, const struct host *host, const struct journal_act *act, struct err *err)
{
    const struct journal_undo *undo = &act->undo;
    struct plan_step *step;
    struct str now;

    if (str_equal(undo->name, STR(RANGE_TARGET_NETSH))) {
        step = range_add_words(plan, undo->after, str_printf(plan->arena, "Run netsh %.*s", STR_ARG(undo->after)));
    } else if (!range_act_read(plan->arena, undo->name, &now, err)) {
        return false;
    } else if (str_equal(undo->name, STR(RANGE_TARGET_RESERVED))) {
        step = range_add_setting(plan, undo->name, now, list_back(plan->arena, now, undo));
    } else {
        refuse_changed(plan, undo);
        step = str_equal(undo->name, STR(RANGE_TARGET_DYNAMIC)) ? dynamic_back(plan, host, now, undo)
                                                                : file_back(plan, now, undo);
    }
    step->undoes = act->id;
    return true;
}

bool
range_take_back(struct arena *arena, const struct host *host, const struct journal_acts *acts, struct plan *out,
                struct err *err)
{
    struct user_self self = user_self();

    *out = (struct plan){.arena = arena};
    if (!self.admin && !self.net_admin)
        plan_refuse(out, (struct plan_refusal){.kind = PLAN_REFUSED_RIGHT,
                                               .sentence = STR("changing settings of the system takes more rights")});
    for (size_t i = 0; i < acts->count; i++)
        if (!put_back(out, host, acts->items[i], err))
            return false;
    return true;
}
