#include "cmd/free_text.h"

#include "base/utf8.h"
#include "cmd/sheet.h"
#include "cmd/why_text.h"
#include "cmd/words.h"
#include "core/entry.h"
#include "core/platform.h"

enum {
    SHOWN_REACHED = 6,
};

static const struct str none = {0};

static struct why_view
why_view_of(const struct free_view *view, const struct plan_goal *goal)
{
    return (struct why_view){view->arena, goal->host, view->privacy, view->width, view->colour};
}

static struct str
port_of(const struct free_view *view, const struct plan_goal *goal)
{
    return str_printf(view->arena, "Port %u (%.*s)", goal->question.endpoint.first,
                      STR_ARG(words_protocol(goal->question.protocol)));
}

// "95 s": rounded down to minutes it would be too little by half.
static struct str
span_of(struct arena *arena, unsigned ms)
{
    enum {
        SECONDS_MOST = 120000,
    };

    return ms >= 1000 && ms < SECONDS_MOST ? str_printf(arena, "%u s", ms / 1000)
           : ms < 1000                     ? str_printf(arena, "%u ms", ms)
                                           : words_span(arena, ms);
}

static struct str
patience_of(const struct free_view *view, const struct plan *plan, const struct plan_step *step)
{
    bool hard = plan->wish.kill && step->targets.count > 0 && !entry_is_known(&step->entry);

    if (step->lever == LEVER_SOCKET || step->lever == LEVER_WAIT || step->lever == LEVER_SYSTEM)
        return none;
    return str_printf(view->arena, "waits up to %.*s%s", STR_ARG(span_of(view->arena, step->patience_ms)),
                      hard ? ", then ends what is left hard: unsaved work in it is lost" : "");
}

static struct str
remark_of(const struct free_view *view, const struct plan *plan, const struct plan_step *step)
{
    struct str patience = patience_of(view, plan, step);

    if (step->cost.len == 0)
        return patience;
    return patience.len > 0 ? str_printf(view->arena, "%.*s; %.*s", STR_ARG(patience), STR_ARG(step->cost))
                            : step->cost;
}

static struct str
reached_by(const struct free_view *view, const struct plan_step *step)
{
    struct buf out = {.arena = view->arena};

    for (size_t i = 0; i < step->reaches.count && i < SHOWN_REACHED; i++)
        buf_addf(&out, "%s%.*s", i ? ", " : "", STR_ARG(step->reaches.items[i]));
    if (step->reaches.count > SHOWN_REACHED)
        buf_addf(&out, " and %zu more", step->reaches.count - SHOWN_REACHED);
    return buf_str(&out);
}

// The evidence names a few programs; the plan has all that it reaches.
static struct str
all_targets(const struct free_view *view, const struct plan_step *step)
{
    struct buf out = {.arena = view->arena};

    if (step->targets.count <= SHOWN_REACHED)
        return none;
    for (size_t i = 0; i < step->targets.count; i++)
        buf_addf(&out, "%s%u", i ? ", " : "pid ", step->targets.items[i].process.pid);
    return buf_str(&out);
}

static void
add_steps(const struct free_view *view, const struct plan *plan, struct sheet *sheet)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        sheet_add(sheet, i == 0 ? STR("plan") : STR("then"), step->sentence, remark_of(view, plan, step));
        sheet_add(sheet, STR("reaches"), reached_by(view, step), none);
        sheet_add(sheet, STR("in all"), all_targets(view, step), none);
        if (step->lever == LEVER_SYSTEM) {
            sheet_add(sheet, STR("runs"), step->by_hand, none);
            sheet_add(sheet, STR("undo"), step->undo.command, STR("or: moorage undo"));
        }
    }
}

static void
add_refusals(const struct free_view *view, const struct plan *plan, struct sheet *sheet)
{
    for (size_t i = 0; i < plan->refusals.count; i++) {
        const struct plan_refusal *refusal = &plan->refusals.items[i];
        struct str label = refusal->kind == PLAN_REFUSED_RIGHT     ? STR("needs")
                           : refusal->kind == PLAN_REFUSED_NO_HELP ? STR("no help")
                           : refusal->kind == PLAN_REFUSED_ONLY    ? STR("not yours")
                                                                   : STR("refused");
        struct str word = refusal->kind == PLAN_REFUSED_WORD
                              ? str_printf(view->arena, "only with --allow %.*s", STR_ARG(refusal->word))
                              : none;
        sheet_add(sheet, label, refusal->sentence, word);
        sheet_add(sheet, STR("instead"), refusal->alternative, none);
    }
    sheet_add(sheet, STR("type"), plan_again(plan), none);
}

void
free_text_plan(const struct free_view *view, const struct plan *plan, struct buf *out)
{
    bool acts = plan_state(plan) == PLAN_READY;
    struct sheet sheet = {.arena = view->arena};

    for (size_t i = 0; i < plan->goals.count; i++) {
        const struct plan_goal *goal = &plan->goals.items[i];
        struct why_view why = why_view_of(view, goal);
        struct sheet facts = {.arena = view->arena};
        if (goal->failed || goal->done)
            continue;
        // One port's evidence and plan stand in one table; of several ports the plan stands below.
        sheet_print(&sheet, out, view->width, view->colour);
        why_text_evidence(&why, &goal->answer, out, &facts);
        sheet = facts;
    }
    add_steps(view, plan, &sheet);
    for (size_t i = 0; i < plan->notes.count; i++)
        sheet_add(&sheet, STR("mind"), plan->notes.items[i], none);
    add_refusals(view, plan, &sheet);
    sheet_print(&sheet, out, view->width, view->colour);
    if (!acts)
        buf_add_c(out, "Nothing was done.\n");
}

void
free_text_nothing(const struct free_view *view, const struct plan *plan, struct buf *out)
{
    for (size_t i = 0; i < plan->goals.count; i++) {
        const struct plan_goal *goal = &plan->goals.items[i];
        struct sheet sheet = {.arena = view->arena};
        // A bare number is about TCP; its UDP side is told where it has something to tell.
        bool beside = i > 0 && goal->question.protocol == PROTOCOL_UDP &&
                      plan->goals.items[i - 1].question.endpoint.first == goal->question.endpoint.first;
        if (beside && !why_text_is_remarkable(&goal->answer))
            continue;
        ink_add(out, view->colour, INK_STRONG, port_of(view, goal));
        buf_add_c(out, " is ");
        ink_add(out, view->colour, INK_GOOD, STR("free"));
        buf_add_c(out, " already: nothing done\n");
        sheet_add(&sheet, STR("mind"), goal->answer.plain_warning, none);
        for (size_t k = 0; k < goal->answer.causes.count; k++) {
            const struct cause *cause = &goal->answer.causes.items[k];
            if (cause->kind == CAUSE_REDIRECT || cause->kind == CAUSE_OTHER_NAMESPACE || cause->kind == CAUSE_SHARED ||
                cause->kind == CAUSE_OTHER_FAMILY || cause->kind == CAUSE_LINGERING)
                sheet_add(&sheet, STR("mind"), cause->sentence, none);
            for (size_t r = 0; cause->kind == CAUSE_LINGERING && r < cause->remedies.count; r++)
                if (cause->remedies.items[r].lever == LEVER_SOCKET)
                    sheet_add(&sheet, STR("do now"), cause->remedies.items[r].command,
                              cause->remedies.items[r].sentence);
        }
        sheet_print(&sheet, out, view->width, view->colour);
    }
}

static struct str
who_of(struct arena *arena, const struct plan_step *step)
{
    const struct plan_target *first = step->targets.count > 0 ? &step->targets.items[0] : NULL;

    if (!first)
        return none;
    if (step->targets.count == 1)
        return str_printf(arena, "%.*s (pid %u)", STR_ARG(first->name), first->process.pid);
    return str_printf(arena, "%.*s (pid %u) and %zu more", STR_ARG(first->name), first->process.pid,
                      step->targets.count - 1);
}

// What the step is about: "node (pid 40)", "nginx.service", "container web".
static struct str
subject_of(struct arena *arena, const struct plan_step *step)
{
    switch (step->lever) {
    case LEVER_PROCESS:
        return who_of(arena, step);
    case LEVER_SUPERVISOR:
        return entry_is_known(&step->entry) ? str_printf(arena, "entry %.*s", STR_ARG(step->entry.name.value))
                                            : who_of(arena, step);
    case LEVER_SERVICE:
    case LEVER_SOCKET_UNIT:
        return step->service.name;
    case LEVER_CONTAINER:
        return str_printf(
            arena, "container %.*s",
            STR_ARG(step->container.name.len ? step->container.name : str_part(step->container.id, 0, 12)));
    case LEVER_SYSTEM:
        return step->setting.before;
    default:
        return STR("what is left of closed connections");
    }
}

static bool
was_killed(const struct plan_step *step)
{
    for (size_t i = 0; i < step->targets.count; i++)
        if (step->targets.items[i].killed)
            return true;
    return false;
}

// Whether something in it runs still because it can't be asked to end.
static bool
is_deaf(const struct plan_step *step)
{
    for (size_t i = 0; i < step->targets.count; i++)
        if (step->targets.items[i].deaf && !step->targets.items[i].ended)
            return true;
    return false;
}

static struct str
done_of(const struct free_view *view, const struct plan_step *step)
{
    struct str subject = subject_of(view->arena, step);
    const char *what = "is gone";
    bool lives = false;

    for (size_t i = 0; i < step->targets.count; i++)
        lives = lives || !step->targets.items[i].ended;
    bool programs = step->lever == LEVER_PROCESS || step->lever == LEVER_SUPERVISOR;
    if (programs && !entry_is_known(&step->entry))
        what = lives ? "let go of the port and still runs" : was_killed(step) ? "was ended hard" : "ended";
    else if (programs || step->lever == LEVER_SERVICE || step->lever == LEVER_SOCKET_UNIT ||
             step->lever == LEVER_CONTAINER)
        what = step->start ? "was started" : "was stopped";
    return str_printf(view->arena, "%.*s %s", STR_ARG(subject), what);
}

static struct str
took_of(const struct free_view *view, int64_t us)
{
    if (us >= 1000000)
        return str_printf(view->arena, "after %.*s", STR_ARG(words_span(view->arena, us / 1000)));
    return str_printf(view->arena, "after %lld ms", (long long)(us / 1000));
}

static void
add_done(const struct free_view *view, const struct plan *plan, struct sheet *sheet)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        struct str subject = subject_of(view->arena, step);
        struct str took = took_of(view, step->took_us);
        switch (step->result) {
        case PLAN_DONE:
            sheet_add(sheet, STR("done"), done_of(view, step), took);
            break;
        case PLAN_NEEDLESS:
            if (!step->if_needed)
                sheet_add(sheet, STR("done"), str_printf(view->arena, "%.*s was gone already", STR_ARG(subject)), none);
            break;
        case PLAN_FAILED:
            sheet_add(sheet, STR("failed"), str_copy(view->arena, str_of(step->err.text)), none);
            break;
        case PLAN_TIMED_OUT:
        case PLAN_RUNNING:
            sheet_add(sheet, STR("not done"),
                      str_printf(view->arena,
                                 step->targets.count > 0 ? "%.*s did not end" : "%.*s was not gone in time",
                                 STR_ARG(subject)),
                      took);
            break;
        case PLAN_PLANNED:
            sheet_add(sheet, STR("not done"), step->sentence, none);
            break;
        }
    }
}

// The program that was started first is the one that people start.
static const struct plan_target *
first_started(const struct plan_step *step)
{
    const struct plan_target *first = NULL;

    for (size_t i = 0; i < step->targets.count; i++) {
        const struct plan_target *target = &step->targets.items[i];
        if (!first || (target->process.started_known && target->process.started_ms < first->process.started_ms))
            first = target;
    }
    return first;
}

static struct str
start_again(const struct free_view *view, const struct plan *plan, const struct plan_step *step)
{
    const struct plan_target *target = first_started(step);

    if (step->undo.command.len > 0)
        return step->undo.command;
    if (!target || view->privacy->share || target->process.command.count == 0)
        return none;
    struct str command =
        words_command(view->arena, plan->goals.items[step->goal].host, &target->process.command, view->privacy);
    struct str folder = target->process.cwd.value;
    if (folder.len <= 1)
        return command;
    return words_in_folder(view->arena, plan->goals.items[step->goal].host, folder, command);
}

static void
add_undo(const struct free_view *view, const struct plan *plan, struct sheet *sheet)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        if (step->result != PLAN_DONE)
            continue;
        sheet_add(sheet, STR("start again"), start_again(view, plan, step),
                  step->undo.possible ? STR("or: moorage undo") : none);
        sheet_add(sheet, STR("at boot"), step->at_boot, none);
    }
}

static void
add_hints(const struct free_view *view, const struct release *release, struct sheet *sheet)
{
    const struct plan *plan = release->plan;
    struct arena *arena = view->arena;
    struct str again = plan->wish.again;
    bool ignored = false;
    bool deaf = false;
    bool busy = false;

    for (size_t i = 0; i < plan->steps.count; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        ignored = ignored || (step->result == PLAN_TIMED_OUT && step->lever == LEVER_PROCESS);
        deaf = deaf || (step->result == PLAN_FAILED && is_deaf(step));
        busy = busy || (step->result == PLAN_TIMED_OUT && step->lever != LEVER_PROCESS);
    }
    if (((release->outcome == RELEASE_TIMED_OUT && ignored) || (release->outcome == RELEASE_REFUSED && deaf)) &&
        !plan->wish.kill)
        sheet_add(sheet, STR("end it hard"), str_printf(arena, "%.*s --kill", STR_ARG(again)),
                  STR("Unsaved work in it is lost."));
    if (release->outcome == RELEASE_TIMED_OUT && busy)
        sheet_add(sheet, STR("note"), STR("What was ordered goes on; ask again in a while."), none);
    if (release->outcome == RELEASE_RESPAWNED && release->starter.len > 0)
        sheet_add(sheet, STR("started by"), release->starter, none);
    if (release->outcome == RELEASE_RESPAWNED && release->can_end_starter &&
        (plan->wish.allow & PLAN_ALLOW_SUPERVISOR) == 0)
        sheet_add(sheet, STR("end both"), str_printf(arena, "%.*s --allow supervisor", STR_ARG(again)), none);
}

// "Port 3000 (TCP) is free now"
static void
add_verdict(const struct free_view *view, const struct release *release, const struct plan_goal *goal, struct buf *out)
{
    struct why_view why = why_view_of(view, goal);
    bool again = release->outcome == RELEASE_RESPAWNED && goal == release->taken;

    ink_add(out, view->colour, INK_STRONG, port_of(view, goal));
    buf_add_c(out, " is ");
    if (goal->answer.bindable) {
        ink_add(out, view->colour, INK_GOOD, STR("free"));
        buf_add_c(out, " now\n");
        return;
    }
    struct str who = why_text_who(&why, &goal->answer);
    ink_add(out, view->colour, INK_BAD, again ? STR("taken again") : STR("still taken"));
    if (who.len > 0)
        buf_addf(out, " by %.*s", STR_ARG(who));
    buf_add_byte(out, '\n');
}

void
free_text_outcome(const struct free_view *view, const struct release *release, struct buf *out)
{
    const struct plan *last = release->second ? release->second : release->plan;
    struct sheet sheet = {.arena = view->arena};

    for (size_t i = 0; i < release->plan->goals.count; i++) {
        const struct plan_goal *goal = &release->plan->goals.items[i];
        if (goal->was.len == 0)
            continue;
        if (release->second && release->taken &&
            release->taken->question.endpoint.first == goal->question.endpoint.first)
            goal = release->taken;
        add_verdict(view, release, goal, out);
    }
    add_done(view, release->plan, &sheet);
    if (release->second)
        add_done(view, last, &sheet);
    if (release->interrupted)
        sheet_add(&sheet, STR("note"), STR("It was stopped by Ctrl-C: what was asked to end may still do so."), none);
    add_undo(view, release->plan, &sheet);
    if (release->second)
        add_undo(view, last, &sheet);
    add_hints(view, release, &sheet);
    sheet_print(&sheet, out, view->width, view->colour);
}

struct str
free_text_kill_question(struct arena *arena, const struct plan_step *step)
{
    struct str who = utf8_display(arena, who_of(arena, step));
    struct str span = span_of(arena, step->patience_ms);

    if (is_deaf(step))
        return str_printf(arena, "%.*s. End it hard? Unsaved work in it is lost. [y/N] ",
                          STR_ARG(utf8_display(arena, str_of(step->err.text))));
    return str_printf(arena, "%.*s ignored the request for %.*s. End it hard? Unsaved work in it is lost. [y/N] ",
                      STR_ARG(who), STR_ARG(span));
}

struct str
free_text_moment(struct arena *arena, const struct release_moment *moment)
{
    if (!moment->step)
        return STR("free; watching whether it stays so");
    struct str subject = utf8_display(arena, subject_of(arena, moment->step));
    struct str span = span_of(arena, (moment->left_ms + 999) / 1000 * 1000);
    bool programs = moment->step->targets.count > 0;
    bool starts = moment->step->start;

    return str_printf(arena, "waiting for %.*s to %s: %.*s", STR_ARG(subject),
                      programs                            ? "end"
                      : starts                            ? "start"
                      : moment->step->lever == LEVER_WAIT ? "pass"
                                                          : "stop",
                      STR_ARG(span));
}
