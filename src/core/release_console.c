#include "core/holder_parts.h"
#include "core/plan_parts.h"
#include "core/release_parts.h"
#include "sys/console.h"
#include "sys/process.h"

enum {
    PRESS_MS = 5000, // a second moorage starts, looks and presses
    NAMED_MOST = 4,  // of those that keep Ctrl-C from being pressed
};

// All that the plan ends and that still have what they are ended for, the one that is asked first.
static void
find_meant(struct arena *arena, const struct plan *plan, const struct plan_target *target, struct console_pids *out)
{
    *LIST_ADD(arena, out) = target->process.pid;
    for (size_t i = 0; i < plan->steps.count; i++)
        for (size_t k = 0; k < plan->steps.items[i].targets.count; k++) {
            const struct plan_target *other = &plan->steps.items[i].targets.items[k];
            if (other != target && !other->ended && plan_target_holds(arena, other))
                *LIST_ADD(arena, out) = other->process.pid;
        }
}

static void
mark_asked(struct plan *plan, const struct console_pids *pids)
{
    for (size_t i = 0; i < plan->steps.count; i++)
        for (size_t k = 0; k < plan->steps.items[i].targets.count; k++) {
            struct plan_target *target = &plan->steps.items[i].targets.items[k];
            if (!console_has(pids, target->process.pid))
                continue;
            target->asked = true;
            target->interrupts = true;
        }
}

// "cmd.exe (pid 33), node.exe (pid 34) and 2 more"
static struct str
name_all(struct arena *arena, const struct console_pids *pids)
{
    struct str text = {0};

    for (size_t i = 0; i < pids->count && i < NAMED_MOST; i++) {
        struct process process;
        process_read(arena, pids->items[i], PROCESS_BASIC, &process);
        struct holder holder = {.pid = pids->items[i], .process = process.known == KNOWN_YES ? &process : NULL};
        struct str who = plan_who(arena, holder_name(arena, &holder), pids->items[i]);
        text = i == 0 ? who : str_printf(arena, "%.*s, %.*s", STR_ARG(text), STR_ARG(who));
    }
    return pids->count > NAMED_MOST ? str_printf(arena, "%.*s and %zu more", STR_ARG(text), pids->count - NAMED_MOST)
                                    : text;
}

static void
be_deaf(struct arena *arena, struct plan_step *step, struct plan_target *target, const struct console_answer *answer,
        const struct err *err)
{
    struct str who = plan_who(arena, target->name, target->process.pid);
    struct str others = name_all(arena, &answer->pids);

    target->deaf = true;
    if (err->kind == ERR_NONE)
        err_set(&step->err, ERR_UNSUPPORTED, 0,
                "%.*s can't be asked to end: Ctrl-C on its console would reach %.*s too", STR_ARG(who),
                STR_ARG(others));
    else if (err->kind == ERR_UNSUPPORTED)
        err_set(&step->err, ERR_UNSUPPORTED, err->os,
                "%.*s can't be asked to end: it has neither a window nor a console", STR_ARG(who));
    else
        err_set(&step->err, err->kind, err->os, "%.*s can't be asked to end: %s", STR_ARG(who), err->text);
}

void
release_ask_console(struct plan *plan, struct plan_step *step, struct plan_target *target)
{
    struct arena *arena = arena_open();
    struct console_pids meant = {0};
    struct console_answer answer = {0};
    struct err err = {0};

    find_meant(arena, plan, target, &meant);
    bool heard = console_interrupt(arena, &target->pin, &meant, PRESS_MS, &answer, &err);
    if (heard && answer.kind == CONSOLE_PRESSED)
        mark_asked(plan, &answer.pids);
    else if (heard || err.kind != ERR_GONE)
        be_deaf(arena, step, target, &answer, &err);
    arena_close(arena);
}
