#ifndef MOORAGE_DECODE_UNIX_TABLE_H
#define MOORAGE_DECODE_UNIX_TABLE_H

// Rows of /proc/net/unix: the unix sockets of a network namespace. Format: unix_seq_show() in net/unix/af_unix.c. The path
// is printed as the program chose it, line ends included, so a row can be forged by who may open a socket: it is good
// for "ask or don't", not for proving who is there. Only Linux has it.

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct unix_row {
    bool listens;   // SO_ACCEPTCON
    bool connected; // connected and accepted: a connection that still waits to be accepted is not
    uint64_t inode;
    struct str path; // "@name" for an abstract one; empty = none
};

// Cuts the next row off `rest`; lines that are no row (the title) are passed over. False at the end.
bool
unix_table_next(struct str *rest, struct unix_row *out);

#endif
