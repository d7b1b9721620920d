#include "core/pick.h"

#include <string.h>

#include "base/buf.h"
#include "core/known.h"
#include "core/pick_ports.h"
#include "decode/lease_record.h"
#include "sys/bind_probe.h"
#include "sys/entropy.h"
#include "sys/net.h"
#include "sys/reserved.h"
#include "sys/socket_table.h"

enum {
    REOPENED_MOST = 3, // times that the book may be taken away while a port is picked
};

// Looking for ports for one wish.
struct picking {
    struct arena *arena;
    const struct host *host;
    const struct pick_wish *wish;
    struct lease_set *set; // NULL: nothing is written down
    struct pick_field *field;
    struct pick_result *out;
    unsigned failed; // binds
};

bool
pick_read_host(struct arena *arena, struct host *host, struct err *err)
{
    struct err ignored = {0};

    *host = (struct host){0};
    // Where the system does not tell its ranges, those that systems usually have are kept out of.
    (void)reserved_read(arena, host, &ignored);
    return net_read_addresses(arena, host, err);
}

bool
pick_is_free(struct arena *arena, const struct host *host, enum protocol protocol, uint16_t port, struct str *result)
{
    struct probe probe = {0};
    bool any = false;

    // IPv4 first; then IPv6 alone, so that a socket that takes both is met by either. A host may lack a family.
    for (int i = 0; i <= (host->ipv6 ? 1 : 0); i++) {
        struct bind_wish wish = {
            .protocol = protocol,
            .address = address_any(i ? FAMILY_IPV6 : FAMILY_IPV4),
            .port = port,
            .v6only = i > 0,
            .mode = BIND_EXCLUSIVE,
        };
        bind_probe(arena, &wish, &probe);
        any = any || probe.worked;
        if (!probe.worked && !str_equal(probe.result, STR("unsupported")))
            break;
    }
    bool lacking = str_equal(probe.result, STR("unsupported"));
    if (result)
        *result = any && lacking ? STR("ok") : probe.result;
    return any && (probe.worked || lacking);
}

// A table of thousands of sockets costs more than some binds that fail: it is worth its price once these have shown that the
// place is crowded. From then on nothing is tried that it knows.
static bool
read_rows(struct picking *picking, struct err *err)
{
    struct host all = {0};
    enum protocol protocol = picking->wish->lease.protocol;
    struct socket_query query = {
        .protocols = host_port_sharers(protocol),
        .states = SOCKET_STATES_ALL,
        .last = UINT16_MAX,
    };

    if (!socket_table_read(picking->arena, &query, &all, err))
        return false;
    pick_refuse_rows(picking->field, &all, protocol);
    return true;
}

enum trial {
    TRIAL_GOOD,
    TRIAL_NEXT,
    TRIAL_FAILED,
};

// One candidate: bound for a moment, then kept.
static enum trial
try_port(struct picking *picking, const struct lease_wish *wish, uint16_t port, struct err *err)
{
    struct str result;
    struct lease lease = {.protocol = wish->protocol, .port = port, .ttl_ms = wish->ttl_ms, .name = wish->name};

    if (!pick_is_free(picking->arena, picking->host, wish->protocol, port, &result)) {
        picking->field->refused[port] = PICK_UNBINDABLE;
        picking->field->result = result;
        picking->failed++;
        if (picking->failed == PICK_TRIALS && !read_rows(picking, err))
            return TRIAL_FAILED;
        return TRIAL_NEXT;
    }
    if (picking->set && !lease_grant(picking->set, wish, port, &lease, err))
        return TRIAL_FAILED;
    picking->field->refused[port] = PICK_KEPT;
    *LIST_ADD(picking->arena, &picking->out->leases) = lease;
    return TRIAL_GOOD;
}

static enum trial
choose(struct picking *picking, const struct lease_wish *wish, struct err *err)
{
    struct pick_walk walk;
    uint16_t port;

    pick_walk_begin(&walk, picking->wish);
    while (picking->failed < PICK_BINDS && pick_walk_next(&walk, picking->field, wish->protocol, &port)) {
        enum trial trial = try_port(picking, wish, port, err);
        if (trial != TRIAL_NEXT)
            return trial;
        // Taken ports lie side by side: while there is no table to tell them, the search goes on elsewhere.
        if (picking->failed < PICK_TRIALS && wish->name.len == 0)
            pick_walk_begin(&walk, picking->wish);
    }
    return TRIAL_NEXT;
}

// What the name has already. Whether its port can be bound still is asked anew each time.
static bool
take_back(struct picking *picking, const struct lease_wish *wish, const struct lease *had, enum pick_outcome *outcome,
          struct err *err)
{
    const struct pick_wish *asked = picking->wish;
    struct pick_result *out = picking->out;
    struct lease lease = *had;

    out->held = *had;
    bool other_process = had->pid && had->pid != wish->pid;
    if (other_process && (wish->pid || !(wish->lasting || had->lasting))) {
        *outcome = PICK_BUSY;
        return true;
    }
    if ((asked->port && asked->port != had->port) ||
        (asked->last && (had->port < asked->first || had->port > asked->last))) {
        *outcome = PICK_NONE;
        out->sentence = str_printf(picking->arena, "%.*s has port %u already; moorage lease release %.*s ends that",
                                   STR_ARG(wish->name), had->port, STR_ARG(wish->name));
        return true;
    }
    if (!pick_is_free(picking->arena, picking->host, wish->protocol, had->port, NULL)) {
        *outcome = PICK_TAKEN;
        return true;
    }
    // A lasting promise that stands is not given anew: whoever has its token keeps it.
    bool stands = had->lasting && !had->damaged && !wish->pid;
    if (!stands && !lease_grant(picking->set, wish, had->port, &lease, err))
        return false;
    out->already = true;
    picking->field->refused[had->port] = PICK_KEPT;
    *LIST_ADD(picking->arena, &out->leases) = lease;
    *outcome = PICK_DONE;
    return true;
}

static bool
take_asked(struct picking *picking, const struct lease_wish *wish, enum pick_outcome *outcome, struct err *err)
{
    uint16_t port = picking->wish->port;
    struct pick_result *out = picking->out;

    out->held = (struct lease){.protocol = wish->protocol, .port = port};
    if (picking->set && lease_at(picking->set, wish->protocol, port, &out->held)) {
        *outcome = PICK_FOREIGN;
        return true;
    }
    switch (try_port(picking, wish, port, err)) {
    case TRIAL_GOOD:
        *outcome = PICK_DONE;
        return true;
    case TRIAL_NEXT:
        *outcome = PICK_TAKEN;
        return true;
    case TRIAL_FAILED:
        break;
    }
    return false;
}

// The port for one name, or for nobody.
static bool
take_one(struct picking *picking, const struct lease_wish *wish, enum pick_outcome *outcome, struct err *err)
{
    struct lease had;

    if (picking->set && wish->name.len && lease_find(picking->set, wish->protocol, wish->project, wish->name, &had))
        return take_back(picking, wish, &had, outcome, err);
    if (picking->wish->port)
        return take_asked(picking, wish, outcome, err);
    switch (choose(picking, wish, err)) {
    case TRIAL_GOOD:
        *outcome = PICK_DONE;
        return true;
    case TRIAL_NEXT:
        *outcome = PICK_NONE;
        picking->out->sentence = pick_say_none(picking->arena, picking->wish, picking->field);
        return true;
    case TRIAL_FAILED:
        break;
    }
    return false;
}

// All or nothing: who asked for three ports has no use for two.
static void
give_back(struct picking *picking)
{
    for (size_t i = 0; picking->set && i < picking->out->leases.count && !picking->out->already; i++)
        (void)lease_release(picking->set, &picking->out->leases.items[i], NULL);
    picking->out->leases.count = 0;
}

static bool
take_all(struct picking *picking, enum pick_outcome *outcome, struct err *err)
{
    const struct pick_wish *wish = picking->wish;
    size_t count = wish->count ? wish->count : 1;

    *outcome = PICK_DONE;
    for (size_t i = 0; i < count; i++) {
        struct lease_wish one = wish->lease;
        if (i > 0 && one.name.len)
            one.name = str_printf(picking->arena, "%.*s-%zu", STR_ARG(wish->lease.name), i + 1);
        bool good = take_one(picking, &one, outcome, err);
        if (good && *outcome == PICK_DONE)
            continue;
        give_back(picking);
        return good;
    }
    return true;
}

static bool
pick_once(struct arena *arena, const struct host *host, const struct pick_wish *wish, enum pick_outcome *outcome,
          struct pick_result *out, struct err *err)
{
    struct picking picking = {.arena = arena, .host = host, .wish = wish, .out = out};
    bool good = false;
    struct err why = {0};

    *out = (struct pick_result){0};
    picking.field = pick_field_make(arena, host, wish);
    if (lease_open(arena, LEASE_WRITE, &picking.set, &why)) {
        pick_refuse_kept(picking.field, picking.set, wish->lease.protocol);
    } else {
        lease_close(picking.set);
        picking.set = NULL;
        // Somebody who keeps the book locked is no reason to hand out what may be promised.
        if (!wish->unkept || why.kind == ERR_TIMEOUT) {
            if (err)
                *err = why;
            goto out;
        }
        out->not_kept = str_copy(arena, str_of(why.text));
    }
    good = take_all(&picking, outcome, err);
out:
    lease_close(picking.set);
    return good;
}

bool
pick_ports(struct arena *arena, const struct host *host, const struct pick_wish *wish, enum pick_outcome *outcome,
           struct pick_result *out, struct err *err)
{
    struct err why = {0};

    for (int i = 0; i < REOPENED_MOST; i++) {
        why = (struct err){0};
        if (pick_once(arena, host, wish, outcome, out, &why))
            return true;
        // The folder of the book was taken away in between; a process that has ended stays ended.
        if (why.kind != ERR_GONE)
            break;
    }
    if (err)
        *err = why;
    return false;
}
