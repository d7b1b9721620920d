#include <stdlib.h>

#include "core/holder.h"
#include "core/lookup.h"
#include "core/why_parts.h"

static bool
has_blocking_row(const struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->rows.count; i++)
        if (inquiry->rows.items[i].role == ROW_BLOCKS)
            return true;
    return false;
}

// Where a row surely blocks, the doubtful ones beside it (connections of the same server, as a rule) can't be blamed.
static bool
row_blocks(const struct inquiry *inquiry, const struct why_row *row)
{
    if (!inquiry->taken || row->role == ROW_APART)
        return false;
    return row->role == ROW_BLOCKS ||
           (inquiry->platform->rules->bound_stops_listen && why_socket(inquiry, row)->state == SOCKET_BOUND) ||
           (why_explains(inquiry, row) && !has_blocking_row(inquiry));
}

static int
compare_pids(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

static struct why_row *
row_of(const struct inquiry *inquiry, const struct lookup *rows, size_t socket)
{
    size_t row = lookup_find(rows, socket);

    return row == SIZE_MAX ? NULL : &inquiry->rows.items[row];
}

static void
index_holders(struct inquiry *inquiry)
{
    const struct host *host = inquiry->host;
    struct arena *scratch = arena_open();
    struct lookup rows = {.arena = scratch};

    for (size_t i = 0; i < inquiry->rows.count; i++)
        lookup_add(&rows, inquiry->rows.items[i].socket, i);
    for (size_t i = 0; i < host->holdings.count; i++) {
        struct why_row *row = row_of(inquiry, &rows, host->holdings.items[i].socket);
        if (row)
            row->pid_count++;
    }
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        struct why_row *row = &inquiry->rows.items[i];
        row->pids = arena_array(inquiry->arena, row->pid_count + 1, sizeof *row->pids);
        row->pid_count = 0;
    }
    for (size_t i = 0; i < host->holdings.count; i++) {
        struct why_row *row = row_of(inquiry, &rows, host->holdings.items[i].socket);
        if (row)
            row->pids[row->pid_count++] = host->holdings.items[i].pid;
    }
    arena_close(scratch);
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        struct why_row *row = &inquiry->rows.items[i];
        size_t unique = 0;
        qsort(row->pids, row->pid_count, sizeof *row->pids, compare_pids);
        for (size_t k = 0; k < row->pid_count; k++)
            if (k == 0 || row->pids[k] != row->pids[k - 1])
                row->pids[unique++] = row->pids[k];
        row->pid_count = unique;
    }
}

static void
claim(struct inquiry *inquiry, struct cause *cause, struct why_row *row)
{
    row->claimed = true;
    *LIST_ADD(inquiry->arena, &cause->sockets) = row->socket;
}

// Connections of a server stand with it: those it has not accepted yet, and those its own processes hold.
static bool
belongs_to_server(const struct inquiry *inquiry, const struct why_row *server, const struct why_row *row)
{
    const struct socket_row *socket = why_socket(inquiry, row);
    const struct socket_row *listener = why_socket(inquiry, server);

    if (listener->state != SOCKET_LISTEN || !why_is_connection(socket) || host_is_left_over(socket) ||
        (!address_is_any(listener->local) && !address_equal(listener->local, socket->local)))
        return false;
    return !host_has_owner(socket) || why_shares_holder(server, row);
}

static void
claim_with(struct inquiry *inquiry, const struct cause_rule *rule, struct why_row *lead)
{
    bool blocks = row_blocks(inquiry, lead);
    struct cause *cause = why_add_cause(inquiry, rule->kind, blocks);

    claim(inquiry, cause, lead);
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        struct why_row *row = &inquiry->rows.items[i];
        if (!row->claimed && row->role != ROW_APART && row_blocks(inquiry, row) == blocks &&
            rule->joins(inquiry, lead, row))
            claim(inquiry, cause, row);
    }
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        struct why_row *row = &inquiry->rows.items[i];
        if (!row->claimed && row->role != ROW_APART && belongs_to_server(inquiry, lead, row))
            claim(inquiry, cause, row);
    }
    holder_find(inquiry->arena, inquiry->host, cause->sockets.items, cause->sockets.count, &cause->holders);
    if (rule->kind == CAUSE_SOCKET_UNIT)
        cause->service = why_socket_unit_of(inquiry, lead);
    if (rule->kind == CAUSE_SERVICE)
        cause->service = why_service_of(&cause->holders);
    if (rule->kind == CAUSE_PORTPROXY)
        cause->redirect = why_portproxy_of(inquiry, lead);
    if (rule->kind == CAUSE_RELAY)
        cause->neighbour = why_relayed_to(inquiry, &cause->holders);
    if (rule->kind == CAUSE_CONTAINER) {
        struct holder_list holders;
        why_holders_of(inquiry, lead, &holders);
        cause->container = why_container_of(inquiry, lead, &holders);
    }
}

// A listener that does not keep the bind from working would share the port with the newcomer.
static enum cause_kind
kind_beside(const struct inquiry *inquiry, const struct cause *cause)
{
    const struct socket_row *first = &inquiry->host->sockets.items[cause->sockets.items[0]];

    return !cause->blocks && inquiry->refusal == REFUSAL_NONE && why_serves(first) ? CAUSE_SHARED : cause->kind;
}

static uint32_t
seconds_left(const struct inquiry *inquiry, const struct cause *cause)
{
    uint32_t longest = 0;

    for (size_t i = 0; i < cause->sockets.count; i++) {
        uint32_t ms = inquiry->host->sockets.items[cause->sockets.items[i]].expires_ms;
        longest = ms > longest ? ms : longest;
    }
    return (longest + 999) / 1000;
}

// A socket on a mapped address serves IPv4, whatever its own family.
static enum family
family_served(struct address address)
{
    return address_is_mapped(address, NULL) ? FAMILY_IPV4 : (enum family)address.family;
}

static void
find_apart(struct inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->rows.count; i++) {
        struct why_row *lead = &inquiry->rows.items[i];
        if (lead->claimed || lead->role != ROW_APART || !why_serves(why_socket(inquiry, lead)) ||
            family_served(why_socket(inquiry, lead)->local) == family_served(inquiry->wishes[0].address))
            continue;
        struct cause *cause = why_add_cause(inquiry, CAUSE_OTHER_FAMILY, false);
        claim(inquiry, cause, lead);
        for (size_t k = i + 1; k < inquiry->rows.count; k++) {
            struct why_row *row = &inquiry->rows.items[k];
            if (!row->claimed && row->role == ROW_APART && why_joins_listener(inquiry, lead, row))
                claim(inquiry, cause, row);
        }
        holder_find(inquiry->arena, inquiry->host, cause->sockets.items, cause->sockets.count, &cause->holders);
        cause->sentence = str_printf(inquiry->arena, "%.*s %s %.*s; a client that tries that address first reaches it",
                                     STR_ARG(why_who(inquiry, cause)),
                                     why_socket(inquiry, lead)->state == SOCKET_UNCONN ? "receives on" : "listens on",
                                     STR_ARG(why_where(inquiry, cause)));
    }
}

void
why_find_socket_causes(struct inquiry *inquiry)
{
    index_holders(inquiry);
    for (size_t rule = 0; rule < why_rule_count; rule++) {
        for (size_t i = 0; i < inquiry->rows.count; i++) {
            struct why_row *row = &inquiry->rows.items[i];
            struct holder_list holders = {0};
            bool server = !why_is_connection(why_socket(inquiry, row));
            if (row->claimed || row->role == ROW_APART || server != why_rules[rule].of_servers)
                continue;
            if (server)
                why_holders_of(inquiry, row, &holders);
            if (why_rules[rule].leads(inquiry, row, &holders))
                claim_with(inquiry, &why_rules[rule], row);
        }
    }
    for (size_t i = 0; i < inquiry->answer->causes.count; i++) {
        struct cause *cause = &inquiry->answer->causes.items[i];
        cause->kind = kind_beside(inquiry, cause);
        if (cause->kind == CAUSE_LINGERING)
            cause->seconds = seconds_left(inquiry, cause);
        why_say(inquiry, cause);
    }
    find_apart(inquiry);
}
