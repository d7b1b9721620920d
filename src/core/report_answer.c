#include "core/redact.h"
#include "core/report_lease.h"
#include "core/report_parts.h"

static void
add_remedies(struct arena *arena, cJSON *object, const struct cause *cause)
{
    cJSON *array = json_add_array(object, "remedies");

    for (size_t i = 0; i < cause->remedies.count; i++) {
        const struct remedy *remedy = &cause->remedies.items[i];
        cJSON *entry = json_append_object(array);
        json_add_str(arena, entry, "lever", why_lever_name(remedy->lever));
        json_add_str(arena, entry, "harm", why_harm_name(remedy->harm));
        json_add_str(arena, entry, "sentence", remedy->sentence);
        json_add_str_or_null(arena, entry, "command", remedy->command);
        json_add_str_or_null(arena, entry, "by_hand", remedy->by_hand);
        if (remedy->port != 0)
            json_add_int(entry, "port", remedy->port);
    }
}

// Who listens by way of the system's HTTP server: the addresses of the port, and the processes behind them.
static void
add_http_users(struct arena *arena, cJSON *object, const struct host *host, const struct cause *cause,
               const struct report_privacy *privacy)
{
    cJSON *urls = json_add_array(object, "http_urls");

    for (size_t i = 0; i < cause->users.count; i++) {
        const struct http_user *user = &cause->users.items[i];
        cJSON *entry = json_append_object(urls);
        json_add_str(arena, entry, "url", user->url->url);
        json_add_bool(entry, "registered", user->url->registered);
        json_add_str_or_null(arena, entry, user->url->registered ? "queue" : "reserved_for", user->url->owner);
        json_add_str_or_null(arena, entry, "name", user->known.title);
        cJSON *pids = json_add_array(entry, "pids");
        for (size_t k = 0; k < user->url->pids.count; k++)
            cJSON_AddItemToArray(pids, cJSON_CreateNumber(user->url->pids.items[k]));
    }
    cJSON *behind = json_add_array(object, "behind");
    for (size_t i = 0; i < cause->behind.count; i++)
        report_add_holder(arena, behind, host, &cause->behind.items[i], privacy);
}

static void
add_neighbour(struct arena *arena, cJSON *object, const struct neighbour_port *port,
              const struct report_privacy *privacy)
{
    json_add_str(arena, object, "system", port->system);
    json_add_str(arena, object, "local", address_format_port(arena, port->address, port->port));
    if (port->pid != 0)
        json_add_int(object, "pid", port->pid);
    else
        json_add_null(object, "pid");
    json_add_str_or_null(arena, object, "name", port->name);
    json_add_str_or_null(arena, object, "command",
                         privacy->share  ? STR("")
                         : privacy->full ? port->command
                                         : redact_line(arena, port->command));
}

static void
add_redirect(struct arena *arena, cJSON *object, const struct redirect *redirect)
{
    json_add_str(arena, object, "source", redirect->source);
    json_add_str(arena, object, "rule", redirect->rule);
    if (redirect->to.family == FAMILY_NONE)
        json_add_null(object, "to");
    else
        json_add_str(arena, object, "to", address_format(arena, redirect->to));
    json_add_int(object, "to_port", redirect->to_port);
}

static void
add_cause(struct arena *arena, cJSON *array, const struct host *host, const struct cause *cause,
          const struct report_privacy *privacy)
{
    cJSON *object = json_append_object(array);

    json_add_str(arena, object, "kind", why_kind_name(cause->kind));
    json_add_bool(object, "blocks", cause->blocks);
    json_add_str(arena, object, "sentence", cause->sentence);
    cJSON *sockets = json_add_array(object, "sockets");
    for (size_t i = 0; i < cause->sockets.count; i++)
        report_add_socket(arena, json_append_object(sockets), host, &host->sockets.items[cause->sockets.items[i]],
                          privacy);
    cJSON *holders = json_add_array(object, "holders");
    for (size_t i = 0; i < cause->holders.count; i++)
        report_add_holder(arena, holders, host, &cause->holders.items[i], privacy);
    cJSON *notes = json_add_array(object, "notes");
    for (size_t i = 0; i < cause->notes.count && !privacy->share; i++)
        json_append_str(arena, notes, cause->notes.items[i]);
    if (cause->service)
        json_add_str(arena, object, "unit", cause->service->name);
    if (cause->container)
        report_add_container_facts(arena, json_add_object(object, "container"), cause->container);
    if (cause->range) {
        cJSON *range = json_add_object(object, "range");
        json_add_int(range, "first", cause->range->first);
        json_add_int(range, "last", cause->range->last);
        json_add_str(arena, range, "source", cause->range->source);
        if (cause->kind == CAUSE_EXCLUDED_RANGE) {
            json_add_bool(range, "administered", cause->range->administered);
            json_add_str(arena, range, "made_by", cause->maker);
        }
    }
    if (cause->kind == CAUSE_HTTP_SYS)
        add_http_users(arena, object, host, cause, privacy);
    if (cause->neighbour)
        add_neighbour(arena, json_add_object(object, "neighbour"), cause->neighbour, privacy);
    if (cause->redirect)
        add_redirect(arena, json_add_object(object, "redirect"), cause->redirect);
    if (cause->kind == CAUSE_LINGERING && cause->seconds > 0)
        json_add_int(object, "seconds", cause->seconds);
    add_remedies(arena, object, cause);
}

static void
add_probes(struct arena *arena, cJSON *object, const struct answer *answer)
{
    cJSON *array = json_add_array(object, "probes");

    for (size_t i = 0; i < answer->probes.count; i++) {
        const struct probe *probe = &answer->probes.items[i];
        cJSON *entry = json_append_object(array);
        json_add_str(arena, entry, "address", address_format(arena, probe->address));
        json_add_str(arena, entry, "bind", probe->bind);
        json_add_str(arena, entry, "result", probe->result);
        json_add_int(entry, "code", (int64_t)probe->code);
    }
}

void
report_add_sight(struct arena *arena, cJSON *object, enum tier tier, bool complete, const struct unseen *unseen,
                 size_t count)
{
    json_add_str(arena, object, "tier", host_tier_name(tier));
    json_add_bool(object, "complete", complete);
    cJSON *array = json_add_array(object, "unseen");
    for (size_t i = 0; i < count; i++) {
        if (!unseen[i].relevant)
            continue;
        cJSON *entry = json_append_object(array);
        json_add_int(entry, "pid", unseen[i].pid);
        json_add_str(arena, entry, "what", unseen[i].what);
        json_add_str(arena, entry, "reason", host_known_name(unseen[i].reason));
    }
}

void
report_add_answer(struct arena *arena, cJSON *asked, const struct host *host, const struct answer *answer,
                  const struct report_privacy *privacy)
{
    cJSON *object = json_append_object(asked);
    const struct endpoint *endpoint = &answer->question.endpoint;

    json_add_str(arena, object, "protocol", host_protocol_name(answer->question.protocol));
    switch (endpoint->host) {
    case ENDPOINT_EVERY:
        json_add_null(object, "address");
        break;
    case ENDPOINT_LOCALHOST:
        json_add_str(arena, object, "address", STR("localhost"));
        break;
    case ENDPOINT_ADDRESS:
        json_add_str(arena, object, "address", address_format(arena, endpoint->address));
        break;
    }
    json_add_int(object, "port", endpoint->first);
    json_add_bool(object, "bindable", answer->bindable);
    json_add_bool(object, "proved", answer->proved);
    json_add_str(arena, object, "bind", bind_mode_name(answer->question.mode));
    add_probes(arena, object, answer);
    report_add_sight(arena, object, answer->tier, answer->complete, answer->unseen.items, answer->unseen.count);
    if (answer->plain_warning.len > 0)
        json_add_str(arena, object, "plain", answer->plain_warning);
    if (why_browsers_refuse(answer))
        json_add_bool(object, "browsers_refuse", true);
    if (answer->lease)
        report_add_lease(arena, json_add_object(object, "lease"), answer->lease, privacy);
    cJSON *causes = json_add_array(object, "causes");
    for (size_t i = 0; i < answer->causes.count; i++)
        add_cause(arena, causes, host, &answer->causes.items[i], privacy);
    cJSON *suggest = json_add_array(object, "suggest");
    for (size_t i = 0; i < answer->suggest.count; i++)
        cJSON_AddItemToArray(suggest, cJSON_CreateNumber(answer->suggest.items[i]));
}
