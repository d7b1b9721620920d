#include "core/entry.h"
#include "core/plan_system.h"
#include "core/range.h"
#include "core/release_parts.h"
#include "sys/clock.h"
#include "sys/container_act.h"
#include "sys/dialog.h"
#include "sys/process.h"
#include "sys/service.h"
#include "sys/service_control.h"
#include "sys/socket_destroy.h"

enum {
    SLICE_MS = 20,        // between two looks while something is waited for
    SHOW_MS = 200,        // between two moments that are shown
    CALL_MS = 2000,       // for an order to be taken
    FOLLOW_MS = 300,      // for a program to end what it started, before that is asked itself
    SUPERVISOR_MS = 1000, // the same the other way: it may wait for what it started
    KILL_MS = 5000,       // after a hard end: large memory takes its time
};

static int64_t
in_ms(unsigned ms)
{
    return clock_mono_us() + (int64_t)ms * 1000;
}

static void
show(const struct release *release, const struct plan_step *step, size_t left, int64_t left_us)
{
    struct release_moment moment = {step, left, left_us > 0 ? (unsigned)(left_us / 1000) : 0};

    if (release->face.show)
        release->face.show(release->face.data, &moment);
}

bool
release_wait(struct release *release, struct plan *plan, const struct plan_step *step, const struct pinned *const *pins,
             size_t count, int64_t deadline_us)
{
    int64_t now = clock_mono_us();
    int64_t left = deadline_us - now;

    release->interrupted = release->interrupted || dialog_interrupted();
    if (release->interrupted || left <= 0)
        return false;
    if (now - release->shown_us >= SHOW_MS * 1000) {
        release->shown_us = now;
        show(release, step, count, left);
    }
    pinned_wait(pins, count, left < SLICE_MS * 1000 ? (unsigned)((left + 999) / 1000) : SLICE_MS);
    if (step)
        (void)release_notice(plan);
    return true;
}

// --- processes ---

// Those that have not ended, and notes those that have.
static size_t
list_living(struct plan_step *step, const struct pinned **pins)
{
    size_t count = 0;

    for (size_t i = 0; i < step->targets.count; i++) {
        struct plan_target *target = &step->targets.items[i];
        if (!target->ended && !pinned_lives(&target->pin)) {
            target->ended = true;
            target->ended_us = clock_mono_us();
        }
        if (!target->ended)
            pins[count++] = &target->pin;
    }
    return count;
}

static bool
still_holds(const struct plan_target *target)
{
    struct arena *arena = arena_open();
    bool holds = plan_target_holds(arena, target);

    arena_close(arena);
    return holds;
}

static bool
is_stopped(const struct plan_target *target)
{
    struct arena *arena = arena_open();
    struct process process;

    process_read(arena, target->process.pid, PROCESS_BASIC, &process);
    bool stopped = process.known == KNOWN_YES && process.state == 'T';
    arena_close(arena);
    return stopped;
}

// Tells one process to end, if it still is what the plan says. One that has let go of the port is left alone.
static void
tell(struct plan *plan, struct plan_step *step, struct plan_target *target, enum pinned_word word)
{
    struct err err = {0};

    if (target->ended || !still_holds(target))
        return;
    if (!pinned_send(&target->pin, word, &err)) {
        if (err.kind == ERR_UNSUPPORTED && word != PINNED_KILL)
            release_ask_console(plan, step, target);
        else if (err.kind != ERR_GONE)
            step->err = err;
        return;
    }
    target->asked = true;
    target->killed = word == PINNED_KILL;
    // It hears the request when it goes on.
    if (word != PINNED_KILL && is_stopped(target))
        (void)pinned_send(&target->pin, PINNED_CONTINUE, &err);
}

// Once: to some programs a second request means to drop what they save.
static void
ask(struct plan *plan, struct plan_step *step, struct plan_target *target)
{
    if (!target->asked)
        tell(plan, step, target, target->interrupts ? PINNED_INTERRUPT : PINNED_END);
}

// Those whose leader did not end them although it has ended itself.
static void
ask_followers(struct plan *plan, struct plan_step *step)
{
    for (size_t i = 0; i < step->targets.count; i++) {
        struct plan_target *target = &step->targets.items[i];
        if (target->asked || target->ended || target->leader == SIZE_MAX)
            continue;
        const struct plan_target *leader = &step->targets.items[target->leader];
        if (leader->ended && clock_mono_us() - leader->ended_us >= FOLLOW_MS * 1000)
            ask(plan, step, target);
    }
}

static bool
any_asked(const struct plan_step *step)
{
    for (size_t i = 0; i < step->targets.count; i++)
        if (step->targets.items[i].asked)
            return true;
    return false;
}

static bool
any_deaf(const struct plan_step *step)
{
    for (size_t i = 0; i < step->targets.count; i++)
        if (step->targets.items[i].deaf && !step->targets.items[i].ended)
            return true;
    return false;
}

// What was started by a supervisor that has just ended may be ended by it.
static void
give_followers_time(struct release *release, struct plan *plan, struct plan_step *step, const struct pinned **pins)
{
    bool supervised = false;
    int64_t deadline = in_ms(FOLLOW_MS);

    for (size_t i = 0; i < plan->steps.count; i++)
        supervised = supervised ||
                     (plan->steps.items[i].lever == LEVER_SUPERVISOR && plan->steps.items[i].result != PLAN_PLANNED);
    while (supervised) {
        size_t count = list_living(step, pins);
        if (count == 0 || !release_wait(release, plan, step, pins, count, deadline))
            return;
    }
}

static void
wait_for_end(struct release *release, struct plan *plan, struct plan_step *step, const struct pinned **pins,
             int64_t deadline)
{
    for (;;) {
        size_t count = list_living(step, pins);
        if (count == 0)
            return;
        ask_followers(plan, step);
        if (!release_wait(release, plan, step, pins, count, deadline))
            return;
    }
}

// Ends hard what has the port still. Only those that the plan shows.
static void
kill_rest(struct release *release, struct plan *plan, struct plan_step *step, const struct pinned **pins)
{
    bool agreed = plan->wish.kill || (!release->interrupted && release->face.may_kill &&
                                      release->face.may_kill(release->face.data, plan, step));

    if (!agreed || release->interrupted)
        return;
    // What can't be asked can be ended.
    step->err = (struct err){0};
    for (size_t i = 0; i < step->targets.count; i++)
        tell(plan, step, &step->targets.items[i], PINNED_KILL);
    wait_for_end(release, plan, step, pins, in_ms(KILL_MS));
}

static bool
all_free(struct plan *plan)
{
    return plan->goals.count > 0 && release_notice(plan);
}

static void
act_processes(struct release *release, struct plan *plan, struct plan_step *step)
{
    const struct pinned **pins = arena_array(plan->arena, step->targets.count + 1, sizeof *pins);
    int64_t deadline = in_ms(step->patience_ms);

    give_followers_time(release, plan, step, pins);
    for (size_t i = 0; i < step->targets.count; i++)
        if (step->targets.items[i].leader == SIZE_MAX)
            ask(plan, step, &step->targets.items[i]);
    if (any_asked(step))
        wait_for_end(release, plan, step, pins, deadline);
    size_t left = list_living(step, pins);
    if (left > 0 && (step->err.kind == ERR_NONE || any_deaf(step)) && !all_free(plan))
        kill_rest(release, plan, step, pins);
    left = list_living(step, pins);
    if (step->err.kind != ERR_NONE)
        step->result = PLAN_FAILED;
    else if (!any_asked(step))
        step->result = PLAN_NEEDLESS;
    else
        step->result = left == 0 || all_free(plan) ? PLAN_DONE : PLAN_TIMED_OUT;
}

// It may wait for what it started, which is asked right after it: so this does not wait for its end.
static void
act_supervisor(struct release *release, struct plan *plan, struct plan_step *step)
{
    const struct pinned **pins = arena_array(plan->arena, step->targets.count + 1, sizeof *pins);
    unsigned ms = step->patience_ms < SUPERVISOR_MS ? step->patience_ms : SUPERVISOR_MS;

    for (size_t i = 0; i < step->targets.count; i++)
        ask(plan, step, &step->targets.items[i]);
    if (any_asked(step))
        wait_for_end(release, plan, step, pins, in_ms(ms));
    if (list_living(step, pins) > 0 && any_deaf(step))
        kill_rest(release, plan, step, pins);
    step->result = step->err.kind != ERR_NONE    ? PLAN_FAILED
                   : list_living(step, pins) > 0 ? PLAN_RUNNING
                   : any_asked(step)             ? PLAN_DONE
                                                 : PLAN_NEEDLESS;
}

void
release_finish_supervisors(struct release *release, struct plan *plan)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        struct plan_step *step = &plan->steps.items[i];
        if (step->lever != LEVER_SUPERVISOR || step->result != PLAN_RUNNING)
            continue;
        const struct pinned **pins = arena_array(plan->arena, step->targets.count + 1, sizeof *pins);
        wait_for_end(release, plan, step, pins, step->began_us + (int64_t)step->patience_ms * 1000);
        if (list_living(step, pins) > 0)
            kill_rest(release, plan, step, pins);
        step->result = list_living(step, pins) > 0 ? PLAN_TIMED_OUT : PLAN_DONE;
        step->took_us = clock_mono_us() - step->began_us;
    }
}

// --- units ---

// Whether the unit is where the order was to bring it. A unit that its manager forgot is stopped.
static bool
unit_is_there(const struct plan_step *step)
{
    struct arena *arena = arena_open();
    struct service now = {0};
    bool user = str_equal(step->service.manager, STR("systemd --user"));
    struct err err = {0};
    bool there = false;

    if (service_read(arena, user, step->service.uid, step->service.name, CALL_MS, &now, &err)) {
        bool ended = str_equal(now.state, STR("inactive")) || str_equal(now.state, STR("failed"));
        there = step->start ? str_equal(now.state, STR("active")) : ended;
    } else {
        there = !step->start && err.kind == ERR_GONE;
    }
    arena_close(arena);
    return there;
}

static void
act_unit(struct release *release, struct plan *plan, struct plan_step *step)
{
    bool user = str_equal(step->service.manager, STR("systemd --user"));
    struct service_progress progress = {0};
    int64_t deadline = in_ms(step->patience_ms);

    if (unit_is_there(step)) {
        step->result = PLAN_NEEDLESS;
        return;
    }
    bool good =
        step->start
            ? service_control_start(plan->arena, user, step->service.uid, step->service.name, CALL_MS, &step->err)
            : service_control_stop(plan->arena, user, step->service.uid, step->service.name, CALL_MS, &step->err);
    // An order that was not answered in time stays given.
    if (!good && step->err.kind != ERR_TIMEOUT) {
        step->result = PLAN_FAILED;
        return;
    }
    step->err = (struct err){0};
    while (!unit_is_there(step)) {
        if (!plan->wish.timeout_given)
            release_extend(step, &progress, &deadline);
        if (!release_wait(release, plan, step, NULL, 0, deadline)) {
            step->result = PLAN_TIMED_OUT;
            return;
        }
    }
    step->result = PLAN_DONE;
}

// --- containers ---

static void
act_container(struct release *release, struct plan *plan, struct plan_step *step)
{
    struct str request =
        str_printf(plan->arena, "/containers/%.*s/%s", STR_ARG(step->container.id), step->start ? "start" : "stop");
    int64_t deadline = in_ms(step->patience_ms);
    struct container_act *act = container_act_begin(plan->arena, step->container.api, request, CALL_MS, &step->err);

    step->result = PLAN_FAILED;
    if (!act)
        return;
    while (!container_act_wait(act, SLICE_MS, &step->err)) {
        bool late = step->err.kind == ERR_TIMEOUT;
        if (late && release_wait(release, plan, step, NULL, 0, deadline))
            continue;
        step->result = late ? PLAN_TIMED_OUT : PLAN_FAILED;
        container_act_end(act);
        return;
    }
    container_act_end(act);
    step->err = (struct err){0};
    step->result = PLAN_DONE;
}

// --- what is left of closed connections ---

static const struct cause *
left_over(const struct plan_goal *goal)
{
    for (size_t i = 0; !goal->failed && i < goal->answer.causes.count; i++)
        if (goal->answer.causes.items[i].kind == CAUSE_LINGERING && goal->answer.causes.items[i].blocks)
            return &goal->answer.causes.items[i];
    return NULL;
}

static void
act_drop(struct plan *plan, struct plan_step *step)
{
    struct plan_goal *goal = &plan->goals.items[step->goal];

    plan_look(plan, goal);
    const struct cause *cause = left_over(goal);
    if (!cause) {
        step->result = PLAN_NEEDLESS;
        return;
    }
    const struct socket_row **rows = arena_array(plan->arena, cause->sockets.count + 1, sizeof *rows);
    for (size_t i = 0; i < cause->sockets.count; i++)
        rows[i] = &goal->host->sockets.items[cause->sockets.items[i]];
    step->result = socket_destroy(plan->arena, rows, cause->sockets.count, &step->err) ? PLAN_DONE : PLAN_FAILED;
}

static void
act_wait(struct release *release, struct plan *plan, struct plan_step *step)
{
    struct plan_goal *goal = &plan->goals.items[step->goal];
    int64_t deadline = in_ms(step->patience_ms);

    plan_look(plan, goal);
    const struct cause *cause = left_over(goal);
    if (!cause) {
        step->result = PLAN_NEEDLESS;
        return;
    }
    // What lingers now is waited for: it need not be what did when it was planned.
    goal->rows.count = 0;
    for (size_t i = 0; i < cause->sockets.count; i++)
        *LIST_ADD(plan->arena, &goal->rows) = goal->host->sockets.items[cause->sockets.items[i]];
    while (goal->free_us == 0)
        if (!release_wait(release, plan, step, NULL, 0, deadline)) {
            step->result = PLAN_TIMED_OUT;
            return;
        }
    step->result = PLAN_DONE;
}

// --- settings ---

static void
act_setting(struct plan *plan, struct plan_step *step)
{
    bool needless = false;
    bool good = range_set(plan->arena, &step->setting, &needless, &step->err);

    step->result = !good ? PLAN_FAILED : needless ? PLAN_NEEDLESS : PLAN_DONE;
}

// Something of the system that keeps the port, if it is there as the plan says.
static void
act_system(struct plan *plan, struct plan_step *step)
{
    enum tri there = plan_setting_is_there(plan->arena, &step->setting);

    if (there == TRI_NO) {
        step->result = PLAN_NEEDLESS;
        return;
    }
    if (there == TRI_UNKNOWN) {
        err_set(&step->err, ERR_SYSTEM, 0, "look whether it is there still: the system does not tell");
        step->result = PLAN_FAILED;
        return;
    }
    act_setting(plan, step);
    if (step->result == PLAN_DONE && plan_setting_is_there(plan->arena, &step->setting) == TRI_YES) {
        err_set(&step->err, ERR_SYSTEM, 0, "%.*s: it was said to be done, and is still there",
                STR_ARG(step->setting.after));
        step->result = PLAN_FAILED;
    }
}

void
release_act(struct release *release, struct plan *plan, struct plan_step *step)
{
    step->began_us = clock_mono_us();
    if (plan->begun_us == 0)
        plan->begun_us = step->began_us;
    switch (step->lever) {
    case LEVER_PROCESS:
        act_processes(release, plan, step);
        break;
    case LEVER_SUPERVISOR:
        if (entry_is_known(&step->entry))
            release_act_entry(release, plan, step);
        else
            act_supervisor(release, plan, step);
        break;
    case LEVER_SERVICE:
    case LEVER_SOCKET_UNIT:
        act_unit(release, plan, step);
        break;
    case LEVER_CONTAINER:
        act_container(release, plan, step);
        break;
    case LEVER_SOCKET:
        act_drop(plan, step);
        break;
    case LEVER_SYSTEM:
        act_system(plan, step);
        break;
    case LEVER_SETTING:
        act_setting(plan, step);
        break;
    default:
        act_wait(release, plan, step);
        break;
    }
    step->took_us = clock_mono_us() - step->began_us;
}
