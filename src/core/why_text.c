#include "base/buf.h"
#include "core/container.h"
#include "core/holder.h"
#include "core/known.h"
#include "core/why_parts.h"
#include "decode/forwarder.h"

static const struct socket_row *
socket_at(const struct inquiry *inquiry, const struct cause *cause, size_t i)
{
    return &inquiry->host->sockets.items[cause->sockets.items[i]];
}

struct str
why_who(struct inquiry *inquiry, const struct cause *cause)
{
    const struct holder_list *holders = &cause->holders;

    if (holders->count == 0)
        return why_unseen_who(inquiry, cause);
    if (holders->items[0].pid == HOST_SYSTEM_PID)
        return str_printf(inquiry->arena, "%.*s itself", STR_ARG(inquiry->platform->title));
    struct str name = holder_name(inquiry->arena, &holders->items[0]);
    if (holders->count == 1)
        return str_printf(inquiry->arena, "%.*s (pid %u)", STR_ARG(name), holders->items[0].pid);
    return str_printf(inquiry->arena, "%.*s (pid %u and %zu more)", STR_ARG(name), holders->items[0].pid,
                      holders->count - 1);
}

static bool
same_local(const struct socket_row *a, const struct socket_row *b)
{
    return address_equal(a->local, b->local) && a->device == b->device;
}

static struct str
format_local(struct inquiry *inquiry, const struct socket_row *socket)
{
    struct str text = address_is_any(socket->local) && socket->v6only != TRI_YES
                          ? str_printf(inquiry->arena, "*:%u", socket->local_port)
                          : endpoint_address_port(inquiry->arena, socket->local, socket->local_port);

    // A link-local address tells its interface itself.
    if (socket->device_name.len > 0 && socket->local.scope == 0)
        return str_printf(inquiry->arena, "%.*s on %.*s", STR_ARG(text), STR_ARG(socket->device_name));
    return text;
}

struct str
why_where(struct inquiry *inquiry, const struct cause *cause)
{
    struct buf out = {.arena = inquiry->arena};
    struct str_list places = {0};
    bool wildcard = false;

    for (size_t i = 0; i < cause->sockets.count; i++) {
        const struct socket_row *socket = socket_at(inquiry, cause, i);
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = same_local(socket_at(inquiry, cause, k), socket);
        // Connections of a server have its address as their own: only what serves is a place.
        if (seen || (i > 0 && socket->state != SOCKET_LISTEN && socket->state != SOCKET_UNCONN &&
                     socket->state != SOCKET_BOUND))
            continue;
        // 0.0.0.0 and [::] side by side are one place for people.
        if (address_is_any(socket->local) && socket->device == 0) {
            if (wildcard)
                continue;
            wildcard = socket->v6only != TRI_YES;
        }
        *LIST_ADD(inquiry->arena, &places) = format_local(inquiry, socket);
    }
    for (size_t i = 0; i < places.count; i++) {
        if (i > 0)
            buf_add_c(&out, i + 1 == places.count ? " and " : ", ");
        buf_add(&out, places.items[i]);
    }
    return buf_str(&out);
}

static struct str
remote_of(struct inquiry *inquiry, const struct cause *cause)
{
    const struct socket_row *socket = socket_at(inquiry, cause, 0);
    struct str remote = endpoint_address_port(inquiry->arena, socket->remote, socket->remote_port);

    if (cause->sockets.count == 1)
        return remote;
    return str_printf(inquiry->arena, "%.*s and %zu more", STR_ARG(remote), cause->sockets.count - 1);
}

static struct str
say_connection(struct inquiry *inquiry, const struct cause *cause)
{
    const struct socket_row *socket = socket_at(inquiry, cause, 0);
    struct str who = why_who(inquiry, cause);
    struct str remote = remote_of(inquiry, cause);

    if (socket->state == SOCKET_CLOSE_WAIT)
        return str_printf(inquiry->arena,
                          "%.*s still keeps a connection from %.*s on port %u that the other side has closed",
                          STR_ARG(who), STR_ARG(remote), inquiry->port);
    return str_printf(inquiry->arena, "%.*s uses port %u as its own end of a connection with %.*s", STR_ARG(who),
                      inquiry->port, STR_ARG(remote));
}

static struct str
say_lingering(struct inquiry *inquiry, const struct cause *cause)
{
    struct str state = host_state_name(socket_at(inquiry, cause, 0)->state);
    const char *what = cause->sockets.count == 1 ? "a closed connection" : "closed connections";

    if (cause->seconds > 0)
        return str_printf(inquiry->arena, "no program has it: %s still linger%s on port %u (%.*s), for %u s more", what,
                          cause->sockets.count == 1 ? "s" : "", inquiry->port, STR_ARG(state), cause->seconds);
    return str_printf(inquiry->arena, "no program has it: %s still linger%s on port %u (%.*s)", what,
                      cause->sockets.count == 1 ? "s" : "", inquiry->port, STR_ARG(state));
}

static struct str
say_kernel(struct inquiry *inquiry, const struct cause *cause)
{
    const struct host *host = inquiry->host;
    struct str title = inquiry->platform->title;
    struct str where = why_where(inquiry, cause);
    struct known_cause known = known_find(inquiry->question->protocol, inquiry->port, STR("system"));

    for (size_t i = 0; i < host->kernel_ports.count; i++) {
        const struct kernel_port *port = &host->kernel_ports.items[i];
        if (port->port == inquiry->port && host_same_ports(port->protocol, inquiry->question->protocol))
            return str_printf(inquiry->arena, "%.*s itself has %.*s, for %.*s (%.*s)", STR_ARG(title), STR_ARG(where),
                              STR_ARG(port->name), STR_ARG(port->kind));
    }
    if (socket_at(inquiry, cause, 0)->owner_pid == HOST_SYSTEM_PID)
        return str_printf(inquiry->arena, "%.*s itself has %.*s, for %.*s", STR_ARG(title), STR_ARG(where),
                          STR_ARG(known.title.len > 0 ? known.title : STR("one of its drivers")));
    return str_printf(inquiry->arena, "%.*s itself has %.*s; no program has it open", STR_ARG(title), STR_ARG(where));
}

// What the forwarder's own arguments say of its container, for a runtime whose API is silent.
static struct str
say_forwarder(struct inquiry *inquiry, const struct cause *cause)
{
    const struct process *process = cause->holders.count > 0 ? cause->holders.items[0].process : NULL;
    const struct socket_row *socket = socket_at(inquiry, cause, 0);
    const struct forwarded_port *port = NULL;
    struct forwarder forwarder;

    if (process && forwarder_parse(inquiry->arena, &process->command, &forwarder))
        port = forwarder_port(&forwarder, socket->protocol, socket->local, socket->local_port);
    if (!port || port->container_address.family == FAMILY_NONE)
        return str_printf(inquiry->arena, "%.*s forwards %.*s to a container", STR_ARG(why_who(inquiry, cause)),
                          STR_ARG(why_where(inquiry, cause)));
    uint16_t inside = (uint16_t)(port->container_first + (socket->local_port - port->first));
    return str_printf(inquiry->arena, "%.*s forwards %.*s to a container, at %.*s there",
                      STR_ARG(why_who(inquiry, cause)), STR_ARG(why_where(inquiry, cause)),
                      STR_ARG(address_format_port(inquiry->arena, port->container_address, inside)));
}

static struct str
say_container(struct inquiry *inquiry, const struct cause *cause)
{
    const struct container *container = cause->container;

    if (!container)
        return say_forwarder(inquiry, cause);
    struct str name = container_title(container);
    return str_printf(inquiry->arena, "container %.*s (%.*s) publishes %.*s", STR_ARG(name),
                      STR_ARG(container->runtime), STR_ARG(why_where(inquiry, cause)));
}

static struct str
say_socket_unit(struct inquiry *inquiry, const struct cause *cause)
{
    struct str where = why_where(inquiry, cause);

    if (!cause->service)
        return str_printf(inquiry->arena, "the service manager (%.*s) listens on %.*s to start a service on demand",
                          STR_ARG(why_who(inquiry, cause)), STR_ARG(where));
    return str_printf(inquiry->arena, "systemd listens on %.*s for %.*s, to start its service on demand",
                      STR_ARG(where), STR_ARG(cause->service->name));
}

// Linux does not tell who opened a socket; Windows names a process, which may be gone.
static struct str
say_inherited(struct inquiry *inquiry, struct cause *cause)
{
    const struct socket_row *socket = socket_at(inquiry, cause, 0);
    const struct process *process = cause->holders.count > 0 ? cause->holders.items[0].process : NULL;
    struct str who = why_who(inquiry, cause);
    struct str where = why_where(inquiry, cause);

    if (!holder_opener_is_gone(inquiry->host, socket))
        return str_printf(inquiry->arena, "%.*s %s %.*s open, likely left to %s by a program that has ended",
                          STR_ARG(who), cause->holders.count == 1 ? "keeps" : "keep", STR_ARG(where),
                          cause->holders.count == 1 ? "it" : "them");
    if (process && process->ppid == socket->owner_pid)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "Pid %u started it and left it the socket.", socket->owner_pid));
    if (host_process(inquiry->host, socket->owner_pid)->known == KNOWN_YES)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena,
                            "Another program has the number %u now; it has nothing to do with the port.",
                            socket->owner_pid));
    return str_printf(inquiry->arena, "%.*s keeps %.*s open, which pid %u opened, a program that has ended",
                      STR_ARG(who), STR_ARG(where), socket->owner_pid);
}

static struct str
say(struct inquiry *inquiry, struct cause *cause)
{
    struct arena *arena = inquiry->arena;
    struct str who = why_who(inquiry, cause);
    struct str where = why_where(inquiry, cause);
    bool udp = socket_at(inquiry, cause, 0)->state == SOCKET_UNCONN;

    switch (cause->kind) {
    case CAUSE_SOCKET_UNIT:
        return say_socket_unit(inquiry, cause);
    case CAUSE_CONTAINER:
        return say_container(inquiry, cause);
    case CAUSE_PORTPROXY:
        return why_say_portproxy(inquiry, cause);
    case CAUSE_RELAY:
        return why_say_relay(inquiry, cause);
    case CAUSE_SERVICE:
        if (holder_hosts_services(&cause->holders.items[0]))
            return str_printf(arena, "the service %.*s, in %.*s, %s %.*s", STR_ARG(cause->service->name), STR_ARG(who),
                              udp ? "receives on" : "listens on", STR_ARG(where));
        return str_printf(arena, "%.*s (%.*s) %s %.*s", STR_ARG(cause->service->name), STR_ARG(who),
                          udp ? "receives on" : "listens on", STR_ARG(where));
    case CAUSE_INHERITED:
        return say_inherited(inquiry, cause);
    case CAUSE_REUSEPORT_GROUP:
        return str_printf(arena, "%zu sockets share %.*s by SO_REUSEPORT, held by %.*s", cause->sockets.count,
                          STR_ARG(where), STR_ARG(who));
    case CAUSE_KERNEL:
        return say_kernel(inquiry, cause);
    case CAUSE_BOUND:
        return str_printf(arena, "%.*s has bound %.*s but does not listen there, so most tools don't show it",
                          STR_ARG(who), STR_ARG(where));
    case CAUSE_CONNECTION:
        return say_connection(inquiry, cause);
    case CAUSE_LINGERING:
        return say_lingering(inquiry, cause);
    case CAUSE_UNACCEPTED:
        return str_printf(arena, "a connection on port %u that no program has accepted", inquiry->port);
    case CAUSE_SHARED:
        return why_say_shared(inquiry, cause);
    default:
        return str_printf(arena, "%.*s %s %.*s", STR_ARG(who), udp ? "receives on" : "listens on", STR_ARG(where));
    }
}

static void
note_connections(struct inquiry *inquiry, struct cause *cause)
{
    size_t open = 0;
    size_t waiting = 0;

    if (socket_at(inquiry, cause, 0)->state != SOCKET_LISTEN)
        return;
    for (size_t i = 1; i < cause->sockets.count; i++) {
        const struct socket_row *socket = socket_at(inquiry, cause, i);
        if (socket->state == SOCKET_LISTEN)
            continue;
        if (!host_has_owner(socket))
            waiting++;
        else
            open++;
    }
    if (open > 0)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "%zu connection%s to it %s open.", open, open == 1 ? "" : "s",
                            open == 1 ? "is" : "are"));
    if (waiting > 0)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "%zu connection%s to it %s not been accepted yet.", waiting,
                            waiting == 1 ? "" : "s", waiting == 1 ? "has" : "have"));
}

struct known_cause
why_known(struct inquiry *inquiry, const struct holder *holder)
{
    enum protocol protocol = inquiry->question->protocol;
    struct known_cause known = {0};

    // A service says more than the program that many of them run in.
    if (holder && holder->unit.len > 0)
        known = known_find(protocol, inquiry->port, holder->unit);
    if (known.id.len == 0)
        known = known_find(protocol, inquiry->port, holder && holder->process ? holder->process->name : STR(""));
    return known;
}

// How it keeps a socket that it has no common descriptor of, since other tools show nothing there.
static void
note_rare_way(struct inquiry *inquiry, struct cause *cause, const struct holder *holder)
{
    struct str how = holder->how.count > 0 ? holder->how.items[0] : STR("");
    struct str rest = how;
    struct str thread;

    if (str_equal(how, STR("io_uring")))
        why_note(inquiry, cause, STR("It keeps the socket in an io_uring, without a descriptor."));
    if (str_equal(how, STR("mmap")))
        why_note(inquiry, cause, STR("It keeps the socket mapped into its memory, without a descriptor."));
    if (str_equal(how, STR("in-flight")))
        why_note(inquiry, cause,
                 STR("The socket is in a message that waits to be received (SCM_RIGHTS), and this program may receive "
                     "it."));
    if (str_starts(how, STR("thread ")) && str_word(&rest, &thread) && str_word(&rest, &thread))
        why_note(inquiry, cause,
                 str_printf(inquiry->arena,
                            "Its thread %.*s has the socket; the descriptors of its main thread don't show it.",
                            STR_ARG(thread)));
}

static void
note_holders(struct inquiry *inquiry, struct cause *cause)
{
    // Who listens by way of the system says more than what is known of the system.
    if (cause->kind == CAUSE_HTTP_SYS)
        return;
    if (cause->holders.count > 0)
        note_rare_way(inquiry, cause, &cause->holders.items[0]);
    for (size_t i = 0; i < cause->holders.count; i++) {
        const struct holder *holder = &cause->holders.items[i];
        struct known_cause known = why_known(inquiry, holder);
        // Of a forwarder's container more is known than of forwarders as such.
        if (known.advice.len > 0 && i == 0 && !cause->container)
            why_note(inquiry, cause, known.advice);
        if (i == 0)
            for (size_t k = 0; k < holder->warnings.count; k++)
                why_note(inquiry, cause, holder->warnings.items[k]);
    }
    if (cause->holders.count > 0)
        return;
    struct known_cause known = known_find(inquiry->question->protocol, inquiry->port, STR(""));
    if (known.advice.len > 0)
        why_note(inquiry, cause, known.advice);
}

// Whether what is left of connections keeps usual servers out: a bind tells, or what these sockets had set.
static enum tri
lingers_for(const struct inquiry *inquiry, const struct cause *cause)
{
    if (!why_is_untried(inquiry))
        return inquiry->usual_fails ? TRI_YES : TRI_NO;
    enum tri lingers = TRI_NO;
    for (size_t i = 0; i < cause->sockets.count; i++) {
        enum tri reuse = socket_at(inquiry, cause, i)->reuse_addr;
        if (reuse == TRI_NO)
            return TRI_YES;
        lingers = reuse == TRI_UNKNOWN ? TRI_UNKNOWN : lingers;
    }
    return lingers;
}

static void
note_kind(struct inquiry *inquiry, struct cause *cause)
{
    const struct port_range *dynamic = why_range(inquiry, RANGE_DYNAMIC);
    const struct platform_words *words = &inquiry->platform->words;

    if (cause->kind == CAUSE_LINGERING && lingers_for(inquiry, cause) != TRI_UNKNOWN)
        why_note(inquiry, cause,
                 lingers_for(inquiry, cause) == TRI_YES ? words->lingering_blocks : words->lingering_free);
    if (cause->kind == CAUSE_CONNECTION && dynamic)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena,
                            "Port %u is in the range that the system hands out to outgoing connections (%u-%u).",
                            inquiry->port, dynamic->first, dynamic->last));
    if (cause->kind == CAUSE_INHERITED && cause->holders.count > 1)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "%zu programs share this one socket, and what they descend from is gone.",
                            cause->holders.count));
}

// A service that others need, or that shares its process.
static void
note_service(struct inquiry *inquiry, struct cause *cause)
{
    const struct holder *holder = cause->holders.count > 0 ? &cause->holders.items[0] : NULL;
    struct buf out = {.arena = inquiry->arena};

    if (cause->service && cause->service->dependants.len > 0)
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "With it stop the services that need it: %.*s.",
                            STR_ARG(cause->service->dependants)));
    if (cause->service && holder && cause->service->shares_process && !holder_only_service(inquiry->host, holder->pid))
        why_note(inquiry, cause,
                 str_printf(inquiry->arena, "%.*s runs other services too: stop the service, never the process.",
                            STR_ARG(holder_name(inquiry->arena, holder))));
    if (!holder || holder->service || holder->services.count < 2)
        return;
    for (size_t i = 0; i < holder->services.count; i++)
        buf_addf(&out, "%s%.*s", i > 0 ? ", " : "", STR_ARG(holder->services.items[i]->name));
    why_note(inquiry, cause,
             str_printf(inquiry->arena,
                        "It runs these services: %.*s. Which of them has the port only an administrator "
                        "may see.",
                        STR_ARG(buf_str(&out))));
}

void
why_say(struct inquiry *inquiry, struct cause *cause)
{
    if (cause->kind == CAUSE_HTTP_SYS)
        why_say_http(inquiry, cause);
    else
        cause->sentence = say(inquiry, cause);
    if (inquiry->platform->rules->reuse_takes_over && cause->kind != CAUSE_HTTP_SYS)
        why_note_options(inquiry, cause);
    why_note_reuseport(inquiry, cause);
    note_service(inquiry, cause);
    why_note_unseen(inquiry, cause);
    note_connections(inquiry, cause);
    note_kind(inquiry, cause);
    note_holders(inquiry, cause);
}
