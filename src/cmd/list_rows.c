#include "cmd/list_rows.h"

#include <stdlib.h>
#include <string.h>

static bool
in_endpoints(const struct endpoint_list *list, const struct socket_row *row)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct endpoint *endpoint = &list->items[i];
        if (row->local_port < endpoint->first || row->local_port > endpoint->last ||
            (!endpoint->any_protocol && !host_same_ports(endpoint->protocol, row->protocol)))
            continue;
        // A socket on every address serves the asked one too.
        if (endpoint->host == ENDPOINT_EVERY || address_is_any(row->local) ||
            (endpoint->host == ENDPOINT_LOCALHOST && address_is_loopback(row->local)) ||
            (endpoint->host == ENDPOINT_ADDRESS && address_equal(endpoint->address, row->local)))
            return true;
    }
    return false;
}

bool
list_rows_may_want(const struct list_filter *filter, const struct socket_row *row)
{
    if (row->netns != 0)
        return false;
    if (filter->protocols && !(filter->protocols & 1u << row->protocol))
        return false;
    if (filter->only.count && !in_endpoints(&filter->only, row))
        return false;
    // A name may still want a row that no port wants.
    return filter->names.count || !filter->ports.count || in_endpoints(&filter->ports, row);
}

static struct str
last_part(struct str path)
{
    size_t slash = str_find_last_byte(path, '/');
    size_t backslash = str_find_last_byte(path, '\\');

    if (slash != SIZE_MAX)
        path = str_part(path, slash + 1, path.len);
    else if (backslash != SIZE_MAX)
        path = str_part(path, backslash + 1, path.len);
    return path;
}

static bool
is_version(struct str tail)
{
    for (size_t i = 0; i < tail.len; i++)
        if (!(tail.ptr[i] >= '0' && tail.ptr[i] <= '9') && tail.ptr[i] != '.' && tail.ptr[i] != '-')
            return false;
    return true;
}

// "python" is python3.11, "shop" is shop.service, "server" is server.js; case does not matter.
static bool
is_called(struct str name, struct str word)
{
    static const struct str endings[] = {
        STR_INIT(".service"), STR_INIT(".socket"), STR_INIT(".scope"), STR_INIT(".exe"), STR_INIT(".js"),
        STR_INIT(".mjs"),     STR_INIT(".py"),     STR_INIT(".rb"),    STR_INIT(".jar"), STR_INIT(".sh"),
    };

    if (name.len < word.len || !str_equal_nocase(str_part(name, 0, word.len), word))
        return false;
    struct str tail = str_part(name, word.len, name.len);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (str_equal_nocase(tail, endings[i]))
            return true;
    return is_version(tail);
}

// The script or module that an interpreter runs is what people call the program.
static bool
runs_script(const struct process *process, struct str word)
{
    for (size_t i = 1; i < process->command.count; i++) {
        struct str argument = process->command.items[i];
        if (!str_starts(argument, STR("-")))
            return is_called(last_part(argument), word);
    }
    return false;
}

bool
list_rows_container_named(const struct container *container, struct str word)
{
    enum {
        SHORTEST_ID = 6,
    };

    if (!container)
        return false;
    return is_called(container->name, word) || is_called(container->compose_service, word) ||
           is_called(container->compose_project, word) || str_equal(container->image, word) ||
           (word.len >= SHORTEST_ID && str_starts(container->id, word));
}

bool
list_rows_named(struct arena *arena, const struct holder *holder, struct str word)
{
    const struct process *process = holder->process;

    if (word.len == 0)
        return false;
    if (process && (is_called(process->name, word) || is_called(last_part(process->exe.value), word) ||
                    (process->command.count && is_called(last_part(process->command.items[0]), word)) ||
                    runs_script(process, word)))
        return true;
    return is_called(holder_name(arena, holder), word) || is_called(holder->unit, word) ||
           list_rows_container_named(holder->container, word) || list_rows_container_named(holder->forwards, word) ||
           is_called(holder->container_id, word);
}

static bool
wants_by_operand(struct arena *arena, const struct list_filter *filter, const struct host *host,
                 const struct list_row *row)
{
    if (!filter->names.count && !filter->ports.count)
        return true;
    const struct socket_row *socket = &host->sockets.items[row->socket];
    if (in_endpoints(&filter->ports, socket))
        return true;
    const struct lease *lease = socket->netns ? NULL : host_lease(host, socket->protocol, socket->local_port);
    for (size_t n = 0; n < filter->names.count; n++)
        if (lease && str_equal(lease->name, filter->names.items[n]))
            return true;
    for (size_t i = 0; i < row->holder_count; i++)
        for (size_t n = 0; n < filter->names.count; n++)
            if (list_rows_named(arena, &row->holders[i], filter->names.items[n]))
                return true;
    return false;
}

static bool
contains(const uint32_t *items, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == value)
            return true;
    return false;
}

bool
list_rows_wants(struct arena *arena, const struct list_filter *filter, const struct host *host,
                const struct list_row *row)
{
    const struct socket_row *socket = &host->sockets.items[row->socket];
    bool pid = filter->pids.count == 0;
    bool uid = filter->uids.count == 0;

    // Where no holder may be seen, the socket's own user stands for it.
    if (!uid && row->holder_count == 0 && socket->uid_known)
        uid = contains(filter->uids.items, filter->uids.count, socket->uid);
    for (size_t i = 0; i < row->holder_count; i++) {
        const struct holder *holder = &row->holders[i];
        pid = pid || contains(filter->pids.items, filter->pids.count, holder->pid);
        uid = uid || (holder->process && holder->process->uid_known &&
                      contains(filter->uids.items, filter->uids.count, holder->process->uid));
    }
    return pid && uid && wants_by_operand(arena, filter, host, row);
}

// One holding of a wanted socket, by the row it belongs to.
struct link {
    size_t row;
    const struct holding *holding;
};

static int
compare_links(const void *a, const void *b)
{
    const struct link *x = a;
    const struct link *y = b;

    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->holding->pid != y->holding->pid)
        return x->holding->pid < y->holding->pid ? -1 : 1;
    return (x->holding > y->holding) - (x->holding < y->holding);
}

static int
compare_pid(const void *key, const void *element)
{
    uint32_t pid = *(const uint32_t *)key;
    uint32_t other = ((const struct holder *)element)->pid;

    return (pid > other) - (pid < other);
}

// The holdings of the rows' sockets, sorted by row and pid.
static struct link *
find_links(struct arena *arena, const struct host *host, const size_t *sockets, size_t count, size_t *link_count)
{
    struct link *links = arena_array(arena, host->holdings.count + 1, sizeof *links);
    size_t *row_of = arena_array(arena, host->sockets.count + 1, sizeof *row_of); // row + 1; 0: not wanted

    *link_count = 0;
    for (size_t i = 0; i < count; i++)
        row_of[sockets[i]] = i + 1;
    for (size_t i = 0; i < host->holdings.count; i++) {
        const struct holding *holding = &host->holdings.items[i];
        if (holding->socket < host->sockets.count && row_of[holding->socket])
            links[(*link_count)++] = (struct link){row_of[holding->socket] - 1, holding};
    }
    if (*link_count)
        qsort(links, *link_count, sizeof *links, compare_links);
    return links;
}

static int
compare_link_pids(const void *a, const void *b)
{
    const struct link *x = a;
    const struct link *y = b;

    if (x->holding->pid != y->holding->pid)
        return x->holding->pid < y->holding->pid ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

// One socket for each process is enough to explain it: a server may have thousands.
static void
explain_processes(struct arena *arena, const struct host *host, const struct link *links, size_t count, bool whole,
                  struct holder_list *out)
{
    struct link *by_pid = arena_array(arena, count + 1, sizeof *by_pid);
    size_t *sockets = arena_array(arena, count + 1, sizeof *sockets);
    bool *chosen = arena_array(arena, host->sockets.count + 1, sizeof *chosen);
    size_t socket_count = 0;

    if (count == 0)
        return;
    memcpy(by_pid, links, count * sizeof *by_pid);
    qsort(by_pid, count, sizeof *by_pid, compare_link_pids);
    for (size_t i = 0; i < count; i++) {
        size_t socket = by_pid[i].holding->socket;
        bool first = i == 0 || by_pid[i].holding->pid != by_pid[i - 1].holding->pid;
        if (first && !chosen[socket])
            sockets[socket_count++] = socket;
        chosen[socket] = chosen[socket] || first;
    }
    if (whole)
        holder_find(arena, host, sockets, socket_count, out);
    else
        holder_find_plain(arena, host, sockets, socket_count, out);
}

void
list_rows_make(struct arena *arena, const struct host *host, const size_t *sockets, size_t count, bool whole,
               struct list_rows *out)
{
    struct holder_list all = {0};
    size_t link_count;
    struct link *links = find_links(arena, host, sockets, count, &link_count);
    struct holder *copies = arena_array(arena, link_count + 1, sizeof *copies);
    size_t copy_count = 0;

    LIST_RESERVE(arena, out, count);
    // Each process is explained once for all sockets; the rows share what does not depend on the socket.
    explain_processes(arena, host, links, link_count, whole, &all);
    for (size_t i = 0, at = 0; i < count; i++) {
        struct list_row *row = LIST_ADD(arena, out);
        row->socket = sockets[i];
        row->holders = &copies[copy_count];
        for (; at < link_count && links[at].row == i; at++) {
            const struct holding *holding = links[at].holding;
            if (row->holder_count == 0 || copies[copy_count - 1].pid != holding->pid) {
                const struct holder *known =
                    all.count ? bsearch(&holding->pid, all.items, all.count, sizeof *all.items, compare_pid) : NULL;
                copies[copy_count] = known ? *known : (struct holder){.pid = holding->pid};
                copies[copy_count].how = (struct str_list){0};
                // Of the services in one process each has sockets of its own.
                holder_place_by_process(arena, host, &host->sockets.items[sockets[i]], &copies[copy_count]);
                copy_count++;
                row->holder_count++;
            }
            if (whole)
                *LIST_ADD(arena, &copies[copy_count - 1].how) = host_how_format(arena, holding);
        }
    }
}

const struct holder *
list_rows_main(const struct list_row *row)
{
    for (size_t i = 0; i < row->holder_count; i++) {
        const struct process *process = row->holders[i].process;
        if (process && !bsearch(&process->ppid, row->holders, row->holder_count, sizeof *row->holders, compare_pid))
            return &row->holders[i];
    }
    return row->holder_count ? row->holders : NULL;
}

// What a row is sorted by: read once, compared often.
struct sort_key {
    struct list_row row;
    const struct socket_row *socket;
    struct str text;
    int64_t number;
};

static int
compare_keys(const void *a, const void *b)
{
    const struct sort_key *x = a;
    const struct sort_key *y = b;
    int texts = str_compare(x->text, y->text);

    if (texts)
        return texts;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    if (x->socket->local_port != y->socket->local_port)
        return x->socket->local_port < y->socket->local_port ? -1 : 1;
    if (x->socket->protocol != y->socket->protocol)
        return x->socket->protocol < y->socket->protocol ? -1 : 1;
    if (x->socket->local.family != y->socket->local.family)
        return x->socket->local.family < y->socket->local.family ? -1 : 1;
    int addresses = memcmp(x->socket->local.bytes, y->socket->local.bytes, sizeof x->socket->local.bytes);
    return addresses ? addresses : (x->row.socket > y->row.socket) - (x->row.socket < y->row.socket);
}

static void
fill_key(struct arena *arena, struct sort_key *key, enum list_sort by)
{
    const struct holder *holder = list_rows_main(&key->row);
    const struct process *process = holder ? holder->process : NULL;

    switch (by) {
    case LIST_SORT_PORT:
        break;
    case LIST_SORT_NAME:
        key->text = holder ? holder_name(arena, holder) : STR("\xff");
        break;
    case LIST_SORT_PID:
        key->number = holder ? holder->pid : INT64_MAX;
        break;
    case LIST_SORT_USER:
        key->text = process && process->user.known == KNOWN_YES ? process->user.value : STR("\xff");
        break;
    case LIST_SORT_SINCE:
        // The youngest first: what was started just now is what one looks for.
        key->number = process && process->started_known ? -process->started_ms : INT64_MAX;
        break;
    }
}

void
list_rows_sort(const struct host *host, struct list_rows *rows, enum list_sort by)
{
    struct arena *arena = arena_open();
    struct sort_key *keys = arena_array(arena, rows->count + 1, sizeof *keys);

    for (size_t i = 0; i < rows->count; i++) {
        keys[i].row = rows->items[i];
        keys[i].socket = &host->sockets.items[rows->items[i].socket];
        fill_key(arena, &keys[i], by);
    }
    qsort(keys, rows->count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < rows->count; i++)
        rows->items[i] = keys[i].row;
    arena_close(arena);
}
