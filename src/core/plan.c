#include "core/plan.h"

#include "core/entry.h"
#include "core/plan_parts.h"
#include "core/plan_system.h"
#include "core/platform.h"
#include "core/refusal.h"
#include "core/snapshot.h"
#include "sys/process.h"
#include "sys/user.h"

enum {
    LOOKS_MOST = 4,      // what changes while it is looked at is looked at again
    ANCESTRY_MOST = 128, // of this program
    LINGER_MS = 65000,   // TIME_WAIT (TCP_TIMEWAIT_LEN in net/tcp.h), and a little more
};

static const struct {
    enum plan_allow allow;
    struct str name;
} allow_names[] = {
    {PLAN_ALLOW_OTHER_USER, STR_INIT("other-user")},
    {PLAN_ALLOW_SUPERVISOR, STR_INIT("supervisor")},
    {PLAN_ALLOW_REMOTE_ACCESS, STR_INIT("remote-access")},
    {PLAN_ALLOW_SYSTEM, STR_INIT("system")},
};

struct str
plan_allow_name(enum plan_allow allow)
{
    struct str name = {0};

    for (size_t i = 0; i < sizeof allow_names / sizeof *allow_names; i++)
        if (allow_names[i].allow == allow)
            name = allow_names[i].name;
    return name;
}

bool
plan_allow_parse(struct str name, enum plan_allow *out)
{
    for (size_t i = 0; i < sizeof allow_names / sizeof *allow_names; i++)
        if (str_equal(allow_names[i].name, name)) {
            *out = allow_names[i].allow;
            return true;
        }
    return false;
}

struct str
plan_result_name(enum plan_result result)
{
    static const struct str names[] = {
        [PLAN_PLANNED] = STR_INIT("planned"), [PLAN_RUNNING] = STR_INIT("running"),
        [PLAN_DONE] = STR_INIT("done"),       [PLAN_NEEDLESS] = STR_INIT("needless"),
        [PLAN_FAILED] = STR_INIT("failed"),   [PLAN_TIMED_OUT] = STR_INIT("timed-out"),
    };

    return names[result];
}

struct str
plan_key(struct arena *arena, const struct process *process)
{
    return str_printf(arena, "%u %llu %lld", process->pid, (unsigned long long)process->started_ticks,
                      (long long)process->started_ms);
}

struct str
plan_who(struct arena *arena, struct str name, uint32_t pid)
{
    return str_printf(arena, "%.*s (pid %u)", STR_ARG(name), pid);
}

struct plan_step *
plan_add_step(struct plan *plan, enum lever lever, enum harm harm, struct str sentence)
{
    struct plan_step *step = LIST_ADD(plan->arena, &plan->steps);

    step->lever = lever;
    step->harm = harm;
    step->sentence = sentence;
    step->runs = PINNED_NONE;
    return step;
}

void
plan_refuse(struct plan *plan, struct plan_refusal refusal)
{
    for (size_t i = 0; i < plan->refusals.count; i++)
        if (plan->refusals.items[i].kind == refusal.kind &&
            str_equal(plan->refusals.items[i].sentence, refusal.sentence))
            return;
    *LIST_ADD(plan->arena, &plan->refusals) = refusal;
}

bool
plan_has_setting(const struct plan *plan, struct str name)
{
    for (size_t i = 0; i < plan->steps.count; i++)
        if (plan->steps.items[i].lever == LEVER_SYSTEM && str_equal(plan->steps.items[i].setting.before, name))
            return true;
    return false;
}

void
plan_note(struct plan *plan, struct str sentence)
{
    str_list_add_new(plan->arena, &plan->notes, sentence);
}

enum harm
plan_harm(const struct cause *cause, enum lever lever, enum harm otherwise)
{
    for (size_t i = 0; i < cause->remedies.count; i++)
        if (cause->remedies.items[i].lever == lever)
            return cause->remedies.items[i].harm;
    return otherwise;
}

unsigned
plan_patience(const struct plan *plan, unsigned usual_ms)
{
    return plan->wish.timeout_given ? plan->wish.timeout_ms : usual_ms;
}

bool
plan_is_own_process(const struct plan *plan, uint32_t pid)
{
    for (size_t i = 0; i < plan->own.count; i++)
        if (plan->own.items[i] == pid)
            return true;
    return false;
}

// This program and what started it, up to the first process.
static void
find_own(struct plan *plan)
{
    uint32_t pid = process_self();

    for (int level = 0; pid != 0 && level < ANCESTRY_MOST && !plan_is_own_process(plan, pid); level++) {
        struct process process;
        *LIST_ADD(plan->arena, &plan->own) = pid;
        process_read(plan->arena, pid, PROCESS_BASIC, &process);
        pid = process.known == KNOWN_YES ? process.ppid : 0;
    }
}

void
plan_look(struct plan *plan, struct plan_goal *goal)
{
    struct snapshot_ask ask = {
        .protocols = host_port_sharers(goal->question.protocol),
        .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = goal->question.endpoint.first,
        .last = goal->question.endpoint.first,
        .want = SNAPSHOT_RANGES | SNAPSHOT_ADDRESSES,
    };

    goal->host = arena_alloc(plan->arena, sizeof *goal->host);
    goal->failed = !snapshot_read(plan->arena, &ask, goal->host, &goal->err) ||
                   !why_answer(plan->arena, goal->host, &goal->question, &goal->answer, &goal->err);
    goal->done = !goal->failed && goal->answer.bindable;
}

// What ends the cause where no lever of a plan does: a command, or a sentence.
static struct str
other_help(const struct cause *cause)
{
    for (size_t i = 0; i < cause->remedies.count; i++) {
        const struct remedy *remedy = &cause->remedies.items[i];
        if (remedy->lever == LEVER_OTHER_PORT)
            continue;
        if (remedy->command.len > 0 || remedy->by_hand.len > 0)
            return remedy->command.len > 0 ? remedy->command : remedy->by_hand;
        if (remedy->sentence.len > 0)
            return remedy->sentence;
    }
    return (struct str){0};
}

static bool
can_act(const struct cause *cause)
{
    for (size_t i = 0; i < cause->remedies.count; i++) {
        enum lever lever = cause->remedies.items[i].lever;
        if (lever == LEVER_PROCESS || lever == LEVER_SERVICE || lever == LEVER_SOCKET_UNIT ||
            lever == LEVER_CONTAINER || lever == LEVER_SOCKET)
            return true;
    }
    return false;
}

// Nobody can be ended: because that would not help, or because who it is can't be seen without more rights.
static void
refuse_cause(struct plan_maker *maker)
{
    const struct cause *cause = maker->cause;
    bool unseen = !maker->goal->host->admin && cause->sockets.count > 0 && !maker->goal->answer.complete &&
                  cause->kind != CAUSE_KERNEL && cause->kind != CAUSE_UNACCEPTED;

    if (unseen)
        plan_refuse(maker->plan, (struct plan_refusal){.kind = PLAN_REFUSED_RIGHT,
                                                       .sentence = str_printf(maker->plan->arena,
                                                                              "%.*s; who has it all can't be seen "
                                                                              "without more rights",
                                                                              STR_ARG(cause->sentence))});
    else
        plan_refuse(maker->plan, (struct plan_refusal){.kind = PLAN_REFUSED_NO_HELP,
                                                       .sentence = cause->sentence,
                                                       .alternative = other_help(cause)});
}

static void
plan_cause(struct plan_maker *maker)
{
    switch (maker->cause->kind) {
    case CAUSE_SOCKET_UNIT:
        plan_socket_unit(maker);
        return;
    case CAUSE_CONTAINER:
        plan_container_cause(maker);
        return;
    case CAUSE_LINGERING:
        plan_left_over(maker);
        return;
    case CAUSE_HTTP_SYS:
        if (plan_http(maker))
            return;
        break;
    case CAUSE_PORTPROXY:
        if (plan_portproxy(maker))
            return;
        break;
    case CAUSE_EXCLUDED_RANGE:
        if (plan_excluded_range(maker))
            return;
        break;
    case CAUSE_PRIVILEGED:
        // Where a program has the port too, ending it comes first; the missing right shows when the port is to be tried.
        if (maker->goal->answer.verdict == WHY_TAKEN)
            return;
        break;
    case CAUSE_SERVICE:
    case CAUSE_RELAY:
    case CAUSE_INHERITED:
    case CAUSE_REUSEPORT_GROUP:
    case CAUSE_LISTENER:
    case CAUSE_BOUND:
    case CAUSE_CONNECTION:
        if (can_act(maker->cause)) {
            plan_holders(maker);
            return;
        }
        break;
    default:
        break;
    }
    refuse_cause(maker);
}

// After the end the port is tried: who may not try can't tell whether it is free.
static void
check_proof(struct plan *plan, const struct plan_goal *goal)
{
    for (size_t i = 0; i < goal->answer.probes.count; i++)
        if (refusal_of(&goal->answer.probes.items[i]) == REFUSAL_NO_RIGHT && !goal->host->admin) {
            plan_refuse(plan,
                        (struct plan_refusal){.kind = PLAN_REFUSED_RIGHT,
                                              .sentence = str_printf(plan->arena,
                                                                     "trying port %u, to prove that it is free, takes "
                                                                     "more rights",
                                                                     goal->question.endpoint.first)});
            return;
        }
}

// What keeps the port now, to tell later whether it still does, or something new.
static void
remember(struct plan *plan, struct plan_goal *goal, const struct cause *cause)
{
    for (size_t i = 0; i < cause->sockets.count; i++)
        *LIST_ADD(plan->arena, &goal->rows) = goal->host->sockets.items[cause->sockets.items[i]];
    for (size_t i = 0; i < cause->holders.count; i++)
        if (cause->holders.items[i].process)
            *LIST_ADD(plan->arena, &goal->others) = plan_key(plan->arena, cause->holders.items[i].process);
}

static bool
has_connection(const struct plan_goal *goal)
{
    for (size_t i = 0; i < goal->host->sockets.count; i++) {
        const struct socket_row *row = &goal->host->sockets.items[i];
        if (row->local_port == goal->question.endpoint.first && row->netns == 0 && row->protocol == PROTOCOL_TCP &&
            row->state != SOCKET_LISTEN && row->state != SOCKET_BOUND)
            return true;
    }
    return false;
}

// A server that did not set SO_REUSEADDR leaves connections behind that keep its port for a while.
static void
plan_aftermath(struct plan *plan, const struct plan_goal *goal)
{
    bool ends_something = false;
    struct plan_step *step;

    for (size_t i = 0; i < plan->steps.count; i++)
        ends_something =
            ends_something || (plan->steps.items[i].lever != LEVER_SOCKET && plan->steps.items[i].lever != LEVER_WAIT);
    if (!ends_something || !has_connection(goal))
        return;
    if (plan->wish.wait)
        step = plan_add_step(plan, LEVER_WAIT, HARM_NONE,
                             STR("Wait until what is left of its connections is gone, where that keeps the port"));
    else if (user_self().net_admin)
        step = plan_add_step(plan, LEVER_SOCKET, HARM_LOW,
                             STR("Drop what is left of its connections, where that keeps the port"));
    else
        return;
    step->if_needed = true;
    step->needs_admin = step->lever == LEVER_SOCKET;
    step->precondition = STR("nothing else keeps the port");
    step->patience_ms = plan_patience(plan, LINGER_MS);
}

static void
plan_goal(struct plan *plan, struct plan_goal *goal, bool *changed)
{
    size_t first = plan->steps.count;
    struct plan_maker maker = {.plan = plan, .goal = goal};
    bool blocked = false;

    if (goal->failed || goal->done)
        return;
    for (size_t i = 0; i < goal->answer.causes.count; i++) {
        maker.cause = &goal->answer.causes.items[i];
        if (!maker.cause->blocks)
            continue;
        if (!blocked)
            goal->was = maker.cause->sentence;
        blocked = true;
        remember(plan, goal, maker.cause);
        plan_cause(&maker);
    }
    plan_aftermath(plan, goal);
    for (size_t i = first; i < plan->steps.count; i++)
        plan->steps.items[i].goal = (size_t)(goal - plan->goals.items);
    if (!blocked)
        plan_refuse(plan, (struct plan_refusal){.kind = PLAN_REFUSED_NO_HELP,
                                                .sentence = str_printf(plan->arena,
                                                                       "nothing that keeps port %u can be "
                                                                       "told",
                                                                       goal->question.endpoint.first)});
    else
        check_proof(plan, goal);
    *changed = *changed || maker.changed;
}

// What starts things comes before what was started, and what only has to pass comes last.
static int
rank_of(enum lever lever)
{
    static const int ranks[LEVER_COUNT] = {
        [LEVER_SUPERVISOR] = 0, [LEVER_SOCKET_UNIT] = 1, [LEVER_SERVICE] = 2, [LEVER_CONTAINER] = 3,
        [LEVER_PROCESS] = 4,    [LEVER_SYSTEM] = 5,      [LEVER_SOCKET] = 5,  [LEVER_WAIT] = 6,
    };

    return ranks[lever];
}

static void
order_steps(struct plan *plan)
{
    for (size_t i = 1; i < plan->steps.count; i++) {
        struct plan_step moving = plan->steps.items[i];
        size_t k = i;
        for (; k > 0 && rank_of(plan->steps.items[k - 1].lever) > rank_of(moving.lever); k--)
            plan->steps.items[k] = plan->steps.items[k - 1];
        plan->steps.items[k] = moving;
    }
}

// A step whose processes all stand in other steps, or are gone, does nothing.
static void
drop_empty_steps(struct plan *plan)
{
    size_t kept = 0;

    for (size_t i = 0; i < plan->steps.count; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        bool of_processes =
            step->lever == LEVER_PROCESS || (step->lever == LEVER_SUPERVISOR && !entry_is_known(&step->entry));
        if (!of_processes || step->targets.count > 0)
            plan->steps.items[kept++] = *step;
    }
    plan->steps.count = kept;
}

void
plan_make(struct arena *arena, const struct plan_wish *wish, const struct why_question *questions, size_t count,
          struct plan *out)
{
    *out = (struct plan){.arena = arena, .wish = *wish};
    find_own(out);
    for (size_t i = 0; i < count; i++)
        LIST_ADD(arena, &out->goals)->question = questions[i];
    bool changed = true;
    for (int look = 0; changed && look < LOOKS_MOST; look++) {
        changed = false;
        plan_close(out);
        out->steps.count = 0;
        out->refusals.count = 0;
        out->notes.count = 0;
        for (size_t i = 0; i < count; i++) {
            out->goals.items[i].rows.count = 0;
            out->goals.items[i].others.count = 0;
            plan_look(out, &out->goals.items[i]);
            plan_goal(out, &out->goals.items[i], &changed);
        }
    }
    if (changed)
        plan_refuse(out, (struct plan_refusal){.kind = PLAN_REFUSED_NO_HELP,
                                               .sentence = STR("what has the port changes faster than it can be "
                                                               "looked at")});
    drop_empty_steps(out);
    order_steps(out);
}

void
plan_close(struct plan *plan)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        pinned_close(&plan->steps.items[i].runs);
        for (size_t k = 0; k < plan->steps.items[i].targets.count; k++)
            pinned_close(&plan->steps.items[i].targets.items[k].pin);
    }
}

static bool
has_refusal(const struct plan *plan, enum plan_refusal_kind kind)
{
    for (size_t i = 0; i < plan->refusals.count; i++)
        if (plan->refusals.items[i].kind == kind)
            return true;
    return false;
}

enum plan_state
plan_state(const struct plan *plan)
{
    bool all_done = true;

    for (size_t i = 0; i < plan->goals.count; i++) {
        if (plan->goals.items[i].failed)
            return PLAN_UNKNOWN;
        all_done = all_done && plan->goals.items[i].done;
    }
    if (all_done)
        return PLAN_NOTHING;
    if (has_refusal(plan, PLAN_REFUSED_ONLY))
        return PLAN_NOT_YOURS;
    if (has_refusal(plan, PLAN_REFUSED_ALWAYS) || has_refusal(plan, PLAN_REFUSED_WORD) ||
        has_refusal(plan, PLAN_REFUSED_NO_HELP))
        return PLAN_REFUSED;
    return has_refusal(plan, PLAN_REFUSED_RIGHT) ? PLAN_NEEDS_RIGHT : PLAN_READY;
}

struct str
plan_again(const struct plan *plan)
{
    struct str line = plan->wish.again;

    if (plan->refusals.count == 0 || has_refusal(plan, PLAN_REFUSED_ALWAYS) ||
        has_refusal(plan, PLAN_REFUSED_NO_HELP) || has_refusal(plan, PLAN_REFUSED_ONLY))
        return (struct str){0};
    for (size_t i = 0; i < plan->refusals.count; i++) {
        const struct plan_refusal *refusal = &plan->refusals.items[i];
        struct str words = str_printf(plan->arena, " --allow %.*s", STR_ARG(refusal->word));
        if (refusal->kind == PLAN_REFUSED_WORD && str_find(line, words) == SIZE_MAX)
            line = str_printf(plan->arena, "%.*s%.*s", STR_ARG(line), STR_ARG(words));
    }
    if (has_refusal(plan, PLAN_REFUSED_RIGHT))
        line = platform_elevate(plan->arena, platform_of(plan->goals.items[0].host), line);
    return line;
}
