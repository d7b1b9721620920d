#include "cmd/list_cells.h"

#include "base/utf8.h"
#include "cmd/words.h"
#include "core/endpoint.h"
#include "core/http_users.h"
#include "core/known.h"
#include "core/snapshot.h"
#include "sys/process.h"
#include "sys/user.h"

static const struct {
    struct table_column column;
    struct str name;
    bool of_program;
} columns[LIST_COLUMN_COUNT] = {
    [LIST_PORT] = {{.title = STR_INIT("PORT"), .right = true, .ink = INK_STRONG}, STR_INIT("port"), false},
    [LIST_PROTO] = {{.title = STR_INIT("PROTO")}, STR_INIT("proto"), false},
    [LIST_ADDRESS] = {{.title = STR_INIT("ADDRESS"), .shrinks = true}, STR_INIT("address"), false},
    [LIST_REMOTE] = {{.title = STR_INIT("REMOTE"), .shrinks = true}, STR_INIT("remote"), false},
    [LIST_STATE] = {{.title = STR_INIT("STATE")}, STR_INIT("state"), false},
    [LIST_PROGRAM] = {{.title = STR_INIT("PROGRAM"), .shrinks = true, .ink = INK_NAME}, STR_INIT("name"), true},
    [LIST_PID] = {{.title = STR_INIT("PID"), .right = true}, STR_INIT("pid"), true},
    [LIST_USER] = {{.title = STR_INIT("USER"), .shrinks = true}, STR_INIT("user"), true},
    [LIST_SERVICE] = {{.title = STR_INIT("SERVICE"), .shrinks = true}, STR_INIT("service"), true},
    [LIST_UNIT] = {{.title = STR_INIT("UNIT"), .shrinks = true}, STR_INIT("unit"), true},
    [LIST_CONTAINER] = {{.title = STR_INIT("CONTAINER"), .shrinks = true}, STR_INIT("container"), true},
    [LIST_SINCE] = {{.title = STR_INIT("SINCE"), .ink = INK_DIM}, STR_INIT("since"), true},
    [LIST_COMMAND] = {{.title = STR_INIT("COMMAND"), .shrinks = true}, STR_INIT("command"), true},
    [LIST_CWD] = {{.title = STR_INIT("CWD"), .shrinks = true}, STR_INIT("cwd"), true},
    [LIST_EXE] = {{.title = STR_INIT("EXE"), .shrinks = true}, STR_INIT("exe"), true},
    [LIST_INODE] = {{.title = STR_INIT("INODE"), .right = true}, STR_INIT("inode"), false},
    [LIST_LEASE] = {{.title = STR_INIT("LEASE"), .shrinks = true}, STR_INIT("lease"), false},
};

bool
list_cells_parse(struct arena *arena, struct str names, struct list_columns *out, struct err *err)
{
    struct str name;

    while (str_cut(&names, ',', &name)) {
        size_t at = 0;
        name = str_trim(name);
        if (str_equal(name, STR("program")))
            name = STR("name");
        while (at < LIST_COLUMN_COUNT && !str_equal_nocase(name, columns[at].name))
            at++;
        if (at < LIST_COLUMN_COUNT) {
            *LIST_ADD(arena, out) = (enum list_column)at;
            continue;
        }
        struct buf all = {.arena = arena};
        for (at = 0; at < LIST_COLUMN_COUNT; at++)
            buf_addf(&all, "%s%.*s", at ? " " : "", STR_ARG(columns[at].name));
        return err_set(err, ERR_USAGE, 0, "there is no column '%.*s'; the columns are %.*s",
                       STR_ARG(utf8_display(arena, str_part(name, 0, 40))), STR_ARG(buf_str(&all)));
    }
    return true;
}

void
list_cells_usual(struct arena *arena, bool all_states, bool leases, struct list_columns *out)
{
    static const enum list_column usual[] = {
        LIST_PORT,    LIST_PROTO, LIST_ADDRESS, LIST_REMOTE,  LIST_STATE,
        LIST_PROGRAM, LIST_PID,   LIST_USER,    LIST_SERVICE, LIST_SINCE,
    };

    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (all_states || (usual[i] != LIST_REMOTE && usual[i] != LIST_STATE))
            *LIST_ADD(arena, out) = usual[i];
    if (leases)
        *LIST_ADD(arena, out) = LIST_LEASE;
}

unsigned
list_cells_facts(enum list_column column)
{
    switch (column) {
    case LIST_PROGRAM:
        return SNAPSHOT_NAMES;
    case LIST_USER:
        return PROCESS_USER;
    case LIST_SERVICE:
    case LIST_UNIT:
    case LIST_CONTAINER:
        return PROCESS_GROUP | SNAPSHOT_NAMES;
    case LIST_COMMAND:
        return PROCESS_COMMAND;
    case LIST_CWD:
        return PROCESS_CWD;
    case LIST_EXE:
        return PROCESS_EXE;
    default:
        return PROCESS_BASIC;
    }
}

const struct table_column *
list_cells_column(enum list_column column)
{
    return &columns[column].column;
}

static struct str
container_cell(const struct list_view *view, const struct holder *holder)
{
    enum {
        SHORT_ID = 12,
    };
    const struct container *container = holder->forwards ? holder->forwards : holder->container;

    if (container && container->name.len)
        return container->name;
    struct str id = container ? container->id : holder->container_id;
    struct str runtime = container ? container->runtime : holder->runtime;
    if (!id.len)
        return runtime;
    return str_printf(view->arena, "%.*s %.*s", STR_ARG(runtime), STR_ARG(str_part(id, 0, SHORT_ID)));
}

// A login session is no service: the user's column says as much.
static struct str
service_cell(const struct list_view *view, const struct holder *holder)
{
    struct str container = container_cell(view, holder);

    if (container.len)
        return container;
    if (str_starts(holder->unit, STR("session-")) || str_equal(holder->unit, STR("init.scope")))
        return (struct str){0};
    return holder->unit;
}

// What the system itself has a port for: the programs that listen by way of its HTTP server, or its own.
static struct str
system_cell(const struct list_view *view, const struct socket_row *row)
{
    struct http_users users = {0};
    struct buf out = {.arena = view->arena};
    struct str title = known_find(row->protocol, row->local_port, STR("system")).title;

    if (http_users_listen(view->host, row->local_port))
        http_users_find(view->arena, view->host, row->local_port, &users);
    for (size_t i = 0; i < users.count; i++)
        buf_addf(&out, "%s%.*s", i ? ", " : "", STR_ARG(http_user_name(view->arena, &users.items[i])));
    // The rest of a title explains it.
    return out.len ? buf_str(&out) : str_part(title, 0, str_find_byte(title, ','));
}

static struct str
since_cell(const struct list_view *view, const struct process *process)
{
    if (!process || !process->started_known)
        return (struct str){0};
    if (view->ago)
        return words_ago(view->arena, view->host->time_ms - process->started_ms);
    return report_time(view->arena, process->started_ms);
}

// Nobody holds the socket: the kernel may have opened it itself.
static struct str
kernel_cell(const struct list_view *view, const struct socket_row *row)
{
    const struct host *host = view->host;

    for (size_t i = 0; i < host->kernel_ports.count; i++) {
        const struct kernel_port *port = &host->kernel_ports.items[i];
        if (port->port == row->local_port && port->protocol == row->protocol &&
            (port->family == FAMILY_NONE || port->family == row->local.family))
            return str_printf(view->arena, "kernel (%.*s)", STR_ARG(port->name.len ? port->name : port->kind));
    }
    return (struct str){0};
}

// A name; whoever picked a port without one has none to tell.
static struct str
lease_cell(const struct list_view *view, const struct socket_row *row)
{
    const struct lease *lease = row->netns ? NULL : host_lease(view->host, row->protocol, row->local_port);

    return lease ? lease->name : (struct str){0};
}

static struct str
program_part(const struct list_view *view, enum list_column column, const struct holder *holder)
{
    const struct process *process = holder->process;

    switch (column) {
    case LIST_PROGRAM:
        return holder_name(view->arena, holder);
    case LIST_PID:
        return str_number(view->arena, holder->pid);
    case LIST_USER:
        return process && !view->privacy->share ? process->user.value : (struct str){0};
    case LIST_SERVICE:
        return service_cell(view, holder);
    case LIST_UNIT:
        return holder->unit;
    case LIST_CONTAINER:
        return container_cell(view, holder);
    case LIST_SINCE:
        return since_cell(view, process);
    case LIST_COMMAND:
        return process ? words_command(view->arena, view->host, &process->command, view->privacy) : (struct str){0};
    case LIST_CWD:
        return process ? words_path(view->arena, process->cwd.value, view->privacy) : (struct str){0};
    case LIST_EXE:
        return process ? words_path(view->arena, process->exe.value, view->privacy) : (struct str){0};
    default:
        return (struct str){0};
    }
}

static struct str
socket_part(const struct list_view *view, enum list_column column, const struct socket_row *row)
{
    struct arena *arena = view->arena;

    switch (column) {
    case LIST_PORT:
        return str_number(arena, row->local_port);
    case LIST_PROTO:
        return host_protocol_name(row->protocol);
    case LIST_ADDRESS:
        return words_address(arena, row);
    case LIST_REMOTE:
        return row->remote.family ? endpoint_address_port(arena, row->remote, row->remote_port) : (struct str){0};
    case LIST_STATE:
        return host_state_name(row->state);
    case LIST_INODE:
        return row->inode ? str_printf(arena, "%llu", (unsigned long long)row->inode) : (struct str){0};
    case LIST_LEASE:
        return lease_cell(view, row);
    case LIST_PROGRAM:
        return kernel_cell(view, row);
    case LIST_USER:
        // The socket itself tells whose it is, also where its program may not be looked into.
        return row->uid_known && row->inode && !view->privacy->share ? user_name(arena, row->uid) : (struct str){0};
    default:
        return (struct str){0};
    }
}

struct str
list_cells_make(const struct list_view *view, enum list_column column, const struct socket_row *row,
                const struct holder *holder)
{
    struct str cell =
        holder && columns[column].of_program ? program_part(view, column, holder) : socket_part(view, column, row);

    if (column == LIST_SERVICE && holder && row->owner_pid == HOST_SYSTEM_PID)
        cell = system_cell(view, row);

    return cell.len || !view->dashes ? utf8_display(view->arena, cell) : STR("-");
}

void
list_cells_table(const struct list_view *view, const struct list_columns *wanted, const struct list_rows *rows,
                 struct table *out)
{
    struct table_column *titles = arena_array(view->arena, wanted->count, sizeof *titles);
    struct str *cells = arena_array(view->arena, wanted->count, sizeof *cells);
    const struct holder *last = NULL;
    bool of_program = false;

    for (size_t c = 0; c < wanted->count; c++) {
        titles[c] = columns[wanted->items[c]].column;
        of_program = of_program || columns[wanted->items[c]].of_program;
    }
    *out = (struct table){.arena = view->arena, .columns = titles, .column_count = wanted->count};
    LIST_RESERVE(view->arena, &out->cells, rows->count * wanted->count);
    for (size_t i = 0; i < rows->count; i++) {
        const struct list_row *row = &rows->items[i];
        size_t lines = of_program && row->holder_count ? row->holder_count : 1;
        for (size_t h = 0; h < lines; h++) {
            const struct socket_row *socket = &view->host->sockets.items[row->socket];
            const struct holder *holder = row->holder_count ? &row->holders[h] : NULL;
            // The ports of one program often follow each other.
            bool again = holder && holder == last && socket->owner_pid != HOST_SYSTEM_PID;
            for (size_t c = 0; c < wanted->count; c++)
                if (!again || !columns[wanted->items[c]].of_program)
                    cells[c] = list_cells_make(view, wanted->items[c], socket, holder);
            table_add(out, cells);
            last = socket->owner_pid != HOST_SYSTEM_PID ? holder : NULL;
        }
    }
}
