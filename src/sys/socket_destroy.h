#ifndef MOORAGE_SYS_SOCKET_DESTROY_H
#define MOORAGE_SYS_SOCKET_DESTROY_H

// What is left of closed connections, taken out of the kernel's table: sockets that no program has any more and that wait
// for their time to pass (TIME_WAIT, and orphans that finish).
// Invariants: a socket that a program may still hold is refused, and so is a listener: its port would stay taken, by a
// socket that no tool shows. A socket is named by its cookie, so that no other one can be hit.
// How the systems differ: Linux does it by sock_diag (SOCK_DESTROY, since 4.5, where the kernel was built with it) and asks
// for CAP_NET_ADMIN. On Windows such sockets keep nobody from a bind: ERR_UNSUPPORTED.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>

// Destroys these (see host_is_left_over); one that is gone already counts as destroyed. ERR_NOT_ALLOWED, ERR_UNSUPPORTED.
bool
socket_destroy(struct arena *arena, const struct socket_row *const *rows, size_t count, struct err *err);

#endif
