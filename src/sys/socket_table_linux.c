#include "sys/socket_table.h"

#include <linux/netlink.h>

#include "sys/clock.h"
#include "sys/netlink_socket_linux.h"
#include "sys/sock_diag_linux.h"

#define DEADLINE_US (5 * 1000 * 1000)

bool
socket_table_read(struct arena *arena, const struct socket_query *query, struct host *host, struct err *err)
{
    struct netlink_socket netlink;
    struct socket_query asked = *query;
    if (asked.first == 0 && asked.last == 0)
        asked.last = UINT16_MAX;
    // Refused, the socket stays closed, and the files are read instead.
    (void)netlink_socket_open(&netlink, NETLINK_SOCK_DIAG, NULL);
    bool good = sock_diag_read(arena, &netlink, &asked, clock_mono_us() + DEADLINE_US, host, err);
    netlink_socket_close(&netlink);
    return good;
}
