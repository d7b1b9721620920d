#include "core/entry.h"
#include "core/holder_parts.h"
#include "core/release_parts.h"
#include "sys/bind_probe.h"
#include "sys/clock.h"
#include "sys/socket_table.h"

enum {
    SETTLE_MS = 100, // an io_uring lets go of its sockets up to 27 ms after its process has ended
    SETTLE_STEP_MS = 5,
    WATCH_STEP_MS = 25,
};

static bool
serves(const struct socket_row *row)
{
    return row->state == SOCKET_LISTEN || row->state == SOCKET_UNCONN;
}

// The rows of the port: listeners alone cost little, all states a walk over every connection.
static bool
read_rows(struct arena *arena, const struct plan_goal *goal, bool all, struct host *host)
{
    struct socket_query query = {
        .protocols = host_port_sharers(goal->question.protocol),
        .states = all ? SOCKET_STATES_ALL : 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = goal->question.endpoint.first,
        .last = goal->question.endpoint.first,
    };
    struct err ignored;

    *host = (struct host){0};
    return socket_table_read(arena, &query, host, &ignored);
}

static bool
is_same_row(const struct socket_row *a, const struct socket_row *b)
{
    if (a->cookie != 0 && b->cookie != 0)
        return a->cookie == b->cookie;
    return a->inode == b->inode && a->owner_pid == b->owner_pid && a->state == b->state &&
           address_equal(a->local, b->local) && address_equal(a->remote, b->remote) && a->remote_port == b->remote_port;
}

// Whether something that kept the port is still there. What can't be read may be.
static bool
is_kept(struct arena *arena, const struct plan_goal *goal)
{
    struct host host;
    bool all = false;

    for (size_t i = 0; i < goal->rows.count; i++)
        all = all || !serves(&goal->rows.items[i]);
    if (!read_rows(arena, goal, all, &host))
        return true;
    for (size_t i = 0; i < host.sockets.count; i++)
        for (size_t k = 0; k < goal->rows.count; k++)
            if (is_same_row(&host.sockets.items[i], &goal->rows.items[k]))
                return true;
    return false;
}

static enum bind_mode
mode_named(struct str name)
{
    static const enum bind_mode modes[] = {BIND_PLAIN, BIND_REUSE, BIND_REUSEPORT, BIND_EXCLUSIVE};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (str_equal(bind_mode_name(modes[i]), name))
            return modes[i];
    return BIND_USUAL;
}

// The very binds that were refused before.
static bool
is_bindable(struct arena *arena, const struct plan_goal *goal)
{
    for (size_t i = 0; i < goal->answer.probes.count; i++) {
        const struct probe *before = &goal->answer.probes.items[i];
        struct bind_wish wish = {.protocol = before->protocol,
                                 .address = before->address,
                                 .port = before->port,
                                 .v6only = before->v6only,
                                 .mode = mode_named(before->bind),
                                 .device = before->device};
        struct probe now = {0};
        if (!str_equal(before->bind, bind_mode_name(goal->question.mode)) ||
            str_equal(before->result, STR("unsupported")))
            continue;
        bind_probe(arena, &wish, &now);
        if (!now.worked)
            return false;
    }
    return true;
}

bool
release_notice(struct plan *plan)
{
    struct arena *arena = arena_open();
    bool all = true;

    for (size_t i = 0; i < plan->goals.count; i++) {
        struct plan_goal *goal = &plan->goals.items[i];
        if (!goal->done && goal->free_us == 0 && !is_kept(arena, goal) && is_bindable(arena, goal))
            goal->free_us = clock_mono_us();
        all = all && (goal->done || goal->free_us != 0);
    }
    arena_close(arena);
    return all;
}

bool
release_settle(struct plan *plan)
{
    for (int waited = 0; waited < SETTLE_MS; waited += SETTLE_STEP_MS) {
        if (release_notice(plan))
            return true;
        clock_sleep_ms(SETTLE_STEP_MS);
    }
    return release_notice(plan);
}

// Whether somebody listens on the port now who keeps an ordinary bind from working.
static bool
is_taken_again(struct plan *plan, struct plan_goal *goal)
{
    struct arena *arena = arena_open();
    struct host host;
    bool seen = false;

    if (read_rows(arena, goal, false, &host))
        for (size_t i = 0; i < host.sockets.count; i++)
            seen = seen || (host.sockets.items[i].netns == 0 && serves(&host.sockets.items[i]));
    arena_close(arena);
    // A listener on another address is no harm: only a look at the whole tells.
    if (!seen)
        return false;
    plan_look(plan, goal);
    return !goal->failed && !goal->answer.bindable;
}

static void
look_at_all(struct plan *plan)
{
    for (size_t i = 0; i < plan->goals.count; i++)
        plan_look(plan, &plan->goals.items[i]);
}

// The first port that still can't be bound, or NULL.
static struct plan_goal *
first_taken(const struct plan *plan)
{
    for (size_t i = 0; i < plan->goals.count; i++)
        if (plan->goals.items[i].failed || !plan->goals.items[i].answer.bindable)
            return &plan->goals.items[i];
    return NULL;
}

void
release_watch(struct release *release, struct plan *plan)
{
    int64_t end = clock_mono_us() + (int64_t)release->watch_ms * 1000;

    while (clock_mono_us() < end) {
        int64_t slice = clock_mono_us() + WATCH_STEP_MS * 1000;
        bool taken = false;
        if (!release_wait(release, plan, NULL, NULL, 0, slice < end ? slice : end) && release->interrupted)
            break;
        // What lets go late is free from then on.
        (void)release_notice(plan);
        for (size_t i = 0; i < plan->goals.count && !taken; i++)
            taken = plan->goals.items[i].free_us != 0 && is_taken_again(plan, &plan->goals.items[i]);
        if (!taken)
            continue;
        // One that came and is gone again may be followed by another.
        look_at_all(plan);
        if (first_taken(plan))
            return;
    }
    look_at_all(plan);
}

// A program that has the port now and had it not before.
static const struct holder *
newcomer(const struct plan *plan, const struct plan_goal *goal)
{
    for (size_t i = 0; i < goal->answer.causes.count; i++) {
        const struct cause *cause = &goal->answer.causes.items[i];
        for (size_t k = 0; cause->blocks && k < cause->holders.count; k++) {
            const struct process *process = cause->holders.items[k].process;
            if (process && !str_list_has(&goal->others, plan_key(plan->arena, process)))
                return &cause->holders.items[k];
        }
    }
    return NULL;
}

// What both the program that was ended and the one that came have above them.
static const struct process *
common_starter(const struct plan *plan, const struct holder *holder)
{
    for (size_t a = 0; a < holder->ancestry.count; a++) {
        struct str key = plan_key(plan->arena, holder->ancestry.items[a]);
        for (size_t i = 0; i < plan->steps.count; i++)
            for (size_t k = 0; k < plan->steps.items[i].targets.count; k++)
                if (str_list_has(&plan->steps.items[i].targets.items[k].ancestors, key))
                    return holder->ancestry.items[a];
    }
    return holder->ancestry.count > 0 ? holder->ancestry.items[0] : NULL;
}

static void
name_starter(struct release *release, struct plan *plan, const struct holder *holder)
{
    struct arena *arena = release->arena;
    const struct process *process = common_starter(plan, holder);
    struct str unit = holder_supervisor(arena, holder);
    bool many = process && holder_is(arena, process, "supervisor-of-many");

    if (!process) {
        release->starter = unit;
        return;
    }
    bool manager = process->pid <= 1 || holder_is(arena, process, "service-manager");
    struct holder above = {.pid = process->pid, .process = process};
    struct str name = str_printf(arena, "%.*s (pid %u)", STR_ARG(holder_name(arena, &above)), process->pid);
    release->starter = manager && unit.len > 0 ? unit : name;
    release->can_end_starter = !manager && (!many || entry_supervisor(arena, holder) == process) &&
                               !plan_is_own_process(plan, process->pid) && !holder_is_beyond(arena, process);
    if (release->can_end_starter && !str_list_has(&plan->wish.starters, plan_key(arena, process)))
        str_list_add_new(arena, &release->starters, plan_key(arena, process));
}

void
release_judge(struct release *release, struct plan *plan)
{
    struct plan_goal *taken = first_taken(plan);
    const struct holder *holder = taken ? newcomer(plan, taken) : NULL;
    bool was_free = taken && taken->free_us != 0;
    bool failed = false;

    release->taken = taken;
    for (size_t i = 0; i < plan->steps.count; i++)
        failed = failed || plan->steps.items[i].result == PLAN_FAILED;
    if (!release->taken)
        release->outcome = RELEASE_FREED;
    else if (holder || was_free)
        release->outcome = RELEASE_RESPAWNED;
    else
        release->outcome = failed ? RELEASE_REFUSED : RELEASE_TIMED_OUT;
    if (holder)
        name_starter(release, plan, holder);
}
