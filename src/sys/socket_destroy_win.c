#include "sys/socket_destroy.h"

bool
socket_destroy(struct arena *arena, const struct socket_row *const *rows, size_t count, struct err *err)
{
    (void)arena;
    (void)rows;
    (void)count;
    return err_set(err, ERR_UNSUPPORTED, 0,
                   "drop what is left of a connection: on Windows it keeps nobody from a bind");
}
