#include "base/opt.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <limits.h>
#include <stdint.h>

// A command line being read.
struct reading {
    struct arena *arena;
    const struct opt_table *tables;
    void *const *targets;
    size_t count;
    int argc;
    char **argv;
    int at; // the next word
    struct err *err;
};

// One option as it was written: "--sort" or "-s", and the struct it fills.
struct found {
    const struct opt *opt;
    void *target;
    struct str written;
};

static bool
find_name(const struct reading *reading, struct str name, struct found *found)
{
    for (size_t t = 0; t < reading->count; t++) {
        for (size_t i = 0; i < reading->tables[t].count; i++) {
            const struct opt *opt = &reading->tables[t].items[i];
            if (opt->name && str_equal(str_of(opt->name), name)) {
                found->opt = opt;
                found->target = reading->targets[t];
                return true;
            }
        }
    }
    return false;
}

static bool
find_letter(const struct reading *reading, char letter, struct found *found)
{
    for (size_t t = 0; t < reading->count; t++) {
        for (size_t i = 0; i < reading->tables[t].count; i++) {
            const struct opt *opt = &reading->tables[t].items[i];
            if (opt->letter == letter) {
                found->opt = opt;
                found->target = reading->targets[t];
                return true;
            }
        }
    }
    return false;
}

// The name nearest to a mistyped one, or NULL when none is near.
static const char *
nearest_name(const struct reading *reading, struct str name)
{
    const char *nearest = NULL;
    size_t best = name.len < 4 ? 2 : 3; // at most 1 edit in a short name, 2 in a longer one
    for (size_t t = 0; t < reading->count; t++) {
        for (size_t i = 0; i < reading->tables[t].count; i++) {
            const char *known = reading->tables[t].items[i].name;
            size_t distance = known ? str_distance(str_of(known), name) : SIZE_MAX;
            if (distance < best) {
                best = distance;
                nearest = known;
            }
        }
    }
    return nearest;
}

static bool
unknown_option(const struct reading *reading, struct str written, struct str name)
{
    const char *nearest = nearest_name(reading, name);
    written = utf8_display(reading->arena, written);
    if (nearest)
        return err_set(reading->err, ERR_USAGE, 0, "unknown option %.*s; did you mean --%s?", STR_ARG(written),
                       nearest);
    return err_set(reading->err, ERR_USAGE, 0, "unknown option %.*s", STR_ARG(written));
}

static bool
check_choice(const struct reading *reading, const struct found *found, struct str value)
{
    struct buf all = {.arena = reading->arena};
    struct str rest = str_of(found->opt->choices);
    struct str choice;
    while (str_cut(&rest, '|', &choice)) {
        if (str_equal(choice, value))
            return true;
        if (all.len)
            buf_add_c(&all, rest.ptr ? ", " : " or ");
        buf_add(&all, choice);
    }
    value = utf8_display(reading->arena, value);
    return err_set(reading->err, ERR_USAGE, 0, "%.*s must be %.*s, not \"%.*s\"", STR_ARG(found->written),
                   STR_ARG(buf_str(&all)), STR_ARG(value));
}

static bool
store_number(const struct reading *reading, const struct found *found, struct str value, long *out)
{
    uint64_t number;
    if (!str_to_u64(value, 10, &number) || number > LONG_MAX) {
        value = utf8_display(reading->arena, value);
        return err_set(reading->err, ERR_USAGE, 0, "%.*s must be a whole number, not \"%.*s\"", STR_ARG(found->written),
                       STR_ARG(value));
    }
    *out = (long)number;
    return true;
}

static bool
store_span(const struct reading *reading, const struct found *found, struct str value, int64_t *out)
{
    if (opt_span(value, out))
        return true;
    value = utf8_display(reading->arena, value);
    return err_set(reading->err, ERR_USAGE, 0, "%.*s must be a time such as 30s, 500ms or 2m, not \"%.*s\"",
                   STR_ARG(found->written), STR_ARG(value));
}

static bool
store(const struct reading *reading, const struct found *found, struct str value)
{
    void *field = (char *)found->target + found->opt->offset;
    switch (found->opt->kind) {
    case OPT_FLAG:
        *(bool *)field = true;
        break;
    case OPT_NUMBER:
        return store_number(reading, found, value, field);
    case OPT_SPAN:
        return store_span(reading, found, value, field);
    case OPT_CHOICE:
        if (!check_choice(reading, found, value))
            return false;
        *(struct str *)field = value;
        break;
    case OPT_TEXT:
        *(struct str *)field = value;
        break;
    case OPT_LIST:
        *LIST_ADD(reading->arena, (struct str_list *)field) = value;
        break;
    }
    return true;
}

bool
opt_takes_next(const struct opt *opt, struct str next)
{
    struct str rest = next;
    struct str whole;
    uint64_t number;

    if (!opt->optional_value)
        return true;
    for (size_t i = 0; i < next.len; i++)
        if ((next.ptr[i] < '0' || next.ptr[i] > '9') && next.ptr[i] != '.')
            return false;
    str_cut(&rest, '.', &whole);
    return next.len > 0 && (opt->next_most == 0 || !str_to_u64(whole, 10, &number) || number <= opt->next_most);
}

// Stores the option's value: the one that was written with it (`value.ptr` not NULL), or the next word.
static bool
take_value(struct reading *reading, const struct found *found, struct str value)
{
    const struct opt *opt = found->opt;
    if (!value.ptr && reading->at < reading->argc) {
        struct str next = str_of(reading->argv[reading->at]);
        if (opt_takes_next(opt, next)) {
            value = next;
            reading->at++;
        }
    }
    if (!value.ptr && opt->optional_value)
        value = str_of(opt->kind == OPT_NUMBER ? "0" : "");
    if (!value.ptr)
        return err_set(reading->err, ERR_USAGE, 0, "%.*s needs a value: %.*s %s", STR_ARG(found->written),
                       STR_ARG(found->written), opt->value ? opt->value : "VALUE");
    return store(reading, found, value);
}

// A word "--name" or "--name=value".
static bool
read_long(struct reading *reading, struct str word)
{
    size_t equals = str_find_byte(word, '=');
    struct found found = {.written = str_part(word, 0, equals)};
    struct str name = str_part(found.written, 2, SIZE_MAX);
    struct str value = equals == SIZE_MAX ? (struct str){0} : str_part(word, equals + 1, SIZE_MAX);
    if (!find_name(reading, name, &found))
        return unknown_option(reading, found.written, name);
    if (found.opt->kind != OPT_FLAG)
        return take_value(reading, &found, value);
    if (value.ptr)
        return err_set(reading->err, ERR_USAGE, 0, "%.*s takes no value", STR_ARG(found.written));
    return store(reading, &found, value);
}

// A word "-abc": flags, of which the last one may have a value behind it.
static bool
read_letters(struct reading *reading, struct str word)
{
    struct str name = str_part(word, 1, SIZE_MAX);
    struct found found;
    // "-json" is a slip for "--json", also where -j, -s and so on stand for something.
    if (find_name(reading, name, &found))
        return unknown_option(reading, word, name);
    for (size_t i = 1; i < word.len; i++) {
        found.written = str_printf(reading->arena, "-%c", word.ptr[i]);
        if (!find_letter(reading, word.ptr[i], &found))
            return unknown_option(reading, nearest_name(reading, name) ? word : found.written, name);
        if (found.opt->kind == OPT_FLAG) {
            store(reading, &found, (struct str){0});
            continue;
        }
        struct str value = i + 1 < word.len ? str_part(word, i + 1, SIZE_MAX) : (struct str){0};
        return take_value(reading, &found, value);
    }
    return true;
}

bool
opt_parse(struct arena *arena, const struct opt_table *tables, void *const *targets, size_t count, int argc,
          char **argv, struct opt_words *words, struct err *err)
{
    struct reading reading = {arena, tables, targets, count, argc, argv, 0, err};
    while (reading.at < argc) {
        struct str word = str_of(argv[reading.at++]);
        bool plain = word.len < 2 || word.ptr[0] != '-';
        if (words->behind.count || (words->dashes && words->foreign != OPT_FOREIGN_NONE) ||
            (plain && words->foreign == OPT_FOREIGN_FIRST)) {
            *LIST_ADD(arena, &words->behind) = word;
        } else if (words->dashes || plain) {
            *LIST_ADD(arena, &words->operands) = word;
        } else if (str_equal(word, STR("--"))) {
            words->dashes = true;
        } else if (word.ptr[1] == '-') {
            if (!read_long(&reading, word))
                return false;
        } else if (!read_letters(&reading, word)) {
            return false;
        }
    }
    return true;
}

// The unit's length in milliseconds, 0 for none.
static int64_t
span_unit(struct str unit)
{
    static const struct {
        struct str name;
        int64_t ms;
    } units[] = {{STR_INIT(""), 1000},     {STR_INIT("ms"), 1},      {STR_INIT("s"), 1000},    {STR_INIT("m"), 60000},
                 {STR_INIT("min"), 60000}, {STR_INIT("h"), 3600000}, {STR_INIT("d"), 86400000}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_equal(unit, units[i].name))
            return units[i].ms;
    return 0;
}

bool
opt_span(struct str text, int64_t *ms)
{
    static const uint64_t scale[] = {1000, 100, 10, 1};
    enum {
        LONGEST_DAYS = 3660,
    };
    size_t digits = 0;
    uint64_t whole = 0;
    uint64_t part = 0;

    while (digits < text.len && (ascii_is_digit(text.ptr[digits]) || text.ptr[digits] == '.'))
        digits++;
    struct str number = str_part(text, 0, digits);
    size_t point = str_find_byte(number, '.');
    struct str behind = point == SIZE_MAX ? (struct str){0} : str_part(number, point + 1, SIZE_MAX);
    int64_t unit = span_unit(str_part(text, digits, SIZE_MAX));
    if (unit == 0 || !str_to_u64(str_part(number, 0, point), 10, &whole) ||
        (point != SIZE_MAX && (behind.len > 3 || !str_to_u64(behind, 10, &part))) ||
        whole > (uint64_t)LONGEST_DAYS * 86400000 / (uint64_t)unit)
        return false;
    *ms = (int64_t)whole * unit + (int64_t)(part * scale[behind.len]) * unit / 1000;
    return true;
}

enum {
    HELP_INDENT = 2,
    HELP_GAP = 2,
    HELP_COLUMN = 26, // a longer option gets a line of its own
};

// "-s, --sort KEY", "    --watch[=N]", "-k".
static struct str
help_left(struct arena *arena, const struct opt *opt)
{
    struct buf left = {.arena = arena};
    if (opt->letter)
        buf_addf(&left, "-%c%s", opt->letter, opt->name ? ", " : "");
    else
        buf_pad(&left, ' ', 4);
    if (opt->name)
        buf_addf(&left, "--%s", opt->name);
    if (opt->value)
        buf_addf(&left, opt->optional_value ? "%s%s]" : "%s%s", opt->optional_value ? "[=" : " ", opt->value);
    return buf_str(&left);
}

static struct str
help_right(struct arena *arena, const struct opt *opt)
{
    struct buf right = {.arena = arena};
    buf_add_c(&right, opt->help);
    struct str rest = str_of(opt->choices);
    struct str choice;
    for (size_t i = 0; str_cut(&rest, '|', &choice); i++) {
        buf_add_c(&right, i == 0 ? ": " : rest.ptr ? ", " : " or ");
        buf_add(&right, choice);
    }
    return buf_str(&right);
}

// Adds the words of `text`, which begins in column `indent`; lines end before `width` and go on in column `indent`.
static void
add_folded(struct buf *out, struct str text, size_t indent, size_t width)
{
    size_t at = indent;
    struct str word;
    while (str_word(&text, &word)) {
        size_t wide = utf8_width(word);
        if (at > indent && width && at + 1 + wide > width) {
            buf_add_byte(out, '\n');
            buf_pad(out, ' ', indent);
            at = indent;
        }
        if (at > indent) {
            buf_add_byte(out, ' ');
            at++;
        }
        buf_add(out, word);
        at += wide;
    }
    buf_add_byte(out, '\n');
}

void
opt_help(struct buf *out, const struct opt_table *table, size_t width)
{
    size_t column = 0;
    for (size_t i = 0; i < table->count; i++) {
        size_t left = HELP_INDENT + help_left(out->arena, &table->items[i]).len + HELP_GAP;
        if (left > column && left <= HELP_COLUMN)
            column = left;
    }
    if (!column)
        column = HELP_COLUMN;
    for (size_t i = 0; i < table->count; i++) {
        if (!table->items[i].help)
            continue;
        struct str left = help_left(out->arena, &table->items[i]);
        buf_pad(out, ' ', HELP_INDENT);
        buf_add(out, left);
        if (HELP_INDENT + left.len + HELP_GAP <= column) {
            buf_pad(out, ' ', column - HELP_INDENT - left.len);
        } else {
            buf_add_byte(out, '\n');
            buf_pad(out, ' ', column);
        }
        add_folded(out, help_right(out->arena, &table->items[i]), column, width);
    }
}
