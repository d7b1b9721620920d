#include "cmd/help.h"

#include "base/ink.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cmd/later.h"
#include "cmd/table.h"
#include "cmd/words.h"

enum {
    NAME_COLUMN = 26,
    WIDTH_MOST = 100, // longer lines are hard to read
    WIDTH_PIPED = 80,
};

static size_t
text_width(size_t width)
{
    return width == 0 ? WIDTH_PIPED : width > WIDTH_MOST ? WIDTH_MOST : width;
}

static void
heading(struct buf *out, bool colour, const char *text)
{
    buf_add_byte(out, '\n');
    ink_add(out, colour, INK_STRONG, str_of(text));
    buf_add_byte(out, '\n');
}

static void
paragraph(struct buf *out, const char *text, size_t width)
{
    words_fold(out, str_of(text), 0, width);
    buf_add_byte(out, '\n');
}

// "moorage 8080    what has the port"
static void
left_and_right(struct buf *out, struct str left, struct str right, size_t width)
{
    size_t used = 2 + utf8_width(left);

    buf_addf(out, "  %.*s", STR_ARG(left));
    if (used + 2 > NAME_COLUMN) {
        buf_add_byte(out, '\n');
        used = 0;
    }
    buf_pad(out, ' ', NAME_COLUMN - used);
    words_fold(out, right, NAME_COLUMN, width);
    buf_add_byte(out, '\n');
}

static void
examples(struct buf *out, const char *text, size_t width)
{
    struct str rest = str_of(text);
    struct str line;

    while (rest.len && str_cut(&rest, '\n', &line)) {
        struct str left;
        str_cut(&line, '\t', &left);
        left_and_right(out, left, line, width);
    }
}

void
help_all(struct buf *out, size_t width, bool colour)
{
    width = text_width(width);
    ink_add(out, colour, INK_STRONG, STR("moorage"));
    buf_add_c(out, " tells why a port can't be used, who has it and what to do.\n");
    heading(out, colour, "What to type");
    examples(out,
             "moorage\twhat is listening here\n"
             "moorage 8080\twhy can't 8080 be used?\n"
             "moorage node\tthe ports of that program\n"
             "npm start 2>&1 | moorage -\tthe port that an error is about\n",
             width);
    heading(out, colour, "Commands");
    for (size_t i = 0; i < table_command_count; i++) {
        const struct command *command = table_commands[i];
        if (!command->hidden)
            left_and_right(out, str_of(command->name), str_of(command->summary), width);
    }
    heading(out, colour, "Options of every command");
    opt_help(out, &command_common_options, width);
    heading(out, colour, "Exit codes");
    examples(out,
             "0\tthe answer is good: you can use the port, something was found\n"
             "1\tthe answer is bad: the port can't be used, nothing was found\n"
             "2\tthe line was wrong\n"
             "3\tit could not be found out\n",
             width);
    buf_add_c(out, "\n`moorage help COMMAND` tells more about one.\n");
}

void
help_command(struct buf *out, const struct command *command, size_t width, bool colour)
{
    size_t before = out->len;
    width = text_width(width);
    buf_addf(out, "moorage %s ", command->name);
    words_fold(out, str_of(command->usage), out->len - before, width);
    buf_add_byte(out, '\n');
    if (command->aliases)
        buf_addf(out, "also known as: %s\n", command->aliases);
    buf_add_byte(out, '\n');
    paragraph(out, command->about, width);
    if (command->options.count) {
        heading(out, colour, "Options");
        opt_help(out, &command->options, width);
    }
    heading(out, colour, "Options of every command");
    opt_help(out, &command_common_options, width);
    if (command->examples) {
        heading(out, colour, "Examples");
        examples(out, command->examples, width);
    }
}

static void
add_words(struct arena *arena, cJSON *array, const char *words, char between)
{
    struct str rest = str_of(words ? words : "");
    struct str word;

    while (rest.len > 0) {
        str_cut(&rest, between, &word);
        json_append_str(arena, array, word);
    }
}

static void
add_options(struct arena *arena, cJSON *object, const struct opt_table *table)
{
    cJSON *array = json_add_array(object, "options");

    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->items[i];
        if (!opt->help)
            continue;
        cJSON *entry = json_append_object(array);
        json_add_str(arena, entry, "name", str_of(opt->name));
        if (opt->letter)
            json_add_str(arena, entry, "letter", (struct str){&opt->letter, 1});
        else
            json_add_null(entry, "letter");
        if (opt->value)
            json_add_str(arena, entry, "value", str_of(opt->value));
        else
            json_add_null(entry, "value");
        add_words(arena, json_add_array(entry, "choices"), opt->choices, '|');
        json_add_str(arena, entry, "help", str_of(opt->help));
    }
}

void
help_json(struct command_run *run, const struct command *command)
{
    struct arena *arena = run->arena;
    cJSON *document = cJSON_CreateObject();

    json_add_str(arena, document, "schema", STR("moorage.help/1"));
    json_add_str(arena, document, "version", STR(MOORAGE_VERSION));
    cJSON *commands = json_add_array(document, "commands");
    for (size_t i = 0; i < table_command_count; i++) {
        const struct command *one = table_commands[i];
        if (command ? one != command : one->hidden)
            continue;
        cJSON *entry = json_append_object(commands);
        json_add_str(arena, entry, "name", str_of(one->name));
        add_words(arena, json_add_array(entry, "aliases"), one->aliases, ' ');
        json_add_str(arena, entry, "usage", str_of(one->usage));
        json_add_str(arena, entry, "summary", str_of(one->summary));
        add_options(arena, entry, &one->options);
    }
    add_options(arena, document, &command_common_options);
    command_json(run, document);
}

static void
answer(struct command_run *run, const struct command *command)
{
    if (run->common.json)
        help_json(run, command);
    else if (command)
        help_command(&run->out, command, run->width, run->colour);
    else
        help_all(&run->out, run->width, run->colour);
}

static int
help_run(struct command_run *run, struct err *err)
{
    if (run->operands.count == 0) {
        answer(run, NULL);
        return EXIT_GOOD;
    }
    struct str word = run->operands.items[0];
    const struct command *command = table_find(word);
    if (command) {
        answer(run, command);
        return EXIT_GOOD;
    }
    const struct later *later = later_find(word);
    if (later) {
        struct str sentence = later_sentence(run->arena, later, word);
        err_set(err, ERR_USAGE, 0, "%.*s", STR_ARG(sentence));
        return EXIT_USAGE;
    }
    const char *meant = table_near(word);
    word = utf8_display(run->arena, str_part(word, 0, 80));
    if (meant)
        err_set(err, ERR_USAGE, 0, "there is no command '%.*s'; did you mean '%s'?", STR_ARG(word), meant);
    else
        err_set(err, ERR_USAGE, 0, "there is no command '%.*s'; moorage help lists them all", STR_ARG(word));
    return EXIT_USAGE;
}

const struct command command_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "what moorage can do, or more about one command",
    .about = "Prints what moorage can do, or the options of one command.",
    .examples = "moorage help why\tthe options of why\n",
    .run = help_run,
};
