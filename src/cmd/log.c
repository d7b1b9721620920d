#include "cmd/command.h"

#include "base/json.h"
#include "base/table.h"
#include "base/utf8.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "core/journal.h"
#include "core/report_free.h"
#include "sys/clock.h"
#include "sys/os.h"
#include "sys/state_dir.h"

enum {
    SHOWN = 20,
};

struct log_options {
    struct str last;
    bool all;
};

#define LOG(member) offsetof(struct log_options, member)

static const struct opt log_items[] = {
    {.name = "last",
     .letter = 'n',
     .kind = OPT_TEXT,
     .value = "N",
     .help = "how many of the last acts to show (20)",
     .offset = LOG(last)},
    {.name = "all", .letter = 'a', .kind = OPT_FLAG, .help = "show all acts", .offset = LOG(all)},
};

static const struct table_column columns[] = {
    {.title = STR_INIT("WHEN")},   {.title = STR_INIT("BY")},
    {.title = STR_INIT("PORT")},   {.title = STR_INIT("WHAT"), .shrinks = true, .ink = INK_NAME},
    {.title = STR_INIT("RESULT")}, {.title = STR_INIT("UNDO"), .shrinks = true},
};

static struct str
by(const struct command_run *run, const struct journal_act *act)
{
    if (run->privacy.share)
        return STR("-");
    if (act->invoker.len > 0)
        return str_printf(run->arena, "%.*s (%.*s)", STR_ARG(act->invoker), STR_ARG(act->user));
    return act->user;
}

static struct str
port(const struct command_run *run, const struct journal_act *act)
{
    if (act->port == 0)
        return STR("-");
    if (act->protocol == PROTOCOL_TCP)
        return str_printf(run->arena, "%u", act->port);
    return str_printf(run->arena, "%.*s/%u", STR_ARG(host_protocol_name(act->protocol)), act->port);
}

static struct str
result(const struct command_run *run, const struct journal_act *act)
{
    // The line that tells the end is missing: the run was cut off, or is under way.
    struct str word = str_equal(act->result, STR("running")) ? STR("not ended")
                      : act->hard ? str_printf(run->arena, "%.*s (hard)", STR_ARG(act->result))
                                  : act->result;

    return act->error.len > 0 ? str_printf(run->arena, "%.*s: %.*s", STR_ARG(word), STR_ARG(act->error)) : word;
}

static struct str
undo(const struct journal_act *act)
{
    if (act->undone)
        return STR("taken back");
    return act->undo.command.len > 0 ? act->undo.command : STR("-");
}

static void
print_text(struct command_run *run, const struct journal *journal, size_t first)
{
    struct table table = {.arena = run->arena, .columns = columns, .column_count = sizeof columns / sizeof *columns};
    int64_t now = clock_wall_ms();

    for (size_t i = first; i < journal->count; i++) {
        const struct journal_act *act = &journal->items[i];
        struct str cells[] = {
            run->width > 0 ? words_ago(run->arena, now - act->time_ms) : report_time(run->arena, act->time_ms),
            by(run, act),
            port(run, act),
            act->sentence,
            result(run, act),
            undo(act),
        };
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
            cells[k] = utf8_display(run->arena, cells[k]);
        table_add(&table, cells);
    }
    table_print(&table, &run->out, run->width, true, run->colour);
}

static void
print_json(struct command_run *run, const struct journal *journal, size_t first)
{
    struct host host = {0};

    os_identify(run->arena, &host);
    cJSON *document = report_begin(run->arena, "moorage.log/1", &host, &run->privacy);
    cJSON *acts = json_add_array(document, "acts");
    for (size_t i = first; i < journal->count; i++)
        report_free_act(run->arena, acts, &journal->items[i], &run->privacy);
    command_json(run, document);
}

static int
log_run(struct command_run *run, struct err *err)
{
    const struct log_options *options = run->options;
    struct journal journal;
    struct str folder = {0};
    uint64_t count = SHOWN;
    size_t skipped = 0;

    if (run->operands.count > 0) {
        err_set(err, ERR_USAGE, 0, "moorage log takes no words; moorage log --all shows all that moorage did");
        return EXIT_USAGE;
    }
    if (options->last.ptr && !str_to_u64(options->last, 10, &count)) {
        err_set(err, ERR_USAGE, 0, "--last takes a number");
        return EXIT_USAGE;
    }
    if (!journal_read(run->arena, &journal, &skipped, err))
        return EXIT_UNKNOWN;
    size_t first = options->all || count >= journal.count ? 0 : journal.count - (size_t)count;
    if (skipped > 0)
        command_note(run, str_printf(run->arena, "%zu lines of the record can't be read", skipped));
    if (run->common.json)
        print_json(run, &journal, first);
    else if (journal.count > 0)
        print_text(run, &journal, first);
    else if (state_dir_path(run->arena, &folder, NULL))
        command_note(run, str_printf(run->arena,
                                     "moorage has done nothing yet, as far as %.*s tells; what it did for "
                                     "another user stands in the record of that user",
                                     STR_ARG(utf8_display(run->arena, folder))));
    return EXIT_GOOD;
}

const struct command command_log = {
    .name = "log",
    .usage = "[OPTION]...",
    .summary = "what moorage did here",
    .about =
        "Lists what moorage did, the newest last: when, for whom, for which port, what came of it, and what takes it "
        "back. Each user has a record; what was done as root stands in that of root.",
    .examples = "moorage log\tthe last acts\n"
                "sudo moorage log\tthose that were done as root\n"
                "moorage log --all --json\tall of them, for a program\n",
    .options = OPT_TABLE(log_items),
    .options_size = sizeof(struct log_options),
    .run = log_run,
};
