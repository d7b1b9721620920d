#include <string.h>

#include "core/container.h"
#include "core/holder.h"
#include "core/known.h"
#include "core/why_parts.h"

// Waits for packets or connections of others.
bool
why_serves(const struct socket_row *socket)
{
    return socket->state == SOCKET_LISTEN || socket->state == SOCKET_UNCONN;
}

bool
why_is_connection(const struct socket_row *socket)
{
    return !why_serves(socket) && socket->state != SOCKET_BOUND;
}

static bool
same_holders(const struct why_row *a, const struct why_row *b)
{
    return a->pid_count == b->pid_count && memcmp(a->pids, b->pids, a->pid_count * sizeof *a->pids) == 0;
}

bool
why_shares_holder(const struct why_row *a, const struct why_row *b)
{
    for (size_t i = 0; i < a->pid_count; i++)
        for (size_t k = 0; k < b->pid_count; k++)
            if (a->pids[i] == b->pids[k])
                return true;
    return false;
}

static bool
same_endpoint(const struct socket_row *a, const struct socket_row *b)
{
    return a->local_port == b->local_port && a->device == b->device && address_equal(a->local, b->local);
}

void
why_holders_of(const struct inquiry *inquiry, const struct why_row *row, struct holder_list *out)
{
    *out = (struct holder_list){0};
    holder_find(inquiry->arena, inquiry->host, &row->socket, 1, out);
}

static bool
is_manager(const struct holder *holder)
{
    return holder->process && known_is("socket-activator", holder->process->name);
}

// socket-unit: the service manager itself holds the socket for a unit that it starts on demand.
static bool
leads_socket_unit(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    (void)inquiry;
    (void)row;
    for (size_t i = 0; i < holders->count; i++)
        if (is_manager(&holders->items[i]))
            return true;
    return false;
}

// The .socket unit that listens on this port, as far as the manager told.
const struct service *
why_socket_unit_of(const struct inquiry *inquiry, const struct why_row *row)
{
    const struct host *host = inquiry->host;
    struct str wanted = address_format_port(inquiry->arena, why_socket(inquiry, row)->local, inquiry->port);
    struct str port = str_printf(inquiry->arena, ":%u", inquiry->port);
    const struct service *second_best = NULL;

    for (size_t i = 0; i < host->services.count; i++) {
        const struct service *service = &host->services.items[i];
        struct str rest = service->listens;
        struct str listens;
        while (service->is_socket && str_word(&rest, &listens)) {
            if (str_equal(listens, wanted))
                return service;
            if (str_ends(listens, port))
                second_best = service;
        }
    }
    return second_best;
}

static bool
joins_same_unit(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    return why_shares_holder(lead, row) && why_socket_unit_of(inquiry, lead) == why_socket_unit_of(inquiry, row);
}

// container: a runtime's forwarder holds the socket; where it can't be looked into, the runtime's own word that it
// publishes this port stands for it.
const struct container *
why_container_of(const struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    const struct socket_row *socket = why_socket(inquiry, row);

    for (size_t i = 0; i < holders->count; i++)
        if (holders->items[i].forwards)
            return holders->items[i].forwards;
    if (holders->count == 0)
        return container_by_port(inquiry->host, socket->protocol, socket->local, socket->local_port);
    return NULL;
}

static bool
leads_container(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    if (!why_serves(why_socket(inquiry, row)))
        return false;
    for (size_t i = 0; i < holders->count; i++)
        if (holders->items[i].is_forwarder)
            return true;
    return why_container_of(inquiry, row, holders) != NULL;
}

static bool
joins_same_container(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    struct holder_list lead_holders;
    struct holder_list holders;

    if (!why_serves(why_socket(inquiry, row)))
        return false;
    why_holders_of(inquiry, lead, &lead_holders);
    why_holders_of(inquiry, row, &holders);
    const struct container *container = why_container_of(inquiry, lead, &lead_holders);
    return container ? why_container_of(inquiry, row, &holders) == container : same_holders(lead, row);
}

static bool
leads_relay(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    if (!why_serves(why_socket(inquiry, row)))
        return false;
    for (size_t i = 0; i < holders->count; i++)
        if (holder_is_program(inquiry->arena, &holders->items[i], "relay"))
            return true;
    // A row that names nobody stands for a program of the other system.
    return holders->count == 0 && !host_has_owner(why_socket(inquiry, row)) && why_neighbour(inquiry);
}

static bool
joins_same_holders(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    return why_serves(why_socket(inquiry, lead)) == why_serves(why_socket(inquiry, row)) && same_holders(lead, row) &&
           (lead->pid_count > 0 || why_neighbour(inquiry));
}

// service: the unit's main process has the socket, so stopping the unit is the lever.
const struct service *
why_service_of(const struct holder_list *holders)
{
    for (size_t i = 0; i < holders->count; i++) {
        const struct service *service = holders->items[i].service;
        if (service && service->main_pid != 0 && service->main_pid == holders->items[i].pid)
            return service;
    }
    return NULL;
}

static bool
leads_service(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    return why_serves(why_socket(inquiry, row)) && why_service_of(holders) != NULL;
}

static bool
joins_same_service(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    struct holder_list lead_holders;
    struct holder_list holders;

    if (!why_serves(why_socket(inquiry, row)))
        return false;
    why_holders_of(inquiry, lead, &lead_holders);
    why_holders_of(inquiry, row, &holders);
    return why_service_of(&lead_holders) == why_service_of(&holders);
}

// inherited: the process that opened the socket is gone. Processes that share one socket and have no living common ancestor
// among them got it from one that is gone; so did a program that never opens one. A lone orphan that runs its dead parent's
// program and is no session leader (daemons are) is the same with less certainty.
static bool
leads_inherited(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    size_t tops = 0;
    size_t orphans = 0;
    bool all_never_listen = holders->count > 0;
    const struct process *top = NULL;

    if (!why_serves(why_socket(inquiry, row)) && why_socket(inquiry, row)->state != SOCKET_BOUND)
        return false;
    if (holder_opener_is_gone(inquiry->host, why_socket(inquiry, row)))
        return true;
    for (size_t i = 0; i < holders->count; i++) {
        const struct holder *holder = &holders->items[i];
        if (!holder->process)
            return false;
        if (!known_is("never-listens", holder->process->name))
            all_never_listen = false;
        if (holder_is_below(holder, holders))
            continue;
        tops++;
        orphans += holder->orphan;
        top = holder->process;
    }
    if (all_never_listen)
        return true;
    if (tops >= 2)
        return orphans == tops;
    return tops == 1 && orphans == 1 && top->forked_no_exec && top->sid != 0 && top->sid != top->pid;
}

static bool
leads_reuseport_group(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    const struct socket_row *socket = why_socket(inquiry, row);

    (void)holders;
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        const struct socket_row *other = why_socket(inquiry, &inquiry->rows.items[i]);
        if (other != socket && socket->state == SOCKET_LISTEN && other->state == SOCKET_LISTEN &&
            same_endpoint(socket, other))
            return true;
    }
    return false;
}

static bool
joins_reuseport_group(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    const struct socket_row *socket = why_socket(inquiry, row);

    return socket->state == SOCKET_LISTEN &&
           (same_endpoint(socket, why_socket(inquiry, lead)) ||
            (why_shares_holder(lead, row) && leads_reuseport_group(inquiry, row, NULL)));
}

static const struct kernel_port *
kernel_port_of(const struct inquiry *inquiry, const struct socket_row *socket)
{
    const struct host *host = inquiry->host;

    for (size_t i = 0; i < host->kernel_ports.count; i++) {
        const struct kernel_port *port = &host->kernel_ports.items[i];
        if (port->port == socket->local_port && host_same_ports(port->protocol, socket->protocol))
            return port;
    }
    return NULL;
}

// kernel: a file that no process has although every process could be looked into.
static bool
leads_kernel(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    const struct socket_row *socket = why_socket(inquiry, row);

    if (socket->owner_pid == HOST_SYSTEM_PID)
        return why_serves(socket);
    if (holders->count > 0 || !why_serves(socket))
        return false;
    // A user's socket without a visible descriptor is one in a system call of a thread (a file closed while another thread
    // waits in accept), never the kernel's.
    bool of_root = !socket->uid_known || socket->uid == 0;
    return kernel_port_of(inquiry, socket) || (socket->inode != 0 && of_root && inquiry->host->complete) ||
           (!host_has_owner(socket) && socket->state == SOCKET_LISTEN);
}

static bool
joins_kernel(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    (void)lead;
    return (row->pid_count == 0 || why_socket(inquiry, row)->owner_pid == HOST_SYSTEM_PID) &&
           leads_kernel(inquiry, row, &(struct holder_list){0});
}

static bool
leads_listener(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    (void)holders;
    return why_serves(why_socket(inquiry, row));
}

bool
why_joins_listener(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    const struct socket_row *a = why_socket(inquiry, lead);
    const struct socket_row *b = why_socket(inquiry, row);

    return why_serves(b) && same_holders(lead, row) && (lead->pid_count > 0 || a->uid == b->uid);
}

static bool
leads_bound(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    (void)holders;
    return why_socket(inquiry, row)->state == SOCKET_BOUND;
}

static bool
joins_bound(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    return why_socket(inquiry, row)->state == SOCKET_BOUND && same_holders(lead, row);
}

static bool
leads_connection(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    (void)holders;
    return why_is_connection(why_socket(inquiry, row)) && host_has_owner(why_socket(inquiry, row));
}

static bool
joins_connection(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    return leads_connection(inquiry, row, NULL) && same_holders(lead, row);
}

static bool
leads_lingering(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    (void)holders;
    return host_is_left_over(why_socket(inquiry, row));
}

static bool
joins_lingering(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    (void)lead;
    return host_is_left_over(why_socket(inquiry, row));
}

static bool
leads_unaccepted(struct inquiry *inquiry, const struct why_row *row, const struct holder_list *holders)
{
    (void)holders;
    return why_is_connection(why_socket(inquiry, row)) && !host_has_owner(why_socket(inquiry, row));
}

static bool
joins_unaccepted(struct inquiry *inquiry, const struct why_row *lead, const struct why_row *row)
{
    (void)lead;
    return leads_unaccepted(inquiry, row, NULL);
}

// In the contract's precedence: the first rule that a row leads to claims it, and what joins it.
const struct cause_rule why_rules[] = {
    {CAUSE_SOCKET_UNIT, true, leads_socket_unit, joins_same_unit},
    {CAUSE_HTTP_SYS, true, why_leads_http, why_joins_http},
    {CAUSE_PORTPROXY, true, why_leads_portproxy, why_joins_portproxy},
    {CAUSE_CONTAINER, true, leads_container, joins_same_container},
    {CAUSE_RELAY, true, leads_relay, joins_same_holders},
    {CAUSE_SERVICE, true, leads_service, joins_same_service},
    {CAUSE_INHERITED, true, leads_inherited, joins_same_holders},
    {CAUSE_REUSEPORT_GROUP, true, leads_reuseport_group, joins_reuseport_group},
    {CAUSE_KERNEL, true, leads_kernel, joins_kernel},
    {CAUSE_LISTENER, true, leads_listener, why_joins_listener},
    {CAUSE_BOUND, true, leads_bound, joins_bound},
    {CAUSE_CONNECTION, false, leads_connection, joins_connection},
    {CAUSE_LINGERING, false, leads_lingering, joins_lingering},
    {CAUSE_UNACCEPTED, false, leads_unaccepted, joins_unaccepted},
};

const size_t why_rule_count = sizeof why_rules / sizeof *why_rules;
