#ifndef MOORAGE_CMD_LIST_ROWS_H
#define MOORAGE_CMD_LIST_ROWS_H

// The rows of `moorage list`: each socket with the programs that hold it. Everything here takes time in proportion to the
// rows (or n log n): a host may have tens of thousands. The systems do not differ.

#include "base/arena.h"
#include "base/list.h"
#include "core/endpoint.h"
#include "core/holder.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LIST_CONTEXT_DEADLINE_MS = 300, // for units and containers
};

struct list_row {
    size_t socket;                // index into host->sockets
    const struct holder *holders; // by pid; `how` speaks of this socket alone
    size_t holder_count;
};

struct list_rows {
    LIST_OF(struct list_row);
};

// What rows are wanted. Members that are empty (or zero) ask for nothing.
struct list_filter {
    struct endpoint_list ports; // operands and --port
    struct str_list names;      // operands: program, unit, container, compose service
    struct endpoint_list only;  // --port: in addition to the operands
    unsigned protocols;         // bits 1u << enum protocol
    struct {
        LIST_OF(uint32_t);
    } pids;
    struct {
        LIST_OF(uint32_t);
    } uids;
};

// Whether the socket may be wanted as far as the tables alone tell, so that holders are searched for no other.
bool
list_rows_may_want(const struct list_filter *filter, const struct socket_row *row);

// Whether the row, now with its holders, is wanted.
bool
list_rows_wants(struct arena *arena, const struct list_filter *filter, const struct host *host,
                const struct list_row *row);

// Puts sockets into the order that their rows have where nothing else is asked for.
void
list_rows_order(const struct host *host, size_t *sockets, size_t count);

// The rows of these sockets, in their order; `whole`: the holders also say how they hold each, and what is odd about
// them.
void
list_rows_make(struct arena *arena, const struct host *host, const size_t *sockets, size_t count, bool whole,
               struct list_rows *out);

// The holder that the others stem from: what a person would call the program. NULL without holders.
const struct holder *
list_rows_main(const struct list_row *row);

// Whether one of the holder's names is `word`: program, exe, script, unit, container, compose service or project, in any
// case; a version may follow ("python" is python3.11 too).
bool
list_rows_named(struct arena *arena, const struct holder *holder, struct str word);

// The same for a container; NULL has no name.
bool
list_rows_container_named(const struct container *container, struct str word);

enum list_sort {
    LIST_SORT_PORT,
    LIST_SORT_NAME,
    LIST_SORT_PID,
    LIST_SORT_USER,
    LIST_SORT_SINCE,
};

void
list_rows_sort(const struct host *host, struct list_rows *rows, enum list_sort by);

#endif
