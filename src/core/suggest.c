#include "core/suggest.h"

#include "core/known.h"
#include "sys/bind_probe.h"

enum {
    PORT_COUNT = UINT16_MAX + 1,
    MOST_BINDS = 32,
    // 80 -> 8080, 443 -> 8443: where people look first for a port that needs no right.
    PRIVILEGED_OFFSET = 8000,
    PRIVILEGED_END = 1024,
    LOW_DYNAMIC = 5000,
};

// What is looked for, and which ports are out of the question.
struct search {
    struct arena *arena;
    const struct host *host;
    enum protocol protocol;
    bool *refused; // PORT_COUNT of them
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

static void
consider(struct search *search, uint16_t port)
{
    if (search->refused[port] || is_done(search))
        return;
    search->refused[port] = true; // not asked twice
    if (known_is_blocked_by_browsers(port) || known_is_default_port(search->protocol, port))
        return;
    if (is_free(search, port))
        search->out[search->found++] = port;
}

size_t
suggest_ports(const struct host *host, enum protocol protocol, uint16_t port, uint16_t *out, size_t wanted)
{
    // A range of many thousand ports asks as often: what is only needed here does not stay.
    struct arena *scratch = arena_open();
    struct search search = {
        .arena = scratch,
        .host = host,
        .protocol = protocol,
        .refused = arena_array(scratch, PORT_COUNT, sizeof(bool)),
        .out = out,
        .wanted = wanted,
    };
    uint32_t start = port < PRIVILEGED_END ? port + (uint32_t)PRIVILEGED_OFFSET : port;

    search.refused[0] = true;
    search.refused[port] = true;
    refuse_ranges(&search);
    for (size_t i = 0; i < host->sockets.count; i++)
        if (host->sockets.items[i].netns == 0 && host_same_ports(host->sockets.items[i].protocol, protocol))
            search.refused[host->sockets.items[i].local_port] = true;
    for (size_t i = 0; i < host->leases.count; i++)
        if (host_same_ports(host->leases.items[i].protocol, protocol))
            search.refused[host->leases.items[i].port] = true;
    for (uint32_t next = start; next < PORT_COUNT && !is_done(&search); next++)
        consider(&search, (uint16_t)next);
    for (uint32_t next = start; next > 0 && !is_done(&search); next--)
        consider(&search, (uint16_t)next);
    arena_close(scratch);
    return search.found;
}
