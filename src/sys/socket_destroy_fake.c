#include "sys/socket_destroy.h"

#include "sys/fake_host.h"
#include "sys/user.h"

bool
socket_destroy(struct arena *arena, const struct socket_row *const *rows, size_t count, struct err *err)
{
    (void)arena;
    if (!fake_host_call("socket_destroy", err))
        return false;
    if (!user_self().net_admin)
        return err_set(err, ERR_NOT_ALLOWED, 0, "drop what is left of a connection: not allowed");
    for (size_t i = 0; i < count; i++) {
        if (!host_is_left_over(rows[i]) || rows[i]->netns != 0)
            return err_set(err, ERR_NOT_ALLOWED, 0, "a socket on port %u may still be in use", rows[i]->local_port);
        fake_host_drop(rows[i]);
    }
    fake_host_act(STR("destroy"));
    return true;
}
