#ifndef MOORAGE_SYS_AFD_QUERY_WIN_H
#define MOORAGE_SYS_AFD_QUERY_WIN_H

// What Windows' socket driver AFD tells of one handle. Part of sys/handle_scan. Windows only.

#include "base/arena.h"
#include "sys/handle_scan_win.h"

#include <stdbool.h>

// Fills all of `out` but pid and handle. False for what is no TCP or UDP socket with a local port. May hang for handles that
// are no sockets: call it on a worker.
bool
afd_query(struct arena *arena, void *handle, struct scanned_socket *out);

#endif
