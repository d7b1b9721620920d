#include "cmd/list_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/map64.h"

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
        if (!ascii_is_digit(tail.ptr[i]) && tail.ptr[i] != '.' && tail.ptr[i] != '-')
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
    // Mostly the holders were noted in the order of the sockets.
    for (size_t i = 1; i < *link_count; i++) {
        if (compare_links(&links[i - 1], &links[i]) > 0) {
            qsort(links, *link_count, sizeof *links, compare_links);
            break;
        }
    }
    return links;
}

// One socket for each process is enough to explain it: a server may have thousands.
static void
explain_processes(struct arena *arena, const struct host *host, const struct link *links, size_t count, bool whole,
                  struct holder_list *out)
{
    struct arena *scratch = arena_open();
    size_t *sockets = arena_array(scratch, count + 1, sizeof *sockets);
    bool *chosen = arena_array(scratch, host->sockets.count + 1, sizeof *chosen);
    struct map64 seen = {0};
    size_t socket_count = 0;

    for (size_t i = 0; i < count; i++) {
        size_t socket = links[i].holding->socket;
        if (map64_get(&seen, links[i].holding->pid, NULL))
            continue;
        map64_put(scratch, &seen, links[i].holding->pid, i);
        if (!chosen[socket])
            sockets[socket_count++] = socket;
        chosen[socket] = true;
    }
    if (whole)
        holder_find(arena, host, sockets, socket_count, out);
    else
        holder_find_plain(arena, host, sockets, socket_count, out);
    arena_close(scratch);
}

// The holders as all sockets share them, by pid.
struct shared_holders {
    struct holder_list all;
    struct map64 by_pid; // indexes into it
};

static const struct holder *
shared_holder(const struct shared_holders *shared, uint32_t pid)
{
    size_t at;

    return map64_get(&shared->by_pid, pid, &at) ? &shared->all.items[at] : NULL;
}

// The holder with what depends on the socket.
static struct holder
own_holder(struct arena *arena, const struct host *host, const struct shared_holders *shared, size_t socket,
           uint32_t pid)
{
    const struct holder *known = shared_holder(shared, pid);
    struct holder holder = known ? *known : (struct holder){.pid = pid};

    holder.how = (struct str_list){0};
    // Of the services in one process each has sockets of its own.
    holder_place_by_process(arena, host, &host->sockets.items[socket], &holder);
    return holder;
}

// The holders of one row, of which these are the links.
static void
fill_row(struct arena *arena, const struct host *host, const struct shared_holders *shared, const struct link *links,
         size_t count, bool whole, struct list_row *row)
{
    bool alone = count == 1 && !whole && host->sockets.items[row->socket].owner_service.len == 0;

    // Most have one holder, and of it nothing that depends on the socket.
    row->holders = alone ? shared_holder(shared, links->holding->pid) : NULL;
    row->holder_count = row->holders != NULL;
    if (row->holders || count == 0)
        return;
    struct holder *copies = arena_array(arena, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        const struct holding *holding = links[i].holding;
        if (row->holder_count == 0 || copies[row->holder_count - 1].pid != holding->pid)
            copies[row->holder_count++] = own_holder(arena, host, shared, row->socket, holding->pid);
        if (whole)
            *LIST_ADD(arena, &copies[row->holder_count - 1].how) = host_how_format(arena, holding);
    }
    row->holders = copies;
}

void
list_rows_make(struct arena *arena, const struct host *host, const size_t *sockets, size_t count, bool whole,
               struct list_rows *out)
{
    struct arena *scratch = arena_open();
    struct shared_holders shared = {0};
    size_t link_count;
    struct link *links = find_links(scratch, host, sockets, count, &link_count);

    LIST_RESERVE(arena, out, count);
    // Each process is explained once for all sockets; the rows share what does not depend on the socket.
    explain_processes(arena, host, links, link_count, whole, &shared.all);
    map64_reserve(scratch, &shared.by_pid, shared.all.count);
    for (size_t i = 0; i < shared.all.count; i++)
        map64_put(scratch, &shared.by_pid, shared.all.items[i].pid, i);
    for (size_t i = 0, at = 0, end; i < count; i++, at = end) {
        struct list_row *row = LIST_ADD(arena, out);
        row->socket = sockets[i];
        for (end = at; end < link_count && links[end].row == i;)
            end++;
        fill_row(arena, host, &shared, &links[at], end - at, whole, row);
    }
    arena_close(scratch);
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

// By port; the address in the table stands for the index in it.
static int
compare_sockets(const struct socket_row *x, const struct socket_row *y)
{
    if (x->local_port != y->local_port)
        return x->local_port < y->local_port ? -1 : 1;
    if (x->protocol != y->protocol)
        return x->protocol < y->protocol ? -1 : 1;
    if (x->local.family != y->local.family)
        return x->local.family < y->local.family ? -1 : 1;
    int addresses = memcmp(x->local.bytes, y->local.bytes, sizeof x->local.bytes);
    return addresses ? addresses : (x > y) - (x < y);
}

static int
compare_places(const void *a, const void *b)
{
    return compare_sockets(*(const struct socket_row *const *)a, *(const struct socket_row *const *)b);
}

void
list_rows_order(const struct host *host, size_t *sockets, size_t count)
{
    struct arena *arena = arena_open();
    const struct socket_row **places = arena_array(arena, count + 1, sizeof *places);

    for (size_t i = 0; i < count; i++)
        places[i] = &host->sockets.items[sockets[i]];
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++)
        sockets[i] = (size_t)(places[i] - host->sockets.items);
    arena_close(arena);
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
    return compare_sockets(x->socket, y->socket);
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

// As they come where their sockets were put into order.
static bool
are_by_port(const struct host *host, const struct list_rows *rows)
{
    const struct socket_row *sockets = host->sockets.items;

    for (size_t i = 1; i < rows->count; i++)
        if (compare_sockets(&sockets[rows->items[i - 1].socket], &sockets[rows->items[i].socket]) > 0)
            return false;
    return true;
}

void
list_rows_sort(const struct host *host, struct list_rows *rows, enum list_sort by)
{
    if (by == LIST_SORT_PORT && are_by_port(host, rows))
        return;
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
