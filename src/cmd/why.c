#include "cmd/command.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/inquest.h"
#include "cmd/table.h"
#include "core/endpoint.h"
#include "sys/file.h"
#include "sys/net.h"
#include "sys/term.h"

enum {
    INPUT_LIMIT = 1 << 20,
    SHORTEST_ERROR = 5, // digits of 10048
};

struct why_options {
    struct str on;
    struct str bind;
    struct str device;
    struct str report;
    bool as_root;
    bool all;
    bool deep;
    bool first;
    bool tcp;
    bool udp;
};

#define WHY(member) offsetof(struct why_options, member)

static const struct opt why_items[] = {
    {.name = "on",
     .kind = OPT_TEXT,
     .value = "ADDRESS",
     .help = "ask for this address, not for all of them",
     .offset = WHY(on)},
    {.name = "bind",
     .kind = OPT_CHOICE,
     .value = "HOW",
     .choices = "plain|reuse|exclusive|reuseport",
     .help = "ask as a server that binds this way",
     .offset = WHY(bind)},
    {.name = "device",
     .kind = OPT_TEXT,
     .value = "NAME",
     .help = "ask for a socket bound to this network device",
     .offset = WHY(device)},
    {.name = "tcp", .letter = 't', .kind = OPT_FLAG, .help = "TCP only", .offset = WHY(tcp)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "UDP only", .offset = WHY(udp)},
    {.name = "as-root",
     .kind = OPT_FLAG,
     .help = "judge a port that you may not use yourself by who has it",
     .offset = WHY(as_root)},
    {.name = "all",
     .letter = 'a',
     .kind = OPT_FLAG,
     .help = "look for packet rules and other network namespaces too when the port is taken",
     .offset = WHY(all)},
    {.name = "deep",
     .kind = OPT_FLAG,
     .help = "search the rare places too: descriptors in flight, io_uring, mappings",
     .offset = WHY(deep)},
    {.name = "first",
     .kind = OPT_FLAG,
     .help = "name the first program that is found to have the port, and look no further",
     .offset = WHY(first)},
    {.name = "report",
     .kind = OPT_TEXT,
     .value = "FILE",
     .help = "write what --json prints to this file",
     .offset = WHY(report)},
};

static bool
read_error_text(struct inquest *inquest, const struct command_run *run, struct err *err)
{
    struct str text;

    if (term_input_is_terminal())
        (void)term_write_error(STR("paste the error, then press Ctrl-D\n"));
    if (!file_read_input(inquest->arena, INPUT_LIMIT, &text, err))
        return false;
    switch (inquest_add_text(inquest, text)) {
    case INQUEST_TEXT_NOTHING:
        return err_set(err, ERR_FORMAT, 0,
                       "no port is named in the text on standard input; give the port itself, as in moorage 8080");
    case INQUEST_TEXT_MEANING:
        command_note(run,
                     STR("The text names no port: moorage lists what is taken, then moorage PORT tells about one."));
        break;
    case INQUEST_TEXT_PORT:
    case INQUEST_TEXT_PATH:
        break;
    }
    return true;
}

static bool
read_operand(struct inquest *inquest, const struct command_run *run, struct str word,
             const struct service_table *services, struct err *err)
{
    struct arena *arena = inquest->arena;

    if (str_equal(word, STR("-")))
        return read_error_text(inquest, run, err);
    switch (endpoint_parse(arena, word, services, &inquest->endpoints, err)) {
    case ENDPOINT_IS_PORT:
        // Small numbers are ports that people ask for; errors of Windows have numbers that are typed as questions.
        if (word.len >= SHORTEST_ERROR)
            inquest_add_meaning(inquest, word);
        return true;
    case ENDPOINT_IS_MEANING:
        inquest_add_meaning(inquest, word);
        return true;
    case ENDPOINT_IS_WORD:
        word = utf8_display(arena, str_part(word, 0, 80));
        return err_set(err, ERR_USAGE, 0,
                       "'%.*s' is no port and no service name; moorage %.*s lists the ports of a "
                       "program of that name",
                       STR_ARG(word), STR_ARG(word));
    case ENDPOINT_IS_WRONG:
        break;
    }
    return false;
}

static bool
apply_options(struct inquest *inquest, const struct why_options *options, struct err *err)
{
    for (size_t i = 0; options->on.ptr && i < inquest->endpoints.count; i++)
        if (inquest->endpoints.items[i].host != ENDPOINT_EVERY)
            return err_set(err, ERR_USAGE, 0, "'%.*s' names an address already; leave out --on",
                           STR_ARG(utf8_display(inquest->arena, inquest->endpoints.items[i].text)));
    if (options->on.ptr && !endpoint_set_address(&inquest->endpoints, options->on, err))
        return false;
    if (options->device.ptr && net_device_index(options->device) == 0)
        return err_set(err, ERR_USAGE, 0, "there is no network device '%.*s' here",
                       STR_ARG(utf8_display(inquest->arena, str_part(options->device, 0, 40))));
    for (size_t i = 0; i < inquest->endpoints.count; i++) {
        struct endpoint *endpoint = &inquest->endpoints.items[i];
        if (options->device.ptr)
            endpoint->device = options->device;
        if (endpoint->any_protocol && options->tcp != options->udp) {
            endpoint->any_protocol = false;
            endpoint->protocol = options->udp ? PROTOCOL_UDP : PROTOCOL_TCP;
        }
    }
    return true;
}

static int
why_run(struct command_run *run, struct err *err)
{
    const struct why_options *options = run->options;
    struct inquest inquest = inquest_begin(run);
    struct service_table services = {0};

    inquest.mode = inquest_mode(options->bind);
    inquest.as_root = options->as_root;
    inquest.all = options->all;
    inquest.reach = options->deep ? OWNER_DEEP : options->first ? OWNER_FIRST : OWNER_ALL;
    if (options->deep && options->first) {
        err_set(err, ERR_USAGE, 0, "--deep looks everywhere and --first no further than needed: one of them");
        return EXIT_USAGE;
    }
    if (run->operands.count == 0) {
        err_set(err, ERR_USAGE, 0, "which port? For example: moorage why 8080");
        return EXIT_USAGE;
    }
    command_services(&services);
    for (size_t i = 0; i < run->operands.count; i++)
        if (!read_operand(&inquest, run, run->operands.items[i], &services, err))
            return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
    if (!apply_options(&inquest, options, err))
        return EXIT_USAGE;
    if (!inquest_answer(&inquest, err))
        return EXIT_UNKNOWN;
    cJSON *document = report_begin(run->arena, "moorage.why/1", &inquest.host, &run->privacy);
    if (run->common.json || options->report.len) {
        inquest_report(&inquest, json_add_array(document, "asked"), &run->privacy);
        inquest_report_meanings(&inquest, document);
    }
    if (run->common.json)
        command_json(run, document);
    else
        inquest_print(&inquest, run, &run->out);
    if (options->report.len &&
        !file_write(run->arena, options->report, command_json_text(run->arena, document, true), err))
        return EXIT_UNKNOWN;
    inquest_say_unseen(&inquest, run);
    return inquest_exit(&inquest);
}

const struct command command_why = {
    .name = "why",
    .aliases = "who explain status",
    .usage = "[OPTION]... PORT... | -- COMMAND...",
    .summary = "why a port can't be used, who has it and what to do",
    .about =
        "Tells whether a server could use the port now, by trying it for a moment, and if not, who or what keeps it "
        "and what ends that with the least harm. A PORT is 8080, 8000-8010, udp/53, 127.0.0.1:80, [::1]:80, "
        "localhost:3000, a URL or a service name; - reads the error text of another program from standard input "
        "and finds the port in it; the name or number of an error (EADDRINUSE, 10048) is explained.",
    .examples = "moorage 8080\twhy can't 8080 be used?\n"
                "moorage 8080 3000-3010\tseveral ports, a line each\n"
                "moorage 80 --on ::1\tone address only\n"
                "npm start 2>&1 | moorage -\tthe port that the error is about\n"
                "moorage why -- npm start\trun it, and explain the very bind that fails\n"
                "moorage -q 8080 && ./server\tthe exit code is the answer: 0 = you can use it\n",
    .options = OPT_TABLE(why_items),
    .options_size = sizeof(struct why_options),
    .run = why_run,
};
