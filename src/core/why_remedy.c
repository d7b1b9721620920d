#include <string.h>

#include "base/buf.h"
#include "core/container.h"
#include "core/known.h"
#include "core/why_parts.h"

struct remedy *
why_add_remedy(struct inquiry *inquiry, struct cause *cause, enum lever lever, enum harm harm, const char *label,
               struct str sentence)
{
    struct remedy *remedy = LIST_ADD(inquiry->arena, &cause->remedies);

    remedy->lever = lever;
    remedy->harm = harm;
    remedy->label = str_of(label);
    remedy->sentence = sentence;
    return remedy;
}

// What a program's code can do about it, where the system has something to say about that.
static void
add_advice(struct inquiry *inquiry, struct cause *cause, struct str sentence)
{
    if (sentence.len > 0)
        why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, "in code", sentence);
}

struct str
why_free_command(struct inquiry *inquiry)
{
    enum protocol protocol = inquiry->question->protocol;

    if (protocol == PROTOCOL_TCP)
        return str_printf(inquiry->arena, "moorage free %u", inquiry->port);
    return str_printf(inquiry->arena, "moorage free %.*s/%u", STR_ARG(host_protocol_name(protocol)), inquiry->port);
}

static bool
is_below_another(const struct holder *holder, const struct holder_list *others)
{
    for (size_t i = 0; i < holder->ancestry.count; i++)
        for (size_t k = 0; k < others->count; k++)
            if (others->items[k].pid == holder->ancestry.items[i]->pid)
                return true;
    return false;
}

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

// The command of this template for the asked port.
struct str
why_fill_port(struct inquiry *inquiry, struct str template)
{
    const struct platform_value values[] = {{"port", str_printf(inquiry->arena, "%u", inquiry->port)},
                                            {"protocol", host_protocol_name(inquiry->question->protocol)}};

    return platform_fill(inquiry->arena, template, values, 2);
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
                     is_below_another(holder, &cause->holders);
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

// What would start it again is ended with it only where that is a program of its own, which runs nothing else.
static bool
ends_with_supervisor(struct inquiry *inquiry, const struct cause *cause)
{
    bool many = false;
    const struct process *process = holder_supervisor_process(inquiry->arena, &cause->holders.items[0], &many);

    for (size_t i = 0; process && i < cause->holders.count; i++)
        if (cause->holders.items[i].pid == process->pid)
            return false;
    return process && !many;
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

// A unit whose main process has the port is stopped as a whole: the manager would start that process again. A unit that a
// program merely runs in is left alone: it may be the terminal that the program was started in.
void
why_stop_service(struct inquiry *inquiry, struct cause *cause, const struct service *service)
{
    struct remedy *stop = why_add_remedy(
        inquiry, cause, LEVER_SERVICE, HARM_SOME, "stop it",
        str_printf(inquiry->arena, "Stops %.*s%s.", STR_ARG(service->name),
                   service->at_boot ? " until the next start of the system, which starts it again" : ""));

    stop->command = why_free_command(inquiry);
    stop->by_hand = platform_stop_service(inquiry->arena, service);
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
        why_stop_service(inquiry, cause, why_service_of(&cause->holders));
        return;
    }
    if (must_not_end(cause)) {
        if (!inquiry->host->admin)
            why_see_who(inquiry, cause, "see who", "Names the service; that takes more rights.");
        return;
    }
    const struct service *above = service_above(cause);
    if (above) {
        why_stop_service(inquiry, cause, above);
        return;
    }
    if (why_is_partly_seen(inquiry, cause)) {
        why_see_who(inquiry, cause, "see all", "Names all programs that have it; that takes more rights.");
        return;
    }
    struct str sentence = stop_sentence(inquiry, cause, &harm);
    struct remedy *stop = why_add_remedy(inquiry, cause, LEVER_PROCESS, harm, "stop it", sentence);
    stop->command = why_free_command(inquiry);
    stop->by_hand = kill_by_hand(inquiry, cause);
    struct str supervisor = holder_supervisor(inquiry->arena, &cause->holders.items[0]);
    // That is done only where it is said.
    if (ends_with_supervisor(inquiry, cause))
        stop->command = str_printf(inquiry->arena, "%.*s --allow supervisor", STR_ARG(stop->command));
    if (supervisor.len > 0)
        why_add_remedy(inquiry, cause, LEVER_SUPERVISOR, HARM_SOME, "for good",
                       str_printf(inquiry->arena, "Take it out of %.*s, or it comes back.", STR_ARG(supervisor)));
}

static void
stop_socket_unit(struct inquiry *inquiry, struct cause *cause)
{
    struct remedy *stop =
        why_add_remedy(inquiry, cause, LEVER_SOCKET_UNIT, HARM_SOME, "stop it",
                       STR("Stops the socket unit and the service that it starts, never the service manager."));

    stop->command = why_free_command(inquiry);
    stop->by_hand = cause->service ? platform_stop_service(inquiry->arena, cause->service)
                                   : STR("systemctl list-sockets    # names the unit; then systemctl stop UNIT");
}

static void
stop_container(struct inquiry *inquiry, struct cause *cause)
{
    const struct container *container = cause->container;
    struct remedy *stop =
        why_add_remedy(inquiry, cause, LEVER_CONTAINER, HARM_LOW, "stop it",
                       cause->kind == CAUSE_CONTAINER
                           ? STR("Stops the container; ending its forwarder would break it and free nothing for long.")
                           : STR("Stops the container, and with it the rule."));

    stop->command = why_free_command(inquiry);
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

// On Linux the whole list, since writing it replaces what was reserved before.
static struct str
reserve_by_hand(struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;
    struct buf reserved = {.arena = inquiry->arena};

    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        if (range->kind == RANGE_RESERVED)
            buf_addf(&reserved, range->first == range->last ? "%u," : "%u-%u,", range->first, range->last);
    }
    buf_addf(&reserved, "%u", inquiry->port);
    const struct platform_value values[] = {{"reserved", buf_str(&reserved)}};
    return platform_fill(inquiry->arena, why_fill_port(inquiry, inquiry->platform->reserve), values, 1);
}

static void
reserve(struct inquiry *inquiry, struct cause *cause)
{
    if (!why_range(inquiry, RANGE_DYNAMIC) || why_range(inquiry, RANGE_RESERVED) || why_range(inquiry, RANGE_EXCLUDED))
        return;
    struct remedy *keep =
        why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_LOW, "for good",
                       STR("Keeps the port out of what outgoing connections are given, from then on."));
    keep->command = str_printf(inquiry->arena, "moorage range reserve %u --persist", inquiry->port);
    keep->by_hand = platform_as_admin(inquiry->arena, inquiry->host, reserve_by_hand(inquiry));
}

static void
end_connection(struct inquiry *inquiry, struct cause *cause)
{
    const struct socket_row *socket = &inquiry->host->sockets.items[cause->sockets.items[0]];

    why_add_remedy(inquiry, cause, LEVER_WAIT, HARM_NONE, "wait",
                   STR("The port is free again when that connection ends."));
    if (socket->state == SOCKET_ESTABLISHED || socket->state == SOCKET_CLOSE_WAIT)
        add_advice(inquiry, cause, inquiry->platform->words.connection_code);
    reserve(inquiry, cause);
    why_stop_process(inquiry, cause);
}

static void
end_lingering(struct inquiry *inquiry, struct cause *cause)
{
    const struct platform *platform = inquiry->platform;
    struct str title = platform_title_first(inquiry->arena, platform);

    why_add_remedy(inquiry, cause, LEVER_WAIT, HARM_NONE, "wait",
                   cause->seconds > 0
                       ? str_printf(inquiry->arena, "%.*s gives the port back in %u s.", STR_ARG(title), cause->seconds)
                       : str_printf(inquiry->arena, "%.*s gives the port back within a few minutes.", STR_ARG(title)));
    add_advice(inquiry, cause, platform->words.lingering_code);
    if (platform->drop.len == 0)
        return;
    struct remedy *drop = why_add_remedy(inquiry, cause, LEVER_SOCKET, HARM_LOW, "do now",
                                         STR("Drops what is left of the closed connections; needs root."));
    // A port that most servers can use is free to them already: it is asked for those that can't.
    drop->command = cause->blocks ? why_free_command(inquiry)
                                  : str_printf(inquiry->arena, "%.*s --bind plain", STR_ARG(why_free_command(inquiry)));
    drop->by_hand = platform_as_admin(inquiry->arena, inquiry->host, why_fill_port(inquiry, platform->drop));
}

static void
allow_privileged(struct inquiry *inquiry, struct cause *cause)
{
    why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_LOW, "allow it",
                   STR("Gives the right to one program, and to no other."))
        ->by_hand = STR("sudo setcap cap_net_bind_service=+ep PROGRAM");
    why_add_remedy(
        inquiry, cause, LEVER_SETTING, HARM_SOME, "or",
        str_printf(inquiry->arena, "Lets every program use ports from %u on, until the next restart.", inquiry->port))
        ->by_hand = str_printf(inquiry->arena, "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%u", inquiry->port);
}

static void
use_own_address(struct inquiry *inquiry, struct cause *cause)
{
    struct address asked = inquiry->wishes[0].address;
    bool ipv4 = asked.family == FAMILY_IPV4 || address_is_mapped(asked, NULL);

    if (address_is_loopback(asked) && inquiry->platform->loopback.len > 0) {
        why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_LOW, "bring up",
                       STR("The loopback device is down: bring it up."))
            ->by_hand = platform_as_admin(inquiry->arena, inquiry->host, inquiry->platform->loopback);
        return;
    }
    why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, "use",
                   ipv4 ? STR("Bind 127.0.0.1, or 0.0.0.0 for every address.")
                        : STR("Bind ::1, or :: for every address."));
}

static void
end_kernel(struct inquiry *inquiry, struct cause *cause)
{
    const struct host *host = inquiry->host;

    if (host->sockets.items[cause->sockets.items[0]].owner_pid == HOST_SYSTEM_PID) {
        why_add_remedy(inquiry, cause, LEVER_SYSTEM, HARM_SOME, "change it",
                       STR("No program can be stopped: use another port, or switch off what the system has it for."));
        return;
    }
    struct remedy *remedy =
        why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_SOME, "change it",
                       STR("No program can be stopped: give the interface or service another port, or remove it."));

    for (size_t i = 0; i < host->kernel_ports.count; i++) {
        const struct kernel_port *port = &host->kernel_ports.items[i];
        const struct platform_value values[] = {{"name", port->name}};
        if (port->port == inquiry->port && port->name.len > 0)
            remedy->by_hand = platform_fill(inquiry->arena, inquiry->platform->link, values, 1);
    }
}

static void
widen_range(struct inquiry *inquiry, struct cause *cause)
{
    why_add_remedy(
        inquiry, cause, LEVER_SETTING, HARM_LOW, "widen it",
        STR("Gives outgoing connections more ports; better still, reuse connections instead of opening new ones."))
        ->by_hand = platform_as_admin(inquiry->arena, inquiry->host, why_fill_port(inquiry, inquiry->platform->widen));
}

// The container that the packets go to is what to stop; a rule of somebody else is only shown, since what it serves can't be
// known.
static void
end_redirect(struct inquiry *inquiry, struct cause *cause)
{
    const struct platform_value values[] = {{"rule", cause->redirect->rule},
                                            {"six", cause->redirect->family == FAMILY_IPV6 ? STR("6") : STR("")}};
    bool nftables = str_equal(cause->redirect->source, STR("nftables"));
    struct str show = nftables ? inquiry->platform->show_nftables : inquiry->platform->show_iptables;

    if (cause->container) {
        stop_container(inquiry, cause);
        return;
    }
    if (show.len == 0)
        return;
    why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, "see it", STR("Shows the rule, and what it belongs to."))
        ->by_hand = platform_as_admin(inquiry->arena, inquiry->host, platform_fill(inquiry->arena, show, values, 2));
}

static void
use_other_port(struct inquiry *inquiry, struct cause *cause)
{
    const struct answer *answer = inquiry->answer;

    if (!cause->blocks || answer->suggest.count == 0)
        return;
    struct remedy *other = why_add_remedy(inquiry, cause, LEVER_OTHER_PORT, HARM_NONE, "or use",
                                          str_printf(inquiry->arena, "Port %u is free.", answer->suggest.items[0]));
    other->port = answer->suggest.items[0];
}

static void
add_known(struct inquiry *inquiry, struct cause *cause)
{
    const struct holder *first = cause->holders.count > 0 ? &cause->holders.items[0] : NULL;
    struct known_cause known = why_known(inquiry, first);

    if (known.command.len == 0)
        return;
    struct remedy *remedy = why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_SOME, "or by", known.advice);
    remedy->by_hand = known.command;
    for (enum harm harm = HARM_NONE; harm <= HARM_HIGH; harm++)
        if (str_equal(known.harm, why_harm_name(harm)))
            remedy->harm = harm;
}

static void
stop_blamed_service(struct inquiry *inquiry, struct cause *cause)
{
    why_stop_service(inquiry, cause, cause->service);
}

static void
look_for_hidden(struct inquiry *inquiry, struct cause *cause)
{
    why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_NONE, "look on",
                   STR("Tells what can't be seen here, and what would help."))
        ->command = STR("moorage doctor");
}

static void
allow_denied(struct inquiry *inquiry, struct cause *cause)
{
    if (inquiry->refusal == REFUSAL_FORBIDDEN)
        why_find_filter(inquiry, cause);
    else
        why_add_remedy(inquiry, cause, LEVER_SETTING, HARM_SOME, "allow it",
                       STR("Run the program outside of that sandbox or unit, or let its policy allow this port."));
}

// What ends a cause of each kind; kinds without one need no end.
static void (*const ends[CAUSE_KIND_COUNT])(struct inquiry *inquiry, struct cause *cause) = {
    [CAUSE_SOCKET_UNIT] = stop_socket_unit, [CAUSE_CONTAINER] = stop_container,
    [CAUSE_SERVICE] = stop_blamed_service,  [CAUSE_HTTP_SYS] = why_end_http,
    [CAUSE_PORTPROXY] = why_end_portproxy,  [CAUSE_RELAY] = why_end_relay,
    [CAUSE_INHERITED] = why_stop_process,   [CAUSE_REUSEPORT_GROUP] = why_stop_process,
    [CAUSE_LISTENER] = why_stop_process,    [CAUSE_BOUND] = why_stop_process,
    [CAUSE_CONNECTION] = end_connection,    [CAUSE_LINGERING] = end_lingering,
    [CAUSE_UNACCEPTED] = end_lingering,     [CAUSE_KERNEL] = end_kernel,
    [CAUSE_HIDDEN] = look_for_hidden,       [CAUSE_EXCLUDED_RANGE] = why_leave_range,
    [CAUSE_PRIVILEGED] = allow_privileged,  [CAUSE_ADDRESS] = use_own_address,
    [CAUSE_DENIED] = allow_denied,          [CAUSE_EXHAUSTED] = widen_range,
    [CAUSE_REDIRECT] = end_redirect,        [CAUSE_DYNAMIC_RANGE] = reserve,
};

// What programs have and does not stand in the way (the address is wrong, the port is shared, a connection stands beside its
// server) needs no end.
static bool
is_beside(const struct cause *cause)
{
    return !cause->blocks && cause->kind <= CAUSE_CONNECTION;
}

void
why_add_remedies(struct inquiry *inquiry, struct cause *cause)
{
    use_other_port(inquiry, cause);
    if (ends[cause->kind] && !is_beside(cause))
        ends[cause->kind](inquiry, cause);
    // What is known of a forwarder helps only while its container is not known, and so it is with what is behind others.
    if (cause->blocks && !cause->container && cause->users.count == 0 && !cause->neighbour)
        add_known(inquiry, cause);
    // Least harm first; equal harm keeps the order above.
    for (size_t i = 1; i < cause->remedies.count; i++) {
        struct remedy moving = cause->remedies.items[i];
        size_t k = i;
        for (; k > 0 && cause->remedies.items[k - 1].harm > moving.harm; k--)
            cause->remedies.items[k] = cause->remedies.items[k - 1];
        cause->remedies.items[k] = moving;
    }
}
