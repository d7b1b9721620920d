#include "core/conflict.h"

#include <string.h>

static enum tri
tri_of(bool value)
{
    return value ? TRI_YES : TRI_NO;
}

// A link-local address binds the socket to its interface, whatever it was bound to before (__inet6_bind() in
// net/ipv6/af_inet6.c).
static uint32_t
device_of(uint32_t device, struct address address)
{
    bool scoped = address.family == FAMILY_IPV6 && address_is_link_local(address) && address.scope != 0;

    return scoped ? address.scope : device;
}

static bool
same_bytes(struct address a, struct address b)
{
    return a.family == b.family && memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

// The IPv4 address that a socket answers for: its own, or the one inside a mapped one.
static bool
as_ipv4(struct address address, struct address *out)
{
    *out = address;
    return address.family == FAMILY_IPV4 || address_is_mapped(address, out);
}

// A bind to one real IPv6 address keeps the socket to IPv6, whatever the option says (__inet6_bind() again; an MPTCP
// row shows the option all the same). A socket that came out of one bound to [::], accepted or connected, has one real
// address too, and is not kept to IPv6.
static bool
bound_by_itself(const struct socket_row *row)
{
    return row->state == SOCKET_LISTEN || row->state == SOCKET_BOUND || row->state == SOCKET_UNCONN;
}

// What an IPv6 socket holds of IPv4: everything when it is bound to [::] and not kept to IPv6. One that came out of such
// a socket stands in the way of 0.0.0.0, and (UDP, which compares what TCP looks up by address) of 127.0.0.6, which the
// kernel keeps in place of the IPv4 address that it lacks (LOOPBACK4_IPV6 in include/net/ipv6.h).
static enum tri
ipv6_holds_ipv4(const struct socket_row *row, struct address wanted)
{
    bool udp = !host_same_ports(row->protocol, PROTOCOL_TCP);
    bool in_the_way = wanted.family == FAMILY_IPV4 &&
                      (address_is_any(wanted) || (udp && address_equal(wanted, address_ipv4(127, 0, 0, 6))));

    if (!address_is_any(row->local) && (bound_by_itself(row) || !in_the_way))
        return TRI_NO;
    return row->v6only == TRI_YES ? TRI_NO : row->v6only == TRI_NO ? TRI_YES : TRI_UNKNOWN;
}

// inet_rcv_saddr_equal() in net/ipv4/inet_connection_sock.c
static enum tri
addresses_overlap(struct address wanted, bool wanted_v6only, const struct socket_row *row)
{
    struct address held = row->local;
    struct address wanted4;
    struct address held4;
    bool wanted_is_4 = as_ipv4(wanted, &wanted4);
    bool held_is_4 = as_ipv4(held, &held4);

    if (wanted_is_4 && held_is_4)
        return tri_of(same_bytes(wanted4, held4) || address_is_any(wanted4) || address_is_any(held4));
    if (wanted_is_4)
        return ipv6_holds_ipv4(row, wanted);
    if (held_is_4)
        return tri_of(address_is_any(wanted) && !wanted_v6only);
    return tri_of(same_bytes(wanted, held) || address_is_any(wanted) || address_is_any(held));
}

// Everything but options and states.
static enum tri
overlap(const struct bind_wish *wish, const struct socket_row *row)
{
    uint32_t wanted = device_of(wish->device, wish->address);
    uint32_t held = device_of(row->device, row->local);

    if (row->netns != 0 || row->local_port == 0 || row->local_port != wish->port)
        return TRI_NO;
    if (!host_same_ports(wish->protocol, row->protocol))
        return TRI_NO;
    if (wanted != 0 && held != 0 && wanted != held)
        return TRI_NO;
    return addresses_overlap(wish->address, wish->v6only, row);
}

static enum tri
both(enum tri a, enum tri b)
{
    if (a == TRI_NO || b == TRI_NO)
        return TRI_NO;
    return a == TRI_YES && b == TRI_YES ? TRI_YES : TRI_UNKNOWN;
}

static enum tri
either(enum tri a, enum tri b)
{
    if (a == TRI_YES || b == TRI_YES)
        return TRI_YES;
    return a == TRI_NO && b == TRI_NO ? TRI_NO : TRI_UNKNOWN;
}

// SO_REUSEPORT is shared only within one user; root is no exception. A TIME_WAIT socket belongs to nobody any more. So
// does a FIN_WAIT_2 socket without a file: the kernel keeps a TIME_WAIT stand-in for it (tcp_close() in net/ipv4/tcp.c),
// unless tcp_fin_timeout was set above its 60 s.
static enum tri
same_user(uint32_t uid, const struct socket_row *row, bool tcp)
{
    bool orphan = row->state == SOCKET_FIN_WAIT_2 && row->inode == 0;

    if (tcp && (row->state == SOCKET_TIME_WAIT || orphan))
        return TRI_YES;
    if (!row->uid_known)
        return TRI_UNKNOWN;
    return tri_of(row->uid == uid);
}

// inet_bind_conflict() in net/ipv4/inet_connection_sock.c and udp_lib_lport_inuse() in net/ipv4/udp.c: two sockets
// share when both set SO_REUSEADDR and (TCP) the existing one does not listen, or when both set SO_REUSEPORT and belong
// to one user.
static enum tri
may_share(const struct bind_wish *wish, uint32_t uid, const struct socket_row *row)
{
    bool tcp = host_same_ports(wish->protocol, PROTOCOL_TCP);
    bool reuse_addr = wish->mode == BIND_REUSE || wish->mode == BIND_USUAL;
    bool listens = tcp && row->state == SOCKET_LISTEN;
    enum tri by_addr = both(tri_of(reuse_addr && !listens), row->reuse_addr);
    enum tri by_port = both(tri_of(wish->mode == BIND_REUSEPORT), both(row->reuse_port, same_user(uid, row, tcp)));

    return either(by_addr, by_port);
}

// Rows of states that hold no place in the table of binds: a request that is no full socket yet (its listener holds the
// port), and a closed socket.
static bool
holds_no_port(const struct socket_row *row)
{
    return (row->state == SOCKET_SYN_RECEIVED && row->inode == 0) || row->state == SOCKET_CLOSED;
}

static unsigned
outcomes(const struct bind_wish *wish, uint32_t uid, const struct socket_row *row)
{
    enum tri overlaps = overlap(wish, row);
    enum tri shares = may_share(wish, uid, row);

    if (overlaps == TRI_NO || shares == TRI_YES || holds_no_port(row))
        return CONFLICT_WORKS;
    if (overlaps == TRI_YES && shares == TRI_NO)
        return CONFLICT_IN_USE;
    return CONFLICT_WORKS | CONFLICT_IN_USE;
}

const struct conflict_rules conflict_rules_linux = {.outcomes = outcomes, .bound_stops_listen = true};

enum conflict
conflict_check(const struct conflict_rules *rules, const struct bind_wish *wish, uint32_t uid,
               const struct socket_row *row)
{
    unsigned possible = rules->outcomes(wish, uid, row);

    if (possible == CONFLICT_WORKS)
        return CONFLICT_NO;
    return possible & CONFLICT_WORKS ? CONFLICT_UNKNOWN : CONFLICT_YES;
}

bool
conflict_overlaps(const struct bind_wish *wish, const struct socket_row *row)
{
    return overlap(wish, row) != TRI_NO;
}
