#include "cmd/command.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/inquest.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "core/caught.h"
#include "core/known.h"
#include "sys/bind_catch.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/os.h"
#include "sys/term.h"

enum {
    STEP_MS = 500,
    // The command's own words about its failure come first; one that goes on is not waited for longer.
    PATIENCE_MS = 1000,
};

struct why_command_options {
    struct str report;
    bool all;
    bool deep;
};

#define WHY(member) offsetof(struct why_command_options, member)

static const struct opt why_command_items[] = {
    {.name = "report",
     .kind = OPT_TEXT,
     .value = "FILE",
     .help = "write what --json prints to this file",
     .offset = WHY(report)},
    {.name = "all",
     .letter = 'a',
     .kind = OPT_FLAG,
     .help = "look for packet rules and other network namespaces too when the port is taken",
     .offset = WHY(all)},
    {.name = "deep",
     .kind = OPT_FLAG,
     .help = "search the rare places too: descriptors in flight, io_uring, mappings",
     .offset = WHY(deep)},
};

// Why one bind fails.
struct explanation {
    struct inquest inquest;
    bool answered;
    bool printed;
    int64_t made_us;
};

struct watched {
    struct command_run *run;
    struct command_run said; // how things are said on error output
    struct bind_catch *bound;
    struct caught caught;
    struct {
        LIST_OF(struct explanation);
    } explanations;
    struct inquest text; // where binds are not seen: what the error text is about
    bool text_answered;
};

static void
say(const struct watched *watched, struct str text)
{
    if (!watched->run->common.quiet)
        (void)term_write_error(text);
}

static void
explain(struct watched *watched, const struct bind_try *bind)
{
    const struct why_command_options *options = watched->run->options;
    struct explanation made = {.inquest = inquest_begin(watched->run)};
    struct endpoint endpoint;
    struct err err = {0};

    if (!caught_wants(&watched->caught, bind, &endpoint, &made.inquest.mode))
        return;
    made.inquest.v6only = bind->v6only;
    made.inquest.all = options->all;
    made.inquest.reach = options->deep ? OWNER_DEEP : OWNER_ALL;
    *LIST_ADD(watched->run->arena, &made.inquest.endpoints) = endpoint;
    made.answered = inquest_answer(&made.inquest, &err);
    made.made_us = clock_mono_us();
    *LIST_ADD(watched->run->arena, &watched->explanations) = made;
}

// "node (pid 41233)"
static struct str
program_of(struct arena *arena, const struct bind_try *bind)
{
    struct str name = utf8_display(arena, (struct str){bind->program, strlen(bind->program)});

    return name.len ? str_printf(arena, "%.*s (pid %u)", STR_ARG(name), bind->pid)
                    : str_printf(arena, "pid %u", bind->pid);
}

// "0.0.0.0:3000 (TCP, SO_REUSEADDR)"
static struct str
place_of(struct arena *arena, const struct bind_try *bind, bool options)
{
    uint16_t port = bind->outcome == BIND_WORKED && bind->got ? bind->got : bind->port;
    struct str with = options ? caught_options(arena, bind) : (struct str){0};

    return str_printf(arena, "%.*s (%.*s%s%.*s)", STR_ARG(address_format_port(arena, bind->address, port)),
                      STR_ARG(words_protocol(bind->protocol)), with.len ? ", " : "", STR_ARG(with));
}

static bool
names(const struct explanation *explanation, uint32_t pid)
{
    for (size_t i = 0; i < explanation->inquest.outcomes.count; i++) {
        const struct answer *answer = &explanation->inquest.outcomes.items[i].answer;
        for (size_t c = 0; c < answer->causes.count; c++)
            for (size_t h = 0; h < answer->causes.items[c].holders.count; h++)
                if (answer->causes.items[c].blocks && answer->causes.items[c].holders.items[h].pid == pid)
                    return true;
    }
    return false;
}

static struct str
failure_text(const struct watched *watched, const struct caught_bind *caught)
{
    struct arena *arena = watched->run->arena;
    const struct bind_try *bind = &caught->bind;
    const struct bind_try *own = caught_own(&watched->caught, bind);
    struct buf out = {.arena = arena};

    buf_addf(&out, "%.*s could not %s %.*s", STR_ARG(program_of(arena, bind)), bind->is_listen ? "listen on" : "bind",
             STR_ARG(place_of(arena, bind, true)));
    if (bind->code)
        buf_addf(&out, ": %.*s", STR_ARG(bind_error_name(arena, bind->code)));
    if (caught->times > 1)
        buf_addf(&out, ", %zu times", caught->times);
    if (bind->elsewhere)
        buf_add_c(&out, ". It is in a network namespace of its own, where ports are other ones");
    else if (bind->port == 0)
        buf_add_c(&out, ". Any port would do, and none of the range for outgoing connections was left");
    else if (!caught->explained)
        buf_add_c(&out, ". Why was not looked for");
    else if (own && names(&watched->explanations.items[caught->asked], own->pid))
        buf_addf(&out, ". The command itself has it: %.*s had bound it before",
                 STR_ARG(own->pid == bind->pid ? STR("it") : program_of(arena, own)));
    return buf_str(&out);
}

// What was not told yet of the binds that failed.
static void
print_failures(struct watched *watched, bool ended)
{
    struct arena *arena = watched->run->arena;

    for (size_t i = 0; i < watched->caught.count; i++) {
        struct caught_bind *caught = &watched->caught.items[i];
        struct explanation *explanation = caught->explained ? &watched->explanations.items[caught->asked] : NULL;
        bool waits = caught->bind.outcome == BIND_WILL_FAIL && !ended;
        if (caught->bind.outcome == BIND_WORKED || waits || (explanation && explanation->printed) ||
            (!explanation && !ended) ||
            (!ended && clock_mono_us() - explanation->made_us < PATIENCE_MS * INT64_C(1000)))
            continue;
        struct buf text = {.arena = arena};
        struct buf answer = {.arena = arena};
        buf_add_byte(&text, '\n');
        words_fold(&text, str_printf(arena, "moorage: %.*s", STR_ARG(failure_text(watched, caught))), 0,
                   watched->said.width);
        buf_add_byte(&text, '\n');
        if (explanation && explanation->answered) {
            inquest_print(&explanation->inquest, &watched->said, &answer);
            buf_add(&text, buf_str(&answer));
        }
        say(watched, buf_str(&text));
        if (explanation)
            explanation->printed = true;
    }
}

// What the command bound, or that nothing was seen of it.
static void
print_end(struct watched *watched)
{
    struct arena *arena = watched->run->arena;
    struct buf bound = {.arena = arena};
    size_t failures = caught_failures(&watched->caught);

    for (size_t i = 0; i < watched->caught.count; i++) {
        const struct bind_try *bind = &watched->caught.items[i].bind;
        if (bind->outcome == BIND_WORKED)
            buf_addf(&bound, "%s%.*s by %.*s", bound.len ? ", " : "", STR_ARG(place_of(arena, bind, false)),
                     STR_ARG(program_of(arena, bind)));
    }
    struct str text = str_printf(arena, "moorage: %s%.*s",
                                 failures    ? bound.len ? "it bound " : "it bound nothing else"
                                 : bound.len ? "no bind failed; it bound "
                                             : "it bound no port",
                                 STR_ARG(buf_str(&bound)));
    struct buf out = {.arena = arena};
    if (failures)
        buf_add_byte(&out, '\n');
    words_fold(&out, text, 0, watched->said.width);
    buf_add_byte(&out, '\n');
    say(watched, buf_str(&out));
}

// Where binds are not seen, the command's own words tell, as they do for `moorage -`.
static void
read_text(struct watched *watched)
{
    struct str text = bind_catch_text(watched->bound);
    struct err err = {0};

    if (known_error_in(text).len == 0 || inquest_add_text(&watched->text, text) == INQUEST_TEXT_NOTHING)
        return;
    watched->text_answered = watched->text.endpoints.count == 0 || inquest_answer(&watched->text, &err);
}

static void
print_text(struct watched *watched, struct str why_not)
{
    struct arena *arena = watched->run->arena;
    struct buf out = {.arena = arena};
    struct buf answer = {.arena = arena};

    words_fold(&out,
               str_printf(arena,
                          "moorage: binds can't be watched here (%.*s); what the command wrote to its error output %s",
                          STR_ARG(utf8_display(arena, why_not)),
                          watched->text_answered ? "speaks of this:" : "speaks of no port that could not be had"),
               0, watched->said.width);
    buf_add_byte(&out, '\n');
    if (watched->text_answered)
        inquest_print(&watched->text, &watched->said, &answer);
    buf_add(&out, buf_str(&answer));
    say(watched, buf_str(&out));
}

static void
watch(struct watched *watched)
{
    struct bind_try bind;

    for (;;) {
        switch (bind_catch_next(watched->bound, STEP_MS, &bind)) {
        case CATCH_TRY:
            explain(watched, &bind);
            break;
        case CATCH_DONE:
            // One that nobody saw coming is explained late.
            if (bind.outcome == BIND_FAILED)
                explain(watched, &bind);
            caught_note(&watched->caught, &bind);
            break;
        case CATCH_TIME:
            if (!watched->run->common.json)
                print_failures(watched, false);
            break;
        case CATCH_ENDED:
            return;
        }
    }
}

// Where in `asked` the explanation stands; -1 = nowhere.
static int64_t
place_in_asked(const struct watched *watched, size_t index)
{
    int64_t place = 0;

    for (size_t i = 0; i <= index; i++) {
        const struct inquest *inquest = &watched->explanations.items[i].inquest;
        bool is_there = inquest->outcomes.count > 0 && !inquest->outcomes.items[0].failed;
        if (i == index)
            return is_there ? place : -1;
        place += is_there;
    }
    return -1;
}

static void
report_bind(struct watched *watched, cJSON *array, const struct caught_bind *caught)
{
    struct arena *arena = watched->run->arena;
    const struct bind_try *bind = &caught->bind;
    cJSON *object = json_append_object(array);

    json_add_int(object, "pid", bind->pid);
    json_add_str(arena, object, "program", (struct str){bind->program, strlen(bind->program)});
    json_add_str(arena, object, "protocol", host_protocol_name(bind->protocol));
    json_add_str(arena, object, "address", address_format(arena, bind->address));
    json_add_int(object, "port", bind->outcome == BIND_WORKED && bind->got ? bind->got : bind->port);
    json_add_bool(object, "any_port", bind->port == 0);
    json_add_bool(object, "reuse_addr", bind->reuse_addr);
    json_add_bool(object, "reuse_port", bind->reuse_port);
    json_add_bool(object, "v6only", bind->v6only);
    json_add_bool(object, "other_namespace", bind->elsewhere);
    json_add_str(arena, object, "call", bind->is_listen ? STR("listen") : STR("bind"));
    json_add_bool(object, "listens", caught->listens);
    json_add_bool(object, "worked", bind->outcome == BIND_WORKED);
    if (bind->outcome == BIND_WORKED)
        json_add_str(arena, object, "result", STR("ok"));
    else if (bind->code)
        json_add_str(arena, object, "result", bind_error_name(arena, bind->code));
    else
        json_add_null(object, "result");
    json_add_int(object, "code", (int64_t)bind->code);
    json_add_int(object, "times", (int64_t)(caught->times ? caught->times : 1));
    int64_t place = caught->explained && bind->outcome != BIND_WORKED ? place_in_asked(watched, caught->asked) : -1;
    if (place >= 0)
        json_add_int(object, "asked", place);
    else
        json_add_null(object, "asked");
}

// moorage.why/1 with what was seen of the command: `asked` of a bind is its entry in the array of that name.
static struct str
report(struct watched *watched, int code)
{
    struct arena *arena = watched->run->arena;
    const struct report_privacy *privacy = &watched->run->privacy;
    struct host host = {0};
    struct str why_not = {0};
    bool sees = bind_catch_sees(watched->bound, &why_not);

    os_identify(arena, &host);
    cJSON *document = report_begin(arena, "moorage.why/1", &host, privacy);
    cJSON *command = json_add_array(document, "command");
    for (size_t i = 0; i < watched->run->behind.count && (i == 0 || !privacy->share); i++)
        json_append_str(arena, command, watched->run->behind.items[i]);
    json_add_int(document, "exit", code);
    json_add_str(arena, document, "seen", sees ? STR("binds") : STR("text"));
    if (sees)
        json_add_null(document, "not_seen");
    else
        json_add_str(arena, document, "not_seen", why_not);
    cJSON *binds = json_add_array(document, "binds");
    for (size_t i = 0; i < watched->caught.count; i++)
        report_bind(watched, binds, &watched->caught.items[i]);
    cJSON *asked = json_add_array(document, "asked");
    for (size_t i = 0; i < watched->explanations.count; i++)
        inquest_report(&watched->explanations.items[i].inquest, asked, privacy);
    if (watched->text_answered)
        inquest_report(&watched->text, asked, privacy);
    inquest_report_meanings(&watched->text, document);
    return command_json_text(arena, document, true);
}

static void
tell(struct watched *watched, struct str why_not)
{
    if (watched->run->common.json)
        return;
    if (!bind_catch_sees(watched->bound, NULL)) {
        print_text(watched, why_not);
        return;
    }
    print_failures(watched, true);
    print_end(watched);
    for (size_t i = 0; i < watched->explanations.count; i++) {
        const struct inquest *inquest = &watched->explanations.items[i].inquest;
        // The command need not run again to see more.
        watched->said.again = str_printf(watched->run->arena, "moorage %.*s",
                                         STR_ARG(endpoint_format(watched->run->arena, &inquest->endpoints.items[0])));
        inquest_say_unseen(inquest, &watched->said);
    }
}

static int
why_command_run(struct command_run *run, struct err *err)
{
    const struct why_command_options *options = run->options;
    struct watched watched = {.run = run, .said = *run, .caught = {.arena = run->arena}, .text = inquest_begin(run)};
    struct str why_not = {0};
    int code;

    watched.said.width = term_error_is_terminal() ? term_width() : 0;
    watched.said.colour = run->colour && term_error_is_terminal();
    if (run->operands.count) {
        err_set(err, ERR_USAGE, 0, "a command stands behind --, or ports are asked for; not both");
        return EXIT_USAGE;
    }
    bool apart = run->common.json && !run->common.quiet; // one document stands on standard output, and nothing else
    if (!bind_catch_start(run->arena, &run->behind, apart, &watched.bound, &code, err))
        return code;
    watch(&watched);
    code = bind_catch_code(watched.bound);
    if (!bind_catch_sees(watched.bound, &why_not))
        read_text(&watched);
    tell(&watched, why_not);
    struct str document = run->common.json || options->report.len ? report(&watched, code) : (struct str){0};
    if (run->common.json)
        buf_add(&run->out, document);
    if (options->report.len && !file_write(run->arena, options->report, document, err)) {
        command_note(run, utf8_display(run->arena, str_of(err->text)));
        *err = (struct err){0};
    }
    bind_catch_end(watched.bound);
    return code;
}

const struct command command_why_command = {
    .name = "why",
    .usage = "[OPTION]... -- COMMAND...",
    .summary = "runs a command and explains the very bind that fails in it",
    .about =
        "Runs a command, unchanged, and watches each bind of a port that it or anything it starts tries. What fails is "
        "explained: who tried it, which address, with which options, the error, and then why. What worked is listed. "
        "What moorage says goes to error output; the exit code is the command's.",
    .examples = "moorage why -- npm start\twhich port could npm's server not have, and why?\n"
                "moorage why --report why.json -- ./server\tfor tools\n",
    .options = OPT_TABLE(why_command_items),
    .options_size = sizeof(struct why_command_options),
    .foreign = OPT_FOREIGN_DASHES,
    .run = why_command_run,
};
