#include "sys/socket_table.h"

#include <linux/netlink.h>

#include "sys/clock.h"
#include "sys/netlink_socket_linux.h"
#include "sys/port_try_linux.h"
#include "sys/port_view_linux.h"
#include "sys/sock_diag_linux.h"
#include "sys/user_map_linux.h"

#define DEADLINE_US (5 * 1000 * 1000)

static void
forget_untold_users(struct host *host, size_t first)
{
    bool asked = false;
    bool tells = true;

    for (size_t i = first; i < host->sockets.count; i++) {
        struct socket_row *row = &host->sockets.items[i];
        if (!row->uid_known || row->uid != USER_MAP_SHARED)
            continue;
        tells = asked ? tells : user_map_tells(row->uid);
        asked = true;
        row->uid_known = tells;
    }
}

// Whether a program listens where most do. It costs next to nothing to ask, and a port without a listener may need no more
// than a look at those that are not found so.
static bool
somebody_listens(struct netlink_socket *netlink, uint16_t port)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct socket_row ignored;
        bool found;
        if (sock_diag_find(netlink, PROTOCOL_TCP, address_loopback(families[i]), port, &found, &ignored) && found)
            return true;
    }
    return false;
}

// One TCP port that somebody has is looked up in the kernel's own table of bound ports; other tables are long.
static bool
read_port(struct arena *arena, struct netlink_socket *netlink, const struct socket_query *query, struct host *host)
{
    unsigned cheap = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN;
    return query->first == query->last && query->protocols & 1u << PROTOCOL_TCP && !query->record &&
           (query->states & ~cheap || somebody_listens(netlink, query->first)) &&
           port_view_read(arena, netlink, query->first, query->states, host);
}

bool
socket_table_read(struct arena *arena, const struct socket_query *query, struct host *host, struct err *err)
{
    struct netlink_socket netlink;
    struct socket_query asked = *query;
    size_t first = host->sockets.count;
    if (asked.first == 0 && asked.last == 0)
        asked.last = UINT16_MAX;
    // Refused, the socket stays closed, and the files are read instead.
    (void)netlink_socket_open(&netlink, NETLINK_SOCK_DIAG, NULL);
    // What MPTCP has on the port was seen there too, as TCP.
    if (read_port(arena, &netlink, &asked, host))
        asked.protocols &= ~(1u << PROTOCOL_TCP | 1u << PROTOCOL_MPTCP);
    bool good = sock_diag_read(arena, &netlink, &asked, clock_mono_us() + DEADLINE_US, host, err);
    netlink_socket_close(&netlink);
    forget_untold_users(host, first);
    return good;
}

size_t
socket_table_unused(struct arena *arena, enum protocol protocol, uint16_t first, uint16_t *ports, size_t room)
{
    size_t count = host_same_ports(protocol, PROTOCOL_TCP) ? port_view_unused(arena, first, ports, room) : 0;
    if (count == 0 && room > 0 && port_try_unused(protocol, first, ports))
        count = 1;
    return count;
}
