#include "core/release.h"

#include "core/release_parts.h"
#include "sys/clock.h"
#include "sys/dialog.h"
#include "sys/process.h"

enum {
    LOOKS_MOST = 4, // at what starts a program again
    AGAIN_MS = 250, // between them
};

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
    for (size_t i = 0; i < step->targets.count; i++)
        act.hard = act.hard || step->targets.items[i].killed;
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

// Whether the plan ends more than the program that came back: without that it would come back once more.
static bool
ends_starter(const struct plan *plan)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        enum lever lever = plan->steps.items[i].lever;
        if (lever == LEVER_SUPERVISOR || lever == LEVER_SERVICE || lever == LEVER_CONTAINER)
            return true;
    }
    return false;
}

// What was seen to start the program again, and the program anew. False where that can't be carried out; `later` then tells
// whether another look may bring more.
static bool
plan_starter(struct release *release, bool *later)
{
    struct plan_wish wish = release->plan->wish;
    struct plan *second = arena_alloc(release->arena, sizeof *second);

    for (size_t i = 0; i < release->starters.count; i++)
        *LIST_ADD(release->arena, &wish.starters) = release->starters.items[i];
    plan_make(release->arena, &wish, &release->taken->question, 1, second);
    enum plan_state state = plan_state(second);
    release->second = state == PLAN_READY && ends_starter(second) ? second : NULL;
    *later = state == PLAN_NOTHING || (state == PLAN_READY && !release->second);
    if (!release->second)
        plan_close(second);
    return release->second != NULL;
}

// Looks anew at what came of the plan, after a short watch.
static void
judge_again(struct release *release)
{
    unsigned watch_ms = release->watch_ms;

    release->watch_ms = AGAIN_MS;
    release_watch(release, release->plan);
    release->watch_ms = watch_ms;
    release_judge(release, release->plan);
}

// What starts a program again may be between two of them just when it is looked at: the port is free for that moment, or who
// has it can't be told. Then it is looked at again, a few times; a port that is still free at the end is free.
static bool
plan_second(struct release *release)
{
    if (release->outcome != RELEASE_RESPAWNED || (release->plan->wish.allow & PLAN_ALLOW_SUPERVISOR) == 0)
        return false;
    bool later = true;
    for (int look = 0; look < LOOKS_MOST && later && !release->interrupted; look++) {
        if (look > 0)
            judge_again(release);
        if (release->outcome != RELEASE_RESPAWNED || !plan_starter(release, &later))
            continue;
        if (!release->face.may_go_on || release->face.may_go_on(release->face.data, release->second))
            return true;
        plan_close(release->second);
        release->second = NULL;
        return false;
    }
    return false;
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
