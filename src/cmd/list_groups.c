#include "cmd/list_groups.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "cmd/words.h"

enum {
    // Users below are the system's (login.defs(5), SYS_UID_MAX), and so is nobody.
    FIRST_PERSON = 1000,
    NOBODY = 65534,
};

static bool
is_person(uint32_t uid)
{
    return uid >= FIRST_PERSON && uid != NOBODY;
}

// In a unit of the system's own manager: neither in a login session nor under a user's manager.
static bool
in_system_unit(const struct holder *holder)
{
    struct str group = holder->process->cgroup.value;

    return holder->pid == 1 || str_starts(group, STR("/system.slice/")) || str_starts(group, STR("/init.scope"));
}

// What a user starts with sudo runs as root, in that user's session.
static bool
in_session_of(struct arena *arena, const struct holder *holder, uint32_t uid)
{
    return str_starts(holder->process->cgroup.value, str_printf(arena, "/user.slice/user-%u.slice/", uid));
}

enum list_side
list_groups_side(const struct list_view *view, uint32_t uid, const struct list_row *row)
{
    const struct holder *holder = list_rows_main(row);
    const struct socket_row *socket = &view->host->sockets.items[row->socket];

    if (!holder || !holder->process || !holder->process->uid_known) {
        if (!socket->uid_known || !socket->inode || !is_person(socket->uid))
            return LIST_SYSTEM;
        return socket->uid == uid ? LIST_OWN : LIST_OTHER;
    }
    uint32_t owner = holder->process->uid;
    bool contained = holder->container || holder->forwards || holder->is_forwarder || holder->runtime.len;
    if (owner == uid && (is_person(uid) || (!contained && !in_system_unit(holder))))
        return LIST_OWN;
    if (contained)
        return LIST_OTHER;
    if (in_session_of(view->arena, holder, uid))
        return LIST_OWN;
    return is_person(owner) && !in_system_unit(holder) ? LIST_OTHER : LIST_SYSTEM;
}

// What makes rows one group; `at` is the row's place.
struct group_key {
    enum list_side side;
    enum protocol protocol;
    uint16_t port;
    uint32_t uid;
    struct str name;
    struct str service;
    size_t at;
};

static int
compare_group(const struct group_key *x, const struct group_key *y)
{
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    if (x->protocol != y->protocol)
        return x->protocol < y->protocol ? -1 : 1;
    if (x->side != y->side)
        return x->side < y->side ? -1 : 1;
    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    int names = str_compare(x->name, y->name);
    return names ? names : str_compare(x->service, y->service);
}

static int
compare_keys(const void *a, const void *b)
{
    const struct group_key *x = a;
    const struct group_key *y = b;
    int groups = compare_group(x, y);

    return groups ? groups : (x->at > y->at) - (x->at < y->at);
}

static int
compare_pids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
count_pids(const struct list_view *view, const struct list_rows *rows, const struct group_key *keys, size_t count,
           struct list_group *group)
{
    size_t all = 0;

    for (size_t i = 0; i < count; i++)
        all += rows->items[keys[i].at].holder_count;
    uint32_t *pids = arena_array(view->arena, all + 1, sizeof *pids);
    all = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t h = 0; h < rows->items[keys[i].at].holder_count; h++)
            pids[all++] = rows->items[keys[i].at].holders[h].pid;
    qsort(pids, all, sizeof *pids, compare_pids);
    for (size_t i = 0; i < all; i++)
        group->pid_count += i == 0 || pids[i] != pids[i - 1];
}

// A program of another name that holds the first row as well.
static struct str
other_name(const struct list_view *view, const struct list_row *row, struct str name)
{
    for (size_t i = 0; i < row->holder_count; i++) {
        struct str other = holder_name(view->arena, &row->holders[i]);
        if (!str_equal(other, name))
            return other;
    }
    return (struct str){0};
}

static void
fill_group(const struct list_view *view, const struct list_rows *rows, const struct group_key *keys, size_t count,
           struct list_group *group)
{
    group->side = keys[0].side;
    group->row = &rows->items[keys[0].at];
    group->main = list_rows_main(group->row);
    group->sockets = arena_array(view->arena, count, sizeof *group->sockets);
    group->socket_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct holder *main = list_rows_main(&rows->items[keys[i].at]);
        group->sockets[i] = rows->items[keys[i].at].socket;
        if (main && (group->pid == 0 || main->pid < group->pid))
            group->pid = main->pid;
    }
    count_pids(view, rows, keys, count, group);
    if (group->main)
        group->also = other_name(view, group->row, keys[0].name);
}

static int
compare_groups(const void *a, const void *b)
{
    const struct list_group *x = a;
    const struct list_group *y = b;

    if (x->side != y->side)
        return x->side < y->side ? -1 : 1;
    // Both point into the same array of rows, which is in the wanted order.
    return (x->row > y->row) - (x->row < y->row);
}

void
list_groups_make(const struct list_view *view, uint32_t uid, const struct list_rows *rows, struct list_groups *out)
{
    struct group_key *keys = arena_array(view->arena, rows->count + 1, sizeof *keys);

    for (size_t i = 0; i < rows->count; i++) {
        const struct list_row *row = &rows->items[i];
        const struct socket_row *socket = &view->host->sockets.items[row->socket];
        const struct holder *main = list_rows_main(row);
        keys[i] = (struct group_key){
            .side = list_groups_side(view, uid, row),
            .protocol = socket->protocol,
            .port = socket->local_port,
            .uid = socket->uid,
            .name = main ? holder_name(view->arena, main) : (struct str){0},
            .service = list_cells_make(view, LIST_SERVICE, socket, main),
            .at = i,
        };
    }
    qsort(keys, rows->count, sizeof *keys, compare_keys);
    for (size_t i = 0, count; i < rows->count; i += count) {
        for (count = 1; i + count < rows->count && compare_group(&keys[i], &keys[i + count]) == 0;)
            count++;
        fill_group(view, rows, &keys[i], count, LIST_ADD(view->arena, out));
    }
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, compare_groups);
}

static const enum list_column shown[] = {
    LIST_PORT, LIST_PROTO, LIST_ADDRESS, LIST_PROGRAM, LIST_PID, LIST_USER, LIST_SERVICE, LIST_LEASE, LIST_SINCE,
};

enum {
    SHOWN_COUNT = sizeof shown / sizeof *shown,
};

static struct str
group_cell(const struct list_view *view, enum list_column column, const struct list_group *group)
{
    struct arena *arena = view->arena;
    struct str cell = list_cells_make(view, column, &view->host->sockets.items[group->row->socket], group->main);

    if (column == LIST_ADDRESS)
        return words_addresses(arena, view->host, group->sockets, group->socket_count);
    if (column == LIST_PROGRAM && group->also.len)
        return str_printf(arena, "%.*s, %.*s", STR_ARG(cell), STR_ARG(utf8_display(arena, group->also)));
    if (column == LIST_PID && group->pid)
        return group->pid_count > 1 ? str_printf(arena, "%u +%zu", group->pid, group->pid_count - 1)
                                    : str_printf(arena, "%u", group->pid);
    return cell;
}

// All sides are one table, so that their columns stand under each other; where a side begins is found by its count of lines.
static void
print_sides(const struct list_view *view, const struct list_groups *groups, const struct list_groups_look *look,
            bool system, struct buf *out)
{
    struct table_column titles[SHOWN_COUNT];
    struct table table = {.arena = view->arena, .columns = titles, .column_count = SHOWN_COUNT};
    struct buf text = {.arena = view->arena};
    struct str line;
    size_t at = 0;

    for (size_t c = 0; c < SHOWN_COUNT; c++)
        titles[c] = *list_cells_column(shown[c]);
    for (size_t i = 0; i < groups->count; i++) {
        struct str cells[SHOWN_COUNT];
        if (groups->items[i].side == LIST_SYSTEM && !system)
            continue;
        for (size_t c = 0; c < SHOWN_COUNT; c++)
            cells[c] = group_cell(view, shown[c], &groups->items[i]);
        table_add(&table, cells);
    }
    if (table.cells.count == 0)
        return;
    table_print(&table, &text, look->width, look->header, look->colour);
    struct str rest = buf_str(&text);
    if (look->header && str_cut(&rest, '\n', &line)) {
        buf_add(out, line);
        buf_add_byte(out, '\n');
    }
    while (at < groups->count && str_cut(&rest, '\n', &line)) {
        if (at > 0 && groups->items[at].side != groups->items[at - 1].side)
            buf_add_byte(out, '\n');
        buf_add(out, line);
        buf_add_byte(out, '\n');
        at++;
        if (at < groups->count && groups->items[at].side == LIST_SYSTEM && !system)
            break;
    }
}

// "postgres 5432, memcached 11211, ...": who looks for one of them must not miss it.
static struct str
system_names(const struct list_view *view, const struct list_groups *groups, size_t width)
{
    struct buf out = {.arena = view->arena};
    size_t left = 0;

    for (size_t i = 0; i < groups->count; i++) {
        const struct list_group *group = &groups->items[i];
        if (group->side != LIST_SYSTEM)
            continue;
        struct str name = group->main ? group_cell(view, LIST_PROGRAM, group) : STR("");
        struct str one = str_printf(view->arena, "%s%.*s%s%u", out.len ? ", " : "", STR_ARG(name), name.len ? " " : "",
                                    view->host->sockets.items[group->row->socket].local_port);
        if (utf8_width(buf_str(&out)) + utf8_width(one) > width)
            left++;
        else
            buf_add(&out, one);
    }
    if (left)
        buf_addf(&out, ", ...");
    return buf_str(&out);
}

void
list_groups_print(const struct list_view *view, const struct list_groups *groups, const struct list_groups_look *look,
                  struct buf *out)
{
    size_t counts[LIST_SIDE_COUNT] = {0};

    for (size_t i = 0; i < groups->count; i++)
        counts[groups->items[i].side]++;
    size_t people = counts[LIST_OWN] + counts[LIST_OTHER];
    bool system = look->system || people == 0;
    print_sides(view, groups, look, system, out);
    if (!system && counts[LIST_SYSTEM] > 0) {
        struct str head = str_printf(view->arena, "+ %zu of the system (--system)", counts[LIST_SYSTEM]);
        struct str line = str_printf(view->arena, "%.*s: %.*s", STR_ARG(head),
                                     STR_ARG(system_names(view, groups, look->width > 48 ? look->width - 40 : 8)));
        buf_add_byte(out, '\n');
        ink_add(out, look->colour, INK_DIM, line);
        buf_add_byte(out, '\n');
    }
}
