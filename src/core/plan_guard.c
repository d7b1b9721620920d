#include "core/holder_parts.h"
#include "core/known.h"
#include "core/plan_parts.h"
#include "core/platform.h"
#include "core/unit.h"
#include "sys/user.h"

static void
refuse_always(struct plan *plan, struct str sentence, struct str alternative)
{
    plan_refuse(plan,
                (struct plan_refusal){.kind = PLAN_REFUSED_ALWAYS, .sentence = sentence, .alternative = alternative});
}

void
plan_guard_word(struct plan *plan, enum plan_allow allow, struct str sentence)
{
    if ((plan->wish.allow & allow) == 0)
        plan_refuse(plan, (struct plan_refusal){
                              .kind = PLAN_REFUSED_WORD, .word = plan_allow_name(allow), .sentence = sentence});
}

// "nginx" of "nginx.service"
static struct str
base_of(struct str unit)
{
    size_t dot = str_find_last_byte(unit, '.');

    return dot == SIZE_MAX ? unit : str_part(unit, 0, dot);
}

// What is never ended, whatever is allowed. False when nothing of the kind speaks against it.
static bool
guard_vital(struct plan *plan, const struct plan_target *target, const struct holder *holder)
{
    const struct process *process = &target->process;
    struct arena *arena = plan->arena;
    struct str who = plan_who(arena, target->name, process->pid);
    bool main_of_unit = holder->service && holder->service->main_pid == process->pid;
    struct str by_hand = main_of_unit ? platform_stop_service(arena, holder->service) : (struct str){0};

    if (holder->service && str_equal(holder->service->manager, STR("windows")) && unit_is_kept(holder->service))
        refuse_always(plan,
                      str_printf(arena, "%.*s, in %.*s, is a part of the system that much else depends on",
                                 STR_ARG(holder->service->name), STR_ARG(who)),
                      STR("Use another port."));
    else if (plan_is_own_process(plan, process->pid) && process->pid > 1)
        refuse_always(plan,
                      str_printf(arena, "%.*s is what started this very command, or the command itself", STR_ARG(who)),
                      STR("End it where it was started, or run this from elsewhere."));
    else if (process->pid <= 1)
        refuse_always(plan, str_printf(arena, "%.*s is the system's first process", STR_ARG(who)), by_hand);
    else if (process->kernel_thread)
        refuse_always(plan, str_printf(arena, "%.*s is a part of the kernel", STR_ARG(who)), by_hand);
    else if (process->critical || holder_is(arena, process, "critical") || holder_is(arena, process, "service-manager"))
        refuse_always(plan, str_printf(arena, "%.*s is a part of the system that much else depends on", STR_ARG(who)),
                      by_hand);
    else if (holder->is_forwarder || holder_is(arena, process, "forwarder"))
        refuse_always(plan,
                      str_printf(arena,
                                 "%.*s forwards the port for a container; ending it breaks the container and "
                                 "frees nothing for long",
                                 STR_ARG(who)),
                      STR("Stop the container."));
    else
        return false;
    return true;
}

static void
guard_rights(struct plan_maker *maker, const struct plan_target *target)
{
    struct plan *plan = maker->plan;
    const struct process *process = &target->process;
    struct str who = plan_who(plan->arena, target->name, process->pid);
    struct user_self self = user_self();
    struct err err = {0};
    struct str user = process->user.value.len > 0 ? process->user.value : STR("another user");

    if (!pinned_permits(&target->pin, &err)) {
        if (err.kind == ERR_GONE)
            maker->changed = true;
        else if (self.admin)
            refuse_always(plan, str_printf(plan->arena, "%.*s may not be ended even by root here", STR_ARG(who)),
                          (struct str){0});
        else
            plan_refuse(plan,
                        (struct plan_refusal){
                            .kind = PLAN_REFUSED_RIGHT,
                            .sentence = str_printf(plan->arena, "%.*s belongs to %.*s: ending it takes more rights",
                                                   STR_ARG(who), STR_ARG(user))});
        return;
    }
    if (!self.admin && process->uid_known && process->uid != self.uid)
        plan_guard_word(plan, PLAN_ALLOW_OTHER_USER,
                        str_printf(plan->arena, "%.*s belongs to %.*s", STR_ARG(who), STR_ARG(user)));
}

void
plan_guard_target(struct plan_maker *maker, const struct plan_target *target, const struct holder *holder)
{
    struct plan *plan = maker->plan;

    if (guard_vital(plan, target, holder))
        return;
    if (holder_is(plan->arena, &target->process, "remote-access"))
        plan_guard_word(plan, PLAN_ALLOW_REMOTE_ACCESS,
                        str_printf(plan->arena, "%.*s lets people work here from elsewhere, and you may be one of them",
                                   STR_ARG(plan_who(plan->arena, target->name, target->process.pid))));
    if (holder_is(plan->arena, &target->process, "supervisor-of-many"))
        plan_guard_word(plan, PLAN_ALLOW_SUPERVISOR,
                        str_printf(plan->arena, "%.*s runs other programs, which may end with it",
                                   STR_ARG(plan_who(plan->arena, target->name, target->process.pid))));
    guard_rights(maker, target);
}

void
plan_guard_unit(struct plan_maker *maker, const struct service *service)
{
    struct plan *plan = maker->plan;
    struct str base = base_of(service->name);
    struct user_self self = user_self();
    bool of_user = str_equal(service->manager, STR("systemd --user"));

    if (unit_is_kept(service))
        refuse_always(
            plan,
            str_printf(plan->arena, "%.*s is a part of the system that much else depends on", STR_ARG(service->name)),
            str_equal(service->manager, STR("windows")) ? STR("Use another port.")
                                                        : platform_stop_service(plan->arena, service));
    if (known_is("remote-access-unit", base))
        plan_guard_word(plan, PLAN_ALLOW_REMOTE_ACCESS,
                        str_printf(plan->arena, "%.*s lets people work here from elsewhere, and you may be one of them",
                                   STR_ARG(service->name)));
    if (!self.admin && (!of_user || service->uid != self.uid))
        plan_refuse(plan, (struct plan_refusal){.kind = PLAN_REFUSED_RIGHT,
                                                .sentence = str_printf(plan->arena, "stopping %.*s takes more rights",
                                                                       STR_ARG(service->name))});
}

void
plan_guard_supervisor(struct plan_maker *maker, const struct process *process, struct str who)
{
    struct user_self self = user_self();

    if (!self.admin && process->uid_known && process->uid != self.uid)
        plan_guard_word(maker->plan, PLAN_ALLOW_OTHER_USER,
                        str_printf(maker->plan->arena, "%.*s belongs to another user", STR_ARG(who)));
}

static bool
is_below(struct str path, struct str folder)
{
    if (str_ends(folder, STR("/")) && folder.len > 1)
        folder = str_part(folder, 0, folder.len - 1);
    return str_equal(path, folder) || str_equal(folder, STR("/")) ||
           (str_starts(path, folder) && path.len > folder.len &&
            (path.ptr[folder.len] == '/' || path.ptr[folder.len] == '\\'));
}

void
plan_guard_only(struct plan_maker *maker, const struct process *process, struct str name)
{
    const struct plan_only *only = &maker->plan->wish.only;
    struct arena *arena = maker->plan->arena;
    const char *why = NULL;
    struct str exe = process->exe.value;

    if (only->exe.len > 0 && !str_equal(exe, only->exe) && !str_equal(str_base_name(exe), only->exe) &&
        !str_equal(name, only->exe))
        why = "is another program";
    else if (only->cwd.len > 0 && (process->cwd.known != KNOWN_YES || !is_below(process->cwd.value, only->cwd)))
        why = "runs in another folder";
    else if (only->of_user && (!process->uid_known || process->uid != only->uid))
        why = "belongs to another user";
    else if (only->of_project && (process->cwd.known != KNOWN_YES || !is_below(process->cwd.value, only->project)))
        why = "belongs to another project";
    if (why)
        plan_refuse(maker->plan,
                    (struct plan_refusal){
                        .kind = PLAN_REFUSED_ONLY,
                        .sentence = str_printf(arena, "%.*s %s", STR_ARG(plan_who(arena, name, process->pid)), why)});
}

void
plan_guard_only_holders(struct plan_maker *maker)
{
    const struct plan_only *only = &maker->plan->wish.only;
    bool any = only->exe.len > 0 || only->cwd.len > 0 || only->of_user || only->of_project;

    for (size_t i = 0; any && i < maker->cause->holders.count; i++) {
        const struct holder *holder = &maker->cause->holders.items[i];
        struct process nothing = {.pid = holder->pid};
        plan_guard_only(maker, holder->process ? holder->process : &nothing, holder_name(maker->plan->arena, holder));
    }
    if (any && maker->cause->holders.count == 0)
        plan_refuse(maker->plan, (struct plan_refusal){.kind = PLAN_REFUSED_ONLY,
                                                       .sentence = STR("whose program it is can't be seen")});
}
