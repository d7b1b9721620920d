#ifndef MOORAGE_CMD_LIST_CELLS_H
#define MOORAGE_CMD_LIST_CELLS_H

// The columns of `moorage list` and what stands in them: one line for each socket and program, each cell one value, so
// that lines can be cut by grep and awk. All cells are safe for a terminal. The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/table.h"
#include "cmd/list_rows.h"
#include "core/report.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

enum list_column {
    LIST_PORT,
    LIST_PROTO,
    LIST_ADDRESS,
    LIST_REMOTE,
    LIST_STATE,
    LIST_PROGRAM,
    LIST_PID,
    LIST_USER,
    LIST_SERVICE, // container or unit, whichever says more
    LIST_UNIT,
    LIST_CONTAINER,
    LIST_SINCE,
    LIST_COMMAND,
    LIST_CWD,
    LIST_EXE,
    LIST_INODE,
    LIST_LEASE, // the name that the port is kept for
    LIST_COLUMN_COUNT,
};

struct list_columns {
    LIST_OF(enum list_column);
};

// What every cell may need.
struct list_view {
    struct arena *arena;
    const struct host *host;
    const struct report_privacy *privacy;
    bool ago;    // times as "2 h ago", for people, not as a date
    bool dashes; // empty cells are "-", so that lines can be cut by blanks
};

// Reads "port,pid,name"; "name" is the program, "service" the unit or container. An unknown name is ERR_USAGE and tells all.
bool
list_cells_parse(struct arena *arena, struct str names, struct list_columns *out, struct err *err);

// The columns that stand when nobody chooses: with state and remote address when all states are shown, and with the
// names that ports are kept for, as the last one, where there are any.
void
list_cells_usual(struct arena *arena, bool all_states, bool leases, struct list_columns *out);

// What must be read of holders (bits of enum process_facts, and SNAPSHOT_NAMES) for this column.
unsigned
list_cells_facts(enum list_column column);

const struct table_column *
list_cells_column(enum list_column column);

// One cell. `holder` NULL: nobody holds the socket, or nobody that may be seen.
struct str
list_cells_make(const struct list_view *view, enum list_column column, const struct socket_row *row,
                const struct holder *holder);

// The table with a line for each socket and program, or for each socket where no column tells of programs.
void
list_cells_table(const struct list_view *view, const struct list_columns *wanted, const struct list_rows *rows,
                 struct table *out);

#endif
