#ifndef MOORAGE_DECODE_WIN_TABLE_H
#define MOORAGE_DECODE_WIN_TABLE_H

// Windows' socket tables as bytes: what GetExtendedTcpTable, GetExtendedUdpTable and InternalGetBoundTcpEndpointTable of
// iphlpapi give (tcpmib.h, udpmib.h of the Windows SDK: MIB_TCPTABLE_OWNER_MODULE and its kin). A row names the process
// that bound the socket, whether or not that still lives; of UDP it tells no other end, and of IPv6 not whether the socket
// takes IPv4 too. Only Windows has these.

#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum win_table_kind {
    WIN_TABLE_PID,    // TCP_TABLE_OWNER_PID_*, UDP_TABLE_OWNER_PID
    WIN_TABLE_MODULE, // TCP_TABLE_OWNER_MODULE_*, UDP_TABLE_OWNER_MODULE: with the time of the bind and the service's tag
    WIN_TABLE_BOUND, // MIB_TCPTABLE2, MIB_TCP6TABLE2: each row is a socket that is bound and does not listen
};

struct win_table {
    enum win_table_kind kind;
    enum protocol protocol; // TCP or UDP
    enum family family;
    struct str bytes;
};

struct win_table_row {
    struct socket_row socket;
    uint64_t tag;     // of the service in the process that bound it, 0 = none or unknown
    struct str bytes; // the row itself, for functions that ask for it
};

// The next row: `at` counts from 0. Rows whose state is none are passed over. False at the end of the rows or bytes.
bool
win_table_next(const struct win_table *table, size_t *at, struct win_table_row *out);

// The bytes that its rows take, without what lies behind them.
struct str
win_table_used(const struct win_table *table);

// What the recorded bytes of a table are called: "tcp4 module all".
struct str
win_table_name(struct arena *arena, const struct win_table *table, bool listeners);

// Which table such a name is of; false for other names.
bool
win_table_of_name(struct str name, struct win_table *out);

#endif
