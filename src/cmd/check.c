#include "cmd/command.h"

#include "base/json.h"
#include "base/table.h"
#include "base/utf8.h"
#include "cmd/inquest.h"
#include "cmd/table.h"
#include "cmd/why_text.h"
#include "cmd/words.h"
#include "core/endpoint.h"
#include "core/report_lease.h"

struct check_options {
    struct str on;
    bool udp;
    bool bad;
};

#define CHECK(member) offsetof(struct check_options, member)

static const struct opt check_items[] = {
    {.name = "on",
     .kind = OPT_TEXT,
     .value = "ADDRESS",
     .help = "on this address, not on all of them",
     .offset = CHECK(on)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "UDP, where no protocol is named", .offset = CHECK(udp)},
    {.name = "bad",
     .letter = 'b',
     .kind = OPT_FLAG,
     .help = "print a line only for ports that can't be used",
     .offset = CHECK(bad)},
};

static bool
read_operand(struct command_run *run, struct str word, const struct service_table *services, struct inquest *inquest,
             struct err *err)
{
    enum endpoint_kind kind = endpoint_parse(run->arena, word, services, &inquest->endpoints, err);

    if (kind == ENDPOINT_IS_PORT)
        return true;
    if (kind == ENDPOINT_IS_WRONG)
        return false;
    return err_set(err, ERR_USAGE, 0, "'%.*s' is no port and no service name",
                   STR_ARG(utf8_display(run->arena, str_part(word, 0, 80))));
}

// A build step means one protocol where it names none.
static bool
apply_options(const struct check_options *options, struct inquest *inquest, struct err *err)
{
    if (options->on.ptr && !endpoint_set_address(&inquest->endpoints, options->on, err))
        return false;
    for (size_t i = 0; i < inquest->endpoints.count; i++) {
        struct endpoint *endpoint = &inquest->endpoints.items[i];
        if (endpoint->any_protocol)
            endpoint->protocol = options->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
        endpoint->any_protocol = false;
    }
    return true;
}

static bool
is_fine(const struct why_outcome *outcome)
{
    return !outcome->failed && outcome->answer.bindable;
}

static struct str
verdict_of(const struct why_outcome *outcome)
{
    return outcome->failed ? STR("unknown") : why_text_verdict(&outcome->answer);
}

static struct str
who_of(const struct why_view *view, const struct why_outcome *outcome)
{
    return outcome->failed ? utf8_display(view->arena, str_of(outcome->err.text))
                           : why_text_who(view, &outcome->answer);
}

// The port, with its address where one was named.
static struct str
port_of(struct arena *arena, const struct why_outcome *outcome)
{
    const struct endpoint *endpoint = &outcome->answer.question.endpoint;

    switch (endpoint->host) {
    case ENDPOINT_ADDRESS:
        return address_format_port(arena, endpoint->address, endpoint->first);
    case ENDPOINT_LOCALHOST:
        return str_printf(arena, "localhost:%u", endpoint->first);
    case ENDPOINT_EVERY:
        break;
    }
    return str_printf(arena, "%u", endpoint->first);
}

static void
print_text(struct command_run *run, const struct inquest *inquest)
{
    static const struct table_column columns[] = {
        {.title = STR_INIT("PORT"), .ink = INK_STRONG},
        {.title = STR_INIT("PROTO")},
        {.title = STR_INIT("STATE")},
        {.title = STR_INIT("WHO"), .shrinks = true, .ink = INK_NAME},
    };
    const struct check_options *options = run->options;
    struct table table = {.arena = run->arena, .columns = columns, .column_count = sizeof columns / sizeof *columns};
    struct why_view view = {run->arena, &inquest->host, &run->privacy, run->width, run->colour};

    for (size_t i = 0; i < inquest->outcomes.count; i++) {
        const struct why_outcome *outcome = &inquest->outcomes.items[i];
        if (options->bad && is_fine(outcome))
            continue;
        table_add(&table,
                  (struct str[]){port_of(run->arena, outcome), host_protocol_name(outcome->answer.question.protocol),
                                 verdict_of(outcome), who_of(&view, outcome)});
    }
    table_print(&table, &run->out, run->width, false, run->colour);
}

static void
print_json(struct command_run *run, const struct inquest *inquest)
{
    cJSON *document = report_begin(run->arena, "moorage.check/1", &inquest->host, &run->privacy);
    struct why_view view = {run->arena, &inquest->host, &run->privacy, 0, false};
    const struct check_options *options = run->options;

    json_add_bool(document, "fine", inquest_exit(inquest) == EXIT_GOOD);
    cJSON *ports = json_add_array(document, "ports");
    for (size_t i = 0; i < inquest->outcomes.count; i++) {
        const struct why_outcome *outcome = &inquest->outcomes.items[i];
        const struct endpoint *endpoint = &outcome->answer.question.endpoint;
        if (options->bad && is_fine(outcome))
            continue;
        cJSON *object = json_append_object(ports);
        json_add_str(run->arena, object, "protocol", host_protocol_name(outcome->answer.question.protocol));
        if (endpoint->host == ENDPOINT_ADDRESS)
            json_add_str(run->arena, object, "address", address_format(run->arena, endpoint->address));
        else if (endpoint->host == ENDPOINT_LOCALHOST)
            json_add_str(run->arena, object, "address", STR("localhost"));
        else
            json_add_null(object, "address");
        json_add_int(object, "port", endpoint->first);
        json_add_bool(object, "bindable", is_fine(outcome));
        json_add_bool(object, "proved", !outcome->failed && outcome->answer.proved);
        json_add_str(run->arena, object, "state", verdict_of(outcome));
        struct str who = run->privacy.share ? (struct str){0} : who_of(&view, outcome);
        json_add_str_or_null(run->arena, object, "who", who);
        if (why_browsers_refuse(&outcome->answer))
            json_add_bool(object, "browsers_refuse", true);
        if (!outcome->failed && outcome->answer.lease)
            report_add_lease(run->arena, json_add_object(object, "lease"), outcome->answer.lease, &run->privacy);
    }
    command_json(run, document);
}

static int
check_run(struct command_run *run, struct err *err)
{
    struct inquest inquest = inquest_begin(run);
    struct service_table services = {0};

    if (run->operands.count == 0) {
        err_set(err, ERR_USAGE, 0, "check which ports? For example: moorage check 8080 3000-3010");
        return EXIT_USAGE;
    }
    command_services(&services);
    for (size_t i = 0; i < run->operands.count; i++)
        if (!read_operand(run, run->operands.items[i], &services, &inquest, err))
            return EXIT_USAGE;
    if (!apply_options(run->options, &inquest, err))
        return EXIT_USAGE;
    if (!inquest_answer(&inquest, err))
        return EXIT_UNKNOWN;
    if (run->common.json)
        print_json(run, &inquest);
    else
        print_text(run, &inquest);
    inquest_say_unseen(&inquest, run);
    return inquest_exit(&inquest);
}

const struct command command_check = {
    .name = "check",
    .usage = "[OPTION]... PORT...",
    .summary = "whether ports can be used here, a line each",
    .about =
        "Tells for each port whether a server could use it now, on one line: port, protocol, state, and who has it. "
        "Made for a build step that must fail early: the exit code is 0 when all of them can be used, 1 when one "
        "can't. Where no protocol is named, TCP is meant. A PORT is written as for `moorage why`, which tells more "
        "about a single one.",
    .examples = "moorage check 8080 3000-3010\tfail early if one of them is taken\n"
                "moorage check udp/53 127.0.0.1:5432\tone protocol, one address\n"
                "moorage check -b 1024-32767\tonly those that can't be used\n",
    .options = OPT_TABLE(check_items),
    .options_size = sizeof(struct check_options),
    .run = check_run,
};
