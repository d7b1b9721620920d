#include "sys/socket_destroy.h"

#include <errno.h>
#include <linux/netlink.h>

#include "decode/inet_diag.h"
#include "sys/clock.h"
#include "sys/netlink_socket_linux.h"

#define DEADLINE_US 2000000

static bool
destroy_one(struct arena *arena, struct netlink_socket *netlink, const struct socket_row *row, struct err *err)
{
    struct buf request = {.arena = arena};
    struct str answer;
    struct err refused = {0};
    inet_diag_destroy_request(&request, row, netlink_socket_next(netlink));
    if (netlink_socket_ask(arena, netlink, buf_str(&request), clock_mono_us() + DEADLINE_US, &answer, &refused))
        return true;
    // Its time was over; ESTALE: its place is taken by another one, which was not touched.
    if (refused.os == ENOENT || refused.os == ESTALE)
        return true;
    if (err)
        *err = refused;
    return err_prefix(err, "drop what is left of a connection on port %u", row->local_port);
}

bool
socket_destroy(struct arena *arena, const struct socket_row *const *rows, size_t count, struct err *err)
{
    struct netlink_socket netlink;
    bool good = true;
    if (!netlink_socket_open(&netlink, NETLINK_SOCK_DIAG, err))
        return false;
    for (size_t i = 0; i < count && good; i++) {
        good = (host_is_left_over(rows[i]) && rows[i]->cookie != 0 && rows[i]->netns == 0) ||
               err_set(err, ERR_NOT_ALLOWED, 0, "a socket on port %u may still be in use", rows[i]->local_port);
        good = good && destroy_one(arena, &netlink, rows[i], err);
    }
    netlink_socket_close(&netlink);
    return good;
}
