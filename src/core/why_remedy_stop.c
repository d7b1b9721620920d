#include "base/buf.h"
#include "core/container.h"
#include "core/entry.h"
#include "core/known.h"
#include "core/unit.h"
#include "core/why_parts.h"

// What stops whoever has the port: the unit, service or container that stands behind a program, else the program itself,
// and none that must go on.

static void
add_pid(struct inquiry *inquiry, struct buf *pids, uint32_t pid)
{
    const struct platform_value values[] = {{"pid", str_printf(inquiry->arena, "%u", pid)}};

    buf_add(pids, platform_fill(inquiry->arena, inquiry->platform->end_pid, values, 1));
}

static struct str
fill_pids(struct inquiry *inquiry, struct str template, struct buf *pids)
{
    const struct platform_value values[] = {{"pids", buf_str(pids)}};

    return platform_fill(inquiry->arena, template, values, 1);
}

// All that have the socket must go: a parent that ends leaves its children behind with it, unless it is known to end them.
// A stopped one hears the request only when it goes on.
static struct str
kill_by_hand(struct inquiry *inquiry, const struct cause *cause)
{
    enum {
        SHOWN_MOST = 16,
    };
    struct buf all = {.arena = inquiry->arena};
    struct buf stopped = {.arena = inquiry->arena};
    struct buf out = {.arena = inquiry->arena};
    size_t shown = 0;

    for (size_t i = 0; i < cause->holders.count; i++) {
        const struct holder *holder = &cause->holders.items[i];
        bool ended = holder->process && known_is("ends-workers", holder->process->name) &&
                     holder_is_below(holder, &cause->holders);
        if (ended || holder->pid <= 1 || (holder->process && holder->process->critical))
            continue;
        add_pid(inquiry, &all, holder->pid);
        if (holder->process && holder->process->state == 'T')
            add_pid(inquiry, &stopped, holder->pid);
        shown++;
    }
    if (shown > SHOWN_MOST)
        return why_fill_port(inquiry, inquiry->platform->end_many);
    if (shown == 0)
        return STR("");
    buf_add(&out, fill_pids(inquiry, inquiry->platform->end, &all));
    if (stopped.len > 0)
        buf_add(&out, fill_pids(inquiry, inquiry->platform->go_on, &stopped));
    return buf_str(&out);
}

// What would start it again is stopped with it only where that is a program of its own, which runs nothing else, or an entry
// of one that goes on.
static bool
ends_with_supervisor(struct inquiry *inquiry, const struct cause *cause)
{
    bool many = false;
    const struct process *process = holder_supervisor_process(inquiry->arena, &cause->holders.items[0], &many);

    for (size_t i = 0; process && i < cause->holders.count; i++)
        if (cause->holders.items[i].pid == process->pid)
            return false;
    return process && (!many || entry_supervisor(inquiry->arena, &cause->holders.items[0]) == process);
}

static struct str
stop_sentence(struct inquiry *inquiry, const struct cause *cause, enum harm *harm)
{
    const struct holder *first = &cause->holders.items[0];
    struct str name = holder_name(inquiry->arena, first);
    struct str supervisor = holder_supervisor(inquiry->arena, first);
    unsigned grace = known_grace(first->process ? first->process->name : STR(""));

    *harm = HARM_LOW;
    if (ends_with_supervisor(inquiry, cause)) {
        *harm = HARM_SOME;
        if (entry_supervisor(inquiry->arena, first))
            return str_printf(inquiry->arena, "Stops entry %.*s of %.*s, which would start %.*s again.",
                              STR_ARG(first->process->entry.name.value), STR_ARG(first->process->entry.of),
                              STR_ARG(name));
        return str_printf(inquiry->arena, "Stops %.*s too, which would start %.*s again.", STR_ARG(supervisor),
                          STR_ARG(name));
    }
    if (supervisor.len > 0) {
        *harm = HARM_SOME;
        return str_printf(inquiry->arena, "Asks %.*s to end; %.*s may start it again.", STR_ARG(name),
                          STR_ARG(supervisor));
    }
    if (grace > 10) {
        *harm = HARM_SOME;
        return str_printf(inquiry->arena, "Asks %.*s to end and gives it up to %u s to finish.", STR_ARG(name), grace);
    }
    if (cause->holders.count > 1)
        return cause->holders.count == 2
                   ? STR("Asks both programs that share the port to end.")
                   : str_printf(inquiry->arena, "Asks all %zu programs that share the port to end.",
                                cause->holders.count);
    return str_printf(inquiry->arena, "Asks %.*s to end.", STR_ARG(name));
}

// A unit that is about the programs that have the port is stopped as a whole: its manager would start them again. One that a
// program merely runs in is left alone: it may be the terminal that the program was started in.
static struct remedy *
stop_service(struct inquiry *inquiry, struct cause *cause, const struct service *service)
{
    struct remedy *stop = why_add_remedy(
        inquiry, cause, LEVER_SERVICE, HARM_SOME, "stop it",
        str_printf(inquiry->arena, "Stops %.*s%s.", STR_ARG(service->name),
                   service->at_boot ? " until the next start of the system, which starts it again" : ""));

    stop->command = why_free_command(inquiry, cause);
    stop->by_hand = platform_stop_service(inquiry->arena, service);
    return stop;
}

void
why_see_who(struct inquiry *inquiry, struct cause *cause, const char *label, const char *sentence)
{
    why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, label, str_of(sentence))->command =
        platform_elevate(inquiry->arena, inquiry->platform, str_printf(inquiry->arena, "moorage %u", inquiry->port));
}

// A process that runs several services, of which it is not known whose the port is, or one without which the system stops.
static bool
must_not_end(const struct cause *cause)
{
    for (size_t i = 0; i < cause->holders.count; i++) {
        const struct holder *holder = &cause->holders.items[i];
        if (holder_hosts_services(holder) || (holder->process && holder->process->critical))
            return true;
    }
    return false;
}

// The service that started the holder without being it would start another one: it is stopped instead. On Linux a unit may be
// no more than the place where a person started something; the services of Windows have a session of their own.
static const struct service *
service_above(const struct cause *cause)
{
    const struct holder *holder = &cause->holders.items[0];

    return holder->process && holder->process->session_known && holder->process->session == 0 ? holder->service : NULL;
}

void
why_stop_process(struct inquiry *inquiry, struct cause *cause)
{
    enum harm harm;

    if (cause->holders.count == 0) {
        // Nobody can be asked to end as long as nobody is known; who has all rights already sees no more by asking again.
        if (!inquiry->host->admin)
            why_see_who(inquiry, cause, "see who", "Names the program; that takes more rights.");
        return;
    }
    if (why_service_of(&cause->holders)) {
        stop_service(inquiry, cause, why_service_of(&cause->holders));
        return;
    }
    if (must_not_end(cause)) {
        if (!inquiry->host->admin)
            why_see_who(inquiry, cause, "see who", "Names the service; that takes more rights.");
        return;
    }
    const struct service *unit = unit_to_stop(inquiry->arena, &cause->holders, &cause->holders.items[0]);
    if (unit) {
        stop_service(inquiry, cause, unit);
        return;
    }
    const struct service *above = service_above(cause);
    if (above) {
        // The service may be more than this one program, so that it is for people to stop.
        struct remedy *stop = stop_service(inquiry, cause, above);
        stop->command = stop->by_hand;
        stop->by_hand = (struct str){0};
        return;
    }
    if (why_is_partly_seen(inquiry, cause)) {
        why_see_who(inquiry, cause, "see all", "Names all programs that have it; that takes more rights.");
        return;
    }
    struct str sentence = stop_sentence(inquiry, cause, &harm);
    struct remedy *stop = why_add_remedy(inquiry, cause, LEVER_PROCESS, harm, "stop it", sentence);
    stop->command = why_free_command(inquiry, cause);
    stop->by_hand = kill_by_hand(inquiry, cause);
    struct str supervisor = holder_supervisor(inquiry->arena, &cause->holders.items[0]);
    if (entry_supervisor(inquiry->arena, &cause->holders.items[0]))
        stop->by_hand = entry_command(inquiry->arena, &cause->holders.items[0].process->entry, "stop");
    // That is done only where it is said.
    if (ends_with_supervisor(inquiry, cause))
        stop->command = str_printf(inquiry->arena, "%.*s --allow supervisor", STR_ARG(stop->command));
    if (supervisor.len > 0)
        why_add_remedy(inquiry, cause, LEVER_SUPERVISOR, HARM_SOME, "for good",
                       str_printf(inquiry->arena, "Take it out of %.*s, or it comes back.", STR_ARG(supervisor)));
}

void
why_stop_socket_unit(struct inquiry *inquiry, struct cause *cause)
{
    struct remedy *stop =
        why_add_remedy(inquiry, cause, LEVER_SOCKET_UNIT, HARM_SOME, "stop it",
                       STR("Stops the socket unit and the service that it starts, never the service manager."));

    stop->command = why_free_command(inquiry, cause);
    stop->by_hand = cause->service ? platform_stop_service(inquiry->arena, cause->service)
                                   : STR("systemctl list-sockets    # names the unit; then systemctl stop UNIT");
}

void
why_stop_container(struct inquiry *inquiry, struct cause *cause)
{
    const struct container *container = cause->container;
    struct remedy *stop =
        why_add_remedy(inquiry, cause, LEVER_CONTAINER, HARM_LOW, "stop it",
                       cause->kind == CAUSE_CONTAINER
                           ? STR("Stops the container; ending its forwarder would break it and free nothing for long.")
                           : STR("Stops the container, and with it the rule."));

    stop->command = why_free_command(inquiry, cause);
    if (!container) {
        stop->by_hand = str_printf(inquiry->arena, "docker ps --filter publish=%u", inquiry->port);
        return;
    }
    struct str name = container_title(container);
    stop->by_hand = str_printf(inquiry->arena, "%.*s stop %.*s", STR_ARG(container->runtime), STR_ARG(name));
    if (container->compose_service.len > 0)
        stop->sentence = str_printf(inquiry->arena, "Stops the container (service %.*s of compose project %.*s).",
                                    STR_ARG(container->compose_service), STR_ARG(container->compose_project));
    if (str_equal(container->restart, STR("always")) || str_equal(container->restart, STR("unless-stopped")))
        why_add_remedy(inquiry, cause, LEVER_SUPERVISOR, HARM_SOME, "for good",
                       str_printf(inquiry->arena,
                                  "Its restart policy is %.*s: the runtime starts it again after a restart.",
                                  STR_ARG(container->restart)))
            ->by_hand =
            str_printf(inquiry->arena, "%.*s update --restart=no %.*s", STR_ARG(container->runtime), STR_ARG(name));
}

void
why_stop_main_service(struct inquiry *inquiry, struct cause *cause)
{
    stop_service(inquiry, cause, cause->service);
}
