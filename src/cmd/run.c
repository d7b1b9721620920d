#include "core/run.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/command.h"
#include "cmd/inquest.h"
#include "cmd/run_report.h"
#include "cmd/run_say.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "core/project.h"
#include "sys/clock.h"
#include "sys/supervise.h"
#include "sys/term.h"

enum {
    EXIT_REFUSED = 125,
    USUAL_GRACE_MS = 10 * 1000,
    USUAL_TIMEOUT_MS = 30 * 1000,
    REPLACE_MS = 15 * 1000, // more than a run takes for its own end
    EAGER_MS = 3 * 1000,    // so long after the start its port is looked for closely: each look reads all processes
    EAGER_PAUSE_MS = 50,
    PATIENT_MS = 60 * 1000,
    PATIENT_PAUSE_MS = 250,
    LATE_PAUSE_MS = 1000,
    SETTLE_MS = 1000, // what looks wrong for so long is wrong
};

struct run_options {
    struct str name;
    struct str port;
    struct str_list env;
    bool replace;
    bool wait;
    bool listen;
    struct str address;
    struct str report;
    int64_t grace_ms;
    bool with_parent;
    int64_t timeout_ms;
};

#define RUN(member) offsetof(struct run_options, member)

static const struct opt run_items[] = {
    {.name = "name",
     .letter = 'n',
     .kind = OPT_TEXT,
     .value = "NAME",
     .help = "the same project and name get the same port each time",
     .offset = RUN(name)},
    {.name = "port",
     .letter = 'p',
     .kind = OPT_TEXT,
     .value = "PORT",
     .help = "this port, or auto: one that is free and wise",
     .offset = RUN(port)},
    {.name = "env",
     .letter = 'e',
     .kind = OPT_LIST,
     .value = "NAME",
     .help = "the environment variable that gets the port, PORT unless said otherwise; several may be named",
     .offset = RUN(env)},
    {.name = "replace",
     .kind = OPT_FLAG,
     .help = "end the run that has the same project and name, and nothing else",
     .offset = RUN(replace)},
    {.name = "wait",
     .letter = 'w',
     .kind = OPT_FLAG,
     .help = "the command must serve its port in time; then it is told to be ready",
     .offset = RUN(wait)},
    {.name = "timeout",
     .kind = OPT_SPAN,
     .value = "TIME",
     .help = "how long --wait waits: 30s unless said otherwise",
     .offset = RUN(timeout_ms)},
    {.name = "listen",
     .letter = 'l',
     .kind = OPT_FLAG,
     .help = "listen for the command and hand it the socket as descriptor 3 (LISTEN_FDS)",
     .offset = RUN(listen)},
    {.name = "address",
     .kind = OPT_TEXT,
     .value = "ADDRESS",
     .help = "with --listen: this address, not all of them",
     .offset = RUN(address)},
    {.name = "grace",
     .kind = OPT_SPAN,
     .value = "TIME",
     .help = "how long its programs may take to end before they are ended hard: 10s unless said otherwise",
     .offset = RUN(grace_ms)},
    {.name = "with-parent",
     .kind = OPT_FLAG,
     .help = "end also when the program that started moorage ends",
     .offset = RUN(with_parent)},
    {.name = "report",
     .kind = OPT_TEXT,
     .value = "FILE",
     .help = "keep a JSON document of the run in this file",
     .offset = RUN(report)},
};

static const struct run_options preset = {.grace_ms = USUAL_GRACE_MS, .timeout_ms = USUAL_TIMEOUT_MS};

// ---- what the line says ----

static bool
read_port(struct str text, uint16_t *port, struct err *err)
{
    uint64_t number = 0;

    if (!text.ptr || str_equal(text, STR("auto")))
        return true;
    if (!str_to_u64(text, 10, &number) || number == 0 || number > UINT16_MAX)
        return err_set(err, ERR_USAGE, 0, "--port must be auto or a port from 1 to 65535");
    *port = (uint16_t)number;
    return true;
}

static bool
read_address(struct running *running, struct str text, struct err *err)
{
    struct endpoint_list list = {0};

    if (!text.ptr)
        return true;
    if (!running->options_listen)
        return err_set(err, ERR_USAGE, 0, "--address belongs to --listen: otherwise the command itself listens");
    *LIST_ADD(running->run->arena, &list) = (struct endpoint){.first = 1, .last = 1};
    if (!endpoint_set_address(&list, text, err))
        return false;
    running->address = list.items[0].host == ENDPOINT_LOCALHOST ? address_loopback(FAMILY_IPV4) : list.items[0].address;
    return true;
}

static bool
read_line(struct running *running, struct err *err)
{
    struct command_run *run = running->run;
    const struct run_options *options = run->options;

    running->options_listen = options->listen;
    if (run->behind.count == 0)
        return err_set(err, ERR_USAGE, 0, "run what? For example: moorage run -- npm start");
    if (run->common.json)
        return err_set(err, ERR_USAGE, 0, "standard output is the command's: --report FILE gives a JSON document");
    if (options->name.ptr && !lease_check_name(options->name, err))
        return false;
    if (options->replace && !options->name.len)
        return err_set(err, ERR_USAGE, 0, "--replace needs --name: it ends the run of the same project and name alone");
    for (size_t i = 0; i < options->env.count; i++)
        if (!run_is_variable(options->env.items[i]))
            return err_set(err, ERR_USAGE, 0, "'%.*s' can't be the name of an environment variable",
                           STR_ARG(utf8_display(run->arena, str_part(options->env.items[i], 0, 40))));
    running->wish.name = options->name;
    return read_port(options->port, &running->wish.port, err) && read_address(running, options->address, err);
}

// ---- the port ----

static bool
ask_why(struct running *running, uint16_t port, struct err *err)
{
    struct arena *arena = running->run->arena;

    running->inquest = inquest_begin(running->run);
    *LIST_ADD(arena, &running->inquest.endpoints) =
        (struct endpoint){.first = port, .last = port, .protocol = PROTOCOL_TCP};
    running->asked = inquest_answer(&running->inquest, err);
    return running->asked;
}

static void
tell_why(struct running *running)
{
    struct buf text = {.arena = running->run->arena};

    inquest_print(&running->inquest, &running->said, &text);
    if (!running->run->common.quiet)
        (void)term_write_error(buf_str(&text));
    inquest_say_unseen(&running->inquest, &running->said);
}

// The name is in use: by the run that is to be replaced, or it is refused.
static bool
settle_busy(struct running *running, struct err *err)
{
    const struct run_options *options = running->run->options;
    const struct lease *lease = &running->port.lease;

    if (!options->replace)
        return err_set(err, ERR_NOT_ALLOWED, 0,
                       "%.*s runs already: process %u has port %u by this name; --replace ends it",
                       STR_ARG(run_title(running)), lease->pid, lease->port);
    run_say(running, str_printf(running->run->arena, "ending the run of %.*s that has port %u (process %u)",
                                STR_ARG(run_title(running)), lease->port, lease->pid));
    return run_replace(running->run->arena, lease, REPLACE_MS, err) &&
           run_take_port(running->run->arena, &running->wish, &running->port, err);
}

static bool
is_bindable(const struct running *running)
{
    const struct why_outcome *outcome = &running->inquest.outcomes.items[0];

    return !outcome->failed && outcome->answer.bindable;
}

// What a bind without options is refused for may be no hindrance to a server.
static bool
settle_why(struct running *running, struct err *err)
{
    uint16_t port = running->port.port;

    if (!ask_why(running, port, err))
        return false;
    if (is_bindable(running)) {
        running->asked = false;
        return run_keep_port(running->run->arena, &running->wish, port, &running->port, err);
    }
    running->refused = true;
    tell_why(running);
    return false;
}

static bool
take_port(struct running *running, struct err *err)
{
    if (!project_find(running->run->arena, &running->wish.project, err) ||
        !run_take_port(running->run->arena, &running->wish, &running->port, err))
        return false;
    if (running->port.outcome == RUN_PORT_BUSY && !settle_busy(running, err))
        return false;
    switch (running->port.outcome) {
    case RUN_PORT_TAKEN:
        break;
    case RUN_PORT_NONE:
        return err_set(err, ERR_NOT_ALLOWED, 0, "%.*s", STR_ARG(running->port.sentence));
    case RUN_PORT_WHY:
        return settle_why(running, err);
    case RUN_PORT_BUSY:
        return err_set(err, ERR_NOT_ALLOWED, 0, "%.*s was started again meanwhile, by process %u",
                       STR_ARG(run_title(running)), running->port.lease.pid);
    }
    if (running->port.not_kept.len)
        run_say(running, str_printf(running->run->arena, "nothing keeps others from port %u: %.*s", running->port.port,
                                    STR_ARG(utf8_display(running->run->arena, running->port.not_kept))));
    return true;
}

static bool
open_socket(struct running *running, struct err *err)
{
    if (!running->options_listen)
        return true;
    if (supervise_listen(running->address, running->port.port, &running->socket, err))
        return true;
    if (err->kind == ERR_UNSUPPORTED)
        return false;
    struct err ignored;
    if (ask_why(running, running->port.port, &ignored))
        tell_why(running);
    return false;
}

// ---- the command ----

static bool
start(struct running *running, int *code, struct err *err)
{
    struct command_run *run = running->run;
    const struct run_options *options = run->options;
    size_t count = options->env.count ? options->env.count : 1;
    struct supervise_variable *variables = arena_array(run->arena, count, sizeof *variables);
    struct str port = str_printf(run->arena, "%u", running->port.port);

    run_fill_in(run->arena, &run->behind, running->port.port, &running->command);
    for (size_t i = 0; i < count; i++)
        variables[i] = (struct supervise_variable){options->env.count ? options->env.items[i] : STR("PORT"), port};
    struct supervise_ask ask = {
        .command = &running->command,
        .variables = variables,
        .variable_count = count,
        .socket = running->socket,
        .grace_ms = (unsigned)options->grace_ms,
        .with_parent = options->with_parent,
    };
    running->started_us = clock_mono_us();
    return supervise_start(run->arena, &ask, &running->supervise, code, err);
}

// Says once what was seen, when it was seen long enough.
static void
tell_seen(struct running *running)
{
    struct arena *arena = running->run->arena;
    struct str title = run_title(running);
    uint16_t port = running->port.port;
    int64_t now_us = clock_mono_us();

    if (running->watch.seen != running->last_seen) {
        running->last_seen = running->watch.seen;
        running->seen_us = now_us;
    }
    if (running->watch.seen == RUN_SEEN_OWN) {
        running->ready = true;
        running->ready_us = now_us;
        run_say(running,
                str_printf(arena, "%.*s listens on %.*s", STR_ARG(title), STR_ARG(run_places(arena, &running->watch))));
        return;
    }
    bool settled = now_us - running->seen_us >= SETTLE_MS * INT64_C(1000);
    if (running->watch.seen == RUN_SEEN_OTHER && settled && !running->warned_other) {
        running->warned_other = true;
        running->problem = str_printf(arena, "%.*s listens on %.*s, not on port %u that it was given", STR_ARG(title),
                                      STR_ARG(run_places(arena, &running->watch)), port);
        run_say(running, running->problem);
    }
    if (running->watch.seen == RUN_SEEN_STRANGER && settled && !running->warned_stranger) {
        running->warned_stranger = true;
        struct str who = utf8_display(arena, running->watch.stranger);
        running->problem =
            str_printf(arena, "port %u is served by %.*s, which %.*s did not start", port,
                       STR_ARG(who.len ? who : STR("a program that you may not look into")), STR_ARG(title));
        run_say(running, running->problem);
    }
}

static void
look(struct running *running)
{
    struct arena *scratch = arena_open();
    uint32_t *pids;
    struct err ignored;

    size_t count = supervise_list(scratch, running->supervise, &pids);
    if (run_look(running->run->arena, &running->watch, pids, count, &ignored))
        tell_seen(running);
    arena_close(scratch);
}

static unsigned
pause_ms(const struct running *running)
{
    int64_t passed_ms = (clock_mono_us() - running->started_us) / 1000;

    if (running->ready || running->given_up)
        return LATE_PAUSE_MS;
    return passed_ms < EAGER_MS ? EAGER_PAUSE_MS : passed_ms < PATIENT_MS ? PATIENT_PAUSE_MS : LATE_PAUSE_MS;
}

// With --wait the time may be up before the port is served: then the run has failed.
static void
check_time(struct running *running)
{
    const struct run_options *options = running->run->options;
    struct err ignored;

    if (!options->wait || options->timeout_ms == 0 || running->ready || running->given_up ||
        clock_mono_us() - running->started_us < options->timeout_ms * 1000)
        return;
    running->given_up = true;
    running->problem = str_printf(running->run->arena, "%.*s does not serve port %u after %.*s: it is ended",
                                  STR_ARG(run_title(running)), running->port.port,
                                  STR_ARG(words_took(running->run->arena, options->timeout_ms)));
    run_say(running, running->problem);
    // That a port nobody serves is free, and kept for this run, explains nothing.
    if (ask_why(running, running->port.port, &ignored) && !is_bindable(running))
        tell_why(running);
    supervise_stop(running->supervise);
}

static void
supervise(struct running *running)
{
    const struct run_options *options = running->run->options;
    int64_t ending_us = 0;
    bool told_ending = false;

    // A socket that was handed over is served from the start.
    if (running->options_listen)
        look(running);
    for (;;) {
        switch (supervise_next(running->supervise, ending_us ? PATIENT_PAUSE_MS : pause_ms(running))) {
        case SUPERVISE_ENDED:
            return;
        case SUPERVISE_ENDING:
            ending_us = clock_mono_us();
            break;
        case SUPERVISE_TIME:
            break;
        }
        if (ending_us && !told_ending && options->grace_ms > 2 * SETTLE_MS &&
            clock_mono_us() - ending_us >= SETTLE_MS * INT64_C(1000)) {
            told_ending = true;
            run_say_ending(running, options->grace_ms);
        }
        if (running->ready && !running->told_ready) {
            running->told_ready = true;
            if (options->wait)
                supervise_ready();
            run_report_write(running, "ready");
        }
        if (ending_us || running->ready || running->given_up)
            continue;
        look(running);
        check_time(running);
    }
}

static void
tell_unserved(struct running *running)
{
    running->problem = str_printf(running->run->arena, "%.*s ended before it served port %u",
                                  STR_ARG(run_title(running)), running->port.port);
    run_say(running, running->problem);
}

static int
run_run(struct command_run *run, struct err *err)
{
    struct running running = {.run = run, .said = *run, .socket = -1};
    const struct run_options *options = run->options;
    int code = EXIT_REFUSED;

    running.said.width = term_error_is_terminal() ? term_width() : 0;
    running.said.colour = run->colour && term_error_is_terminal();
    running.said.notes = NULL;
    running.report = options->report;
    if (!read_line(&running, err))
        return EXIT_USAGE;
    if (!take_port(&running, err) || !open_socket(&running, err)) {
        running.problem = str_of(err->text);
        run_give_back(run->arena, &running.port);
        run_report_write(&running, "refused");
        return err->kind == ERR_UNSUPPORTED ? EXIT_UNKNOWN : EXIT_REFUSED;
    }
    running.watch.port = running.port.port;
    if (!start(&running, &code, err)) {
        running.problem = str_of(err->text);
        run_give_back(run->arena, &running.port);
        run_report_write(&running, "refused");
        return code;
    }
    run_report_write(&running, "started");
    supervise(&running);
    supervise_result(running.supervise, &running.end);
    supervise_close(running.supervise);
    run_give_back(run->arena, &running.port);
    if (options->wait && !running.ready && !running.given_up)
        tell_unserved(&running);
    run_say_end(&running);
    code = running.given_up ? EXIT_REFUSED : running.end.code;
    running.exit = code;
    run_report_write(&running, "ended");
    return code;
}

const struct command command_run = {
    .name = "run",
    .usage = "[OPTION]... [--] COMMAND...",
    .summary = "runs a command with a port of its own",
    .about = "Runs a command with a port that is certainly its own: free, tried by a real bind, and kept from all "
             "other runs. The "
             "command finds it in the environment (PORT) and in its arguments, where {port} or __PORT__ stands. "
             "Whatever ends the "
             "command, moorage or the terminal, everything that the command started ends too. It is said once where "
             "the command "
             "listens, or that it does not listen on its port. What moorage says goes to error output.",
    .examples = "moorage run -- npm start\twith a port in PORT\n"
                "moorage run --name web -- vite --port {port}\tthe same port each time\n"
                "moorage run --name web --replace -- ./server\tinstead of the one that runs\n"
                "moorage run --port 8080 --listen -- gunicorn app:app\thands it the listening socket\n",
    .options = OPT_TABLE(run_items),
    .options_size = sizeof(struct run_options),
    .preset = &preset,
    .foreign = OPT_FOREIGN_FIRST,
    .run = run_run,
};
