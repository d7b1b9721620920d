#include "core/report.h"

#include <stdio.h>

#include "base/utf8.h"
#include "core/redact.h"
#include "core/report_parts.h"

// Days since 1970-01-01 as a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"), so that no
// time zone or C library is asked.
static void
civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

struct str
report_time(struct arena *arena, int64_t ms)
{
    int64_t seconds = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
    int64_t days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400;
    int64_t rest = seconds - days * 86400;
    int64_t year;
    unsigned month;
    unsigned day;

    civil_from_days(days, &year, &month, &day);
    return str_printf(arena, "%04lld-%02u-%02uT%02lld:%02lld:%02lldZ", (long long)year, month, day,
                      (long long)(rest / 3600), (long long)(rest / 60 % 60), (long long)(rest % 60));
}

cJSON *
report_begin(struct arena *arena, const char *schema, const struct host *host, const struct report_privacy *privacy)
{
    json_use(arena);
    cJSON *root = cJSON_CreateObject();

    json_add_str(arena, root, "schema", str_of(schema));
    json_add_str(arena, root, "host", privacy->share ? STR("host") : host->name);
    json_add_str(arena, root, "time", report_time(arena, host->time_ms));
    return root;
}

static void
add_device(struct arena *arena, cJSON *object, const struct socket_row *row)
{
    if (row->device == 0)
        json_add_null(object, "device");
    else if (row->device_name.len > 0)
        json_add_str(arena, object, "device", row->device_name);
    else
        json_add_str(arena, object, "device", str_printf(arena, "if%u", row->device));
}

static void
add_namespace(struct arena *arena, cJSON *object, const struct host *host, const struct socket_row *row)
{
    if (row->netns == 0) {
        json_add_null(object, "netns");
        return;
    }
    for (size_t i = 0; i < host->namespaces.count; i++)
        if (host->namespaces.items[i].id == row->netns && host->namespaces.items[i].name.len > 0) {
            json_add_str(arena, object, "netns", host->namespaces.items[i].name);
            return;
        }
    json_add_str(arena, object, "netns", str_printf(arena, "net:[%llu]", (unsigned long long)row->netns));
}

static void
add_tri(cJSON *object, const char *key, enum tri value)
{
    if (value == TRI_UNKNOWN)
        json_add_null(object, key);
    else
        json_add_bool(object, key, value == TRI_YES);
}

void
report_add_socket(struct arena *arena, cJSON *object, const struct host *host, const struct socket_row *row,
                  const struct report_privacy *privacy)
{
    json_add_str(arena, object, "protocol", host_protocol_name(row->protocol));
    json_add_str(arena, object, "local", address_format_port(arena, row->local, row->local_port));
    if (row->remote.family == FAMILY_NONE)
        json_add_null(object, "remote");
    else
        json_add_str(arena, object, "remote", address_format_port(arena, row->remote, row->remote_port));
    json_add_str(arena, object, "state", host_state_name(row->state));
    if (row->uid_known && !privacy->share)
        json_add_int(object, "uid", row->uid);
    else
        json_add_null(object, "uid");
    json_add_u64(arena, object, "inode", row->inode);
    add_device(arena, object, row);
    add_namespace(arena, object, host, row);
    if (row->local.family == FAMILY_IPV6)
        add_tri(object, "v6only", row->v6only);
    if (row->reuse_addr != TRI_UNKNOWN)
        json_add_bool(object, "reuse_addr", row->reuse_addr == TRI_YES);
    if (row->reuse_port != TRI_UNKNOWN)
        json_add_bool(object, "reuse_port", row->reuse_port == TRI_YES);
    if (row->created_ms != 0)
        json_add_str(arena, object, "bound", report_time(arena, row->created_ms));
    if (row->owner_pid != 0)
        json_add_int(object, "owner_pid", row->owner_pid);
    if (row->owner_service.len > 0)
        json_add_str(arena, object, "owner_service", row->owner_service);
    if (row->cookie != 0)
        json_add_str(arena, object, "cookie", str_printf(arena, "%llu", (unsigned long long)row->cookie));
    if (row->expires_ms != 0)
        json_add_int(object, "expires_ms", row->expires_ms);
    if (row->state == SOCKET_LISTEN) {
        json_add_int(object, "queue", row->queue);
        json_add_int(object, "backlog", row->backlog);
    }
}

// A fact, or null and the reason under "unknown".
static void
add_fact(struct arena *arena, cJSON *object, cJSON *unknown, const char *key, enum known known, struct str value)
{
    if (known == KNOWN_YES) {
        json_add_str(arena, object, key, value);
        return;
    }
    json_add_null(object, key);
    if (known != KNOWN_NOT_ASKED)
        json_add_str(arena, unknown, key, host_known_name(known));
}

// The bytes of all arguments where one of them is no UTF-8, so that they can be put together again.
static void
add_raw_command(struct arena *arena, cJSON *object, const struct str_list *command)
{
    bool valid = true;

    for (size_t i = 0; i < command->count; i++)
        valid = valid && utf8_valid(command->items[i]);
    if (valid)
        return;
    cJSON *raw = json_add_array(object, "command_raw");
    for (size_t i = 0; i < command->count; i++)
        json_append_str(arena, raw, json_base64(arena, command->items[i]));
}

// How a fact stands that was asked for and that a process took with it when it ended.
static enum known
left_of(const struct process *process, enum known known)
{
    return known == KNOWN_NOT_ASKED && process->known != KNOWN_YES ? process->known : known;
}

static void
add_command(struct arena *arena, cJSON *object, cJSON *unknown, const struct process *process,
            const struct report_privacy *privacy)
{
    if (process->command_known != KNOWN_YES) {
        add_fact(arena, object, unknown, "command", left_of(process, process->command_known), STR(""));
        return;
    }
    struct str_list shown = privacy->full ? process->command : redact_command(arena, &process->command);
    struct str program = {0};
    if (privacy->share && shown.count > 0) {
        program = str_base_name(shown.items[0]);
        shown = (struct str_list){.items = &program, .count = 1};
    }
    cJSON *array = json_add_array(object, "command");
    for (size_t i = 0; i < shown.count; i++)
        json_append_str(arena, array, shown.items[i]);
    add_raw_command(arena, object, &shown);
}

static struct str
shown_path(struct arena *arena, struct str path, const struct report_privacy *privacy)
{
    return privacy->share ? redact_path(arena, path, privacy->home) : path;
}

static void
add_process(struct arena *arena, cJSON *object, cJSON *unknown, const struct process *process,
            const struct report_privacy *privacy)
{
    if (process->started_known)
        json_add_str(arena, object, "started", report_time(arena, process->started_ms));
    else
        add_fact(arena, object, unknown, "started", KNOWN_GONE, STR(""));
    add_fact(arena, object, unknown, "exe", left_of(process, process->exe.known),
             shown_path(arena, process->exe.value, privacy));
    add_command(arena, object, unknown, process, privacy);
    add_fact(arena, object, unknown, "cwd", left_of(process, process->cwd.known),
             shown_path(arena, process->cwd.value, privacy));
    if (privacy->share)
        json_add_null(object, "user");
    else
        add_fact(arena, object, unknown, "user", left_of(process, process->user.known), process->user.value);
    if (process->git_root.known == KNOWN_YES && process->git_root.value.len > 0) {
        cJSON *git = json_add_object(object, "git");
        json_add_str(arena, git, "root", shown_path(arena, process->git_root.value, privacy));
        json_add_str(arena, git, "branch", process->git_branch.value);
    } else {
        json_add_null(object, "git");
    }
    json_add_str_or_null(arena, object, "terminal", process->tty);
    if (process->state != 0)
        json_add_str(arena, object, "state", (struct str){&process->state, 1});
    else
        json_add_null(object, "state");
}

// Windows: the terminal session, and what stands in the program file. Left out where the system has no such things.
static void
add_image(struct arena *arena, cJSON *object, cJSON *unknown, const struct process *process)
{
    static const struct str signatures[] = {
        [SIGNATURE_UNKNOWN] = STR_INIT("unknown"), [SIGNATURE_NONE] = STR_INIT("none"),
        [SIGNATURE_GOOD] = STR_INIT("good"),       [SIGNATURE_BROKEN] = STR_INIT("broken"),
        [SIGNATURE_DOUBTED] = STR_INIT("doubted"),
    };

    if (process->session_known)
        json_add_int(object, "session", process->session);
    if (process->company.known == KNOWN_NOT_ASKED || process->company.known == KNOWN_UNSUPPORTED)
        return;
    add_fact(arena, object, unknown, "company", process->company.known, process->company.value);
    add_fact(arena, object, unknown, "product", process->product.known, process->product.value);
    add_fact(arena, object, unknown, "signer", process->signer.known, process->signer.value);
    json_add_str(arena, object, "signature", signatures[process->signature]);
}

static void
add_no_process(cJSON *object, cJSON *unknown, struct arena *arena)
{
    static const char *const keys[] = {"started", "exe", "command", "cwd", "user"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        add_fact(arena, object, unknown, keys[i], KNOWN_GONE, STR(""));
}

static void
add_service(struct arena *arena, cJSON *object, const struct holder *holder)
{
    if (holder->unit.len == 0) {
        json_add_null(object, "service");
        return;
    }
    cJSON *service = json_add_object(object, "service");
    json_add_str(arena, service, "manager",
                 holder->service        ? holder->service->manager
                 : holder->user_manager ? STR("systemd --user")
                                        : STR("systemd"));
    json_add_str(arena, service, "name", holder->unit);
    if (!holder->service)
        return;
    json_add_int(service, "main_pid", holder->service->main_pid);
    json_add_str(arena, service, "description", holder->service->description);
    json_add_str(arena, service, "restart", holder->service->restart);
    json_add_bool(service, "at_boot", holder->service->at_boot);
    if (holder->service->dependants.len > 0)
        json_add_str(arena, service, "dependants", holder->service->dependants);
    if (holder->service->shares_process)
        json_add_bool(service, "shares_process", true);
}

void
report_add_container_facts(struct arena *arena, cJSON *object, const struct container *container)
{
    json_add_str(arena, object, "runtime", container->runtime);
    json_add_str(arena, object, "id", container->id);
    json_add_str_or_null(arena, object, "name", container->name);
    json_add_str_or_null(arena, object, "image", container->image);
    json_add_str_or_null(arena, object, "compose_project", container->compose_project);
    json_add_str_or_null(arena, object, "compose_service", container->compose_service);
    cJSON *ports = json_add_array(object, "ports");
    for (size_t i = 0; i < container->ports.count; i++) {
        const struct published_port *port = &container->ports.items[i];
        cJSON *entry = json_append_object(ports);
        json_add_str(arena, entry, "protocol", host_protocol_name(port->protocol));
        json_add_int(entry, "host_port", port->host_port);
        json_add_int(entry, "container_port", port->container_port);
    }
}

static void
add_container(struct arena *arena, cJSON *object, const struct holder *holder)
{
    const struct container *container = holder->forwards ? holder->forwards : holder->container;

    if (container) {
        report_add_container_facts(arena, json_add_object(object, "container"), container);
    } else if (holder->container_id.len > 0) {
        const struct container bare = {.runtime = holder->runtime, .id = holder->container_id};
        report_add_container_facts(arena, json_add_object(object, "container"), &bare);
    } else {
        json_add_null(object, "container");
    }
}

void
report_add_holder(struct arena *arena, cJSON *array, const struct host *host, const struct holder *holder,
                  const struct report_privacy *privacy)
{
    cJSON *object = json_append_object(array);
    cJSON *unknown = cJSON_CreateObject();

    (void)host;
    json_add_int(object, "pid", holder->pid);
    json_add_str(arena, object, "name", holder->process ? holder->process->name : STR(""));
    if (holder->process) {
        add_process(arena, object, unknown, holder->process, privacy);
        add_image(arena, object, unknown, holder->process);
    } else {
        add_no_process(object, unknown, arena);
    }
    json_add_str_or_null(arena, object, "how", holder->how.count > 0 ? holder->how.items[0] : STR(""));
    cJSON *ways = json_add_array(object, "ways");
    for (size_t i = 0; i < holder->how.count; i++)
        json_append_str(arena, ways, holder->how.items[i]);
    cJSON *ancestry = json_add_array(object, "ancestry");
    for (size_t i = 0; i < holder->ancestry.count; i++) {
        cJSON *entry = json_append_object(ancestry);
        json_add_int(entry, "pid", holder->ancestry.items[i]->pid);
        json_add_str(arena, entry, "name", holder->ancestry.items[i]->name);
    }
    json_add_str_or_null(arena, object, "started_by", privacy->share ? STR("") : holder->started_by);
    json_add_bool(object, "orphan", holder->orphan);
    add_service(arena, object, holder);
    add_container(arena, object, holder);
    cJSON *warnings = json_add_array(object, "warnings");
    for (size_t i = 0; i < holder->warnings.count && !privacy->share; i++)
        json_append_str(arena, warnings, holder->warnings.items[i]);
    if (unknown->child)
        cJSON_AddItemToObject(object, "unknown", unknown);
}
