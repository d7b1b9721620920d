#include "core/release_parts.h"
#include "sys/clock.h"
#include "sys/supervisor.h"

enum {
    CALL_MS = 2000, // for an answer
    ASK_MS = 100,   // between two questions how it stands
};

// How the entry stands, in memory of its own: it is asked often. False when its supervisor does not say.
static bool
look(struct plan_step *step, struct supervisor_state *state)
{
    struct arena *arena = arena_open();
    bool good = supervisor_read(arena, &step->entry, step->of_uid, CALL_MS, state, &step->err);

    state->word = (struct str){0};
    arena_close(arena);
    return good;
}

static bool
is_there(const struct plan_step *step, const struct supervisor_state *state)
{
    return step->start ? state->running : state->stopped;
}

// What is stopped must be what the plan shows: the entry runs as that very process still.
static bool
is_as_planned(struct plan_step *step, const struct supervisor_state *state)
{
    return step->start || (state->pid == step->runs.pid && pinned_lives(&step->runs)) ||
           err_set(&step->err, ERR_GONE, 0, "entry %.*s was started anew since it was looked at",
                   STR_ARG(step->entry.name.value));
}

// A moment, cut short when its process ends: then its supervisor will know soon. False when the time is over.
static bool
wait_a_little(struct release *release, struct plan *plan, const struct plan_step *step, int64_t deadline)
{
    const struct pinned *runs = &step->runs;
    bool lives = !step->start && pinned_lives(runs);
    int64_t next = clock_mono_us() + (int64_t)ASK_MS * 1000;

    do
        if (!release_wait(release, plan, step, &runs, lives ? 1 : 0, deadline))
            return false;
    while (clock_mono_us() < next && (step->start || pinned_lives(runs)));
    return true;
}

// Until it stands as it was told to.
static void
follow(struct release *release, struct plan *plan, struct plan_step *step, int64_t deadline)
{
    struct supervisor_state state = {0};

    for (;;) {
        if (!look(step, &state) || (step->start && state.failed)) {
            step->result = PLAN_FAILED;
            if (step->err.kind == ERR_NONE)
                err_set(&step->err, ERR_SYSTEM, 0, "%.*s could not start it", STR_ARG(step->entry.of));
            return;
        }
        if (is_there(step, &state))
            break;
        if (!wait_a_little(release, plan, step, deadline)) {
            step->result = PLAN_TIMED_OUT;
            return;
        }
    }
    step->result = PLAN_DONE;
}

void
release_act_entry(struct release *release, struct plan *plan, struct plan_step *step)
{
    struct supervisor_state state = {0};
    int64_t deadline = clock_mono_us() + (int64_t)step->patience_ms * 1000;

    step->result = PLAN_FAILED;
    if (!look(step, &state))
        return;
    if (is_there(step, &state)) {
        step->result = PLAN_NEEDLESS;
        return;
    }
    if (!is_as_planned(step, &state))
        return;
    // pm2 answers when it is done; what comes of it is asked for in either case.
    if (!supervisor_order(plan->arena, &step->entry, step->of_uid, step->start, CALL_MS, &step->err) &&
        step->err.kind != ERR_TIMEOUT)
        return;
    step->err = (struct err){0};
    follow(release, plan, step, deadline);
}
