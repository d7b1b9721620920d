#include "sys/socket_table.h"

#include <linux/netlink.h>

#include "sys/clock.h"
#include "sys/netlink_socket_linux.h"
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
    bool good = sock_diag_read(arena, &netlink, &asked, clock_mono_us() + DEADLINE_US, host, err);
    netlink_socket_close(&netlink);
    forget_untold_users(host, first);
    return good;
}
