#include "sys/bind_probe.h"

#include "sys/fake_host.h"

enum {
    PROBE_US = 1000 // what a bind takes here, so that who asks again and again sees time pass
};

// A way to fail, as the recorded system calls it (errno(3), "Windows Sockets Error Codes").
struct failure {
    struct str linux_name;
    unsigned long linux_code;
    struct str windows_name;
    unsigned long windows_code;
};

static const struct failure in_use = {STR_INIT("EADDRINUSE"), 98, STR_INIT("WSAEADDRINUSE"), 10048};
static const struct failure no_right = {STR_INIT("EACCES"), 13, STR_INIT("WSAEACCES"), 10013};
static const struct failure not_local = {STR_INIT("EADDRNOTAVAIL"), 99, STR_INIT("WSAEADDRNOTAVAIL"), 10049};
static const struct failure no_family = {STR_INIT("unsupported"), 97, STR_INIT("unsupported"), 10047};

struct str
bind_error_name(struct arena *arena, unsigned long code)
{
    const struct failure *all[] = {&in_use, &no_right, &not_local, &no_family};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i]->linux_code == code)
            return all[i]->linux_name;
        if (all[i]->windows_code == code)
            return all[i]->windows_name;
    }
    return str_printf(arena, "errno %lu", code);
}

static bool
is_windows(void)
{
    return str_equal(fake_host()->platform, STR("windows"));
}

static enum bind_mode
real_mode(enum bind_mode mode)
{
    if (mode == BIND_USUAL)
        return is_windows() ? BIND_PLAIN : BIND_REUSE;
    return mode == BIND_EXCLUSIVE && !is_windows() ? BIND_PLAIN : mode;
}

struct str
bind_mode_name(enum bind_mode mode)
{
    switch (real_mode(mode)) {
    case BIND_REUSE:
        return STR("reuse");
    case BIND_REUSEPORT:
        return STR("reuseport");
    case BIND_EXCLUSIVE:
        return STR("exclusive");
    default:
        return STR("plain");
    }
}

// Whether two local addresses can't both have the port. An IPv6 socket that is not IPv6 only has the IPv4 side too.
static bool
addresses_overlap(struct address a, bool a_v6only, struct address b, bool b_v6only)
{
    struct address plain;

    if (address_is_mapped(a, &plain))
        a = plain;
    if (address_is_mapped(b, &plain))
        b = plain;
    if (a.family == b.family)
        return address_is_any(a) || address_is_any(b) || address_equal(a, b);
    return a.family == FAMILY_IPV6 ? address_is_any(a) && !a_v6only : address_is_any(b) && !b_v6only;
}

static bool
row_is_in_the_way(const struct bind_wish *wish, const struct socket_row *row)
{
    bool tcp = host_same_ports(row->protocol, PROTOCOL_TCP);
    bool waits = tcp && row->state != SOCKET_LISTEN && row->state != SOCKET_BOUND;
    enum bind_mode mode = real_mode(wish->mode);

    if (row->netns != 0 || row->local_port != wish->port || !host_same_ports(row->protocol, wish->protocol) ||
        (row->device != 0 && wish->device != 0 && row->device != wish->device) ||
        !addresses_overlap(wish->address, wish->v6only, row->local, row->v6only == TRI_YES))
        return false;
    // Windows lets one address beside a wildcard in, unless the newcomer wants the port for itself alone.
    if (is_windows() && mode != BIND_EXCLUSIVE && address_is_any(wish->address) != address_is_any(row->local))
        return false;
    // Without contrary evidence the old socket is taken for one of an ordinary server, which sets SO_REUSEADDR.
    if (waits && (mode == BIND_REUSE || is_windows()))
        return row->reuse_addr == TRI_NO;
    return !(mode == BIND_REUSEPORT && row->reuse_port == TRI_YES && row->uid == fake_host()->uid);
}

static bool
range_holds(enum range_kind kind, const struct bind_wish *wish)
{
    const struct host *recorded = fake_host();

    for (size_t i = 0; i < recorded->ranges.count; i++) {
        const struct port_range *range = &recorded->ranges.items[i];
        bool protocol = range->any_protocol || host_same_ports(range->protocol, wish->protocol);
        bool family = range->family == FAMILY_NONE || range->family == (enum family)wish->address.family;
        // What an administrator keeps out of the dynamic range can be bound by who names it.
        if (range->kind == kind && !range->administered && protocol && family && wish->port >= range->first &&
            wish->port <= range->last)
            return true;
    }
    return false;
}

static bool
is_local(struct address address)
{
    const struct host *recorded = fake_host();

    if (address_is_any(address) || address_is_loopback(address) || recorded->nonlocal_bind)
        return true;
    for (size_t i = 0; i < recorded->addresses.count; i++)
        if (address_equal(recorded->addresses.items[i].address, address))
            return true;
    return recorded->addresses.count == 0;
}

// What the tables say where no bind was recorded; NULL: it works. The order of the checks is that of the kernel.
static const struct failure *
derive(const struct bind_wish *wish)
{
    const struct host *recorded = fake_host();

    if (wish->address.family == FAMILY_IPV6 && !recorded->ipv6)
        return &no_family;
    if (!is_local(wish->address))
        return &not_local;
    if (wish->port == 0)
        return NULL;
    if (range_holds(RANGE_EXCLUDED, wish) || (range_holds(RANGE_PRIVILEGED, wish) && !recorded->admin))
        return &no_right;
    for (size_t i = 0; i < recorded->sockets.count; i++)
        if (row_is_in_the_way(wish, &recorded->sockets.items[i]))
            return &in_use;
    return NULL;
}

// The last one that fits: a script adds newer ones behind.
static const struct probe *
recorded_probe(const struct bind_wish *wish)
{
    const struct host *recorded = fake_host();

    for (size_t i = recorded->probes.count; i > 0; i--) {
        const struct probe *probe = &recorded->probes.items[i - 1];
        if (probe->protocol == wish->protocol && probe->port == wish->port && probe->v6only == wish->v6only &&
            probe->device == wish->device && address_equal(probe->address, wish->address) &&
            str_equal(probe->bind, bind_mode_name(wish->mode)))
            return probe;
    }
    return NULL;
}

static void
set_failure(struct probe *out, const struct failure *failure)
{
    out->worked = false;
    out->code = is_windows() ? failure->windows_code : failure->linux_code;
    out->result = is_windows() ? failure->windows_name : failure->linux_name;
}

void
bind_probe(struct arena *arena, const struct bind_wish *wish, struct probe *out)
{
    enum known known = fake_host_call_known("bind_probe");
    const struct probe *recorded = recorded_probe(wish);
    const struct failure *failure = recorded ? NULL : derive(wish);

    (void)arena;
    *out = (struct probe){.protocol = wish->protocol,
                          .address = wish->address,
                          .port = wish->port,
                          .bind = bind_mode_name(wish->mode),
                          .v6only = wish->v6only,
                          .device = wish->device,
                          .worked = true,
                          .result = STR("ok")};
    if (known != KNOWN_YES)
        set_failure(out, known == KNOWN_UNSUPPORTED ? &no_family : &no_right);
    else if (recorded)
        *out = *recorded;
    else if (failure)
        set_failure(out, failure);
    fake_host_act(STR("probe"));
    fake_host_pass_us(PROBE_US);
}
