#include "core/range.h"

#include "base/json.h"
#include "base/utf8.h"
#include "cmd/agree.h"
#include "cmd/command.h"
#include "cmd/range_show.h"
#include "cmd/sheet.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "core/endpoint.h"
#include "core/platform.h"
#include "core/range_use.h"
#include "core/release.h"
#include "sys/dialog.h"
#include "sys/term.h"

struct range_options {
    bool persist;
    bool dry_run;
    bool yes;
    bool tcp;
    bool udp;
};

#define RANGE(member) offsetof(struct range_options, member)

static const struct opt range_items[] = {
    {.name = "persist",
     .letter = 'p',
     .kind = OPT_FLAG,
     .help = "after a restart of the system too",
     .offset = RANGE(persist)},
    {.name = "dry-run", .letter = 'n', .kind = OPT_FLAG, .help = "only show the plan", .offset = RANGE(dry_run)},
    {.name = "yes", .letter = 'y', .kind = OPT_FLAG, .help = "carry the plan out without asking", .offset = RANGE(yes)},
    {.name = "tcp",
     .letter = 't',
     .kind = OPT_FLAG,
     .help = "for TCP only, where the system tells protocols apart (Windows)",
     .offset = RANGE(tcp)},
    {.name = "udp",
     .letter = 'u',
     .kind = OPT_FLAG,
     .help = "for UDP only, where the system tells protocols apart (Windows)",
     .offset = RANGE(udp)},
};

// One change, from the plan to what came of it.
struct change {
    struct command_run *run;
    struct host host;
    struct range_wish wish;
    struct plan plan;
    bool done;
};

static int
show(struct command_run *run, struct err *err)
{
    struct host host;
    struct range_view view = {.host = &host};

    if (!range_use_read(run->arena, true, &host, err))
        return EXIT_UNKNOWN;
    size_t *inside = arena_array(run->arena, host.sockets.count + 1, sizeof *inside);
    range_use_find(run->arena, &host, &view.uses);
    view.inside_count = range_use_inside(run->arena, &host, inside);
    view.inside = inside;
    if (run->common.json) {
        cJSON *document = report_begin(run->arena, "moorage.range/1", &host, &run->privacy);
        range_show_json(run, &view, document);
        json_add_null(document, "plan");
        command_json(run, document);
    } else {
        range_show_text(run, &view);
    }
    return EXIT_GOOD;
}

static bool
read_spans(struct command_run *run, struct range_wish *wish, struct err *err)
{
    struct endpoint_list list = {0};

    for (size_t i = 1; i < run->operands.count; i++) {
        enum endpoint_kind kind = endpoint_parse(run->arena, run->operands.items[i], NULL, &list, err);
        if (kind == ENDPOINT_IS_WRONG)
            return false;
        if (kind != ENDPOINT_IS_PORT || list.items[list.count - 1].host != ENDPOINT_EVERY)
            return err_set(err, ERR_USAGE, 0, "'%.*s' is no port and no range of ports, such as 8080 or 9000-9010",
                           STR_ARG(utf8_display(run->arena, str_part(run->operands.items[i], 0, 40))));
    }
    for (size_t i = 0; i < list.count; i++) {
        *LIST_ADD(run->arena, &wish->spans) = (struct range_span){list.items[i].first, list.items[i].last};
        wish->tcp = wish->tcp || (!list.items[i].any_protocol && list.items[i].protocol == PROTOCOL_TCP);
        wish->udp = wish->udp || (!list.items[i].any_protocol && list.items[i].protocol == PROTOCOL_UDP);
    }
    return true;
}

// Where moorage itself can take it back.
static struct str
or_undo(const struct change *change)
{
    bool possible = change->plan.steps.count > 0 && change->plan.steps.items[0].undo.possible;

    return possible ? STR("or, once it is done: moorage undo") : (struct str){0};
}

static void
print_plan(const struct change *change, struct buf *out)
{
    struct command_run *run = change->run;
    struct sheet sheet = {.arena = run->arena};

    for (size_t i = 0; i < change->plan.steps.count; i++) {
        const struct plan_step *step = &change->plan.steps.items[i];
        sheet_add(&sheet, i ? (struct str){0} : STR("plan"), step->sentence, (struct str){0});
        sheet_add(&sheet, STR("by hand"), step->by_hand, (struct str){0});
    }
    for (size_t i = 0; i < change->plan.notes.count; i++)
        sheet_add(&sheet, STR("note"), change->plan.notes.items[i], (struct str){0});
    for (size_t i = 0; i < change->plan.refusals.count; i++)
        sheet_add(&sheet, STR("refused"), change->plan.refusals.items[i].sentence, (struct str){0});
    sheet_add(&sheet, STR("undo"), range_plan_undo(&change->plan), or_undo(change));
    sheet_print(&sheet, out, run->width, run->colour);
}

static void
add_texts(struct arena *arena, cJSON *object, const char *key, const struct str_list *list)
{
    cJSON *array = json_add_array(object, key);

    for (size_t i = 0; i < list->count; i++)
        json_append_str(arena, array, list->items[i]);
}

static void
print_json(const struct change *change)
{
    struct command_run *run = change->run;
    struct arena *arena = run->arena;
    struct str undo = range_plan_undo(&change->plan);
    cJSON *document = report_begin(arena, "moorage.range/1", &change->host, &run->privacy);

    range_show_json(run, &(struct range_view){.host = &change->host}, document);
    cJSON *plan = json_add_object(document, "plan");
    cJSON *steps = json_add_array(plan, "steps");
    for (size_t i = 0; i < change->plan.steps.count; i++) {
        const struct plan_step *step = &change->plan.steps.items[i];
        cJSON *object = json_append_object(steps);
        json_add_str(arena, object, "lever", why_lever_name(step->lever));
        json_add_str(arena, object, "harm", why_harm_name(step->harm));
        json_add_str(arena, object, "sentence", step->sentence);
        json_add_str(arena, object, "target", step->setting.target);
        json_add_str(arena, object, "precondition", step->precondition);
        json_add_bool(object, "needs_admin", step->needs_admin);
        json_add_str(arena, object, "by_hand", step->by_hand);
        json_add_bool(object, "done", step->result == PLAN_DONE);
        json_add_str_or_null(arena, object, "act", step->id);
    }
    cJSON *refusals = json_add_array(plan, "refusals");
    for (size_t i = 0; i < change->plan.refusals.count; i++)
        json_append_str(arena, refusals, change->plan.refusals.items[i].sentence);
    add_texts(arena, plan, "notes", &change->plan.notes);
    if (undo.len)
        json_add_str(arena, plan, "undo", undo);
    else
        json_add_null(plan, "undo");
    json_add_bool(plan, "done", change->done);
    command_json(run, document);
}

// Shows the plan and asks, unless --yes. False with the exit code where it is not to be done.
static bool
agree(struct change *change, int *code, struct err *err)
{
    const struct range_options *options = change->run->options;
    struct buf text = {.arena = change->run->arena};
    struct str answer;
    bool on_output;

    if (options->yes)
        return true;
    *code = EXIT_UNKNOWN;
    if (!dialog_is_possible(&on_output))
        return err_set(err, ERR_NOT_ALLOWED, 0,
                       "nobody is there to ask: add --yes to do it, or --dry-run to see the plan");
    print_plan(change, &text);
    buf_add_c(&text, "Do this? [y/N] ");
    if (on_output)
        (void)term_write(buf_str(&text), NULL);
    else
        (void)term_write_error(buf_str(&text));
    *code = EXIT_BAD;
    return dialog_read_line(change->run->arena, &answer) &&
           (str_equal_nocase(str_trim(answer), STR("y")) || str_equal_nocase(str_trim(answer), STR("yes")));
}

// What of the plan was done, and the line that takes it back; beside an error on error output, where it is not lost.
static void
print_result(struct change *change)
{
    struct command_run *run = change->run;
    struct buf *out = change->done ? &run->out : run->notes;

    for (size_t i = 0; i < change->plan.steps.count; i++)
        if (change->plan.steps.items[i].result == PLAN_DONE)
            buf_addf(out, "done: %.*s\n", STR_ARG(utf8_display(run->arena, change->plan.steps.items[i].sentence)));
    for (size_t i = 0; i < change->plan.notes.count; i++)
        command_note(run, change->plan.notes.items[i]);
    struct str undo = range_plan_undo(&change->plan);
    if (undo.len)
        buf_addf(out, "undo: %.*s\n", STR_ARG(undo));
}

// Does the steps, with their record. False with the error of the one that failed.
static bool
act(struct change *change, struct err *err)
{
    struct command_run *run = change->run;
    struct release release = {.arena = run->arena, .plan = &change->plan};

    change->plan.wish.again = run->again;
    agree_who(run, &release.uid, &release.user, &release.invoker);
    bool good = release_steps(&release, &change->plan);
    for (size_t i = 0; i < release.warnings.count; i++)
        command_note(run, utf8_display(run->arena, release.warnings.items[i]));
    for (size_t i = 0; i < change->plan.steps.count; i++)
        if (change->plan.steps.items[i].result == PLAN_FAILED)
            *err = change->plan.steps.items[i].err;
    return good;
}

static int
carry_out(struct change *change, struct err *err)
{
    struct command_run *run = change->run;
    int code = EXIT_UNKNOWN;

    if (!agree(change, &code, err))
        return code;
    change->done = act(change, err);
    if (!change->done && err->kind == ERR_NOT_ALLOWED)
        (void)err_set(err, ERR_NOT_ALLOWED, err->os, "%s; it needs the rights of an administrator: %.*s",
                      str_c(run->arena, str_of(err->text)),
                      STR_ARG(platform_elevate(run->arena, platform_of(&change->host), run->again)));
    if (change->done && run->common.json)
        print_json(change);
    else if (!run->common.json && (change->done || change->plan.steps.items[0].result == PLAN_DONE))
        print_result(change);
    return change->done ? EXIT_GOOD : EXIT_UNKNOWN;
}

static int
change_ranges(struct command_run *run, enum range_deed deed, struct err *err)
{
    const struct range_options *options = run->options;
    struct change change = {.run = run};

    change.wish =
        (struct range_wish){.deed = deed, .tcp = options->tcp, .udp = options->udp, .persist = options->persist};
    if (!read_spans(run, &change.wish, err))
        return EXIT_USAGE;
    if (change.wish.spans.count == 0 ||
        (deed == RANGE_MOVE &&
         (change.wish.spans.count > 1 || change.wish.spans.items[0].first == change.wish.spans.items[0].last))) {
        err_set(err, ERR_USAGE, 0,
                deed == RANGE_MOVE ? "which range? For example: moorage range dynamic 40000-60999"
                                   : "which ports? For example: moorage range reserve 8080");
        return EXIT_USAGE;
    }
    if (!range_use_read(run->arena, false, &change.host, err) ||
        !range_plan_make(run->arena, &change.host, &change.wish, &change.plan, err))
        return EXIT_UNKNOWN;
    bool needless = change.plan.steps.count == 0;
    bool refused = change.plan.refusals.count > 0 && !needless;
    if (!needless && !refused && !options->dry_run)
        return carry_out(&change, err);
    if (run->common.json) {
        print_json(&change);
    } else if (needless) {
        buf_add_c(&run->out, "nothing to do: it is so already\n");
        for (size_t i = 0; i < change.plan.notes.count; i++)
            command_note(run, change.plan.notes.items[i]);
    } else {
        print_plan(&change, &run->out);
    }
    return refused ? EXIT_UNKNOWN : EXIT_GOOD;
}

static int
range_run(struct command_run *run, struct err *err)
{
    struct str word = run->operands.count ? run->operands.items[0] : STR("show");

    if (str_equal(word, STR("show")) && run->operands.count <= 1)
        return show(run, err);
    if (str_equal(word, STR("reserve")))
        return change_ranges(run, RANGE_RESERVE, err);
    if (str_equal(word, STR("release")))
        return change_ranges(run, RANGE_RELEASE, err);
    if (str_equal(word, STR("dynamic")))
        return change_ranges(run, RANGE_MOVE, err);
    err_set(err, ERR_USAGE, 0, "'%.*s' is nothing that range does: it knows show, reserve, release and dynamic",
            STR_ARG(utf8_display(run->arena, str_part(word, 0, 40))));
    return EXIT_USAGE;
}

const struct command command_range = {
    .name = "range",
    .usage = "[OPTION]... [show | reserve PORT... | release PORT... | dynamic A-B]",
    .summary = "which ports the system gives away, and which it keeps",
    .about =
        "Shows the dynamic range, from which clients get their ports, reserved, privileged and excluded ports, how "
        "full the dynamic range is and by whom, and which servers stand inside it, so that a client may be given "
        "their port while they are down. `reserve` keeps ports out of it, `release` gives them back, `dynamic` "
        "moves it. A change is shown first and asked for; it is refused where it would cut off servers that run. "
        "The line that takes it back is printed.",
    .examples = "moorage range\tthe ranges of this machine\n"
                "moorage range reserve 8080 --persist\tno client gets 8080, after a restart too\n"
                "moorage range release 8080 --dry-run\twhat would be done\n"
                "moorage range dynamic 40000-60999\tmove the dynamic range\n",
    .options = OPT_TABLE(range_items),
    .options_size = sizeof(struct range_options),
    .run = range_run,
};
