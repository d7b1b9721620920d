#include "cmd/range_show.h"

#include "base/table.h"
#include "base/utf8.h"
#include "cmd/words.h"
#include "core/report.h"

enum {
    USERS_SHOWN = 3,
    INSIDE_SHOWN = 20,
};

static struct str
kind_name(const struct port_range *range)
{
    static const struct str names[] = {
        [RANGE_DYNAMIC] = STR_INIT("dynamic"),
        [RANGE_RESERVED] = STR_INIT("reserved"),
        [RANGE_PRIVILEGED] = STR_INIT("privileged"),
        [RANGE_EXCLUDED] = STR_INIT("excluded"),
    };

    return names[range->kind];
}

static struct str
protocols_of(const struct port_range *range)
{
    return range->any_protocol ? STR("tcp udp") : host_protocol_name(range->protocol);
}

static struct str
families_of(const struct port_range *range)
{
    return range->family == FAMILY_NONE ? STR("IPv4 IPv6") : range->family == FAMILY_IPV4 ? STR("IPv4") : STR("IPv6");
}

static struct str
span_of(struct arena *arena, uint16_t first, uint16_t last)
{
    return first == last ? str_printf(arena, "%u", first) : str_printf(arena, "%u-%u", first, last);
}

static void
print_ranges(struct command_run *run, const struct host *host)
{
    static const struct table_column columns[] = {
        {.title = STR_INIT("RANGE")}, {.title = STR_INIT("PORTS"), .ink = INK_STRONG},
        {.title = STR_INIT("PROTO")}, {.title = STR_INIT("FAMILY")},
        {.title = STR_INIT("BY")},    {.title = STR_INIT("SET BY"), .shrinks = true, .ink = INK_DIM},
    };
    struct table table = {.arena = run->arena, .columns = columns, .column_count = sizeof columns / sizeof *columns};

    for (size_t i = 0; i < host->ranges.count; i++) {
        const struct port_range *range = &host->ranges.items[i];
        table_add(&table, (struct str[]){
                              kind_name(range),
                              span_of(run->arena, range->first, range->last),
                              protocols_of(range),
                              families_of(range),
                              range->kind != RANGE_EXCLUDED ? (struct str){0}
                              : range->administered         ? STR("somebody, on purpose")
                                                            : STR("a driver at its start"),
                              utf8_display(run->arena, range->source),
                          });
    }
    table_print(&table, &run->out, run->width, true, run->colour);
}

static struct str
user_name_of(struct arena *arena, const struct range_user *user)
{
    if (user->pid == 0)
        return STR("programs that can't be seen");
    return str_printf(arena, "%.*s (pid %u)", STR_ARG(utf8_display(arena, user->name)), user->pid);
}

static void
print_use(struct command_run *run, const struct range_use *use)
{
    struct buf line = {.arena = run->arena};
    const char *family = use->family == FAMILY_NONE ? "" : use->family == FAMILY_IPV4 ? " over IPv4" : " over IPv6";

    buf_addf(&line, "%.*s%s: %zu of %zu dynamic ports in use (%zu %%)", STR_ARG(words_protocol(use->protocol)), family,
             use->taken, use->ports, use->ports ? use->taken * 100 / use->ports : 100);
    for (size_t i = 0; i < use->users.count && i < USERS_SHOWN; i++)
        buf_addf(&line, "%s%zu by %.*s", i ? ", " : ": ", use->users.items[i].sockets,
                 STR_ARG(user_name_of(run->arena, &use->users.items[i])));
    words_fold(&run->out, buf_str(&line), 2, run->width);
    buf_add_byte(&run->out, '\n');
}

static struct holder_list
holders_of(struct arena *arena, const struct host *host, size_t socket)
{
    struct holder_list list = {0};

    holder_find(arena, host, &socket, 1, &list);
    return list;
}

// Servers of whose ports a client may be given one while they are down.
static void
print_inside(struct command_run *run, const struct range_view *view)
{
    if (view->inside_count == 0)
        return;
    buf_add_byte(&run->out, '\n');
    words_fold(
        &run->out,
        str_printf(run->arena,
                   "%.*s inside the dynamic range: while such a program is down, any client may be given its port",
                   STR_ARG(words_count(run->arena, view->inside_count, "server stands", "servers stand"))),
        0, run->width);
    buf_add_byte(&run->out, '\n');
    for (size_t i = 0; i < view->inside_count && i < INSIDE_SHOWN; i++) {
        const struct socket_row *row = &view->host->sockets.items[view->inside[i]];
        struct holder_list holders = holders_of(run->arena, view->host, view->inside[i]);
        struct str who = words_holders(run->arena, &holders);
        buf_addf(&run->out, "  %u  %.*s  moorage range reserve %u --persist\n", row->local_port,
                 STR_ARG(who.len ? who : STR("a program that you may not look into")), row->local_port);
    }
    if (view->inside_count > INSIDE_SHOWN)
        buf_addf(&run->out, "  and %zu more\n", view->inside_count - INSIDE_SHOWN);
}

void
range_show_text(struct command_run *run, const struct range_view *view)
{
    print_ranges(run, view->host);
    if (view->uses.count)
        buf_add_byte(&run->out, '\n');
    for (size_t i = 0; i < view->uses.count; i++)
        print_use(run, &view->uses.items[i]);
    print_inside(run, view);
}

static void
add_family(struct arena *arena, cJSON *object, enum family family)
{
    if (family == FAMILY_NONE)
        json_add_null(object, "family");
    else
        json_add_str(arena, object, "family", family == FAMILY_IPV4 ? STR("ipv4") : STR("ipv6"));
}

static void
add_range(struct arena *arena, cJSON *array, const struct port_range *range)
{
    cJSON *object = json_append_object(array);

    json_add_str(arena, object, "kind", kind_name(range));
    if (range->any_protocol)
        json_add_null(object, "protocol");
    else
        json_add_str(arena, object, "protocol", host_protocol_name(range->protocol));
    add_family(arena, object, range->family);
    json_add_int(object, "first", range->first);
    json_add_int(object, "last", range->last);
    json_add_str(arena, object, "source", range->source);
    json_add_bool(object, "administered", range->administered);
}

static void
add_use(struct arena *arena, cJSON *array, const struct range_use *use)
{
    cJSON *object = json_append_object(array);

    json_add_str(arena, object, "protocol", host_protocol_name(use->protocol));
    add_family(arena, object, use->family);
    json_add_int(object, "first", use->first);
    json_add_int(object, "last", use->last);
    json_add_int(object, "ports", (int64_t)use->ports);
    json_add_int(object, "taken", (int64_t)use->taken);
    json_add_int(object, "sockets", (int64_t)use->sockets);
    cJSON *users = json_add_array(object, "users");
    for (size_t i = 0; i < use->users.count; i++) {
        cJSON *user = json_append_object(users);
        if (use->users.items[i].pid)
            json_add_int(user, "pid", use->users.items[i].pid);
        else
            json_add_null(user, "pid");
        json_add_str(arena, user, "name", use->users.items[i].name);
        json_add_int(user, "sockets", (int64_t)use->users.items[i].sockets);
    }
}

void
range_show_json(struct command_run *run, const struct range_view *view, cJSON *document)
{
    struct arena *arena = run->arena;
    cJSON *ranges = json_add_array(document, "ranges");
    cJSON *dynamic = json_add_array(document, "dynamic");
    cJSON *inside = json_add_array(document, "inside");
    struct range_pids *holders = arena_array(arena, view->inside_count + 1, sizeof *holders);

    range_use_holders(arena, view->host, view->inside, view->inside_count, holders);
    for (size_t i = 0; i < view->host->ranges.count; i++)
        add_range(arena, ranges, &view->host->ranges.items[i]);
    for (size_t i = 0; i < view->uses.count; i++)
        add_use(arena, dynamic, &view->uses.items[i]);
    for (size_t i = 0; i < view->inside_count; i++) {
        const struct socket_row *row = &view->host->sockets.items[view->inside[i]];
        cJSON *object = json_append_object(inside);
        json_add_str(arena, object, "protocol", host_protocol_name(row->protocol));
        json_add_int(object, "port", row->local_port);
        cJSON *pids = json_add_array(object, "pids");
        for (size_t h = 0; h < holders[i].count; h++)
            cJSON_AddItemToArray(pids, cJSON_CreateNumber(holders[i].items[h]));
    }
}
