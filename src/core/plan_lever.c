#include "core/holder_parts.h"
#include "core/known.h"
#include "core/plan_parts.h"
#include "core/platform.h"
#include "core/unit.h"
#include "sys/process.h"
#include "sys/service.h"
#include "sys/user.h"

enum {
    UNIT_MS = 90000,      // what systemd gives a unit to stop where nothing else is said (systemd-system.conf(5))
    CONTAINER_MS = 10000, // the same of Docker
    MARGIN_MS = 5000,     // to hear that it is over
    SHORT_ID = 12,
};

static const struct str client_cost =
    STR_INIT("It is a client that happens to use the port: all of it ends, not only that connection.");

// --- units and containers as a whole ---

static bool
container_is_lever(const struct plan_maker *maker, const struct holder *holder)
{
    const struct container *container = holder->container;

    return container && container->api.len > 0 &&
           ((container->pid != 0 && plan_is_holder(maker->cause, container->pid)) ||
            unit_is_whole_tree(maker->plan->arena, &maker->cause->holders, holder));
}

// Who else ends when the unit or container does.
static void
find_reached(struct plan_maker *maker, const struct holder *holder, struct plan_step *step)
{
    struct arena *arena = maker->plan->arena;
    uint32_t *pids;
    size_t count = unit_members(arena, holder, &pids);

    for (size_t i = 0; i < count; i++) {
        struct holder member = {.pid = pids[i]};
        struct process *process = arena_alloc(arena, sizeof *process);
        process_read(arena, pids[i], PROCESS_COMMAND | PROCESS_EXE, process);
        member.process = process;
        if (process->known == KNOWN_YES)
            *LIST_ADD(arena, &step->reaches) = plan_who(arena, holder_name(arena, &member), pids[i]);
    }
    // Windows does not tell what is of a service: it ends at least from its first process down to the holder.
    uint32_t main_pid = count == 0 && step->lever == LEVER_SERVICE ? holder->service->main_pid : 0;
    for (size_t i = 0; main_pid != 0 && main_pid != holder->pid && i < holder->ancestry.count; i++) {
        struct holder above = {.pid = holder->ancestry.items[i]->pid, .process = holder->ancestry.items[i]};
        if (i == 0)
            *LIST_ADD(arena, &step->reaches) = plan_who(arena, holder_name(arena, holder), holder->pid);
        *LIST_ADD(arena, &step->reaches) = plan_who(arena, holder_name(arena, &above), above.pid);
        if (above.pid == main_pid)
            break;
    }
}

// --- units ---

static struct plan_step *
find_unit_step(struct plan *plan, const struct service *service)
{
    for (size_t i = 0; i < plan->steps.count; i++) {
        struct plan_step *step = &plan->steps.items[i];
        if ((step->lever == LEVER_SERVICE || step->lever == LEVER_SOCKET_UNIT) &&
            str_equal(step->service.name, service->name) && str_equal(step->service.manager, service->manager) &&
            step->service.uid == service->uid)
            return step;
    }
    return NULL;
}

static struct plan_step *
add_unit(struct plan_maker *maker, const struct service *service, enum lever lever)
{
    struct plan *plan = maker->plan;
    struct arena *arena = plan->arena;
    struct plan_step *step = plan_add_step(plan, lever, plan_harm(maker->cause, lever, HARM_SOME),
                                           str_printf(arena, "Stop %.*s", STR_ARG(service->name)));

    step->service = *service;
    step->needs_admin = !str_equal(service->manager, STR("systemd --user"));
    step->precondition = str_printf(arena, "%.*s runs", STR_ARG(service->name));
    step->by_hand = platform_stop_service(arena, service);
    step->patience_ms = plan_patience(plan, (service->stop_ms ? service->stop_ms : UNIT_MS) + MARGIN_MS);
    step->undo = (struct plan_undo){.possible = true,
                                    .command = platform_start_service(arena, service),
                                    .sentence = str_printf(arena, "Starts %.*s again.", STR_ARG(service->name))};
    if (service->at_boot)
        step->at_boot = str_printf(arena, "%.*s starts again with the system, until: %.*s", STR_ARG(service->name),
                                   STR_ARG(platform_disable_service(arena, service)));
    plan_guard_unit(maker, service);
    return step;
}

// Windows refuses to stop a service while others that run depend on it.
static void
plan_dependants(struct plan_maker *maker, const struct service *service)
{
    struct str rest = service->dependants;
    struct str name;

    while (rest.len > 0 && str_cut(&rest, ',', &name)) {
        struct service other = {.manager = service->manager, .name = str_trim(name), .uid = service->uid};
        if (other.name.len > 0 && !find_unit_step(maker->plan, &other))
            add_unit(maker, &other, LEVER_SERVICE)->cost =
                str_printf(maker->plan->arena, "It depends on %.*s.", STR_ARG(service->name));
    }
}

void
plan_stop_service(struct plan_maker *maker, const struct service *service, struct str cost)
{
    if (find_unit_step(maker->plan, service))
        return;
    plan_dependants(maker, service);
    add_unit(maker, service, LEVER_SERVICE)->cost = cost;
}

static void
plan_unit(struct plan_maker *maker, const struct holder *holder)
{
    if (find_unit_step(maker->plan, holder->service))
        return;
    plan_dependants(maker, holder->service);
    struct plan_step *step = add_unit(maker, holder->service, LEVER_SERVICE);
    if (maker->cause->kind == CAUSE_CONNECTION)
        step->cost = client_cost;
    find_reached(maker, holder, step);
    if (plan_is_own_process(maker->plan, holder->pid))
        plan_refuse(maker->plan,
                    (struct plan_refusal){.kind = PLAN_REFUSED_ALWAYS,
                                          .sentence = str_printf(maker->plan->arena, "this very command runs in %.*s",
                                                                 STR_ARG(holder->service->name)),
                                          .alternative = STR("Run it from elsewhere.")});
}

// --- containers ---

static struct str
container_name(const struct container *container)
{
    return container->name.len > 0 ? container->name : str_part(container->id, 0, SHORT_ID);
}

static void
plan_container(struct plan_maker *maker, const struct container *container, const struct holder *inside)
{
    struct plan *plan = maker->plan;
    struct arena *arena = plan->arena;
    struct str name = container_name(container);

    for (size_t i = 0; i < plan->steps.count; i++)
        if (plan->steps.items[i].lever == LEVER_CONTAINER &&
            str_equal(plan->steps.items[i].container.id, container->id))
            return;
    struct plan_step *step =
        plan_add_step(plan, LEVER_CONTAINER, plan_harm(maker->cause, LEVER_CONTAINER, HARM_LOW),
                      str_printf(arena, "Stop container %.*s (%.*s)", STR_ARG(name), STR_ARG(container->runtime)));
    step->container = *container;
    step->precondition = str_printf(arena, "container %.*s runs", STR_ARG(name));
    step->by_hand = str_printf(arena, "%.*s stop %.*s", STR_ARG(container->runtime), STR_ARG(name));
    step->patience_ms =
        plan_patience(plan, (container->stop_s ? container->stop_s * 1000 : (unsigned)CONTAINER_MS) + MARGIN_MS);
    step->undo =
        (struct plan_undo){.possible = true,
                           .command = str_printf(arena, "%.*s start %.*s", STR_ARG(container->runtime), STR_ARG(name)),
                           .sentence = str_printf(arena, "Starts container %.*s again.", STR_ARG(name))};
    if (str_equal(container->restart, STR("always")))
        step->at_boot =
            str_printf(arena, "container %.*s starts again with its runtime, until: %.*s update --restart=no %.*s",
                       STR_ARG(name), STR_ARG(container->runtime), STR_ARG(name));
    if (inside)
        find_reached(maker, inside, step);
}

void
plan_container_cause(struct plan_maker *maker)
{
    const struct container *container = maker->cause->container;
    const struct remedy *remedy = maker->cause->remedies.count > 0 ? &maker->cause->remedies.items[0] : NULL;

    plan_guard_only_holders(maker);
    if (container && container->api.len > 0 && container->id.len > 0) {
        plan_container(maker, container, NULL);
        return;
    }
    // The forwarder alone would take the port from a container that goes on running, and comes back with it.
    for (size_t i = 0; i < maker->cause->remedies.count; i++)
        if (maker->cause->remedies.items[i].lever == LEVER_CONTAINER)
            remedy = &maker->cause->remedies.items[i];
    plan_refuse(maker->plan,
                (struct plan_refusal){.kind = maker->goal->host->admin ? PLAN_REFUSED_NO_HELP : PLAN_REFUSED_RIGHT,
                                      .sentence = str_printf(maker->plan->arena,
                                                             "%.*s, and no container runtime says which one it is",
                                                             STR_ARG(maker->cause->sentence)),
                                      .alternative = remedy ? remedy->by_hand : (struct str){0}});
}

// --- processes ---

// A first process that is known to end its workers is asked alone; they are asked only if they outlive it.
static void
find_leaders(struct plan_maker *maker, struct plan_step *step)
{
    struct arena *arena = maker->plan->arena;

    for (size_t i = 0; i < step->targets.count; i++) {
        struct plan_target *target = &step->targets.items[i];
        for (size_t k = 0; k < step->targets.count; k++) {
            const struct plan_target *leader = &step->targets.items[k];
            struct str key = plan_key(arena, &leader->process);
            if (str_list_has(&target->ancestors, key) && holder_is(arena, &leader->process, "ends-workers"))
                target->leader = k;
        }
    }
}

static void
describe_processes(struct plan_maker *maker, struct plan_step *step)
{
    struct arena *arena = maker->plan->arena;
    unsigned grace = 0;
    bool stopped = false;

    for (size_t i = 0; i < step->targets.count; i++) {
        const struct plan_target *target = &step->targets.items[i];
        unsigned own = known_grace(target->process.name);
        grace = own > grace ? own : grace;
        stopped = stopped || target->process.state == 'T';
    }
    const struct plan_target *first = &step->targets.items[0];
    struct str who = plan_who(arena, first->name, first->process.pid);
    step->sentence = step->targets.count == 1 ? str_printf(arena, "Ask %.*s to end", STR_ARG(who))
                                              : str_printf(arena, "Ask %.*s and %zu more that share the port to end",
                                                           STR_ARG(who), step->targets.count - 1);
    step->precondition = str_printf(arena, "%.*s has port %u", STR_ARG(who), maker->goal->question.endpoint.first);
    step->patience_ms = plan_patience(maker->plan, grace * 1000);
    if (maker->cause->kind == CAUSE_CONNECTION) {
        step->harm = step->harm < HARM_SOME ? HARM_SOME : step->harm;
        step->cost = client_cost;
    } else if (stopped) {
        step->cost = STR("It is stopped, and goes on so that it can hear the request.");
    }
}

static void
plan_processes(struct plan_maker *maker, const struct holder *const *holders, size_t count)
{
    struct plan *plan = maker->plan;
    size_t step = plan->steps.count;

    plan_add_step(plan, LEVER_PROCESS, plan_harm(maker->cause, LEVER_PROCESS, HARM_LOW), (struct str){0});
    for (size_t i = 0; i < count; i++)
        plan_add_target(maker, step, holders[i], true);
    if (plan->steps.items[step].targets.count == 0)
        return;
    find_leaders(maker, &plan->steps.items[step]);
    describe_processes(maker, &plan->steps.items[step]);
    plan_supervisors(maker, step);
}

void
plan_holders(struct plan_maker *maker)
{
    const struct cause *cause = maker->cause;
    const struct holder **processes = arena_array(maker->plan->arena, cause->holders.count + 1, sizeof *processes);
    size_t count = 0;

    for (size_t i = 0; i < cause->holders.count; i++) {
        const struct holder *holder = &cause->holders.items[i];
        if (container_is_lever(maker, holder)) {
            plan_guard_only_holders(maker);
            plan_container(maker, holder->container, holder);
        } else if (unit_to_stop(maker->plan->arena, &maker->cause->holders, holder)) {
            plan_guard_only_holders(maker);
            plan_unit(maker, holder);
        } else {
            processes[count++] = holder;
        }
    }
    if (count > 0)
        plan_processes(maker, processes, count);
}

// systemd holds the socket for a unit; the service that it started for it may hold it too.
void
plan_socket_unit(struct plan_maker *maker)
{
    const struct cause *cause = maker->cause;
    const struct holder **others = arena_array(maker->plan->arena, cause->holders.count + 1, sizeof *others);
    size_t count = 0;

    if (!cause->service) {
        plan_refuse(maker->plan,
                    (struct plan_refusal){.kind = PLAN_REFUSED_NO_HELP,
                                          .sentence = str_printf(maker->plan->arena,
                                                                 "%.*s, and the service manager does not say for which "
                                                                 "unit",
                                                                 STR_ARG(cause->sentence)),
                                          .alternative = STR("systemctl list-sockets")});
        return;
    }
    plan_guard_only_holders(maker);
    if (!find_unit_step(maker->plan, cause->service))
        add_unit(maker, cause->service, LEVER_SOCKET_UNIT);
    for (size_t i = 0; i < cause->holders.count; i++) {
        const struct holder *holder = &cause->holders.items[i];
        if (holder->process && holder_is(maker->plan->arena, holder->process, "service-manager"))
            continue;
        if (unit_to_stop(maker->plan->arena, &maker->cause->holders, holder))
            plan_unit(maker, holder);
        else
            others[count++] = holder;
    }
    if (count > 0)
        plan_processes(maker, others, count);
}

// --- what is left of closed connections ---

void
plan_left_over(struct plan_maker *maker)
{
    struct plan *plan = maker->plan;
    struct arena *arena = plan->arena;
    uint32_t seconds = maker->cause->seconds;
    uint16_t port = maker->goal->question.endpoint.first;

    if (plan->wish.wait) {
        struct plan_step *step = plan_add_step(
            plan, LEVER_WAIT, HARM_NONE,
            seconds > 0 ? str_printf(arena, "Wait until the kernel gives port %u back, in %u s", port, seconds)
                        : str_printf(arena, "Wait until the kernel gives port %u back", port));
        step->precondition = str_printf(arena, "closed connections linger on port %u", port);
        step->patience_ms = plan_patience(plan, seconds > 0 ? seconds * 1000 + MARGIN_MS : 240000);
        return;
    }
    struct plan_step *step =
        plan_add_step(plan, LEVER_SOCKET, HARM_LOW,
                      str_printf(arena, "Drop what is left of %zu closed connection%s on port %u",
                                 maker->cause->sockets.count, maker->cause->sockets.count == 1 ? "" : "s", port));
    step->needs_admin = true;
    step->precondition = str_printf(arena, "closed connections linger on port %u", port);
    step->patience_ms = plan_patience(plan, MARGIN_MS);
    if (!user_self().net_admin)
        plan_refuse(
            plan, (struct plan_refusal){
                      .kind = PLAN_REFUSED_RIGHT,
                      .sentence = str_printf(arena, "dropping what is left of closed connections takes more rights"),
                      .alternative =
                          seconds > 0
                              ? str_printf(arena, "%.*s --wait waits %u s instead", STR_ARG(plan->wish.again), seconds)
                              : str_printf(arena, "%.*s --wait waits instead", STR_ARG(plan->wish.again))});
}
