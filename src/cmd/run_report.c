#include "cmd/run_report.h"

#include "base/json.h"
#include "base/utf8.h"
#include "core/report_lease.h"
#include "sys/file.h"
#include "sys/os.h"

static void
add_places(struct running *running, cJSON *document, const char *key, enum run_seen seen)
{
    cJSON *array = json_add_array(document, key);

    if (running->watch.seen != seen)
        return;
    for (size_t i = 0; i < running->watch.own.count; i++) {
        const struct socket_row *row = &running->watch.own.items[i];
        json_append_str(running->run->arena, array,
                        address_format_port(running->run->arena, row->local, row->local_port));
    }
}

static void
add_end(struct running *running, cJSON *document, bool ended)
{
    if (!ended) {
        json_add_null(document, "exit");
        json_add_null(document, "left_behind");
        return;
    }
    json_add_int(document, "exit", running->exit);
    cJSON *left = json_add_object(document, "left_behind");
    json_add_int(left, "programs", (int64_t)running->end.left);
    json_add_int(left, "ended_hard", (int64_t)running->end.hard);
    json_add_int(left, "not_ended", (int64_t)running->end.stubborn);
}

void
run_report_write(struct running *running, const char *state)
{
    struct command_run *run = running->run;
    struct arena *arena = run->arena;
    const struct report_privacy *privacy = &run->privacy;
    struct host host = {0};
    struct err err = {0};

    if (running->report.len == 0)
        return;
    os_identify(arena, &host);
    cJSON *document = report_begin(arena, "moorage.run/1", &host, privacy);
    json_add_str(arena, document, "state", str_of(state));
    json_add_str_or_null(arena, document, "name", running->wish.name);
    json_add_str_or_null(arena, document, "project", privacy->share ? (struct str){0} : running->wish.project);
    if (running->port.port)
        json_add_int(document, "port", running->port.port);
    else
        json_add_null(document, "port");
    json_add_str(arena, document, "protocol", STR("tcp"));
    cJSON *command = json_add_array(document, "command");
    const struct str_list *words = running->command.count ? &running->command : &run->behind;
    for (size_t i = 0; i < words->count && (i == 0 || !privacy->share); i++)
        json_append_str(arena, command, words->items[i]);
    if (running->supervise)
        json_add_int(document, "pid", supervise_pid(running->supervise));
    else
        json_add_null(document, "pid");
    json_add_bool(document, "handed_over", running->options_listen);
    bool kept = running->port.outcome == RUN_PORT_TAKEN && running->port.port && running->port.not_kept.len == 0;
    if (kept)
        report_add_lease(arena, json_add_object(document, "lease"), &running->port.lease, privacy);
    else
        json_add_null(document, "lease");
    add_places(running, document, "listens", RUN_SEEN_OWN);
    add_places(running, document, "listens_instead", RUN_SEEN_OTHER);
    if (running->ready)
        json_add_int(document, "ready_ms", (running->ready_us - running->started_us) / 1000);
    else
        json_add_null(document, "ready_ms");
    json_add_str_or_null(arena, document, "problem", running->problem);
    add_end(running, document, str_equal(str_of(state), STR("ended")));
    cJSON *asked = json_add_array(document, "asked");
    if (running->asked)
        inquest_report(&running->inquest, asked, privacy);
    if (!file_write(arena, running->report, command_json_text(arena, document, true), &err))
        command_note(&running->said, utf8_display(arena, str_of(err.text)));
}
