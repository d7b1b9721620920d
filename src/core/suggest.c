#include "core/suggest.h"

#include "core/known.h"
#include "sys/bind_probe.h"
#include "sys/socket_table.h"

enum {
    PORT_COUNT = UINT16_MAX + 1,
    MOST_BINDS = 32,
    // 80 -> 8080, 443 -> 8443: where people look first for a port that needs no right.
    PRIVILEGED_OFFSET = 8000,
    PRIVILEGED_END = 1024,
    LOW_DYNAMIC = 5000,
    NEAR = 64, // ports that the system tells at once, at most
    MOST_ROUNDS = 32,
};

// What is looked for, and which ports are out of the question.
struct search {
    struct arena *arena;
    const struct host *host;
    enum protocol protocol;
    bool *refused;  // PORT_COUNT of them
    uint32_t start; // where the search begins
    unsigned binds;
    uint16_t *out;
    size_t wanted;
    size_t found;
};

static void
refuse_ranges(struct search *search)
{
    for (size_t i = 0; i < search->host->ranges.count; i++) {
        const struct port_range *range = &search->host->ranges.items[i];
        if (!range->any_protocol && !host_same_ports(range->protocol, search->protocol))
            continue;
        // One that begins so low leaves no ports beside it.
        if (range->kind == RANGE_DYNAMIC && range->first < LOW_DYNAMIC)
            continue;
        for (uint32_t port = range->first; port <= range->last; port++)
            search->refused[port] = true;
    }
}

// One bind of [::] that takes IPv4 too asks for both families at once.
static bool
is_free(struct search *search, uint16_t port)
{
    struct bind_wish wish = {
        .protocol = search->protocol,
        .address = address_any(search->host->ipv6 ? FAMILY_IPV6 : FAMILY_IPV4),
        .port = port,
        .mode = BIND_PLAIN,
    };
    struct probe probe;

    search->binds++;
    bind_probe(search->arena, &wish, &probe);
    return probe.worked;
}

static bool
is_done(const struct search *search)
{
    return search->found >= search->wanted || search->binds >= MOST_BINDS;
}

static bool
is_refused(const struct search *search, uint16_t port)
{
    return search->refused[port] || known_is_blocked_by_browsers(port) || known_is_default_port(search->protocol, port);
}

static void
consider(struct search *search, uint16_t port)
{
    if (is_refused(search, port) || is_done(search))
        return;
    search->refused[port] = true; // not asked twice
    if (is_free(search, port))
        search->out[search->found++] = port;
}

// What is out of the question before any socket is looked at.
static struct search
search_begin(struct arena *scratch, const struct host *host, enum protocol protocol, uint16_t port, uint16_t *out,
             size_t wanted)
{
    struct search search = {
        .arena = scratch,
        .host = host,
        .protocol = protocol,
        .refused = arena_array(scratch, PORT_COUNT, sizeof(bool)),
        .out = out,
        .wanted = wanted,
        .start = port < PRIVILEGED_END ? port + (uint32_t)PRIVILEGED_OFFSET : port,
    };

    search.refused[0] = true;
    search.refused[port] = true;
    refuse_ranges(&search);
    for (size_t i = 0; i < host->leases.count; i++)
        if (host_same_ports(host->leases.items[i].protocol, protocol))
            search.refused[host->leases.items[i].port] = true;
    return search;
}

size_t
suggest_ports(const struct host *host, enum protocol protocol, uint16_t port, uint16_t *out, size_t wanted)
{
    // A range of many thousand ports asks as often: what is only needed here does not stay.
    struct arena *scratch = arena_open();
    struct search search = search_begin(scratch, host, protocol, port, out, wanted);

    for (size_t i = 0; i < host->sockets.count; i++)
        if (host->sockets.items[i].netns == 0 && host_same_ports(host->sockets.items[i].protocol, protocol))
            search.refused[host->sockets.items[i].local_port] = true;
    for (uint32_t next = search.start; next < PORT_COUNT && !is_done(&search); next++)
        consider(&search, (uint16_t)next);
    for (uint32_t next = search.start; next > 0 && !is_done(&search); next--)
        consider(&search, (uint16_t)next);
    arena_close(scratch);
    return search.found;
}

size_t
suggest_unused(const struct host *host, enum protocol protocol, uint16_t port, uint16_t *out, size_t wanted)
{
    struct arena *scratch = arena_open();
    struct search search = search_begin(scratch, host, protocol, port, out, wanted);
    uint32_t next = search.start;

    for (int i = 0; i < MOST_ROUNDS && !is_done(&search); i++) {
        uint16_t unused[NEAR];
        while (next < PORT_COUNT && is_refused(&search, (uint16_t)next))
            next++;
        size_t count = next < PORT_COUNT ? socket_table_unused(scratch, protocol, (uint16_t)next, unused, NEAR) : 0;
        for (size_t k = 0; k < count; k++)
            consider(&search, unused[k]);
        if (count == 0)
            break;
        next = unused[count - 1] + 1u;
    }
    arena_close(scratch);
    return search.found;
}
