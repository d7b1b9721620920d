#include "base/opt.h"

#include "tap.h"

struct common {
    bool json;
    bool quiet;
    struct str colour;
};

struct own {
    bool no_header;
    long watch;
    struct str bind;
    struct str sort;
    struct str_list with;
    int64_t patience;
};

static const struct opt common_opts[] = {
    {"json", 'j', OPT_FLAG, NULL, NULL, "one JSON document instead of text", offsetof(struct common, json), false, 0},
    {"quiet", 'q', OPT_FLAG, NULL, NULL, "print nothing", offsetof(struct common, quiet), false, 0},
    {"color", 0, OPT_CHOICE, "WHEN", "auto|always|never", "colours", offsetof(struct common, colour), false, 0},
};

static const struct opt own_opts[] = {
    {"no-header", 0, OPT_FLAG, NULL, NULL, "leave the titles out", offsetof(struct own, no_header), false, 0},
    {"watch", 'w', OPT_NUMBER, "SECONDS", NULL, "print again and again", offsetof(struct own, watch), true, 60},
    {"bind", 'b', OPT_CHOICE, "HOW", "plain|reuse", "how the server binds", offsetof(struct own, bind), false, 0},
    {"sort", 's', OPT_TEXT, "KEY", NULL,
     "order of the rows, by a column that the table has or by a column that it has not", offsetof(struct own, sort),
     false, 0},
    {"with-a-name-that-is-rather-long", 0, OPT_LIST, "THING", NULL, "each use adds one", offsetof(struct own, with),
     true, 0},
    {NULL, 'k', OPT_FLAG, NULL, NULL, "a letter alone", offsetof(struct own, no_header), false, 0},
    {"patience", 'p', OPT_SPAN, "TIME", NULL, NULL, offsetof(struct own, patience), false, 0},
    {"secret", 0, OPT_FLAG, NULL, NULL, NULL, offsetof(struct own, no_header), false, 0},
};

struct line {
    struct common common;
    struct own own;
    struct str_list operands;
    struct str_list behind;
    struct err err;
    bool good;
};

// Reads a command line whose words are separated by blanks.
static struct line
read_foreign(struct arena *arena, const char *text, enum opt_foreign foreign)
{
    struct line line = {.own.watch = -1};
    char *argv[16];
    int argc = 0;
    struct str rest = str_of(text);
    struct str word;
    while (str_word(&rest, &word))
        argv[argc++] = str_c(arena, word);
    static const struct opt_table tables[] = {OPT_TABLE(common_opts), OPT_TABLE(own_opts)};
    void *const targets[] = {&line.common, &line.own};
    struct opt_words words = {.foreign = foreign};
    line.good = opt_parse(arena, tables, targets, 2, argc, argv, &words, &line.err);
    line.operands = words.operands;
    line.behind = words.behind;
    return line;
}

static struct line
read_line(struct arena *arena, const char *text)
{
    return read_foreign(arena, text, OPT_FOREIGN_NONE);
}

#define CHECK_USAGE(words, sentence)                 \
    do {                                             \
        struct line bad = read_line(arena, (words)); \
        CHECK(!bad.good);                            \
        CHECK_INT(bad.err.kind, ERR_USAGE);          \
        CHECK_STR(str_of(bad.err.text), (sentence)); \
    } while (0)

TEST(options_and_operands_stand_in_any_order)
{
    struct line line = read_line(arena, "8080 -j --no-header 3000 --sort=port");
    CHECK(line.good && line.common.json && line.own.no_header && !line.common.quiet);
    CHECK_STR(line.own.sort, "port");
    CHECK_INT(line.operands.count, 2);
    CHECK_STR(line.operands.items[0], "8080");
    CHECK_STR(line.operands.items[1], "3000");
}

TEST(no_words_are_fine)
{
    struct line line = read_line(arena, "");
    CHECK(line.good && line.operands.count == 0);
}

TEST(values_are_written_in_all_gnu_ways)
{
    CHECK_STR(read_line(arena, "--sort pid").own.sort, "pid");
    CHECK_STR(read_line(arena, "--sort=pid").own.sort, "pid");
    CHECK_STR(read_line(arena, "-s pid").own.sort, "pid");
    CHECK_STR(read_line(arena, "-spid").own.sort, "pid");
    CHECK_STR(read_line(arena, "-jqs pid").own.sort, "pid");
    CHECK_STR(read_line(arena, "--sort=a=b").own.sort, "a=b");
    CHECK_STR(read_line(arena, "--sort -j").own.sort, "-j");
    struct line empty = read_line(arena, "--sort=");
    CHECK(empty.good && empty.own.sort.ptr && empty.own.sort.len == 0);
}

TEST(letters_of_flags_stand_together)
{
    struct line line = read_line(arena, "-jqk");
    CHECK(line.good && line.common.json && line.common.quiet && line.own.no_header);
}

TEST(two_dashes_end_the_options)
{
    struct line line = read_line(arena, "-j -- -q --sort --");
    CHECK(line.good && line.common.json && !line.common.quiet);
    CHECK_INT(line.operands.count, 3);
    CHECK_STR(line.operands.items[2], "--");
}

TEST(the_command_of_another_program_is_left_as_it_is)
{
    struct line line = read_foreign(arena, "8080 -j -- npm -q -- --sort", OPT_FOREIGN_DASHES);
    CHECK(line.good && line.common.json && !line.common.quiet);
    CHECK_INT(line.operands.count, 1);
    CHECK_INT(line.behind.count, 4);
    CHECK_STR(line.behind.items[0], "npm");
    CHECK_STR(line.behind.items[2], "--");
    line = read_foreign(arena, "8080 npm", OPT_FOREIGN_DASHES);
    CHECK(line.operands.count == 2 && line.behind.count == 0);
    line = read_foreign(arena, "-j npm -q -- --nonsense", OPT_FOREIGN_FIRST);
    CHECK(line.good && line.common.json && !line.common.quiet && line.operands.count == 0);
    CHECK_INT(line.behind.count, 4);
    line = read_foreign(arena, "-j -- -q", OPT_FOREIGN_FIRST);
    CHECK(line.good && !line.common.quiet && line.behind.count == 1);
}

TEST(spans_of_time_have_units)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"30s", 30000},    {"30", 30000},  {"0", 0},
                {"500ms", 500},    {"2m", 120000}, {"2min", 120000},
                {"1.5h", 5400000}, {"0.25s", 250}, {"3660d", 3660LL * 86400000}};
    static const char *const none[] = {
        "", "s", "30 s", "-1", "1.", ".5", "1.2345s", "1.2.3s", "30x", "3661d", "99999999999999999999", "1e3"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ms = -1;
        CHECK(opt_span(str_of(good[i].text), &ms));
        CHECK_INT(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        int64_t ms = -1;
        CHECK(!opt_span(str_of(none[i]), &ms));
        CHECK_INT(ms, -1);
    }
    CHECK_INT(read_line(arena, "--patience 2m").own.patience, 120000);
    CHECK_USAGE("-p soon", "-p must be a time such as 30s, 500ms or 2m, not \"soon\"");
}

TEST(one_dash_is_an_operand)
{
    struct line line = read_line(arena, "- -j");
    CHECK(line.good && line.operands.count == 1);
    CHECK_STR(line.operands.items[0], "-");
}

TEST(an_optional_value_is_the_next_word_only_if_a_number)
{
    CHECK_INT(read_line(arena, "").own.watch, -1);
    CHECK_INT(read_line(arena, "--watch").own.watch, 0);
    CHECK_INT(read_line(arena, "--watch=2").own.watch, 2);
    CHECK_INT(read_line(arena, "--watch 2").own.watch, 2);
    CHECK_INT(read_line(arena, "-w 2").own.watch, 2);
    CHECK_INT(read_line(arena, "-w2").own.watch, 2);
    struct line line = read_line(arena, "--watch node");
    CHECK(line.good && line.own.watch == 0 && line.operands.count == 1);
    line = read_line(arena, "--watch -j");
    CHECK(line.good && line.own.watch == 0 && line.common.json);
    // A number that is too great for it is about something else, unless it is written as its value.
    line = read_line(arena, "--watch 3000");
    CHECK(line.good && line.own.watch == 0 && line.operands.count == 1);
    CHECK_INT(read_line(arena, "--watch 60").own.watch, 60);
    CHECK_INT(read_line(arena, "--watch=3000").own.watch, 3000);
}

TEST(a_list_gets_each_value)
{
    struct line line = read_line(arena, "--with-a-name-that-is-rather-long=a --with-a-name-that-is-rather-long");
    CHECK(line.good);
    CHECK_INT(line.own.with.count, 2);
    CHECK_STR(line.own.with.items[0], "a");
    CHECK_STR(line.own.with.items[1], "");
}

TEST(the_last_of_two_values_counts)
{
    CHECK_STR(read_line(arena, "--sort a --sort b").own.sort, "b");
}

TEST(choices_are_checked)
{
    CHECK_STR(read_line(arena, "--bind reuse").own.bind, "reuse");
    CHECK_STR(read_line(arena, "--color=always").common.colour, "always");
    CHECK_USAGE("--bind never", "--bind must be plain or reuse, not \"never\"");
    CHECK_USAGE("-bx", "-b must be plain or reuse, not \"x\"");
    CHECK_USAGE("--color=", "--color must be auto, always or never, not \"\"");
}

TEST(numbers_are_checked)
{
    CHECK_USAGE("--watch=two", "--watch must be a whole number, not \"two\"");
    CHECK_USAGE("--watch=-2", "--watch must be a whole number, not \"-2\"");
    CHECK_USAGE("--watch=99999999999999999999", "--watch must be a whole number, not \"99999999999999999999\"");
    CHECK_USAGE("--watch=18446744073709551615", "--watch must be a whole number, not \"18446744073709551615\"");
    CHECK_USAGE("--watch 1.5", "--watch must be a whole number, not \"1.5\"");
}

TEST(an_unknown_option_names_the_near_one)
{
    CHECK_USAGE("--colr", "unknown option --colr; did you mean --color?");
    CHECK_USAGE("--colr=always", "unknown option --colr; did you mean --color?");
    CHECK_USAGE("--no-headers", "unknown option --no-headers; did you mean --no-header?");
    CHECK_USAGE("-json", "unknown option -json; did you mean --json?");
    CHECK_USAGE("--frobnicate", "unknown option --frobnicate");
    CHECK_USAGE("-z", "unknown option -z");
    CHECK_USAGE("-jz", "unknown option -z");
}

TEST(a_near_name_is_not_taken_for_it)
{
    CHECK(!read_line(arena, "--jso").good);
    CHECK(!read_line(arena, "--no").good);
    CHECK(!read_line(arena, "--jsonn").good);
}

TEST(a_hostile_option_does_not_reach_the_terminal)
{
    CHECK_USAGE("--\x1b[2J", "unknown option --\\x1b[2J");
    CHECK_USAGE("-\x1b", "unknown option -\\x1b");
    CHECK_USAGE("--bind=\x1b", "--bind must be plain or reuse, not \"\\x1b\"");
}

TEST(values_that_are_missing_or_too_many)
{
    CHECK_USAGE("--sort", "--sort needs a value: --sort KEY");
    CHECK_USAGE("-s", "-s needs a value: -s KEY");
    CHECK_USAGE("--json=1", "--json takes no value");
    CHECK_USAGE("--json=", "--json takes no value");
}

TEST(help_is_folded_and_aligned)
{
    struct buf out = {.arena = arena};
    opt_help(&out, &(struct opt_table)OPT_TABLE(own_opts), 60);
    CHECK_STR(buf_str(&out), "      --no-header        leave the titles out\n"
                             "  -w, --watch[=SECONDS]  print again and again\n"
                             "  -b, --bind HOW         how the server binds: plain or\n"
                             "                         reuse\n"
                             "  -s, --sort KEY         order of the rows, by a column that\n"
                             "                         the table has or by a column that\n"
                             "                         it has not\n"
                             "      --with-a-name-that-is-rather-long[=THING]\n"
                             "                         each use adds one\n"
                             "  -k                     a letter alone\n");
}

TEST(help_without_a_width_is_not_folded)
{
    struct buf out = {.arena = arena};
    opt_help(&out, &(struct opt_table){&own_opts[3], 2}, 0);
    CHECK_STR(buf_str(&out),
              "  -s, --sort KEY  order of the rows, by a column that the table has or by a column that it has not\n"
              "      --with-a-name-that-is-rather-long[=THING]\n"
              "                  each use adds one\n");
    struct buf only_long = {.arena = arena};
    opt_help(&only_long, &(struct opt_table){&own_opts[4], 1}, 0);
    CHECK_STR(buf_str(&only_long), "      --with-a-name-that-is-rather-long[=THING]\n"
                                   "                          each use adds one\n");
}

TAP_MAIN
