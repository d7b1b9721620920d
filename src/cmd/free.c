#include "cmd/command.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/agree.h"
#include "cmd/free_ask.h"
#include "cmd/free_text.h"
#include "cmd/table.h"
#include "core/plan.h"
#include "core/release.h"
#include "core/report_free.h"
#include "sys/clock.h"

enum {
    WATCH_MS = 1000,
    INTERRUPTED = 130,
};

#define FREE(member) offsetof(struct free_options, member)

static const struct opt free_items[] = {
    {.name = "dry-run",
     .letter = 'n',
     .kind = OPT_FLAG,
     .help = "print the plan and do nothing: exit 0 if it could be carried out, 3 if it would be refused",
     .offset = FREE(dry_run)},
    {.name = "yes", .letter = 'y', .kind = OPT_FLAG, .help = "carry the plan out without asking", .offset = FREE(yes)},
    {.name = "kill",
     .kind = OPT_FLAG,
     .help = "end hard what has not ended in time; unsaved work in it is lost",
     .offset = FREE(kill)},
    {.name = "allow",
     .kind = OPT_LIST,
     .value = "WORD",
     .choices = "other-user|supervisor|remote-access|system",
     .help = "run this danger too",
     .offset = FREE(allow)},
    {.name = "timeout",
     .kind = OPT_TEXT,
     .value = "TIME",
     .help = "how long what is asked to end may take (10s, 2m), instead of what it usually needs",
     .offset = FREE(timeout)},
    {.name = "watch",
     .kind = OPT_TEXT,
     .value = "TIME",
     .help = "how long to watch whether the port stays free (1s; 0 = not)",
     .offset = FREE(watch)},
    {.name = "wait",
     .kind = OPT_FLAG,
     .help = "wait for closed connections that linger, instead of dropping them",
     .offset = FREE(wait)},
    {.name = "only",
     .kind = OPT_LIST,
     .value = "WHAT",
     .help = "only if every program that has it fits: exe=NAME, cwd=FOLDER, user=NAME (me)",
     .offset = FREE(only)},
    {.name = "mine",
     .kind = OPT_FLAG,
     .help = "only if every program that has it is mine and of the project that I am in",
     .offset = FREE(mine)},
    {.name = "on",
     .kind = OPT_TEXT,
     .value = "ADDRESS",
     .help = "free it for this address, not for all of them",
     .offset = FREE(on)},
    {.name = "bind",
     .kind = OPT_CHOICE,
     .value = "HOW",
     .choices = "plain|reuse|exclusive|reuseport",
     .help = "free it for a server that binds this way",
     .offset = FREE(bind)},
    {.name = "tcp", .letter = 't', .kind = OPT_FLAG, .help = "TCP only", .offset = FREE(tcp)},
    {.name = "udp", .letter = 'u', .kind = OPT_FLAG, .help = "UDP only", .offset = FREE(udp)},
};

struct freeing {
    struct command_run *run;
    const struct free_options *options;
    struct free_view view;
    struct plan plan;
    struct release release;
};

static void
show(void *data, const struct release_moment *moment)
{
    const struct freeing *freeing = data;

    agree_show(freeing->run, free_text_moment(freeing->run->arena, moment));
}

// Without a terminal nobody is asked, and with --yes nobody wants to be.
static bool
may_kill(void *data, const struct plan *plan, const struct plan_step *step)
{
    struct freeing *freeing = data;

    (void)plan;
    if (freeing->options->yes || !agree_is_possible(freeing->run))
        return false;
    agree_show(freeing->run, (struct str){0});
    return agree_ask(freeing->run, free_text_kill_question(freeing->run->arena, step));
}

static bool
may_go_on(void *data, const struct plan *plan)
{
    struct freeing *freeing = data;

    if (freeing->options->yes)
        return true;
    if (!agree_is_possible(freeing->run))
        return false;
    agree_show(freeing->run, (struct str){0});
    free_text_plan(&freeing->view, plan, &freeing->run->out);
    agree_say(freeing->run);
    return agree_ask(freeing->run, STR("It came back. Go on with this? [y/N] "));
}

static void
print_json(struct freeing *freeing, const struct release *release, struct str outcome)
{
    struct command_run *run = freeing->run;
    struct host nothing = {.time_ms = clock_wall_ms()};
    const struct host *host = freeing->plan.goals.count > 0 ? freeing->plan.goals.items[0].host : &nothing;
    cJSON *document = report_begin(run->arena, "moorage.free/1", host, &run->privacy);

    json_add_bool(document, "dry_run", freeing->options->dry_run);
    report_free(run->arena, document, &freeing->plan, release, outcome, &run->privacy);
    run->out.len = 0;
    command_json(run, document);
}

// What is said where nothing was carried out.
static int
end_early(struct freeing *freeing, enum release_outcome outcome, int code)
{
    if (freeing->run->common.json)
        print_json(freeing, NULL, release_outcome_name(outcome));
    return code;
}

static int
exit_code(const struct release *release)
{
    if (release->interrupted)
        return INTERRUPTED;
    switch (release->outcome) {
    case RELEASE_FREED:
    case RELEASE_ALREADY_FREE:
        return EXIT_GOOD;
    case RELEASE_REFUSED:
    case RELEASE_NEEDS_ELEVATION:
        // Something was tried, and the port is still taken.
        return release->acted ? EXIT_BAD : EXIT_UNKNOWN;
    default:
        return EXIT_BAD;
    }
}

static int
carry_out(struct freeing *freeing)
{
    struct command_run *run = freeing->run;
    struct release *release = &freeing->release;

    *release = (struct release){
        .arena = run->arena,
        .plan = &freeing->plan,
        .face = {freeing, show, may_kill, may_go_on},
        .watch_ms = freeing->options->watch_ms,
    };
    agree_who(run, &release->uid, &release->user, &release->invoker);
    release_run(release);
    agree_show(run, (struct str){0});
    if (run->common.json)
        print_json(freeing, release, release_outcome_name(release->outcome));
    else
        free_text_outcome(&freeing->view, release, &run->out);
    for (size_t i = 0; i < release->warnings.count; i++)
        command_note(run, utf8_display(run->arena, release->warnings.items[i]));
    return exit_code(release);
}

// The plan is shown and agreed to before anything is done.
static int
agree_and_go(struct freeing *freeing)
{
    struct command_run *run = freeing->run;
    const struct free_options *options = freeing->options;

    if (options->dry_run) {
        if (run->common.json)
            print_json(freeing, NULL, (struct str){0});
        return EXIT_GOOD;
    }
    if (!options->yes && !agree_is_possible(run)) {
        command_note(run, str_printf(run->arena,
                                     "Nothing was done: there is no terminal to ask at. To carry this out: "
                                     "%.*s --yes",
                                     STR_ARG(run->again)));
        return end_early(freeing, RELEASE_REFUSED, EXIT_UNKNOWN);
    }
    if (!options->yes) {
        agree_say(run);
        if (!agree_ask(run, STR("Do this? [y/N] "))) {
            if (!run->common.json)
                buf_add_c(&run->out, "Nothing was done.\n");
            return end_early(freeing, RELEASE_DECLINED, EXIT_BAD);
        }
    } else if (!run->common.json) {
        agree_say(run);
    }
    return carry_out(freeing);
}

static int
go(struct freeing *freeing, struct err *err)
{
    struct command_run *run = freeing->run;
    enum plan_state state = plan_state(&freeing->plan);

    if (state == PLAN_UNKNOWN) {
        for (size_t i = 0; i < freeing->plan.goals.count; i++)
            if (freeing->plan.goals.items[i].failed)
                *err = freeing->plan.goals.items[i].err;
        return EXIT_UNKNOWN;
    }
    if (state == PLAN_NOTHING) {
        free_text_nothing(&freeing->view, &freeing->plan, &run->out);
        return end_early(freeing, RELEASE_ALREADY_FREE, EXIT_GOOD);
    }
    free_text_plan(&freeing->view, &freeing->plan, &run->out);
    switch (state) {
    case PLAN_NOT_YOURS:
        return end_early(freeing, RELEASE_NOT_YOURS, EXIT_BAD);
    case PLAN_REFUSED:
        return end_early(freeing, RELEASE_REFUSED, EXIT_UNKNOWN);
    case PLAN_NEEDS_RIGHT:
        return end_early(freeing, RELEASE_NEEDS_ELEVATION, EXIT_UNKNOWN);
    default:
        return agree_and_go(freeing);
    }
}

static int
free_run(struct command_run *run, struct err *err)
{
    struct free_options *options = run->options;
    struct free_questions questions = {0};
    struct plan_wish wish = {0};
    struct freeing freeing = {.run = run, .options = options};
    bool undecided = false;

    options->watch_ms = WATCH_MS;
    if (!free_ask_wish(run, options, &wish, err) || !free_ask_ports(run, options, &questions, err))
        return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
    freeing.view = (struct free_view){run->arena, &run->privacy, run->width, run->colour};
    plan_make(run->arena, &wish, questions.items, questions.count, &freeing.plan);
    if (free_ask_protocols(run, options, &freeing.plan, &questions, &undecided)) {
        plan_close(&freeing.plan);
        plan_make(run->arena, &wish, questions.items, questions.count, &freeing.plan);
    }
    int code = undecided
                   ? end_early(&freeing, options->yes || !agree_is_possible(run) ? RELEASE_REFUSED : RELEASE_DECLINED,
                               options->yes || !agree_is_possible(run) ? EXIT_UNKNOWN : EXIT_BAD)
                   : go(&freeing, err);
    plan_close(&freeing.plan);
    return code;
}

const struct command command_free = {
    .name = "free",
    .aliases = "kill stop",
    .usage = "[OPTION]... PORT...",
    .summary = "make a port usable again, with the least harm",
    .about = "Finds what keeps the port, shows what would free it with the least harm, and asks once for the whole. "
             "Programs are "
             "asked to end, all that share the port; a service is stopped by its manager, a container by its runtime. "
             "Then the "
             "port is tried, and watched for a moment. Nothing is ended hard without --kill, and nothing without a "
             "yes. A PORT is "
             "written as for moorage why.",
    .examples = "moorage free 8080\twhat has it is shown, you are asked, it is asked to end\n"
                "moorage free 8080 -n\tonly the plan\n"
                "moorage free 3000 --mine -y\tin a script: only my own program of this project\n"
                "moorage free 3000 --kill --timeout 5s\tend it hard when it has not ended after 5 s\n"
                "moorage free udp/5353\tUDP\n",
    .options = OPT_TABLE(free_items),
    .options_size = sizeof(struct free_options),
    .run = free_run,
};
