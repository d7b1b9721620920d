#include "core/wait.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/command.h"
#include "cmd/inquest.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "sys/become.h"
#include "sys/clock.h"
#include "sys/os.h"
#include "sys/process.h"
#include "sys/term.h"

enum {
    USUAL_TIMEOUT_MS = 30 * 1000,
    SHOW_AFTER_MS = 300, // what is there at once needs no word
    SHOW_EACH_MS = 500,
};

struct wait_options {
    bool free;
    bool tcp;
    bool udp;
    struct str by;
    int64_t timeout_ms;
    struct str http;
};

#define WAIT(member) offsetof(struct wait_options, member)

static const struct opt wait_items[] = {
    {.name = "free", .letter = 'f', .kind = OPT_FLAG, .help = "wait until the port can be used", .offset = WAIT(free)},
    {.name = "by",
     .kind = OPT_TEXT,
     .value = "WHO",
     .help = "served by this process or one that it started (PID), or by this program (exe=NAME)",
     .offset = WAIT(by)},
    {.name = "timeout",
     .letter = 't',
     .kind = OPT_SPAN,
     .value = "TIME",
     .help = "give up after this time: 30s unless said otherwise, 0 = never",
     .offset = WAIT(timeout_ms)},
    {.name = "http",
     .kind = OPT_TEXT,
     .value = "PATH",
     .help = "it must answer HTTP there with a status below 400: health, /health or a URL",
     .offset = WAIT(http)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "UDP, where no protocol is named", .offset = WAIT(udp)},
};

static struct str
called_text(struct arena *arena, const struct dial_state *state)
{
    static const struct str words[] = {
        [DIAL_CALLING] = STR_INIT("no answer yet"),
        [DIAL_NO_NAME] = STR_INIT("no such name"),
        [DIAL_REFUSED] = STR_INIT("connection refused"),
        [DIAL_UNREACHABLE] = STR_INIT("not reachable"),
        [DIAL_SILENT] = STR_INIT("no answer"),
        [DIAL_NOT_HTTP] = STR_INIT("an answer that is not HTTP"),
        [DIAL_OTHER] = STR_INIT("the connection failed"),
        [DIAL_ANSWERED] = STR_INIT("answered"),
    };

    if (state->standing == DIAL_STATUS)
        return str_printf(arena, "HTTP status %u", state->status);
    return words[state->standing];
}

// "Port 8080 (TCP)", "db:5432"
static struct str
target_name(struct arena *arena, const struct wait_target *target)
{
    if (target->host.len == 0)
        return str_printf(arena, "Port %u (%.*s)", (unsigned)target->port, STR_ARG(words_protocol(target->protocol)));
    bool six = str_find_byte(target->host, ':') != SIZE_MAX;
    return str_printf(arena, "%s%.*s%s:%u", six ? "[" : "", STR_ARG(utf8_display(arena, target->host)), six ? "]" : "",
                      (unsigned)target->port);
}

static struct str
who_text(struct arena *arena, const struct wait_target *target)
{
    struct host host = {0};
    struct holder_list holders = {0};

    if (target->host.len || !target->served ||
        !wait_who(arena, target, PROCESS_COMMAND | PROCESS_EXE, false, &host, &holders, NULL))
        return STR("");
    return words_holders(arena, &holders);
}

// What a target is still waited for.
static struct str
missing_text(struct arena *arena, const struct wait *wait, const struct wait_target *target)
{
    struct str name = target_name(arena, target);

    if (target->host.len)
        return str_printf(arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(called_text(arena, &target->called)));
    if (!target->served)
        return str_printf(arena, "%.*s %s", STR_ARG(name), wait->free ? "can't be used yet" : "is not served yet");
    struct str who = who_text(arena, target);
    if (who.len == 0)
        who = STR("a program that you may not look into");
    if (!wait->free && target->called_once && !target->by_other)
        return str_printf(arena, "%.*s is served by %.*s: %.*s", STR_ARG(name), STR_ARG(who),
                          STR_ARG(called_text(arena, &target->called)));
    return str_printf(arena, "%.*s is taken by %.*s", STR_ARG(name), STR_ARG(who));
}

static struct str
met_text(struct arena *arena, const struct wait *wait, const struct wait_target *target)
{
    struct str name = target_name(arena, target);
    struct str took = words_took(arena, target->met_us / 1000);
    struct str who = who_text(arena, target);
    struct str what = wait->free         ? STR("is free")
                      : target->path.len ? str_printf(arena, "answers %.*s with %u",
                                                      STR_ARG(utf8_display(arena, str_part(target->path, 0, 200))),
                                                      target->called.status)
                      : target->host.len ? STR("answers")
                                         : STR("is served");

    return str_printf(arena, "%.*s %.*s%s%.*s, after %.*s", STR_ARG(name), STR_ARG(what), who.len ? " by " : "",
                      STR_ARG(who), STR_ARG(took));
}

// One line on the terminal that is written over and over, and taken away at the end.
static void
show(const struct wait *wait, bool *shown)
{
    struct arena *scratch = arena_open();
    struct buf line = {.arena = scratch};
    const struct wait_target *first = NULL;
    size_t missing = 0;

    for (size_t i = 0; i < wait->targets.count; i++) {
        missing += !wait->targets.items[i].met;
        first = first || wait->targets.items[i].met ? first : &wait->targets.items[i];
    }
    if (first) {
        struct str took = words_span(scratch, (clock_mono_us() - wait->started_us) / 1000);
        struct str text = missing_text(scratch, wait, first);
        if (missing > 1)
            text = str_printf(scratch, "%.*s (and %zu more)", STR_ARG(text), missing - 1);
        text = str_printf(scratch, "%.*s  %.*s", STR_ARG(text), STR_ARG(took));
        buf_addf(&line, "\r%.*s\033[K", STR_ARG(utf8_fit(scratch, text, term_width() - 1, true)));
        (void)term_write_error(buf_str(&line));
        *shown = true;
    }
    arena_close(scratch);
}

static enum wait_state
wait_through(struct wait *wait, bool on_terminal)
{
    enum wait_state state = wait_step(wait, SHOW_AFTER_MS);
    bool shown = false;

    while (state == WAIT_GOING) {
        if (on_terminal)
            show(wait, &shown);
        state = wait_step(wait, SHOW_EACH_MS);
    }
    if (shown)
        (void)term_write_error(STR("\r\033[K"));
    return state;
}

// The whole "why" of what was not met, for people and as entries of "asked".
static bool
ask_why(struct command_run *run, const struct wait *wait, struct inquest *inquest)
{
    struct err err = {0};

    *inquest = inquest_begin(run);
    inquest->as_root = wait->free;
    for (size_t i = 0; i < wait->targets.count; i++) {
        const struct wait_target *target = &wait->targets.items[i];
        if (target->met || target->host.len)
            continue;
        struct endpoint *endpoint = LIST_ADD(run->arena, &inquest->endpoints);
        *endpoint = target->endpoint;
        endpoint->any_protocol = false;
        endpoint->protocol = target->protocol;
    }
    if (inquest->endpoints.count == 0)
        return false;
    if (inquest_answer(inquest, &err))
        return true;
    command_note(run, utf8_display(run->arena, str_of(err.text)));
    return false;
}

static void
print_text(struct command_run *run, const struct wait *wait, const struct inquest *inquest)
{
    struct str took = words_took(run->arena, (clock_mono_us() - wait->started_us) / 1000);

    for (size_t i = 0; i < wait->targets.count; i++) {
        const struct wait_target *target = &wait->targets.items[i];
        struct str line = target->met ? met_text(run->arena, wait, target)
                                      : str_printf(run->arena, "%.*s, after %.*s",
                                                   STR_ARG(missing_text(run->arena, wait, target)), STR_ARG(took));
        words_fold(&run->out, line, 2, run->width);
        buf_add_byte(&run->out, '\n');
    }
    if (inquest) {
        struct buf text = {.arena = run->arena};
        inquest_print(inquest, run, &text);
        buf_add_byte(&run->out, '\n');
        buf_add(&run->out, buf_str(&text));
    }
}

static void
report_target(struct command_run *run, cJSON *array, const struct wait *wait, const struct wait_target *target)
{
    cJSON *object = json_append_object(array);
    struct host host = {0};
    struct holder_list holders = {0};

    json_add_str(run->arena, object, "text", target->text);
    json_add_str(run->arena, object, "protocol", host_protocol_name(target->protocol));
    json_add_str_or_null(run->arena, object, "machine", target->host);
    if (target->host.len == 0 && target->endpoint.host == ENDPOINT_ADDRESS)
        json_add_str(run->arena, object, "address", address_format(run->arena, target->endpoint.address));
    else
        json_add_null(object, "address");
    json_add_int(object, "port", target->port);
    json_add_str(run->arena, object, "wanted", wait->free ? STR("free") : STR("served"));
    json_add_bool(object, "met", target->met);
    if (target->met)
        json_add_int(object, "after_ms", target->met_us / 1000);
    else
        json_add_null(object, "after_ms");
    if (target->called_once && target->called.standing != DIAL_ANSWERED)
        json_add_str(run->arena, object, "problem", called_text(run->arena, &target->called));
    else
        json_add_null(object, "problem");
    if (target->called.status)
        json_add_int(object, "status", target->called.status);
    else
        json_add_null(object, "status");
    cJSON *list = json_add_array(object, "holders");
    if (target->host.len == 0 && target->served &&
        wait_who(run->arena, target, PROCESS_ALL, true, &host, &holders, NULL))
        for (size_t i = 0; i < holders.count; i++)
            report_add_holder(run->arena, list, &host, &holders.items[i], &run->privacy);
}

static void
print_json(struct command_run *run, const struct wait *wait, bool met, const struct inquest *inquest)
{
    struct host host = {0};

    os_identify(run->arena, &host);
    cJSON *document = report_begin(run->arena, "moorage.wait/1", &host, &run->privacy);
    json_add_bool(document, "met", met);
    json_add_int(document, "waited_ms", (clock_mono_us() - wait->started_us) / 1000);
    cJSON *targets = json_add_array(document, "targets");
    for (size_t i = 0; i < wait->targets.count; i++)
        report_target(run, targets, wait, &wait->targets.items[i]);
    cJSON *asked = json_add_array(document, "asked");
    if (inquest)
        inquest_report(inquest, asked, &run->privacy);
    command_json(run, document);
}

static bool
read_targets(struct command_run *run, struct wait *wait, struct err *err)
{
    const struct wait_options *options = run->options;
    struct service_table services = {0};
    struct str path = {0};
    bool is_url = false;

    if (wait->free && (options->by.ptr || options->http.ptr))
        return err_set(err, ERR_USAGE, 0, "%s tells who shall have the port: with --free nobody shall",
                       options->by.ptr ? "--by" : "--http");
    if (options->http.ptr && !wait_read_path(run->arena, options->http, &path, &is_url, err))
        return false;
    if (options->by.ptr && !wait_read_by(options->by, &wait->by, err))
        return false;
    if (run->operands.count == 0 && !is_url)
        return err_set(err, ERR_USAGE, 0, "wait for which port? For example: moorage wait 8080");
    command_services(&services);
    for (size_t i = 0; i < run->operands.count; i++)
        if (!wait_add(wait, run->operands.items[i], is_url ? (struct str){0} : path, &services, err))
            return false;
    if (is_url && !wait_add(wait, options->http, path, &services, err))
        return false;
    for (size_t i = 0; i < wait->targets.count; i++) {
        struct wait_target *target = &wait->targets.items[i];
        if (options->udp && target->host.len == 0 && target->endpoint.any_protocol)
            target->protocol = PROTOCOL_UDP;
        if (target->host.len && (wait->free || wait->by.pid || wait->by.exe.len))
            return err_set(err, ERR_USAGE, 0, "'%.*s' is another machine: what goes on there can't be seen from here",
                           STR_ARG(utf8_display(run->arena, str_part(target->host, 0, 80))));
    }
    return true;
}

static int
wait_run(struct command_run *run, struct err *err)
{
    const struct wait_options *options = run->options;
    struct wait wait = {.arena = run->arena, .free = options->free, .timeout_ms = options->timeout_ms};
    struct inquest inquest;

    if (!read_targets(run, &wait, err))
        return EXIT_USAGE;
    wait.tells_who = run->common.json || (!run->common.quiet && run->behind.count == 0);
    if (!wait_start(&wait, err))
        return EXIT_UNKNOWN;
    bool met = wait_through(&wait, term_error_is_terminal() && !run->common.quiet && !run->common.json) == WAIT_MET;
    bool tell = !run->common.quiet && (run->common.json || !met || run->behind.count == 0);
    bool asked = tell && !met && ask_why(run, &wait, &inquest);
    if (tell && run->common.json)
        print_json(run, &wait, met, asked ? &inquest : NULL);
    else if (tell)
        print_text(run, &wait, asked ? &inquest : NULL);
    // When it is met, the end of the program closes all of it at once, in half the time.
    if (!met)
        wait_end(&wait);
    if (!met || run->behind.count == 0)
        return met ? EXIT_GOOD : EXIT_BAD;
    if (run->out.len && !term_write(buf_str(&run->out), err) && err->kind != ERR_GONE)
        return EXIT_UNKNOWN;
    *err = (struct err){0};
    run->out.len = 0;
    return become_program(&run->behind, err);
}

static const struct wait_options preset = {.timeout_ms = USUAL_TIMEOUT_MS};

const struct command command_wait = {
    .name = "wait",
    .usage = "[OPTION]... TARGET... [-- COMMAND...]",
    .summary = "until a port is served, or can be used",
    .about =
        "Waits until each port is served: by a program of this machine, whose sockets are looked up, or on another "
        "machine, which is called (db:5432). With --free, until each can be used by a new server. When the time is up "
        "it "
        "tells why it is not so. With a command behind --, that is run at the end in moorage's place.",
    .examples = "moorage wait 8080\tuntil a server listens there\n"
                "moorage wait db:5432 8080 --timeout 2m -- ./app\tthen start the app\n"
                "moorage wait 8080 --http health\tuntil it answers, and not with an error\n"
                "moorage wait --free 8080 && ./server\tuntil the port can be used\n",
    .options = OPT_TABLE(wait_items),
    .options_size = sizeof(struct wait_options),
    .preset = &preset,
    .foreign = OPT_FOREIGN_DASHES,
    .run = wait_run,
};
