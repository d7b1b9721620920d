#include "core/pick_ports.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "core/known.h"
#include "decode/lease_record.h"
#include "sys/entropy.h"

enum {
    // Below are most ports that software is known for; above, on one system or another, dynamic ones.
    BEST_FIRST = 10000,
    BEST_LAST = 32767,
    UNPRIVILEGED = 1024,
};

// The dynamic ranges that systems have unless somebody changed them.
static const struct {
    enum pick_target target;
    uint16_t first;
    uint16_t last;
} abroad[] = {
    {PICK_TARGET_LINUX, 32768, 60999},   // ip_local_port_range (ip-sysctl.rst)
    {PICK_TARGET_WINDOWS, 49152, 65535}, // since Vista
    {PICK_TARGET_MACOS, 49152, 65535},   // net.inet.ip.portrange.first
};

static void
refuse(struct pick_field *field, uint32_t first, uint32_t last, enum pick_refusal why)
{
    for (uint32_t port = first; port <= last; port++)
        if (field->refused[port] == PICK_FINE)
            field->refused[port] = (uint8_t)why;
}

static void
refuse_range(struct pick_field *field, const struct port_range *range)
{
    static const enum pick_refusal refusals[] = {
        [RANGE_DYNAMIC] = PICK_DYNAMIC,
        [RANGE_RESERVED] = PICK_RESERVED,
        [RANGE_PRIVILEGED] = PICK_PRIVILEGED,
        [RANGE_EXCLUDED] = PICK_EXCLUDED,
    };

    refuse(field, range->first, range->last, refusals[range->kind]);
}

struct pick_field *
pick_field_make(struct arena *arena, const struct host *host, const struct pick_wish *wish)
{
    struct pick_field *field = arena_alloc(arena, sizeof *field);
    bool told = false; // the dynamic range

    field->refused[0] = PICK_OUTSIDE;
    if (wish->last && wish->first > 1)
        refuse(field, 1, wish->first - 1u, PICK_OUTSIDE);
    if (wish->last && wish->last < UINT16_MAX)
        refuse(field, wish->last + 1u, UINT16_MAX, PICK_OUTSIDE);
    refuse(field, 1, UNPRIVILEGED - 1, PICK_PRIVILEGED);
    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        if (!range->any_protocol && !host_same_ports(range->protocol, wish->lease.protocol))
            continue;
        refuse_range(field, range);
        told = told || range->kind == RANGE_DYNAMIC;
    }
    for (size_t i = 0; i < sizeof abroad / sizeof *abroad; i++)
        if (!told || wish->targets & (unsigned)abroad[i].target)
            refuse(field, abroad[i].first, abroad[i].last, PICK_ABROAD);
    return field;
}

void
pick_refuse_rows(struct pick_field *field, const struct host *host, enum protocol protocol)
{
    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->netns == 0 && host_same_ports(row->protocol, protocol))
            refuse(field, row->local_port, row->local_port, PICK_IN_USE);
    }
}

void
pick_refuse_kept(struct pick_field *field, struct lease_set *set, enum protocol protocol)
{
    bool kept[LEASE_PORTS] = {false};

    lease_mark(set, protocol, kept);
    for (uint32_t port = 1; port < LEASE_PORTS; port++)
        if (kept[port])
            refuse(field, port, port, PICK_KEPT);
}

static void
add_pool(struct pick_walk *walk, uint32_t first, uint32_t last, const struct pick_wish *wish)
{
    uint32_t from = wish->last && wish->first > first ? wish->first : first;
    uint32_t to = wish->last && wish->last < last ? wish->last : last;

    if (from > to)
        return;
    assert(walk->pool_count < sizeof walk->pools / sizeof *walk->pools);
    walk->pools[walk->pool_count].first = (uint16_t)from;
    walk->pools[walk->pool_count++].last = (uint16_t)to;
}

static uint32_t
pool_size(const struct pick_walk *walk)
{
    return walk->pools[walk->pool].last - walk->pools[walk->pool].first + 1u;
}

// A pool begins at a block of ten as people count (21340), unless it is smaller than that.
static void
enter_pool(struct pick_walk *walk)
{
    uint32_t size = pool_size(walk);
    uint32_t first = walk->pools[walk->pool].first;
    uint32_t lead = (PICK_BLOCK - first % PICK_BLOCK) % PICK_BLOCK;
    uint32_t blocks = size > lead ? (size - lead) / PICK_BLOCK : 0;

    walk->done = 0;
    walk->start = blocks ? lead + walk->seed % blocks * PICK_BLOCK : walk->seed % size;
}

// Nobody's ports begin anywhere, so that a book that was lost does not give the same again; those of a name always where its
// hash leads.
void
pick_walk_begin(struct pick_walk *walk, const struct pick_wish *wish)
{
    *walk = (struct pick_walk){.beside = wish->beside};
    if (wish->lease.name.len)
        walk->seed = (uint32_t)(lease_record_key(wish->lease.project, wish->lease.name) >> 16);
    else
        entropy_fill(&walk->seed, sizeof walk->seed);
    add_pool(walk, BEST_FIRST, BEST_LAST, wish);
    add_pool(walk, BEST_LAST + 1, UINT16_MAX, wish);
    add_pool(walk, UNPRIVILEGED, BEST_FIRST - 1, wish);
    if (walk->pool_count)
        enter_pool(walk);
}

static bool
suits(struct pick_field *field, enum protocol protocol, uint32_t port)
{
    if (field->refused[port] != PICK_FINE)
        return false;
    if (known_is_blocked_by_browsers((uint16_t)port))
        field->refused[port] = PICK_BROWSERS;
    else if (known_is_default_port(protocol, (uint16_t)port))
        field->refused[port] = PICK_DEFAULT;
    return field->refused[port] == PICK_FINE;
}

// Up from the port, then down from it.
static bool
next_beside(struct pick_walk *walk, struct pick_field *field, enum protocol protocol, uint16_t *port)
{
    uint32_t above = LEASE_PORTS - (uint32_t)walk->beside;

    for (; walk->done < LEASE_PORTS - 1u; walk->done++) {
        uint32_t at = walk->done < above ? walk->beside + walk->done : LEASE_PORTS - 1u - walk->done;
        if (!suits(field, protocol, at))
            continue;
        walk->done++;
        *port = (uint16_t)at;
        return true;
    }
    return false;
}

bool
pick_walk_next(struct pick_walk *walk, struct pick_field *field, enum protocol protocol, uint16_t *port)
{
    if (walk->beside)
        return next_beside(walk, field, protocol, port);
    while (walk->pool < walk->pool_count) {
        while (walk->done < pool_size(walk)) {
            uint32_t offset = (walk->start + walk->done++) % pool_size(walk);
            uint32_t at = walk->pools[walk->pool].first + offset;
            if (!suits(field, protocol, at))
                continue;
            *port = (uint16_t)at;
            return true;
        }
        if (++walk->pool < walk->pool_count)
            enter_pool(walk);
    }
    return false;
}

struct str
pick_say_none(struct arena *arena, const struct pick_wish *wish, const struct pick_field *field)
{
    static const char *const words[PICK_REFUSALS] = {
        [PICK_PRIVILEGED] = "need a right",
        [PICK_DYNAMIC] = "are dynamic (any client may be given them)",
        [PICK_ABROAD] = "are dynamic on a system they are wanted for",
        [PICK_RESERVED] = "are reserved",
        [PICK_EXCLUDED] = "are excluded by the system",
        [PICK_BROWSERS] = "are refused by browsers",
        [PICK_DEFAULT] = "are what well-known software takes",
        [PICK_IN_USE] = "are in use",
        [PICK_KEPT] = "are kept by leases",
        [PICK_UNBINDABLE] = "could not be bound",
    };
    unsigned counts[PICK_REFUSALS] = {0};
    struct buf out = {.arena = arena};

    for (uint32_t port = 1; port < LEASE_PORTS; port++)
        counts[field->refused[port]]++;
    if (wish->last)
        buf_addf(&out, "no port of %u-%u is free and wise to use", wish->first, wish->last);
    else
        buf_add_c(&out, "no port is left that is free and wise to use");
    const char *glue = ": ";
    for (size_t i = 0; i < PICK_REFUSALS; i++) {
        if (!words[i] || counts[i] == 0)
            continue;
        buf_addf(&out, "%s%u %s", glue, counts[i], words[i]);
        glue = ", ";
        if (i == PICK_UNBINDABLE)
            buf_addf(&out, " (%.*s)", STR_ARG(field->result));
    }
    return buf_str(&out);
}
