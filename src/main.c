#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cmd/ask.h"
#include "cmd/command.h"
#include "cmd/dispatch.h"
#include "cmd/help.h"
#include "cmd/later.h"
#include "cmd/table.h"
#include "cmd/words.h"
#include "sys/console.h"
#include "sys/elevate.h"
#include "sys/term.h"
#include "sys/user.h"

static bool
wants_colour(struct str when)
{
    if (str_equal(when, STR("always")))
        return true;
    return !str_equal(when, STR("never")) && term_wants_colour();
}

// The sentence on standard error; with --json also a document, so that tools always get one.
static void
print_error(struct command_run *run, const struct err *err, int code)
{
    struct str text = utf8_display(run->arena, str_of(err->text));

    struct buf line = {.arena = run->arena};

    words_fold(&line, str_printf(run->arena, "moorage: %.*s", STR_ARG(text)), 0, run->width);
    buf_add_byte(&line, '\n');
    (void)term_write_error(buf_str(&line));
    if (!run->common.json || run->common.quiet)
        return;
    json_use(run->arena);
    cJSON *document = cJSON_CreateObject();
    json_add_str(run->arena, document, "schema", STR("moorage.error/1"));
    json_add_str(run->arena, document, "sentence", str_of(err->text));
    json_add_int(document, "exit", code);
    run->out.len = 0;
    command_json(run, document);
    (void)term_write(buf_str(&run->out), NULL);
}

static void
prepare(struct command_run *run)
{
    // Windows has no HOME.
    struct str home = term_environment("HOME", NULL);

    run->out.arena = run->arena;
    run->colour = !run->common.no_colour && wants_colour(run->common.colour);
    run->width = term_output_is_terminal() ? term_width() : 0;
    run->privacy.full = run->common.full;
    run->privacy.share = run->common.share;
    run->privacy.home = home.len ? home : term_environment("USERPROFILE", NULL);
}

// --version and --help win over everything else that the line says.
static bool
answer_about(struct command_run *run, const struct dispatch *dispatch)
{
    bool named = table_find(dispatch->word) == dispatch->command;

    if (run->common.version && run->common.json) {
        cJSON *document = cJSON_CreateObject();
        json_add_str(run->arena, document, "schema", STR("moorage.version/1"));
        json_add_str(run->arena, document, "version", STR(MOORAGE_VERSION));
        command_json(run, document);
        return true;
    }
    if (run->common.version) {
        buf_add_c(&run->out, "moorage " MOORAGE_VERSION "\n");
        return true;
    }
    if (!run->common.help)
        return false;
    if (run->common.json)
        help_json(run, named ? dispatch->command : NULL);
    else if (named)
        help_command(&run->out, dispatch->command, run->width, run->colour);
    else
        help_all(&run->out, run->width, run->colour);
    return true;
}

static int
run_command(struct command_run *run, const struct dispatch *dispatch, struct err *err)
{
    if (answer_about(run, dispatch))
        return EXIT_GOOD;
    if (dispatch->later) {
        struct str sentence = later_sentence(run->arena, dispatch->later, dispatch->word);
        err_set(err, ERR_USAGE, 0, "%.*s", STR_ARG(sentence));
        return EXIT_USAGE;
    }
    return dispatch->command->run(run, err);
}

// Reading ends at the word that is wrong, but who asks for JSON behind it gets the error as JSON too.
static bool
asks_for_json(const struct dispatch *dispatch)
{
    for (int i = 0; i < dispatch->argc && strcmp(dispatch->argv[i], "--") != 0; i++)
        if (strcmp(dispatch->argv[i], "--json") == 0 || strcmp(dispatch->argv[i], "-j") == 0)
            return true;
    return false;
}

// A command that is not there yet has no options to read, but --json and --help still hold.
static bool
read_line(struct command_run *run, const struct dispatch *dispatch, struct err *err)
{
    const struct command *command = dispatch->command;
    struct opt_table tables[] = {command_common_options, command->options};

    run->options = arena_alloc(run->arena, command->options_size);
    if (command->preset)
        memcpy(run->options, command->preset, command->options_size);
    void *const targets[] = {&run->common, run->options};
    struct opt_words words = {.foreign = command->foreign};
    bool good = opt_parse(run->arena, tables, targets, 2, dispatch->argc, dispatch->argv, &words, err);
    run->operands = words.operands;
    run->behind = words.behind;
    run->common.json = run->common.json || (!good && asks_for_json(dispatch));
    return good || dispatch->later || run->common.help || run->common.version;
}

// The same line again with more rights, unless there are no more.
static bool
is_elevated_elsewhere(const struct command_run *run, int argc, char **argv, int *code, struct err *err)
{
    int count = 0;
    if (!run->common.elevate || run->common.help || run->common.version || user_self().admin)
        return false;
    char **words = arena_array(run->arena, (size_t)argc + 1, sizeof *words);
    bool ours = true; // what stands behind "--" may be the line of another program
    for (int i = 0; i < argc; i++) {
        ours = ours && strcmp(argv[i], "--") != 0;
        if (!ours || strcmp(argv[i], "--elevate") != 0)
            words[count++] = argv[i];
    }
    if (!elevate_run(count, words, code, err))
        *code = err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_UNKNOWN;
    return true;
}

// One command line from its words to its answer; gives the exit code.
static int
run_line(int argc, char **argv)
{
    struct arena *arena = arena_open();
    struct buf notes = {.arena = arena};
    struct command_run run = {.arena = arena, .notes = &notes};
    struct service_table services = {0};
    struct dispatch dispatch;
    struct err err = {0};
    int code = EXIT_USAGE;

    json_use(arena);
    command_services(&services);
    dispatch_find(arena, argc > 0 ? argc - 1 : 0, argv + (argc > 0), &services, &dispatch);
    bool good = read_line(&run, &dispatch, &err);
    prepare(&run);
    if (good) {
        err = (struct err){0};
        run.bare = dispatch.bare;
        run.wants_port = dispatch.wants_port;
        run.again = dispatch_again(arena, &dispatch);
        if (!is_elevated_elsewhere(&run, argc, argv, &code, &err))
            code = run_command(&run, &dispatch, &err);
    }
    if (err.kind != ERR_NONE) {
        print_error(&run, &err, code);
    } else if (!run.common.quiet) {
        // A reader that is gone (`moorage | head`) does not change the answer.
        if (!term_write(buf_str(&run.out), &err) && err.kind != ERR_GONE) {
            code = EXIT_UNKNOWN;
            print_error(&run, &err, code);
        }
    }
    if (notes.len)
        (void)term_write_error(buf_str(&notes));
    if (run.common.exit_zero && code != EXIT_USAGE)
        code = EXIT_GOOD;
    arena_close(arena);
    return code;
}

int
main(int argc, char **argv)
{
    int code;

    if (console_begin(argc, argv, &code))
        return code;
    elevate_begin(&argc, argv);
    term_begin();
    code = run_line(argc, argv);
    return argc <= 1 && term_is_own_console() ? ask_lines(run_line, code) : code;
}
