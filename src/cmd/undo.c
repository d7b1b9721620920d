#include "cmd/command.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/agree.h"
#include "cmd/free_text.h"
#include "cmd/sheet.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "core/journal.h"
#include "core/platform.h"
#include "core/report_free.h"
#include "core/take_back.h"
#include "sys/clock.h"
#include "sys/dialog.h"
#include "sys/os.h"

enum {
    INTERRUPTED = 130,
};

struct undo_options {
    bool dry_run;
    bool yes;
};

#define UNDO(member) offsetof(struct undo_options, member)

static const struct opt undo_items[] = {
    {.name = "dry-run",
     .letter = 'n',
     .kind = OPT_FLAG,
     .help = "show what would be taken back, and do nothing",
     .offset = UNDO(dry_run)},
    {.name = "yes", .letter = 'y', .kind = OPT_FLAG, .help = "take it back without asking", .offset = UNDO(yes)},
};

struct undoing {
    struct command_run *run;
    const struct undo_options *options;
    struct host host;
    struct journal_acts acts; // that are taken back, the last one first
    struct plan plan;
    struct release release;
};

static void
show(void *data, const struct release_moment *moment)
{
    const struct undoing *undoing = data;

    agree_show(undoing->run, free_text_moment(undoing->run->arena, moment));
}

// What was done: of settings, which are several acts, the line that was typed.
static struct str
name_of(const struct undoing *undoing)
{
    const struct journal_act *act = undoing->acts.items[0];

    return act->undo.lever == LEVER_SETTING && act->line.len ? act->line : act->sentence;
}

static void
print_act(struct undoing *undoing)
{
    struct command_run *run = undoing->run;
    const struct journal_act *act = undoing->acts.items[0];
    struct sheet sheet = {.arena = run->arena};
    struct str when = words_ago(run->arena, clock_wall_ms() - act->time_ms);

    buf_addf(&run->out, "The last act that can be taken back: %.*s\n",
             STR_ARG(utf8_display(run->arena, name_of(undoing))));
    sheet_add(&sheet, STR("done"), when,
              run->privacy.share ? (struct str){0} : str_printf(run->arena, "by %.*s", STR_ARG(act->user)));
    sheet_add(&sheet, STR("because"), act->why, (struct str){0});
    for (size_t i = 0; i < undoing->plan.steps.count; i++)
        sheet_add(&sheet, i ? (struct str){0} : STR("plan"), undoing->plan.steps.items[i].sentence, (struct str){0});
    sheet_add(&sheet, STR("by hand"), act->undo.command, (struct str){0});
    for (size_t i = 0; i < undoing->plan.refusals.count; i++)
        sheet_add(&sheet, undoing->plan.refusals.items[i].kind == PLAN_REFUSED_RIGHT ? STR("needs") : STR("refused"),
                  undoing->plan.refusals.items[i].sentence, (struct str){0});
    sheet_print(&sheet, &run->out, run->width, run->colour);
}

static int
finish(struct undoing *undoing, const char *outcome, int code)
{
    struct command_run *run = undoing->run;

    if (!run->common.json)
        return code;
    cJSON *document = report_begin(run->arena, "moorage.undo/1", &undoing->host, &run->privacy);
    json_add_str(run->arena, document, "outcome", str_of(outcome));
    json_add_bool(document, "dry_run", undoing->options->dry_run);
    cJSON *acts = json_add_array(document, "acts");
    for (size_t i = 0; i < undoing->acts.count; i++)
        report_free_act(run->arena, acts, undoing->acts.items[i], &run->privacy);
    cJSON *steps = json_add_array(document, "plan");
    for (size_t i = 0; i < undoing->plan.steps.count; i++)
        report_free_step(run->arena, steps, &undoing->plan.steps.items[i], &run->privacy);
    run->out.len = 0;
    command_json(run, document);
    return code;
}

static void
print_done(struct undoing *undoing, const struct plan_step *step)
{
    struct command_run *run = undoing->run;
    struct str name = utf8_display(run->arena, undoing->acts.items[0]->undo.name);
    bool needless = step->result == PLAN_NEEDLESS;

    if (step->lever == LEVER_SETTING)
        buf_addf(&run->out, "Taken back: %.*s\n", STR_ARG(utf8_display(run->arena, name_of(undoing))));
    else
        buf_addf(&run->out, "Taken back: %.*s %s\n", STR_ARG(name), needless ? "ran already" : "runs again");
}

static void
print_failed(struct undoing *undoing, const struct plan_step *step)
{
    struct command_run *run = undoing->run;
    struct sheet sheet = {.arena = run->arena};
    struct str why = step->result == PLAN_FAILED ? str_copy(run->arena, str_of(step->err.text))
                                                 : STR("it has not started in time; it may still do so");

    buf_add_c(&run->out, "It could not be taken back\n");
    sheet_add(&sheet, STR("because"), why, (struct str){0});
    sheet_add(&sheet, STR("by hand"), undoing->acts.items[0]->undo.command, (struct str){0});
    sheet_print(&sheet, &run->out, run->width, run->colour);
}

// The step that was done last, whatever came of it.
static const struct plan_step *
last_step(const struct plan *plan)
{
    const struct plan_step *last = &plan->steps.items[0];

    for (size_t i = 0; i < plan->steps.count; i++)
        if (plan->steps.items[i].began_us != 0)
            last = &plan->steps.items[i];
    return last;
}

static int
carry_out(struct undoing *undoing)
{
    struct command_run *run = undoing->run;
    struct release *release = &undoing->release;

    *release = (struct release){.arena = run->arena, .plan = &undoing->plan, .face = {.data = undoing, .show = show}};
    agree_who(run, &release->uid, &release->user, &release->invoker);
    dialog_hold_interrupt(true);
    (void)release_steps(release, &undoing->plan);
    dialog_hold_interrupt(false);
    agree_show(run, (struct str){0});
    for (size_t i = 0; i < release->warnings.count; i++)
        command_note(run, utf8_display(run->arena, release->warnings.items[i]));
    const struct plan_step *step = last_step(&undoing->plan);
    bool good = step->result == PLAN_DONE || step->result == PLAN_NEEDLESS;
    if (good)
        print_done(undoing, step);
    else
        print_failed(undoing, step);
    return finish(undoing,
                  good                          ? "undone"
                  : step->result == PLAN_FAILED ? "failed"
                                                : "timed-out",
                  release->interrupted ? INTERRUPTED
                  : good               ? EXIT_GOOD
                                       : EXIT_BAD);
}

// Whether more than lack of rights speaks against it.
static bool
is_impossible(const struct plan *plan)
{
    for (size_t i = 0; i < plan->refusals.count; i++)
        if (plan->refusals.items[i].kind != PLAN_REFUSED_RIGHT)
            return true;
    return false;
}

static int
agree_and_go(struct undoing *undoing)
{
    struct command_run *run = undoing->run;

    print_act(undoing);
    if (is_impossible(&undoing->plan)) {
        buf_add_c(&run->out, "Nothing was done.\n");
        return finish(undoing, "refused", EXIT_UNKNOWN);
    }
    if (undoing->plan.refusals.count > 0) {
        buf_addf(&run->out, "Nothing was done. Type: %.*s\n", STR_ARG(take_back_again(&undoing->plan, &undoing->host)));
        return finish(undoing, "needs-elevation", EXIT_UNKNOWN);
    }
    if (undoing->options->dry_run)
        return finish(undoing, "planned", EXIT_GOOD);
    if (!undoing->options->yes && !agree_is_possible(run)) {
        command_note(run, STR("Nothing was done: there is no terminal to ask at. To take it back: moorage undo --yes"));
        return finish(undoing, "refused", EXIT_UNKNOWN);
    }
    agree_say(run);
    if (!undoing->options->yes && !agree_ask(run, STR("Take it back? [y/N] "))) {
        buf_add_c(&run->out, "Nothing was done.\n");
        return finish(undoing, "declined", EXIT_BAD);
    }
    return carry_out(undoing);
}

// What was done with more rights is in another record.
static void
say_nothing(const struct undoing *undoing)
{
    struct arena *arena = undoing->run->arena;
    struct str elevated = platform_elevate(arena, platform_of(&undoing->host), STR("moorage undo"));
    struct str elsewhere =
        undoing->host.admin ? (struct str){0}
                            : str_printf(arena, "; what was done with more rights, %.*s takes back", STR_ARG(elevated));

    command_note(undoing->run, str_printf(arena,
                                          "There is nothing to take back: a program that was asked to end is started "
                                          "again by hand (moorage log shows what was done%.*s)",
                                          STR_ARG(elsewhere)));
}

static int
undo_run(struct command_run *run, struct err *err)
{
    struct undoing undoing = {.run = run, .options = run->options};
    struct journal journal;

    if (run->operands.count > 0) {
        err_set(err, ERR_USAGE, 0, "moorage undo takes back the last act; moorage log shows all of them");
        return EXIT_USAGE;
    }
    if (!journal_read(run->arena, &journal, NULL, err))
        return EXIT_UNKNOWN;
    os_identify(run->arena, &undoing.host);
    const struct journal_act *last = journal_last_undoable(&journal);
    if (!last) {
        say_nothing(&undoing);
        return finish(&undoing, "nothing", EXIT_BAD);
    }
    journal_with(run->arena, &journal, last, &undoing.acts);
    if (!take_back_plan(run->arena, &undoing.acts, run->again, &undoing.plan, err))
        return EXIT_UNKNOWN;
    return agree_and_go(&undoing);
}

const struct command command_undo = {
    .name = "undo",
    .usage = "[OPTION]...",
    .summary = "take back the last act that can be taken back",
    .about = "Shows the last act that can be taken back and asks; then starts the service or container again that was "
             "stopped, or puts back the ranges that were changed. A program that was asked to end can't be started "
             "again as it was: moorage free printed its command.",
    .examples = "moorage undo\tshown first, then you are asked\n"
                "moorage undo -n\tonly shown\n",
    .options = OPT_TABLE(undo_items),
    .options_size = sizeof(struct undo_options),
    .run = undo_run,
};
