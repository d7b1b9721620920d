#include "base/buf.h"
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

// " --on ADDRESS" where less than every address was asked for: others may serve the port elsewhere, and stay.
static void
add_asked_address(struct inquiry *inquiry, struct buf *out)
{
    const struct why_question *question = inquiry->question;
    const struct endpoint *endpoint = &question->endpoint;
    bool every = endpoint->host == ENDPOINT_EVERY || (endpoint->host == ENDPOINT_ADDRESS && !question->v6only &&
                                                      address_equal(endpoint->address, address_any(FAMILY_IPV6)));

    if (every && endpoint->device.len == 0)
        return;
    buf_add_c(out, " --on ");
    if (endpoint->host == ENDPOINT_LOCALHOST)
        buf_add_c(out, "localhost");
    else if (endpoint->host == ENDPOINT_ADDRESS)
        buf_add(out, endpoint_address(inquiry->arena, endpoint->address));
    if (endpoint->device.len > 0)
        buf_addf(out, "%%%.*s", STR_ARG(endpoint->device));
}

// " --bind HOW" where the way to bind may decide whether the port is taken at all: without it there might be nothing to free.
static void
add_asked_bind(struct inquiry *inquiry, const struct cause *cause, struct buf *out)
{
    enum protocol protocol = inquiry->question->protocol;
    bool decides = cause->kind == CAUSE_LINGERING || cause->kind == CAUSE_CONNECTION || protocol == PROTOCOL_UDP ||
                   protocol == PROTOCOL_UDPLITE;
    // A port that most servers can use is free to them already: it is asked for those that can't.
    enum bind_mode mode = cause->kind == CAUSE_LINGERING && !cause->blocks ? BIND_PLAIN : inquiry->question->mode;
    struct str name = bind_mode_name(mode);

    if (decides && !str_equal(name, bind_mode_name(BIND_USUAL)))
        buf_addf(out, " --bind %.*s", STR_ARG(name));
}

struct str
why_free_command(struct inquiry *inquiry, const struct cause *cause)
{
    struct buf out = {.arena = inquiry->arena};
    enum protocol protocol = inquiry->question->protocol;

    buf_add_c(&out, "moorage free ");
    if (protocol != PROTOCOL_TCP)
        buf_addf(&out, "%.*s/", STR_ARG(host_protocol_name(protocol)));
    buf_addf(&out, "%u", inquiry->port);
    add_asked_address(inquiry, &out);
    add_asked_bind(inquiry, cause, &out);
    return buf_str(&out);
}

// The command of this template for the asked port.
struct str
why_fill_port(struct inquiry *inquiry, struct str template)
{
    const struct platform_value values[] = {{"port", str_printf(inquiry->arena, "%u", inquiry->port)},
                                            {"protocol", host_protocol_name(inquiry->question->protocol)}};

    return platform_fill(inquiry->arena, template, values, 2);
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
    drop->command = why_free_command(inquiry, cause);
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
        why_stop_container(inquiry, cause);
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
    [CAUSE_SOCKET_UNIT] = why_stop_socket_unit,
    [CAUSE_CONTAINER] = why_stop_container,
    [CAUSE_SERVICE] = why_stop_main_service,
    [CAUSE_HTTP_SYS] = why_end_http,
    [CAUSE_PORTPROXY] = why_end_portproxy,
    [CAUSE_RELAY] = why_end_relay,
    [CAUSE_INHERITED] = why_stop_process,
    [CAUSE_REUSEPORT_GROUP] = why_stop_process,
    [CAUSE_LISTENER] = why_stop_process,
    [CAUSE_BOUND] = why_stop_process,
    [CAUSE_CONNECTION] = end_connection,
    [CAUSE_LINGERING] = end_lingering,
    [CAUSE_UNACCEPTED] = end_lingering,
    [CAUSE_KERNEL] = end_kernel,
    [CAUSE_HIDDEN] = look_for_hidden,
    [CAUSE_EXCLUDED_RANGE] = why_leave_range,
    [CAUSE_PRIVILEGED] = allow_privileged,
    [CAUSE_ADDRESS] = use_own_address,
    [CAUSE_DENIED] = allow_denied,
    [CAUSE_EXHAUSTED] = widen_range,
    [CAUSE_REDIRECT] = end_redirect,
    [CAUSE_DYNAMIC_RANGE] = reserve,
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
