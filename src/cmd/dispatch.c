#include "cmd/dispatch.h"

#include "cmd/table.h"
#include "cmd/words.h"
#include "core/endpoint.h"

// Before the command is known, an option may be a common one, or one of the commands that need no name or may be named
// behind the port.
static const struct opt *
find_option(struct str name, char letter)
{
    const struct opt_table *tables[] = {&command_common_options, &command_list.options, &command_why.options,
                                        &command_free.options};

    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct opt *opt = &tables[t]->items[i];
            if (letter ? opt->letter == letter : opt->name && str_equal(name, str_of(opt->name)))
                return opt;
        }
    return NULL;
}

// Whether the word behind this option is its value.
static bool
takes_next(struct str word, struct str next)
{
    const struct opt *opt;

    if (word.ptr[1] == '-') {
        if (str_find_byte(word, '=') != SIZE_MAX)
            return false;
        opt = find_option(str_part(word, 2, word.len), 0);
    } else {
        // In -abVALUE the first letter that takes a value ends the word.
        opt = NULL;
        for (size_t i = 1; i < word.len; i++) {
            opt = find_option((struct str){0}, word.ptr[i]);
            if (opt && opt->kind != OPT_FLAG && i + 1 < word.len)
                return false;
        }
    }
    if (!opt || opt->kind == OPT_FLAG)
        return false;
    return opt_takes_next(opt, next);
}

// Where the operand behind position `at` stands, or `argc`.
static int
next_operand(int argc, char **argv, int at, bool *ended)
{
    for (; at < argc; at++) {
        struct str word = str_of(argv[at]);
        if (*ended || word.len < 2 || word.ptr[0] != '-')
            return at;
        if (str_equal(word, STR("--")))
            *ended = true;
        else if (at + 1 < argc && takes_next(word, str_of(argv[at + 1])))
            at++;
    }
    return argc;
}

// What the word is where no command stands before it.
static enum endpoint_kind
kind_of(struct arena *arena, struct str word, const struct service_table *services)
{
    struct endpoint_list ignored = {0};
    struct err err;

    // A lone "-" is text on standard input, in which a port is looked for.
    return str_equal(word, STR("-")) ? ENDPOINT_IS_PORT : endpoint_parse(arena, word, services, &ignored, &err);
}

static void
drop(struct arena *arena, struct dispatch *dispatch, int at)
{
    char **rest = arena_array(arena, (size_t)dispatch->argc, sizeof *rest);
    int count = 0;

    for (int i = 0; i < dispatch->argc; i++)
        if (i != at)
            rest[count++] = dispatch->argv[i];
    dispatch->argv = rest;
    dispatch->argc = count;
}

// `moorage 8080 free` means `moorage free 8080`. `-k` is how other tools ask to stop a program: it may stand anywhere, and
// so may --kill, which says how.
static bool
asks_to_free(struct arena *arena, struct dispatch *dispatch)
{
    bool asks = false;
    bool ended = false;

    for (int i = 0; i < dispatch->argc && !str_equal(str_of(dispatch->argv[i]), STR("--")); i++) {
        bool letter = str_equal(str_of(dispatch->argv[i]), STR("-k"));
        asks = asks || letter || str_equal(str_of(dispatch->argv[i]), STR("--kill"));
        if (letter)
            drop(arena, dispatch, i--);
    }
    for (int at = next_operand(dispatch->argc, dispatch->argv, 0, &ended); at < dispatch->argc && !ended;
         at = next_operand(dispatch->argc, dispatch->argv, at + 1, &ended))
        if (table_find(str_of(dispatch->argv[at])) == &command_free) {
            drop(arena, dispatch, at);
            return true;
        }
    return asks;
}

// `moorage 8080 pick` is about a command that is not there yet.
static void
find_trailing_later(struct dispatch *dispatch, int at, bool ended)
{
    for (at = next_operand(dispatch->argc, dispatch->argv, at, &ended); at < dispatch->argc && !ended;
         at = next_operand(dispatch->argc, dispatch->argv, at + 1, &ended)) {
        struct str word = str_of(dispatch->argv[at]);
        const struct later *later = later_find(word);
        if (later) {
            dispatch->later = later;
            dispatch->word = word;
            return;
        }
    }
}

// `moorage why nginx` asks for the ports of a program, although "why" is about ports.
static void
redirect_why(struct arena *arena, struct dispatch *dispatch, const struct service_table *services)
{
    bool ended = false;
    int at = next_operand(dispatch->argc, dispatch->argv, 0, &ended);

    if (at == dispatch->argc || ended)
        return;
    dispatch->wants_port = kind_of(arena, str_of(dispatch->argv[at]), services) == ENDPOINT_IS_WORD;
    if (dispatch->wants_port)
        dispatch->command = &command_list;
}

// Whether the word can only be meant as a port, right or wrong.
static bool
is_meant_as_port(struct arena *arena, struct str word, const struct service_table *services)
{
    switch (kind_of(arena, word, services)) {
    case ENDPOINT_IS_PORT:
    case ENDPOINT_IS_MEANING:
        return true;
    case ENDPOINT_IS_WORD:
        return false;
    case ENDPOINT_IS_WRONG:
        break;
    }
    // "./server" and "C:\\server.exe" are no ports by another rule than "99999" is none.
    return word.len == 0 || (str_find_byte(word, '/') == SIZE_MAX && str_find_byte(word, '\\') == SIZE_MAX);
}

// `moorage why -- CMD` runs a command; `moorage why -- 8080` is still about a port.
static bool
asks_to_run(struct arena *arena, const struct dispatch *dispatch, const struct service_table *services)
{
    int at = 0;

    while (at < dispatch->argc && !str_equal(str_of(dispatch->argv[at]), STR("--")))
        at++;
    for (at++; at < dispatch->argc; at++)
        if (!is_meant_as_port(arena, str_of(dispatch->argv[at]), services))
            return true;
    return false;
}

static bool
has_option(const struct opt_table *table, struct str name, char letter)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->items[i];
        if (letter ? opt->letter == letter : opt->name && str_equal(name, str_of(opt->name)))
            return true;
    }
    return false;
}

static bool
is_only_of_list(struct str word)
{
    bool named = word.ptr[1] == '-';
    size_t equals = str_find_byte(word, '=');
    struct str name = named ? str_part(word, 2, (equals < word.len ? equals : word.len) - 2) : (struct str){0};
    char letter = named ? 0 : word.ptr[1];

    return has_option(&command_list.options, name, letter) && !has_option(&command_why.options, name, letter) &&
           !has_option(&command_common_options, name, letter);
}

// Ports filter a list too: options that only the list has, or the name of a program beside a port, ask for one.
static bool
asks_to_list(struct arena *arena, const struct dispatch *dispatch, const struct service_table *services)
{
    bool ended = false;

    for (int i = 0; i < dispatch->argc && !ended; i++) {
        struct str word = str_of(dispatch->argv[i]);
        ended = str_equal(word, STR("--"));
        if (ended || word.len < 2 || word.ptr[0] != '-')
            continue;
        if (is_only_of_list(word))
            return true;
    }
    ended = false;
    for (int at = next_operand(dispatch->argc, dispatch->argv, 0, &ended); at < dispatch->argc;
         at = next_operand(dispatch->argc, dispatch->argv, at + 1, &ended))
        if (kind_of(arena, str_of(dispatch->argv[at]), services) == ENDPOINT_IS_WORD)
            return true;
    return false;
}

void
dispatch_find(struct arena *arena, int argc, char **argv, const struct service_table *services, struct dispatch *out)
{
    bool ended = false;
    int at = next_operand(argc, argv, 0, &ended);

    *out = (struct dispatch){.command = &command_list, .argc = argc, .argv = argv};
    const struct command *named = ended || at == argc ? NULL : table_find(str_of(argv[at]));
    bool later = !named && !ended && at < argc && later_find(str_of(argv[at]));
    // The line of another command may hold that of another program, whose `-k` is its own.
    if (!later && (!named || named == &command_why || named == &command_free) && asks_to_free(arena, out)) {
        out->command = &command_free;
        out->word = STR("free");
        if (named == &command_why)
            drop(arena, out, next_operand(out->argc, out->argv, 0, &ended));
        return;
    }
    if (at == argc)
        return;
    out->word = str_of(argv[at]);
    if (named) {
        out->command = named;
        drop(arena, out, at);
        if (named != &command_why)
            return;
        if (asks_to_run(arena, out, services)) {
            out->command = &command_why_command;
            return;
        }
        find_trailing_later(out, 0, false);
        redirect_why(arena, out, services);
        return;
    }
    out->later = ended ? NULL : later_find(out->word);
    if (out->later)
        return;
    if (kind_of(arena, out->word, services) == ENDPOINT_IS_WORD) {
        out->bare = true;
        return;
    }
    out->command = &command_why;
    find_trailing_later(out, at + 1, ended);
    if (!out->later && asks_to_list(arena, out, services))
        out->command = &command_list;
}

struct str
dispatch_again(struct arena *arena, const struct dispatch *dispatch)
{
    struct buf out = {.arena = arena};

    buf_addf(&out, "moorage %s", dispatch->command->name);
    for (int i = 0; i < dispatch->argc; i++) {
        buf_add_byte(&out, ' ');
        buf_add(&out, words_shell(arena, str_of(dispatch->argv[i])));
    }
    return buf_str(&out);
}
