#ifndef MOORAGE_SYS_PROC_NET_LINUX_H
#define MOORAGE_SYS_PROC_NET_LINUX_H

// The socket tables of a network namespace from the text files of a folder ("/proc/17/net": those of process 17), which take no
// right to read. Linux only.
// Reading is dear: the kernel looks through the connections of all namespaces to write those of one (some 3 ms for each file
// and once more for its end, with the half million buckets of a machine of 24 GiB). So as little as possible is read.

#include "base/arena.h"
#include "base/err.h"
#include "decode/host.h"
#include "sys/socket_table.h"

#include <stdbool.h>
#include <stdint.h>

// The folder of the calling thread: one that entered another namespace has other files than the process it belongs to.
#define PROC_NET_OWN "/proc/thread-self/net"

// The text for proc_net_in_use(). False when there is none: a kernel without IPv6 has none of that.
bool
proc_net_read_counts(struct arena *arena, const char *folder, enum family family, struct str *out);

// Appends the rows of one protocol, of both families; MPTCP has no such file, and its subflows stand in TCP's. A
// missing file is no error but TCP's own, which goes with the process: ERR_GONE.
bool
proc_net_read_table(struct arena *arena, const char *folder, const struct socket_query *query, enum protocol protocol,
                    struct host *host, struct err *err);

// The same for all protocols of the query, when only sockets are asked for that wait for others (SOCKET_LISTEN and SOCKET_UNCONN).
// What the folder's sockstat says nothing of is not read, and of TCP no more than the lines of listeners, which come first.
bool
proc_net_read_waiting(struct arena *arena, const char *folder, const struct socket_query *query, struct host *host,
                      struct err *err);

#endif
