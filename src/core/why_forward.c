#include "core/why_parts.h"

// What has a port for somebody else: port proxies, and relays to the system that shares this one's ports.

// A forwarding rule that waits for what comes to this socket's address.
static const struct redirect *
rule_of(const struct inquiry *inquiry, const struct socket_row *socket)
{
    const struct host *host = inquiry->host;

    for (size_t i = 0; inquiry->platform->forwards_by_listening && i < host->redirects.count; i++) {
        const struct redirect *rule = &host->redirects.items[i];
        bool here = rule->matched.family == FAMILY_NONE || address_is_any(rule->matched) ||
                    address_equal(rule->matched, socket->local);
        if (here && rule->first <= socket->local_port && socket->local_port <= rule->last &&
            host_same_ports(rule->protocol, socket->protocol) &&
            (rule->family == FAMILY_NONE || rule->family == (enum family)socket->local.family))
            return rule;
    }
    return NULL;
}

// The service that serves the rules runs in a process of many: where its name can't be seen, the rule is the better guess.
static bool
may_serve_rules(const struct holder_list *holders)
{
    for (size_t i = 0; i < holders->count; i++) {
        const struct holder *holder = &holders->items[i];
        if (holder->unit.len > 0)
            return str_equal_nocase(holder->unit, STR("iphlpsvc"));
        if (holder->process && !holder_hosts_services(holder))
            return false;
    }
    return true;
}

bool
why_leads_portproxy(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    const struct socket_row *socket = why_socket(inquiry, row);

    return why_serves(socket) && rule_of(inquiry, socket) && may_serve_rules(holders);
}

bool
why_joins_portproxy(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    const struct redirect *rule = rule_of(inquiry, why_socket(inquiry, lead));
    struct holder_list holders;

    why_holders_of(inquiry, row, &holders);
    return why_leads_portproxy(inquiry, row, &holders) && rule_of(inquiry, why_socket(inquiry, row)) == rule;
}

const struct redirect *
why_portproxy_of(const struct inquiry *inquiry, const struct why_row *row)
{
    return rule_of(inquiry, why_socket(inquiry, row));
}

struct str
why_redirect_target(struct inquiry *inquiry, const struct redirect *rule)
{
    uint16_t port = rule->to_port ? rule->to_port : inquiry->port;

    return rule->to.family == FAMILY_NONE ? str_printf(inquiry->arena, "port %u", port)
                                          : address_format_port(inquiry->arena, rule->to, port);
}

struct str
why_say_portproxy(struct inquiry *inquiry, struct cause *cause)
{
    why_note(inquiry, cause,
             str_printf(inquiry->arena, "The rule: %.*s. The service iphlpsvc (IP Helper) listens for all such rules.",
                        STR_ARG(cause->redirect->rule)));
    return str_printf(inquiry->arena, "a netsh portproxy rule sends what comes to %.*s to %.*s",
                      STR_ARG(why_where(inquiry, cause)), STR_ARG(why_redirect_target(inquiry, cause->redirect)));
}

// netsh wants the rule named as it was made: "v4tov4 0.0.0.0:8080 -> 172.20.0.2:80" tells how.
struct str
why_delete_portproxy(struct inquiry *inquiry, const struct redirect *rule)
{
    struct str rest = rule->rule;
    struct str kind = STR("v4tov4");
    struct str listen = STR("*");
    struct str word;

    if (str_word(&rest, &word))
        kind = word;
    if (str_word(&rest, &word))
        listen = str_part(word, 0, str_find_last_byte(word, ':'));
    if (str_starts(listen, STR("[")) && str_ends(listen, STR("]")))
        listen = str_part(listen, 1, listen.len - 2);
    return str_printf(inquiry->arena, "netsh interface portproxy delete %.*s listenport=%u listenaddress=%.*s",
                      STR_ARG(kind), rule->first, STR_ARG(listen));
}

// Whether the asked binds would share the address over there. One that is local to the other system is local here, too.
static bool
is_wanted(const struct inquiry *inquiry, const struct neighbour_port *port)
{
    for (size_t i = 0; i < inquiry->wish_count; i++) {
        struct address wanted = inquiry->wishes[i].address;
        if (address_is_any(wanted) || address_is_any(port->address) || address_equal(wanted, port->address) ||
            (address_is_loopback(wanted) && address_is_loopback(port->address)))
            return true;
    }
    return false;
}

const struct neighbour_port *
why_neighbour(const struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;
    const struct neighbour_port *found = NULL;

    for (size_t i = 0; i < host->neighbour_ports.count; i++) {
        const struct neighbour_port *port = &host->neighbour_ports.items[i];
        if (port->port != inquiry->port || !host_same_ports(port->protocol, inquiry->question->protocol) ||
            !is_wanted(inquiry, port))
            continue;
        // One that is named says more.
        if (!found || (found->name.len == 0 && port->name.len > 0))
            found = port;
    }
    return found;
}

struct str
why_neighbour_text(struct arena *arena, const struct neighbour_port *port)
{
    const char *where = str_starts(port->system, STR("WSL")) ? "in" : "on";
    struct str name = port->name.len > 0 ? port->name : STR("a program");

    if (port->pid == 0)
        return str_printf(arena, "%.*s %s %.*s", STR_ARG(name), where, STR_ARG(port->system));
    return str_printf(arena, "%.*s (pid %u) %s %.*s", STR_ARG(name), port->pid, where, STR_ARG(port->system));
}

const struct neighbour_port *
why_relayed_to(struct inquiry *inquiry, const struct holder_list *holders)
{
    for (size_t i = 0; i < holders->count; i++)
        if (holder_is_program(inquiry->arena, &holders->items[i], "neighbour-relay") ||
            holder_is_program(inquiry->arena, &holders->items[i], "editor"))
            return why_neighbour(inquiry);
    return holders->count == 0 ? why_neighbour(inquiry) : NULL;
}

static void
note_neighbour(struct inquiry *inquiry, struct cause *cause)
{
    const struct neighbour_port *port = cause->neighbour;
    const struct host *host = inquiry->host;

    if (port && str_equal(host->wsl_networking, STR("mirrored")))
        why_note(inquiry, cause,
                 STR("WSL's networking is mirrored here (.wslconfig): Windows and Linux programs share all ports."));
    if (!port && host->neighbours_known == KNOWN_TIMEOUT)
        why_note(inquiry, cause, STR("Which program it stands for could not be asked in time."));
}

struct str
why_neighbour_where(struct arena *arena, const struct neighbour_port *port)
{
    return address_is_any(port->address) ? str_printf(arena, "*:%u", port->port)
                                         : address_format_port(arena, port->address, port->port);
}

// A relay stands for somebody else, so that one is named wherever it is known.
struct str
why_say_relay(struct inquiry *inquiry, struct cause *cause)
{
    const struct neighbour_port *port = cause->neighbour;
    struct arena *arena = inquiry->arena;

    note_neighbour(inquiry, cause);
    if (port && cause->holders.count == 0) {
        return str_printf(arena, "%.*s has %.*s, and both systems share their ports",
                          STR_ARG(why_neighbour_text(arena, port)), STR_ARG(why_neighbour_where(arena, port)));
    }
    struct str who = why_who(inquiry, cause);
    struct str where = why_where(inquiry, cause);
    if (!port)
        return str_printf(arena, "%.*s forwards %.*s to somewhere else", STR_ARG(who), STR_ARG(where));
    bool certain = holder_is_program(arena, &cause->holders.items[0], "neighbour-relay");
    return str_printf(arena, "%.*s forwards %.*s %sto %.*s", STR_ARG(who), STR_ARG(where),
                      certain ? "" : "most likely ", STR_ARG(why_neighbour_text(arena, port)));
}
