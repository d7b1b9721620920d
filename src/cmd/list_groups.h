#ifndef MOORAGE_CMD_LIST_GROUPS_H
#define MOORAGE_CMD_LIST_GROUPS_H

// `moorage list` for people: one line for each program and port, IPv4 and IPv6 and workers merged; the reader's own programs
// first, then those of others and of containers, then the system's, which are only counted unless they are asked for.
// How the systems differ: the system's own programs are known by their unit on Linux; where there are no units, by the user.

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "cmd/list_cells.h"
#include "cmd/list_rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum list_side {
    LIST_OWN,
    LIST_OTHER,
    LIST_SYSTEM,
    LIST_SIDE_COUNT,
};

struct list_group {
    enum list_side side;
    const struct list_row *row; // the first of its rows
    const struct holder *main;  // NULL: nobody (that may be seen) holds it
    size_t *sockets;            // of all its rows
    size_t socket_count;
    size_t pid_count; // different processes
    uint32_t pid;     // the lowest main one
    struct str also;  // other programs that hold the same sockets: "sleep"; empty = none
};

struct list_groups {
    LIST_OF(struct list_group);
};

// Whose the row is, seen by user `uid`.
enum list_side
list_groups_side(const struct list_view *view, uint32_t uid, const struct list_row *row);

// The rows merged; groups are sorted by side, then stand in the order of their first rows.
void
list_groups_make(const struct list_view *view, uint32_t uid, const struct list_rows *rows, struct list_groups *out);

struct list_groups_look {
    size_t width;
    bool header;
    bool colour;
    bool system; // show the system's too
};

// Adds the table, and the line that counts what it leaves out. When there is nothing but the system's, that is shown.
void
list_groups_print(const struct list_view *view, const struct list_groups *groups, const struct list_groups_look *look,
                  struct buf *out);

#endif
