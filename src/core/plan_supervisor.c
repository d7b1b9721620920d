#include "core/entry.h"
#include "core/holder_parts.h"
#include "core/known.h"
#include "core/plan_parts.h"
#include "sys/process.h"
#include "sys/supervisor.h"

enum {
    USUAL_MS = 10000,  // what a supervisor of one program is given to end
    ENTRY_MS = 15000,  // the same for an entry: supervisord ends hard what has not ended after 10 s (stopwaitsecs)
    CALL_MS = 2000,    // for an answer
    ANSWER_MOST = 128, // of its error that is shown
};

// What would start a program again.
struct above {
    const struct process *process;
    struct str who; // "pm2 (pid 17)"
    bool many;      // it runs other programs too
};

// What to type where moorage can't do it.
static struct str
by_hand(struct plan_maker *maker, const struct holder *holder, const struct above *above)
{
    return entry_supervisor(maker->plan->arena, holder)
               ? entry_command(maker->plan->arena, &holder->process->entry, "stop")
               : known_supervisor_command(holder_script(maker->plan->arena, above->process));
}

static void
refuse_many(struct plan_maker *maker, const struct holder *holder, const struct above *above, const char *why)
{
    struct arena *arena = maker->plan->arena;

    plan_refuse(maker->plan,
                (struct plan_refusal){
                    .kind = PLAN_REFUSED_NO_HELP,
                    .sentence = str_printf(arena, "%.*s runs other programs too, and would start %.*s again%s",
                                           STR_ARG(above->who), STR_ARG(holder_name(arena, holder)), why),
                    .alternative = by_hand(maker, holder, above)});
}

// Whether the process with this number is the holder or stands between it and its supervisor.
static bool
is_on_the_way(const struct holder *holder, const struct above *above, uint32_t pid)
{
    bool found = holder->pid == pid;

    for (size_t i = 0; !found && i < holder->ancestry.count; i++) {
        if (holder->ancestry.items[i] == above->process)
            break;
        found = holder->ancestry.items[i]->pid == pid;
    }
    return found && pid > 1;
}

// The supervisor says which process the entry is; that one must be above the holder, or the holder itself, and stays pinned.
// False when something speaks against it, which is said.
static bool
find_entry(struct plan_maker *maker, const struct holder *holder, const struct above *above, struct pinned *runs)
{
    struct plan *plan = maker->plan;
    const struct supervisor_entry *entry = &holder->process->entry;
    struct supervisor_state state = {0};
    struct err err = {0};
    uint32_t uid = above->process->uid_known ? above->process->uid : 0;

    if (!supervisor_read(plan->arena, entry, uid, CALL_MS, &state, &err)) {
        if (err.kind == ERR_NOT_ALLOWED && !maker->goal->host->admin)
            plan_refuse(plan,
                        (struct plan_refusal){.kind = PLAN_REFUSED_RIGHT,
                                              .sentence = str_printf(plan->arena,
                                                                     "telling %.*s to stop its entry %.*s takes "
                                                                     "more rights",
                                                                     STR_ARG(above->who), STR_ARG(entry->name.value))});
        else
            refuse_many(
                maker, holder, above,
                str_printf(plan->arena, "; asking it failed: %.*s", STR_ARG(str_part(str_of(err.text), 0, ANSWER_MOST)))
                    .ptr);
        return false;
    }
    if (!is_on_the_way(holder, above, state.pid)) {
        refuse_many(maker, holder, above, "; which of its entries it is, it does not say");
        return false;
    }
    // Ended since then, or another one by now: what was read holds no more.
    if (!pinned_open(state.pid, false, runs, &err)) {
        maker->changed = err.kind == ERR_GONE;
        if (err.kind != ERR_GONE)
            refuse_many(maker, holder, above, "; the process can't be held on to");
        return false;
    }
    bool same =
        supervisor_read(plan->arena, entry, uid, CALL_MS, &state, &err) && state.pid == runs->pid && pinned_lives(runs);
    if (!same) {
        maker->changed = true;
        pinned_close(runs);
    }
    return same;
}

static bool
has_entry_step(const struct plan *plan, const struct supervisor_entry *entry)
{
    for (size_t i = 0; i < plan->steps.count; i++)
        if (entry_is_known(&plan->steps.items[i].entry) &&
            str_equal(plan->steps.items[i].entry.name.value, entry->name.value) &&
            str_equal(plan->steps.items[i].entry.api, entry->api))
            return true;
    return false;
}

// The entry is stopped, and the supervisor goes on with all its others.
static void
add_entry(struct plan_maker *maker, const struct holder *holder, const struct above *above)
{
    struct plan *plan = maker->plan;
    struct arena *arena = plan->arena;
    const struct supervisor_entry *entry = &holder->process->entry;
    struct pinned runs = PINNED_NONE;
    struct process first;

    if (has_entry_step(plan, entry) || !find_entry(maker, holder, above, &runs))
        return;
    struct plan_step *step =
        plan_add_step(plan, LEVER_SUPERVISOR, HARM_SOME,
                      str_printf(arena, "Stop entry %.*s of %.*s", STR_ARG(entry->name.value), STR_ARG(above->who)));
    step->entry = *entry;
    step->runs = runs;
    step->of_uid = above->process->uid_known ? above->process->uid : 0;
    step->cost =
        str_printf(arena, "It would start %.*s again; its other programs go on.", STR_ARG(holder_name(arena, holder)));
    process_read(arena, runs.pid, PROCESS_COMMAND | PROCESS_EXE, &first);
    struct holder runner = {.pid = runs.pid, .process = &first};
    struct str who = plan_who(arena, holder_name(arena, &runner), runs.pid);
    step->precondition = str_printf(arena, "entry %.*s runs as %.*s", STR_ARG(entry->name.value), STR_ARG(who));
    *LIST_ADD(arena, &step->reaches) = who;
    step->by_hand = entry_command(arena, entry, "stop");
    step->patience_ms = plan_patience(plan, ENTRY_MS);
    step->undo = (struct plan_undo){
        .possible = true,
        .command = entry_command(arena, entry, "start"),
        .sentence =
            str_printf(arena, "Starts entry %.*s of %.*s again.", STR_ARG(entry->name.value), STR_ARG(entry->of)),
    };
    plan_guard_supervisor(maker, above->process, above->who);
}

static void
add_supervisor(struct plan_maker *maker, const struct holder *holder, const struct above *above)
{
    struct plan *plan = maker->plan;
    struct arena *arena = plan->arena;
    struct holder itself = {.pid = above->process->pid, .process = above->process};
    struct str program = holder_name(arena, holder);
    bool entry = entry_supervisor(arena, holder) == above->process;

    if ((plan->wish.allow & PLAN_ALLOW_SUPERVISOR) == 0) {
        struct str then =
            entry ? str_printf(arena, "its entry %.*s is stopped instead", STR_ARG(holder->process->entry.name.value))
            : above->many ? STR("it is told what to type there")
                          : STR("it is ended too");
        plan_note(plan, str_printf(arena, "%.*s may start %.*s again; with --allow supervisor %.*s",
                                   STR_ARG(above->who), STR_ARG(program), STR_ARG(then)));
        return;
    }
    if (entry) {
        add_entry(maker, holder, above);
        return;
    }
    if (above->many) {
        refuse_many(maker, holder, above, "");
        return;
    }
    size_t step = plan->steps.count;
    plan_add_step(plan, LEVER_SUPERVISOR, HARM_SOME, str_printf(arena, "Ask %.*s to end", STR_ARG(above->who)));
    plan->steps.items[step].cost = str_printf(arena, "It would start %.*s again.", STR_ARG(program));
    plan->steps.items[step].precondition = str_printf(arena, "%.*s runs", STR_ARG(above->who));
    plan->steps.items[step].patience_ms = plan_patience(plan, USUAL_MS);
    plan_add_target(maker, step, &itself, false);
}

// Whether it waits for this very command or what that was started from, not for the holder alone: then it starts nothing
// again as long as this runs.
static bool
waits_for_us(const struct plan *plan, const struct holder *holder, const struct process *supervisor)
{
    size_t at = 0;

    while (at < holder->ancestry.count && holder->ancestry.items[at] != supervisor)
        at++;
    return at > 0 && at < holder->ancestry.count && plan_is_own_process(plan, holder->ancestry.items[at - 1]->pid);
}

// What was seen to start the program again counts as much as what is known to do such things. An entry of a supervisor of
// many is stopped as a whole, with what else in it would start the program again.
static struct above
find_supervisor(const struct plan_maker *maker, const struct holder *holder)
{
    const struct str_list *starters = &maker->plan->wish.starters;
    struct arena *arena = maker->plan->arena;
    struct above above = {.process = entry_supervisor(arena, holder)};

    for (size_t i = 0; !above.process && i < holder->ancestry.count; i++)
        if (str_list_has(starters, plan_key(arena, holder->ancestry.items[i])))
            above.process = holder->ancestry.items[i];
    if (!above.process)
        above.process = holder_supervisor_process(arena, holder, NULL);
    if (above.process && waits_for_us(maker->plan, holder, above.process))
        above.process = NULL;
    if (!above.process)
        return above;
    above.many = holder_is(arena, above.process, "supervisor-of-many");
    struct holder itself = {.pid = above.process->pid, .process = above.process};
    struct str name = holder_name(arena, &itself);
    if (above.process == entry_supervisor(arena, holder))
        name = holder->process->entry.of;
    else if (above.process == holder_supervisor_process(arena, holder, NULL))
        name = holder_supervisor(arena, holder);
    above.who = plan_who(arena, name, above.process->pid);
    return above;
}

// What would start a program again, unless it is one of those that end anyway.
void
plan_supervisors(struct plan_maker *maker, size_t step)
{
    struct arena *arena = maker->plan->arena;

    for (size_t i = 0; i < maker->cause->holders.count; i++) {
        const struct holder *holder = &maker->cause->holders.items[i];
        struct above above = find_supervisor(maker, holder);
        bool in_step = false;
        for (size_t k = 0; k < maker->plan->steps.items[step].targets.count; k++)
            in_step = in_step || maker->plan->steps.items[step].targets.items[k].process.pid == holder->pid;
        if (!in_step)
            continue;
        if (above.process && !plan_has_target(maker->plan, above.process->pid) &&
            !plan_is_holder(maker->cause, above.process->pid))
            add_supervisor(maker, holder, &above);
        else if (!holder_supervisor_process(arena, holder, NULL) && holder_supervisor(arena, holder).len > 0)
            plan_note(maker->plan,
                      str_printf(arena, "%.*s may start %.*s again", STR_ARG(holder_supervisor(arena, holder)),
                                 STR_ARG(holder_name(arena, holder))));
        // Only what its supervisor leaves behind is asked to end by itself.
        if (entry_supervisor(arena, holder) && has_entry_step(maker->plan, &holder->process->entry))
            maker->plan->steps.items[step].if_needed = true;
    }
}
