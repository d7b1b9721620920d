#include <string.h>

#include "base/buf.h"
#include "core/container.h"
#include "core/snapshot.h"
#include "core/why_parts.h"
#include "sys/namespace.h"
#include "sys/process.h"

static struct cause *
add(struct inquiry *inquiry, enum cause_kind kind, bool blocks, struct str sentence)
{
    struct cause *cause = why_add_cause(inquiry, kind, blocks);

    cause->sentence = sentence;
    return cause;
}

// A right that is missing has a range that asks for it; without one a policy refuses.
static struct str
denied_by(const struct inquiry *inquiry)
{
    switch (inquiry->refusal) {
    case REFUSAL_BY_RULE:
        return STR("A BPF program on the cgroup of this shell or container refuses it (systemd: SocketBindDeny=).");
    case REFUSAL_NO_RIGHT:
        return why_range(inquiry, RANGE_PRIVILEGED)
                   ? STR("")
                   : STR("Landlock, SELinux or AppArmor refuses it for this program; another one may be allowed.");
    default:
        return STR("");
    }
}

// What forbids a bind on Windows and leaves no trace in any table: a suspicion, and said as such.
static void
find_filtered(struct inquiry *inquiry)
{
    if (inquiry->refusal != REFUSAL_FORBIDDEN || inquiry->answer->verdict != WHY_NOT_ALLOWED)
        return;
    struct cause *cause =
        add(inquiry, CAUSE_DENIED, true,
            str_printf(inquiry->arena, "%.*s forbids this bind (%.*s), and nothing that can be seen explains it",
                       STR_ARG(inquiry->platform->title), STR_ARG(why_error(inquiry))));
    why_note(inquiry, cause,
             STR("No program, no reserved range and no forwarding rule has the port. A filter of a security product "
                 "or a firewall is what remains: that is suspected, not seen."));
    why_note(inquiry, cause,
             str_printf(inquiry->arena, "%.*s has no ports that need an administrator: more rights do not help.",
                        STR_ARG(platform_title_first(inquiry->arena, inquiry->platform))));
}

static void
find_denied(struct inquiry *inquiry)
{
    struct str reason = denied_by(inquiry);

    find_filtered(inquiry);
    if (reason.len == 0)
        return;
    struct cause *cause =
        add(inquiry, CAUSE_DENIED, !inquiry->answer->bindable,
            str_printf(inquiry->arena, "a security policy refuses this bind (%.*s)", STR_ARG(inquiry->result)));
    why_note(inquiry, cause, reason);
}

static void
list_addresses(struct inquiry *inquiry, struct cause *cause)
{
    const struct host *host = inquiry->host;
    struct buf out = {.arena = inquiry->arena};

    for (size_t i = 0; i < host->addresses.count && i < 8; i++) {
        if (i > 0)
            buf_add_c(&out, ", ");
        buf_add(&out, endpoint_address(inquiry->arena, host->addresses.items[i].address));
    }
    if (out.len > 0)
        why_note(inquiry, cause, str_printf(inquiry->arena, "This host has %.*s.", STR_ARG(buf_str(&out))));
}

static void
find_address(struct inquiry *inquiry)
{
    struct err ignored;
    struct address address = inquiry->wishes[0].address;
    struct str text = endpoint_address(inquiry->arena, address);

    if (inquiry->answer->verdict != WHY_NOT_LOCAL)
        return;
    if (inquiry->host->addresses.count == 0)
        (void)snapshot_add(inquiry->arena, &(struct snapshot_ask){.want = SNAPSHOT_ADDRESSES}, inquiry->host, &ignored);
    bool needs_scope = address.family == FAMILY_IPV6 && address_is_link_local(address) && address.scope == 0;
    struct cause *cause = add(
        inquiry, CAUSE_ADDRESS, true,
        needs_scope
            ? str_printf(inquiry->arena, "%.*s is link-local: it means nothing without its interface", STR_ARG(text))
            : str_printf(inquiry->arena, "%.*s is not an address of this host (%.*s); the port is not the problem",
                         STR_ARG(text), STR_ARG(why_error(inquiry))));
    list_addresses(inquiry, cause);
}

static bool
is_explained(const struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->answer->causes.count; i++)
        if (inquiry->answer->causes.items[i].blocks)
            return true;
    return !inquiry->taken;
}

// A port without any socket here may be one that the HTTP server keeps, or belong to the system that shares this one's.
static void
find_beyond(struct inquiry *inquiry)
{
    const struct neighbour_port *port = why_neighbour(inquiry);
    struct cause *cause;

    if (is_explained(inquiry))
        return;
    if (why_http_has_range(inquiry, why_range(inquiry, RANGE_EXCLUDED))) {
        why_say_http(inquiry, why_add_cause(inquiry, CAUSE_HTTP_SYS, true));
    } else if (port) {
        cause = why_add_cause(inquiry, CAUSE_RELAY, true);
        cause->neighbour = port;
        cause->sentence = why_say_relay(inquiry, cause);
    }
}

static void
find_hidden(struct inquiry *inquiry)
{
    if (is_explained(inquiry))
        return;
    struct cause *cause =
        add(inquiry, CAUSE_HIDDEN, true,
            str_printf(inquiry->arena, "%.*s refuses the bind (%.*s), and no socket that can be seen explains it",
                       STR_ARG(inquiry->platform->title), STR_ARG(why_error(inquiry))));
    why_note(inquiry, cause, STR("The tables were read and the bind was tried again for 50 ms."));
    why_note(inquiry, cause, inquiry->platform->words.hidden);
}

// Whether the rule asks for this address as destination.
static bool
asks_for(const struct redirect *rule, struct address address)
{
    unsigned all_bits = rule->matched.family == FAMILY_IPV4 ? 32 : 128;
    unsigned bits = rule->matched_prefix ? rule->matched_prefix : all_bits;

    if (rule->matched.family == FAMILY_NONE)
        return true;
    if (rule->matched.family != address.family)
        return false;
    for (size_t i = 0; i < sizeof address.bytes && bits > 0; i++, bits = bits > 8 ? bits - 8 : 0) {
        uint8_t mask = (uint8_t)(bits >= 8 ? 0xff : 0xff << (8 - bits));
        if ((rule->matched.bytes[i] ^ address.bytes[i]) & mask)
            return false;
    }
    return true;
}

// A server on every address loses what the rule takes from one of this host's addresses; a rule for an address of another
// host takes nothing from it.
static bool
takes_from(const struct inquiry *inquiry, const struct redirect *rule, struct address address)
{
    const struct host *host = inquiry->host;

    if (rule->family != FAMILY_NONE && rule->family != (enum family)address.family)
        return false;
    if (!address_is_any(address) || rule->matched.family == FAMILY_NONE || host->addresses.count == 0)
        return asks_for(rule, address) || address_is_any(address);
    for (size_t i = 0; i < host->addresses.count; i++)
        if (asks_for(rule, host->addresses.items[i].address))
            return true;
    return false;
}

static bool
catches(const struct inquiry *inquiry, const struct redirect *rule)
{
    if (inquiry->port < rule->first || inquiry->port > rule->last ||
        !host_same_ports(rule->protocol, inquiry->question->protocol))
        return false;
    for (size_t i = 0; i < inquiry->wish_count; i++)
        if (takes_from(inquiry, rule, inquiry->wishes[i].address))
            return true;
    return false;
}

// Runtimes that forward by packet rules alone have no program on the port: what they tell is asked for only where a rule
// leads away from this host.
static const struct container *
container_behind(struct inquiry *inquiry, const struct redirect *rule)
{
    struct host *host = inquiry->host;

    if (rule->to.family == FAMILY_NONE)
        return NULL;
    container_find(inquiry->arena, host, inquiry->question->deadline_ms);
    const struct container *container =
        container_by_port(host, inquiry->question->protocol, rule->matched, inquiry->port);
    if (container && container->restart.len == 0)
        (void)container_detail(inquiry->arena, host, (size_t)(container - host->containers.items),
                               inquiry->question->deadline_ms);
    return container;
}

static void
say_redirect(struct inquiry *inquiry, struct cause *cause)
{
    const struct redirect *rule = cause->redirect;
    struct str to = why_redirect_target(inquiry, rule);

    if (inquiry->platform->forwards_by_listening) {
        cause->sentence =
            str_printf(inquiry->arena, "a netsh portproxy rule waits for port %u, to send what comes to %.*s",
                       inquiry->port, STR_ARG(to));
        why_note(
            inquiry, cause,
            str_printf(inquiry->arena, "%.*s. The service iphlpsvc takes the port when it can.", STR_ARG(rule->rule)));
        return;
    }
    cause->sentence = str_printf(inquiry->arena, "a packet rule sends %s for port %u to %.*s",
                                 rule->partial ? "some of what comes" : "what comes", inquiry->port, STR_ARG(to));
    if (cause->container)
        cause->sentence = str_printf(inquiry->arena, "%.*s, container %.*s (%.*s)", STR_ARG(cause->sentence),
                                     STR_ARG(container_title(cause->container)), STR_ARG(cause->container->runtime));
    why_note(inquiry, cause,
             str_printf(inquiry->arena, "%.*s, %.*s. A program here would hear nothing of it%s.", STR_ARG(rule->source),
                        STR_ARG(rule->rule), rule->local_output ? "" : ", except from this host itself"));
}

// A rule that has the port already stands in a cause of its own.
static bool
is_told(const struct inquiry *inquiry, const struct redirect *rule)
{
    for (size_t i = 0; i < inquiry->answer->causes.count; i++)
        if (inquiry->answer->causes.items[i].redirect == rule)
            return true;
    return false;
}

static void
find_redirects(struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;

    for (size_t i = 0; i < host->redirects.count; i++) {
        const struct redirect *rule = &host->redirects.items[i];
        if (!catches(inquiry, rule) || is_told(inquiry, rule))
            continue;
        struct cause *cause = why_add_cause(inquiry, CAUSE_REDIRECT, false);
        cause->redirect = rule;
        cause->container = container_behind(inquiry, rule);
        say_redirect(inquiry, cause);
    }
}

static const struct netns *
namespace_of(const struct host *host, uint64_t id)
{
    for (size_t i = 0; i < host->namespaces.count; i++)
        if (host->namespaces.items[i].id == id)
            return &host->namespaces.items[i];
    return NULL;
}

struct index_list {
    LIST_OF(size_t);
};

// One cause for each namespace: that of the row at `first`, with all rows of the port there.
static void
add_namespace_cause(struct inquiry *inquiry, const struct index_list *rows, size_t first)
{
    const struct host *host = inquiry->host;
    const struct socket_row *socket = &host->sockets.items[rows->items[first]];
    const struct netns *space = namespace_of(host, socket->netns);
    struct cause *cause = why_add_cause(inquiry, CAUSE_OTHER_NAMESPACE, false);

    for (size_t i = first; i < rows->count; i++)
        if (host->sockets.items[rows->items[i]].netns == socket->netns)
            *LIST_ADD(inquiry->arena, &cause->sockets) = rows->items[i];
    holder_find(inquiry->arena, host, cause->sockets.items, cause->sockets.count, &cause->holders);
    struct str name = space && space->name.len
                          ? space->name
                          : str_printf(inquiry->arena, "net:[%llu]", (unsigned long long)socket->netns);
    cause->sentence = str_printf(
        inquiry->arena, "%.*s %s %.*s in another network namespace (%.*s), which does not take the port here",
        STR_ARG(why_who(inquiry, cause)), socket->state == SOCKET_UNCONN ? "receives on" : "listens on",
        STR_ARG(why_where(inquiry, cause)), STR_ARG(name));
}

static bool
is_first_of_namespace(const struct host *host, const struct index_list *rows, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (host->sockets.items[rows->items[i]].netns == host->sockets.items[rows->items[at]].netns)
            return false;
    return true;
}

// Who it is in there is worth a look, but not an error when it can't be seen.
static void
read_namespace_holders(struct inquiry *inquiry, const size_t *sockets, size_t count)
{
    struct host *host = inquiry->host;
    struct err ignored;

    for (size_t i = 0; i < count; i++)
        host->sockets.items[sockets[i]].holders_read = true;
    if (count > 0 && snapshot_add_holders(inquiry->arena, host, sockets, count, PROCESS_ALL, true, OWNER_ALL, &ignored))
        snapshot_add_context(inquiry->arena, host, sockets, count, inquiry->question->deadline_ms);
}

static void
find_namespaces(struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;
    struct index_list unread = {0};
    struct index_list rows = {0};

    for (size_t i = SIZE_MAX; why_next(inquiry, &i);) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->netns == 0 || row->local_port != inquiry->port ||
            !host_same_ports(row->protocol, inquiry->question->protocol) ||
            (row->state != SOCKET_LISTEN && row->state != SOCKET_UNCONN && row->state != SOCKET_BOUND))
            continue;
        *LIST_ADD(inquiry->arena, &rows) = i;
        if (!row->holders_read)
            *LIST_ADD(inquiry->arena, &unread) = i;
    }
    read_namespace_holders(inquiry, unread.items, unread.count);
    for (size_t i = 0; i < rows.count; i++)
        if (is_first_of_namespace(host, &rows, i))
            add_namespace_cause(inquiry, &rows, i);
}

static bool
asks_tcp(const struct inquiry *inquiry)
{
    return host_same_ports(inquiry->question->protocol, PROTOCOL_TCP);
}

// Whether other namespaces need not be read: it is known what there is, or that there is nothing. A range of ports was read at
// once before its first question.
static bool
is_known_elsewhere(const struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;
    return (host->namespaces_known != KNOWN_NOT_ASKED && (host->namespaces_tcp || !asks_tcp(inquiry))) ||
           namespace_has_none(inquiry->arena, inquiry->question->protocol, inquiry->port);
}

// A bind that works and still does not help (nobody answers, another one does) is explained by what is dear to look for,
// so it is looked for only then.
static void
read_dear_facts(struct inquiry *inquiry)
{
    struct err ignored;
    struct snapshot_ask ask = {.first = inquiry->port, .last = inquiry->port, .no_tcp_elsewhere = !asks_tcp(inquiry)};

    if (inquiry->host->redirects_known == KNOWN_NOT_ASKED)
        ask.want |= SNAPSHOT_REDIRECTS;
    if (inquiry->host->addresses.count == 0)
        ask.want |= SNAPSHOT_ADDRESSES;
    if (inquiry->host->wsl.len > 0)
        ask.want |= SNAPSHOT_NEIGHBOURS;
    if (!is_known_elsewhere(inquiry))
        ask.want |= SNAPSHOT_NAMESPACES;
    if (ask.want != 0)
        (void)snapshot_add(inquiry->arena, &ask, inquiry->host, &ignored);
}

// A free port that a program of the system beside this one has too: localhost over there leads to that one.
static void
find_beside(struct inquiry *inquiry)
{
    const struct neighbour_port *port = why_neighbour(inquiry);

    if (!inquiry->answer->bindable || !port)
        return;
    for (size_t i = 0; i < inquiry->answer->causes.count; i++)
        if (inquiry->answer->causes.items[i].neighbour == port)
            return;
    struct cause *cause = add(inquiry, CAUSE_SHARED, false,
                              str_printf(inquiry->arena, "%.*s has %.*s as well: localhost leads to that one there",
                                         STR_ARG(why_neighbour_text(inquiry->arena, port)),
                                         STR_ARG(why_neighbour_where(inquiry->arena, port))));
    cause->neighbour = port;
}

void
why_find_system_causes(struct inquiry *inquiry)
{
    why_find_range_causes(inquiry);
    find_denied(inquiry);
    find_address(inquiry);
    find_beyond(inquiry);
    find_hidden(inquiry);
    if (inquiry->answer->bindable || inquiry->question->all) {
        read_dear_facts(inquiry);
        find_redirects(inquiry);
        find_namespaces(inquiry);
        find_beside(inquiry);
    }
}
