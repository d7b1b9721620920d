#include "core/release.h"

#include "core/release_parts.h"
#include "sys/clock.h"
#include "sys/dialog.h"
#include "sys/process.h"

struct str
release_outcome_name(enum release_outcome outcome)
{
    static const struct str names[] = {
        [RELEASE_FREED] = STR_INIT("freed"),
        [RELEASE_ALREADY_FREE] = STR_INIT("already-free"),
        [RELEASE_DECLINED] = STR_INIT("declined"),
        [RELEASE_NOT_YOURS] = STR_INIT("not-yours"),
        [RELEASE_NEEDS_ELEVATION] = STR_INIT("needs-elevation"),
        [RELEASE_TIMED_OUT] = STR_INIT("timed-out"),
        [RELEASE_RESPAWNED] = STR_INIT("respawned"),
        [RELEASE_REFUSED] = STR_INIT("refused"),
    };

    return names[outcome];
}

static void
warn(struct release *release, const struct err *err)
{
    str_list_add_new(release->arena, &release->warnings, str_copy(release->arena, str_of(err->text)));
}

static struct journal_act
act_of(const struct release *release, const struct plan *plan, const struct plan_step *step)
{
    struct journal_act act = {
        .uid = release->uid,
        .user = release->user,
        .invoker = release->invoker,
        .line = plan->wish.again,
        .lever = step->lever,
        .sentence = step->sentence,
        .together = step == plan->steps.items ? (struct str){0} : plan->steps.items[0].id,
        .undoes = step->undoes,
        .undo = {.possible = step->undo.possible, .lever = step->lever, .command = step->undo.command},
    };

    if (step->goal < plan->goals.count) {
        const struct plan_goal *goal = &plan->goals.items[step->goal];
        act.port = goal->question.endpoint.first;
        act.protocol = goal->question.protocol;
        act.why = goal->was;
    }
    for (size_t i = 0; i < step->targets.count; i++)
        *LIST_ADD(release->arena, &act.processes) =
            (struct journal_process){step->targets.items[i].process.pid, step->targets.items[i].name};
    if (step->lever == LEVER_CONTAINER) {
        act.undo.name = step->container.name.len > 0 ? step->container.name : str_part(step->container.id, 0, 12);
        act.undo.id = step->container.id;
        act.undo.api = step->container.api;
        act.undo.runtime = step->container.runtime;
    } else if (step->lever == LEVER_SETTING || step->lever == LEVER_SYSTEM) {
        act.undo.lever = LEVER_SETTING;
        act.undo.name = step->undo.setting.target;
        act.undo.before = step->undo.setting.before;
        act.undo.after = step->undo.setting.after;
    } else if (step->lever == LEVER_SUPERVISOR) {
        act.undo.name = step->entry.name.value;
        act.undo.manager = step->entry.of;
        act.undo.uid = step->of_uid;
        act.undo.api = step->entry.api;
    } else {
        act.undo.name = step->service.name;
        act.undo.manager = step->service.manager;
        act.undo.uid = step->service.uid;
    }
    return act;
}

static void
do_step(struct release *release, struct plan *plan, struct plan_step *step)
{
    struct journal_act act = act_of(release, plan, step);
    struct err err = {0};
    bool kept = journal_begin(release->arena, &act, &err);

    if (!kept)
        warn(release, &err);
    step->id = act.id;
    release_act(release, plan, step);
    release->acted = release->acted || step->result != PLAN_NEEDLESS;
    act.result = plan_result_name(step->result);
    act.error = str_of(step->err.text);
    act.took_ms = step->took_us / 1000;
    if (kept && !journal_end(release->arena, &act, &err))
        warn(release, &err);
}

bool
release_steps(struct release *release, struct plan *plan)
{
    bool good = true;

    for (size_t i = 0; i < plan->steps.count && !release->interrupted; i++) {
        struct plan_step *step = &plan->steps.items[i];
        if (step->if_needed && release_settle(plan)) {
            step->result = PLAN_NEEDLESS;
            continue;
        }
        do_step(release, plan, step);
        good = step->result != PLAN_FAILED && step->result != PLAN_TIMED_OUT;
        if (!good)
            break;
    }
    release_finish_supervisors(release, plan);
    return good && !release->interrupted;
}

static void
run_plan(struct release *release, struct plan *plan)
{
    (void)release_steps(release, plan);
    (void)release_settle(plan);
    release_watch(release, plan);
    release_judge(release, plan);
}

// What was seen to start the program again, and the program anew.
static bool
plan_second(struct release *release)
{
    const struct plan_goal *taken = release->taken;
    struct plan_wish wish = release->plan->wish;
    struct plan *second = arena_alloc(release->arena, sizeof *second);

    if (release->outcome != RELEASE_RESPAWNED || (wish.allow & PLAN_ALLOW_SUPERVISOR) == 0 || release->interrupted)
        return false;
    for (size_t i = 0; i < release->starters.count; i++)
        *LIST_ADD(release->arena, &wish.starters) = release->starters.items[i];
    plan_make(release->arena, &wish, &taken->question, 1, second);
    bool goes_on = plan_state(second) == PLAN_READY &&
                   (!release->face.may_go_on || release->face.may_go_on(release->face.data, second));
    if (!goes_on) {
        plan_close(second);
        return false;
    }
    release->second = second;
    return true;
}

void
release_run(struct release *release)
{
    dialog_hold_interrupt(true);
    run_plan(release, release->plan);
    // Once: what comes back even so is told, and left.
    if (plan_second(release)) {
        run_plan(release, release->second);
        plan_close(release->second);
        // The other ports of the plan may have been taken meanwhile.
        if (release->outcome == RELEASE_FREED) {
            for (size_t i = 0; i < release->plan->goals.count; i++)
                plan_look(release->plan, &release->plan->goals.items[i]);
            release_judge(release, release->plan);
        }
    }
    dialog_hold_interrupt(false);
}
