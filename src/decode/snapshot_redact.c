#include "base/ascii.h"
#include "decode/snapshot_shape.h"

#include "base/buf.h"
#include "base/json.h"
#include "decode/http.h"
#include "decode/win_table.h"

#include <inttypes.h>
#include <string.h>

// Folders whose entries are named after users.
static const struct str home_roots[] = {STR_INIT("/home/"), STR_INIT("/Users/"), STR_INIT("\\Users\\"),
                                        STR_INIT("/users/"), STR_INIT("/export/home/")};

// What stands for a user of this host.
struct alias {
    struct str name;
    struct str placeholder;
    bool person; // an account of a person rather than of a service, by its number
};

struct aliases {
    struct arena *arena;
    LIST_OF(struct alias);
};

static const struct alias *
find_alias(const struct aliases *aliases, struct str name)
{
    for (size_t i = 0; i < aliases->count; i++)
        if (str_equal(aliases->items[i].name, name))
            return &aliases->items[i];
    return NULL;
}

// root is the same everywhere and stays; every other name becomes "user" and the number that stands in the document anyway.
static struct aliases
find_aliases(struct arena *arena, const struct host *host)
{
    struct aliases aliases = {.arena = arena};

    for (size_t i = 0; i < host->processes.count; i++) {
        const struct process *process = &host->processes.items[i];
        uint64_t number;
        if (process->user.known != KNOWN_YES || str_equal(process->user.value, STR("root")) ||
            str_to_u64(process->user.value, 10, &number) || find_alias(&aliases, process->user.value))
            continue;
        *LIST_ADD(arena, &aliases) = (struct alias){
            process->user.value,
            process->uid_known ? str_printf(arena, "user%" PRIu32, process->uid) : STR("user"),
            process->uid_known && process->uid >= 1000 && process->uid != 65534,
        };
    }
    return aliases;
}

// Where a path component that starts at `from` ends. On Windows the names of users have blanks in them.
static size_t
component_end(struct str text, size_t from)
{
    bool windows = from > 0 && text.ptr[from - 1] == '\\';
    size_t end = from;

    while (end < text.len && !strchr("/\\:;,\"'\n", text.ptr[end]) && (windows || text.ptr[end] != ' '))
        end++;
    return end;
}

// Whether text at `at` is a folder of homes; its length then.
static size_t
home_root_at(struct str text, size_t at)
{
    for (size_t i = 0; i < sizeof home_roots / sizeof *home_roots; i++)
        if (str_starts(str_part(text, at, SIZE_MAX), home_roots[i]))
            return home_roots[i].len;
    return 0;
}

// The text with the owner's name taken out of each home path, wherever in the text it stands; and out of other paths
// that have a folder named as a person.
static struct str
hide_homes(const struct aliases *aliases, struct str text)
{
    struct buf out = {.arena = aliases->arena};

    for (size_t at = 0; at < text.len;) {
        size_t root = home_root_at(text, at);
        bool separator = text.ptr[at] == '/' || text.ptr[at] == '\\';
        size_t start = at + (root ? root : separator ? 1 : 0);
        size_t end = component_end(text, start);
        const struct alias *alias = find_alias(aliases, str_part(text, start, end - start));
        bool folder = end < text.len && (text.ptr[end] == '/' || text.ptr[end] == '\\');
        buf_add(&out, str_part(text, at, (start > at ? start : at + 1) - at));
        if (root && end > start) {
            buf_add(&out, alias ? alias->placeholder : STR("user"));
            at = end;
        } else if (start > at && folder && alias && alias->person) {
            buf_add(&out, alias->placeholder);
            at = end;
        } else {
            at = start > at ? start : at + 1;
        }
    }
    return buf_str(&out);
}

// "Session 3 of User ann": a name as a whole word.
static struct str
hide_words(const struct aliases *aliases, struct str text)
{
    struct buf out = {.arena = aliases->arena};
    struct str word;
    bool first = true;

    while (str_cut(&text, ' ', &word)) {
        const struct alias *alias = find_alias(aliases, word);
        if (!first)
            buf_add_byte(&out, ' ');
        buf_add(&out, alias ? alias->placeholder : word);
        first = false;
    }
    return buf_str(&out);
}

// "ann, LOCAL SERVICE": whom a URL is reserved for.
static struct str
hide_names(const struct aliases *aliases, struct str text)
{
    struct buf out = {.arena = aliases->arena};
    struct str name;

    while (str_cut(&text, ',', &name)) {
        const struct alias *alias = find_alias(aliases, str_trim(name));
        buf_add_c(&out, out.len > 0 ? ", " : "");
        buf_add(&out, alias ? alias->placeholder : str_trim(name));
    }
    return buf_str(&out);
}

// A program may write anything into its first argument ("postgres: ann shop 10.0.0.7"): only its first word stays.
static void
hide_arguments(const struct aliases *aliases, struct str_list *command)
{
    struct str_list shown = {0};

    for (size_t i = 0; i < command->count; i++) {
        struct str rest = command->items[i];
        struct str word = rest;
        if (i == 0)
            (void)str_cut(&rest, ' ', &word);
        *LIST_ADD(aliases->arena, &shown) = i == 0 ? hide_homes(aliases, word) : STR("***");
        if (i == 0 && word.len < command->items[i].len)
            *LIST_ADD(aliases->arena, &shown) = STR("***");
    }
    *command = shown;
}

static void
hide_shape(const struct aliases *aliases, const struct shape *shape, char *data);

// Home paths in every text of a list, whose elements are copied first: the host itself stays as it is.
static void
hide_list(const struct aliases *aliases, const struct shape *shape, char *where)
{
    struct any_list list = snapshot_list_get(where);
    char *copy = arena_array(aliases->arena, list.count, shape->size);

    if (list.count > 0)
        memcpy(copy, list.items, list.count * shape->size);
    for (size_t i = 0; i < list.count; i++)
        hide_shape(aliases, shape, copy + i * shape->size);
    list.items = copy;
    list.capacity = list.count;
    snapshot_list_set(where, list);
}

static void
hide_shape(const struct aliases *aliases, const struct shape *shape, char *data)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        size_t where = field->offset + (field->kind == FIELD_FACT ? offsetof(struct fact, value) : 0);
        if (field->kind == FIELD_TEXT || field->kind == FIELD_FACT) {
            struct str text;
            memcpy(&text, data + where, sizeof text);
            text = hide_homes(aliases, text);
            memcpy(data + where, &text, sizeof text);
        } else if (field->kind == FIELD_LIST) {
            hide_list(aliases, field->shape, data + where);
        }
    }
}

// What is read out of a container runtime's answer (decode/container_api.h), and what leads there. Everything else in it
// (command lines, environments, mounts, labels) is nobody's business.
static bool
body_key_stays(struct str key)
{
    static const struct str keys[] = {
        STR_INIT("Id"),       STR_INIT("Name"),        STR_INIT("Names"),       STR_INIT("Image"),
        STR_INIT("State"),    STR_INIT("Status"),      STR_INIT("Pid"),         STR_INIT("Labels"),
        STR_INIT("Ports"),    STR_INIT("IP"),          STR_INIT("PrivatePort"), STR_INIT("PublicPort"),
        STR_INIT("Type"),     STR_INIT("Config"),      STR_INIT("HostConfig"),  STR_INIT("RestartPolicy"),
        STR_INIT("HostIp"),   STR_INIT("HostPort"),    STR_INIT("Version"),     STR_INIT("NetworkSettings"),
        STR_INIT("Networks"), STR_INIT("PortBindings")};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (str_equal(keys[i], key))
            return true;
    return (key.len > 0 && ascii_is_digit(key.ptr[0])) || str_ends(key, STR("compose.project")) ||
           str_ends(key, STR("compose.service"));
}

// Nesting is bounded: json_parse refuses what is deeper than 64.
static void
prune_body(cJSON *value)
{
    cJSON *next;
    for (cJSON *item = value->child; item; item = next) {
        next = item->next;
        if (cJSON_IsObject(value) && !body_key_stays(str_of(item->string)))
            (void)cJSON_DetachItemViaPointer(value, item);
        else
            prune_body(item);
    }
}

// The answer of a container runtime without what does not matter here; nothing at all if it can't be understood.
static struct str
hide_body(const struct aliases *aliases, struct str bytes)
{
    struct arena *arena = aliases->arena;
    struct http_answer answer;
    if (http_parse(arena, bytes, true, &answer) != HTTP_DONE)
        return STR("");
    cJSON *json = json_parse(arena, answer.body, NULL);
    if (!json)
        return STR("");
    prune_body(json);
    struct str body = hide_homes(aliases, json_print(arena, json, false));
    return str_printf(arena, "HTTP/1.1 %u moorage\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                      answer.status, body.len, STR_ARG(body));
}

// What programs of the other system were called with is nobody's business either: their first word stays.
static struct str
hide_line(const struct aliases *aliases, struct str command)
{
    struct str rest = command;
    struct str word = command;

    if (!str_cut(&rest, ' ', &word) || !rest.ptr)
        return hide_homes(aliases, command);
    return str_printf(aliases->arena, "%.*s ***", STR_ARG(hide_homes(aliases, word)));
}

// Socket tables and port ranges hold addresses and numbers only; of other bytes nobody knows.
static bool
raw_is_harmless(struct str name)
{
    struct win_table table;

    return str_starts(name, STR("sock_diag tcp")) || str_starts(name, STR("sock_diag udp")) ||
           str_starts(name, STR("sock_diag mptcp")) || str_starts(name, STR("/proc/net/tcp")) ||
           str_starts(name, STR("/proc/net/udp")) || win_table_of_name(name, &table) ||
           (str_starts(name, STR("spawn ")) && str_find(name, STR("\\netsh.exe interface ipv")) != SIZE_MAX);
}

// Whoever knows the token of a lease may end it.
static void
hide_holder(const struct aliases *aliases, struct lease *lease)
{
    const struct alias *alias = find_alias(aliases, lease->user);

    lease->token = STR("");
    if (alias)
        lease->user = alias->placeholder;
    else if (!str_equal(lease->user, STR("root")))
        lease->user = str_printf(aliases->arena, "user%" PRIu32, lease->owner);
}

struct host
snapshot_redact(struct arena *arena, const struct host *host)
{
    struct aliases aliases = find_aliases(arena, host);
    struct host out = *host;

    hide_shape(&aliases, &snapshot_host_shape, (char *)&out);
    for (size_t i = 0; i < out.processes.count; i++) {
        struct process *process = &out.processes.items[i];
        const struct alias *alias = find_alias(&aliases, host->processes.items[i].user.value);
        hide_arguments(&aliases, &process->command);
        if (alias)
            process->user.value = alias->placeholder;
    }
    for (size_t i = 0; i < out.leases.count; i++)
        hide_holder(&aliases, &out.leases.items[i]);
    for (size_t i = 0; i < out.services.count; i++)
        out.services.items[i].description = hide_words(&aliases, out.services.items[i].description);
    for (size_t i = 0; i < out.neighbour_ports.count; i++)
        out.neighbour_ports.items[i].command = hide_line(&aliases, host->neighbour_ports.items[i].command);
    for (size_t i = 0; i < out.http_urls.count; i++)
        out.http_urls.items[i].owner = hide_names(&aliases, out.http_urls.items[i].owner);
    for (size_t i = 0; i < out.api_answers.count; i++)
        out.api_answers.items[i].body = hide_body(&aliases, host->api_answers.items[i].body);
    for (size_t i = 0; i < out.raw.count; i++)
        if (!raw_is_harmless(out.raw.items[i].name))
            out.raw.items[i].bytes = STR("");
    return out;
}
