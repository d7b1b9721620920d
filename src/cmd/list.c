#include "cmd/command.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/table.h"
#include "base/utf8.h"
#include "cmd/list_cells.h"
#include "cmd/list_groups.h"
#include "cmd/list_notes.h"
#include "cmd/list_rows.h"
#include "cmd/list_watch.h"
#include "cmd/words.h"
#include "core/endpoint.h"
#include "core/report_lease.h"
#include "core/snapshot.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"
#include "sys/term.h"
#include "sys/user.h"

enum {
    WATCH_NEXT_MOST_S = 60, // `--watch 3000` is about a port
};

struct list_options {
    bool all;
    bool system;
    bool tcp;
    bool udp;
    bool deep;
    bool pids;
    bool csv;
    bool no_header;
    bool habit; // -l -n -p of ss and netstat: always so here
    struct str columns;
    struct str sort;
    struct str watch;
    struct str_list users;
    struct str_list pid;
    struct str_list port;
};

#define LIST(member) offsetof(struct list_options, member)

static const struct opt list_items[] = {
    {.name = "all", .letter = 'a', .kind = OPT_FLAG, .help = "sockets in every state", .offset = LIST(all)},
    {.name = "system",
     .kind = OPT_FLAG,
     .help = "the programs of the system too, where they are only counted",
     .offset = LIST(system)},
    {.name = "tcp", .letter = 't', .kind = OPT_FLAG, .help = "TCP only", .offset = LIST(tcp)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "UDP only", .offset = LIST(udp)},
    {.name = "user",
     .kind = OPT_LIST,
     .value = "NAME",
     .help = "ports of this user (can be given several times)",
     .offset = LIST(users)},
    {.name = "pid", .kind = OPT_LIST, .value = "PID", .help = "ports of this process", .offset = LIST(pid)},
    {.name = "port", .kind = OPT_LIST, .value = "A-B", .help = "only these ports", .offset = LIST(port)},
    {.name = "sort",
     .letter = 's',
     .kind = OPT_CHOICE,
     .value = "BY",
     .choices = "port|name|pid|user|since",
     .help = "order of the rows; since puts the youngest first",
     .offset = LIST(sort)},
    {.name = "columns",
     .letter = 'o',
     .kind = OPT_TEXT,
     .value = "NAMES",
     .help = "a row for each socket and program with these columns: port proto address remote state name pid user "
             "service unit container since command cwd exe inode lease",
     .offset = LIST(columns)},
    {.name = "pids", .kind = OPT_FLAG, .help = "print only the pids, one a line", .offset = LIST(pids)},
    {.name = "csv", .kind = OPT_FLAG, .help = "print comma-separated values", .offset = LIST(csv)},
    {.name = "no-header", .kind = OPT_FLAG, .help = "leave out the line of titles", .offset = LIST(no_header)},
    {.name = "watch",
     .letter = 'w',
     .kind = OPT_TEXT,
     .value = "SECONDS",
     .optional_value = true,
     .next_most = WATCH_NEXT_MOST_S,
     .help = "look again every 2 seconds, or as often as said",
     .offset = LIST(watch)},
    {.name = "deep",
     .kind = OPT_FLAG,
     .help = "search the rare places for every port: descriptors in flight, io_uring, mappings",
     .offset = LIST(deep)},
    {.letter = 'l', .kind = OPT_FLAG, .offset = LIST(habit)},
    {.letter = 'n', .kind = OPT_FLAG, .offset = LIST(habit)},
    {.letter = 'p', .kind = OPT_FLAG, .offset = LIST(habit)},
};

// What one look at the host gives.
struct look {
    struct arena *arena;
    struct host host;
    struct list_rows rows;
};

static bool
add_endpoints(struct command_run *run, struct str_list words, bool names_too, struct list_filter *filter,
              struct endpoint_list *out, struct err *err)
{
    struct service_table services = {0};

    if (words.count)
        command_services(&services);
    for (size_t i = 0; i < words.count; i++) {
        size_t before = out->count;
        enum endpoint_kind kind = endpoint_parse(run->arena, words.items[i], &services, out, err);
        if (kind == ENDPOINT_IS_WRONG)
            return false;
        if (kind != ENDPOINT_IS_PORT && !names_too)
            return err_set(err, ERR_USAGE, 0, "--port must be a port or a range, not \"%.*s\"",
                           STR_ARG(utf8_display(run->arena, str_part(words.items[i], 0, 40))));
        // "postgresql" is a service's port, and what a program on another port may be called.
        if (names_too && (kind != ENDPOINT_IS_PORT || (out->count > before && out->items[before].service.len)))
            *LIST_ADD(run->arena, &filter->names) = words.items[i];
    }
    return true;
}

static bool
make_filter(struct command_run *run, struct list_filter *filter, struct err *err)
{
    const struct list_options *options = run->options;

    if (!add_endpoints(run, run->operands, true, filter, &filter->ports, err) ||
        !add_endpoints(run, options->port, false, filter, &filter->only, err))
        return false;
    for (size_t i = 0; i < options->pid.count; i++) {
        uint64_t pid;
        if (!str_to_u64(options->pid.items[i], 10, &pid) || pid == 0 || pid > UINT32_MAX)
            return err_set(err, ERR_USAGE, 0, "--pid must be the number of a process, not \"%.*s\"",
                           STR_ARG(utf8_display(run->arena, str_part(options->pid.items[i], 0, 40))));
        *LIST_ADD(run->arena, &filter->pids) = (uint32_t)pid;
    }
    for (size_t i = 0; i < options->users.count; i++) {
        uint32_t uid;
        if (!user_find(options->users.items[i], &uid))
            return err_set(err, ERR_USAGE, 0, "there is no user '%.*s'",
                           STR_ARG(utf8_display(run->arena, str_part(options->users.items[i], 0, 40))));
        *LIST_ADD(run->arena, &filter->uids) = uid;
    }
    unsigned tcp = 1u << PROTOCOL_TCP | 1u << PROTOCOL_MPTCP;
    unsigned udp = 1u << PROTOCOL_UDP | 1u << PROTOCOL_UDPLITE;
    filter->protocols = (options->tcp ? tcp : 0) | (options->udp ? udp : 0);
    return true;
}

static enum list_sort
sort_of(struct str by)
{
    static const struct str names[] = {STR_INIT("port"), STR_INIT("name"), STR_INIT("pid"), STR_INIT("user"),
                                       STR_INIT("since")};

    for (size_t i = 1; i < sizeof names / sizeof *names; i++)
        if (str_equal(by, names[i]))
            return (enum list_sort)i;
    return LIST_SORT_PORT;
}

// Facts that the answer shows or is filtered or ordered by: of thousands of processes nothing is read but that.
static unsigned
facts_for(struct command_run *run, const struct list_filter *filter)
{
    const struct list_options *options = run->options;
    enum list_sort sort = sort_of(options->sort);
    struct list_columns columns = {0};
    struct err ignored = {0};
    unsigned facts = PROCESS_BASIC;

    if (run->common.json)
        return PROCESS_ALL;
    if (filter->names.count)
        facts |= PROCESS_COMMAND | PROCESS_EXE | PROCESS_USER | PROCESS_GROUP;
    if (options->pids)
        return facts;
    if (sort == LIST_SORT_NAME)
        facts |= SNAPSHOT_NAMES;
    else if (sort == LIST_SORT_USER)
        facts |= PROCESS_USER;
    if (!list_cells_parse(run->arena, options->columns, &columns, &ignored) || columns.count == 0)
        list_cells_usual(run->arena, options->all, false, &columns);
    for (size_t i = 0; i < columns.count; i++)
        facts |= list_cells_facts(columns.items[i]);
    return facts;
}

static bool
read_rows(struct command_run *run, const struct list_filter *filter, struct look *look, struct err *err)
{
    const struct list_options *options = run->options;
    struct snapshot_ask ask = {
        .protocols = filter->protocols ? filter->protocols : SOCKET_PROTOCOLS_ALL,
        .states = options->all ? SOCKET_STATES_ALL : 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .last = 65535,
        .want = SNAPSHOT_ADDRESSES | SNAPSHOT_KERNEL_PORTS | SNAPSHOT_LEASES,
    };
    struct host *host = &look->host;
    struct list_rows all = {0};
    unsigned facts = facts_for(run, filter);

    // Of few ports the holders are found sooner when it is known which sockets they have.
    if (!options->all && !filter->ports.count && !filter->only.count)
        socket_owner_begin(look->arena);
    if (!snapshot_read(look->arena, &ask, host, err))
        return false;
    size_t *sockets = arena_array(look->arena, host->sockets.count + 1, sizeof *sockets);
    size_t count = 0;
    for (size_t i = 0; i < host->sockets.count; i++)
        if (list_rows_may_want(filter, &host->sockets.items[i]))
            sockets[count++] = i;
    list_rows_order(host, sockets, count);
    if (count && !snapshot_add_holders(look->arena, host, sockets, count, facts, run->common.json,
                                       options->deep ? OWNER_DEEP : OWNER_ALL, err))
        return false;
    // Units and containers, where they are shown or asked for.
    if (count && facts & PROCESS_GROUP && !options->pids)
        snapshot_add_context(look->arena, host, sockets, count, LIST_CONTEXT_DEADLINE_MS);
    list_rows_make(look->arena, host, sockets, count, run->common.json, &all);
    LIST_RESERVE(look->arena, &look->rows, all.count);
    for (size_t i = 0; i < all.count; i++)
        if (list_rows_wants(look->arena, filter, host, &all.items[i]))
            *LIST_ADD(look->arena, &look->rows) = all.items[i];
    return true;
}

static int
compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
print_pids(const struct look *look, struct buf *out)
{
    size_t count = 0;

    for (size_t i = 0; i < look->rows.count; i++)
        count += look->rows.items[i].holder_count;
    uint32_t *pids = arena_array(look->arena, count + 1, sizeof *pids);
    count = 0;
    for (size_t i = 0; i < look->rows.count; i++)
        for (size_t h = 0; h < look->rows.items[i].holder_count; h++)
            pids[count++] = look->rows.items[i].holders[h].pid;
    qsort(pids, count, sizeof *pids, compare_u32);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || pids[i] != pids[i - 1])
            buf_addf(out, "%u\n", pids[i]);
}

static void
print_json(const struct command_run *run, const struct look *look, struct buf *out)
{
    const struct list_options *options = run->options;
    const struct host *host = &look->host;
    cJSON *document = report_begin(look->arena, "moorage.list/1", host, &run->privacy);
    // Without a socket whose holders could be asked for, nothing was left out.
    bool searched = host->tier != TIER_NONE;
    report_add_sight(look->arena, document, searched ? host->tier : socket_owner_tier(), !searched || host->complete,
                     host->unseen.items, searched ? host->unseen.count : 0);
    cJSON *rows = json_add_array(document, "rows");

    for (size_t i = 0; i < look->rows.count; i++) {
        const struct list_row *row = &look->rows.items[i];
        cJSON *object = json_append_object(rows);
        report_add_socket(look->arena, object, &look->host, &look->host.sockets.items[row->socket], &run->privacy);
        const struct socket_row *socket = &look->host.sockets.items[row->socket];
        const struct lease *lease = host_lease(&look->host, socket->protocol, socket->local_port);
        if (lease && socket->netns == 0)
            report_add_lease(look->arena, json_add_object(object, "lease"), lease, &run->privacy);
        cJSON *holders = json_add_array(object, "holders");
        for (size_t h = 0; h < row->holder_count; h++)
            report_add_holder(look->arena, holders, &look->host, &row->holders[h], &run->privacy);
    }
    // While watching, each look is one line: a stream that tools read line by line.
    buf_add(out, command_json_text(look->arena, document, !options->watch.ptr));
}

// Under sudo the reader is who called it.
static uint32_t
reader_uid(const struct host *host)
{
    uint64_t uid;

    if (host->admin && str_to_u64(term_environment("SUDO_UID", NULL), 10, &uid) && uid <= UINT32_MAX)
        return (uint32_t)uid;
    return host->uid;
}

// Whether one of the rows is on a port that is kept for a name.
static bool
shows_lease(const struct look *look)
{
    for (size_t i = 0; i < look->rows.count; i++) {
        const struct socket_row *row = &look->host.sockets.items[look->rows.items[i].socket];
        const struct lease *lease = host_lease(&look->host, row->protocol, row->local_port);
        if (lease && lease->name.len && row->netns == 0)
            return true;
    }
    return false;
}

static bool
print_table(const struct command_run *run, const struct look *look, struct buf *out, struct err *err)
{
    const struct list_options *options = run->options;
    bool people = run->width && !options->all && !options->csv && !options->columns.len;
    bool ago = run->width && !options->csv;
    struct list_view view = {look->arena, &look->host, &run->privacy, ago, !people && !options->csv};
    struct list_columns columns = {0};
    struct table table;

    if (people) {
        struct list_groups groups = {0};
        struct list_groups_look how = {run->width, !options->no_header, run->colour, options->system};
        // Who asks for certain rows wants to see them all.
        how.system =
            how.system || run->operands.count || options->users.count || options->pid.count || options->port.count;
        list_groups_make(&view, reader_uid(&look->host), &look->rows, &groups);
        list_groups_print(&view, &groups, &how, out);
        return true;
    }
    if (!options->columns.len)
        list_cells_usual(look->arena, options->all, shows_lease(look), &columns);
    else if (!list_cells_parse(look->arena, options->columns, &columns, err))
        return false;
    list_cells_table(&view, &columns, &look->rows, &table);
    if (options->csv)
        table_csv(&table, out, !options->no_header);
    else
        table_print(&table, out, run->width, !options->no_header, run->colour);
    return true;
}

static bool
print_look(const struct command_run *run, struct look *look, struct buf *out, struct err *err)
{
    const struct list_options *options = run->options;

    list_rows_sort(&look->host, &look->rows, sort_of(options->sort));
    if (run->common.json)
        print_json(run, look, out);
    else if (options->pids)
        print_pids(look, out);
    else if (look->rows.count)
        return print_table(run, look, out, err);
    return true;
}

// Each look has its own memory, so that watching for days needs no more than one look does.
static int
watch(struct command_run *run, const struct list_filter *filter, unsigned interval, struct err *err)
{
    bool terminal = term_output_is_terminal();

    for (bool first = true;; first = false) {
        struct look look = {.arena = arena_open()};
        struct buf out = {.arena = look.arena};
        json_use(look.arena);
        bool good = read_rows(run, filter, &look, err) && print_look(run, &look, &out, err);
        bool reader = good;
        if (good && !run->common.quiet) {
            if (first && terminal)
                reader = term_write(STR("\x1b[2J"), NULL);
            if (terminal)
                reader = reader && term_write(list_watch_frame(look.arena, buf_str(&out), term_height()), NULL);
            else
                reader = (first || run->common.json || term_write(STR("\n"), NULL)) && term_write(buf_str(&out), NULL);
        }
        // A screen that is drawn again and again has no place behind it.
        run->notes->len = 0;
        json_use(run->arena);
        arena_close(look.arena);
        if (!good)
            return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
        if (!reader)
            return EXIT_GOOD;
        clock_sleep_ms(interval);
        if (terminal)
            run->width = term_width();
    }
}

// A word that nothing is called may be a user.
static bool
asks_for_user(struct arena *arena, struct list_filter *filter)
{
    uint32_t uid;

    if (filter->names.count != 1 || filter->ports.count > 0 || !user_find(filter->names.items[0], &uid))
        return false;
    filter->names = (struct str_list){0};
    *LIST_ADD(arena, &filter->uids) = uid;
    return true;
}

static int
list_run(struct command_run *run, struct err *err)
{
    const struct list_options *options = run->options;
    struct list_filter filter = {0};
    struct list_columns ignored = {0};
    struct look look = {.arena = run->arena};

    if (!make_filter(run, &filter, err) || !list_cells_parse(run->arena, options->columns, &ignored, err))
        return EXIT_USAGE;
    if (options->watch.ptr) {
        unsigned interval = 0;
        if (!list_watch_interval(options->watch, &interval, err))
            return EXIT_USAGE;
        return watch(run, &filter, interval, err);
    }
    if (!read_rows(run, &filter, &look, err) || !print_look(run, &look, &run->out, err))
        return EXIT_UNKNOWN;
    struct list_filter of_user = filter;
    if (look.rows.count == 0 && asks_for_user(run->arena, &of_user)) {
        look = (struct look){.arena = run->arena};
        run->out.len = 0;
        if (!read_rows(run, &of_user, &look, err) || !print_look(run, &look, &run->out, err))
            return EXIT_UNKNOWN;
    }
    if (look.rows.count == 0)
        return list_notes_nothing(run, &filter, &look.host, err);
    list_notes_unseen(run, look.arena, &look.host, &look.rows);
    return EXIT_GOOD;
}

const struct command command_list = {
    .name = "list",
    .aliases = "ls ps",
    .usage = "[OPTION]... [NAME | PORT]...",
    .summary = "what is listening here",
    .about = "Lists what has a port on this host: port, program, process, user, service or container, and since when. "
             "On a terminal there is one line for each program and port, your own programs first; the programs of the "
             "system are only counted (--system shows them). In a pipe there is one line for each socket and program. "
             "A NAME is a program, a unit, a container or a compose service.",
    .examples = "moorage\twhat is listening here\n"
                "moorage node\tthe ports of that program\n"
                "moorage list 3000-3999 --tcp\tTCP ports of this range\n"
                "moorage list --sort since --watch\twatch the youngest programs\n"
                "moorage list -o port,pid,name --no-header\tfor scripts\n"
                "moorage list --pids nginx\tprocess ids alone\n",
    .options = OPT_TABLE(list_items),
    .options_size = sizeof(struct list_options),
    .run = list_run,
};
