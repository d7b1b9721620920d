#ifndef MOORAGE_BASE_OPT_H
#define MOORAGE_BASE_OPT_H

// The command line of one command: one table gives parsing, --help, usage errors, the manual's option list and shell
// completion. GNU habits: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, -abc for flags, options and operands in any
// order, "--" ends the options; a lone "-" is an operand. The systems do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_kind {
    OPT_FLAG,   // bool: present
    OPT_TEXT,   // struct str: the value as given
    OPT_NUMBER, // long: a decimal number from 0; preset by the caller
    OPT_CHOICE, // struct str: one of `choices`
    OPT_LIST,   // struct str_list: each use adds a value
    OPT_SPAN,   // int64_t: milliseconds, as opt_span() reads them; preset by the caller
};

struct opt {
    const char *name; // without "--"; NULL where there is only a letter
    char letter;      // 0 where there is only a name
    enum opt_kind kind;
    const char *value;   // what the value is called in help: "N", "FILE"; NULL for a flag
    const char *choices; // OPT_CHOICE: "plain|reuse"; the values for completion
    const char *help;    // one line, no full stop; NULL keeps the option out of --help
    size_t offset;       // where in the command's own struct the value goes
    bool optional_value; // `--watch`, `--watch=2` and `--watch 2` all stand; without a value: 0 or "" (ptr set)
    unsigned next_most;  // a greater number behind a blank is not its value, but an operand; 0 = any number is
};

// What a command's line may hold.
struct opt_table {
    const struct opt *items;
    size_t count;
};

#define OPT_TABLE(array)                         \
    {                                            \
        (array), sizeof(array) / sizeof *(array) \
    }

// Where on the line the command of another program may begin, which is taken as it stands, its options too.
enum opt_foreign {
    OPT_FOREIGN_NONE,
    OPT_FOREIGN_DASHES, // behind "--"
    OPT_FOREIGN_FIRST,  // behind "--", or from the first word on that is no option
};

// What is no option.
struct opt_words {
    enum opt_foreign foreign; // set by the caller
    struct str_list operands;
    bool dashes;            // a "--" was there
    struct str_list behind; // the command of another program
};

// Reads `argv[0..argc)` (without the command's own name) with the tables one after another: tables[i] fills the struct
// at targets[i]. What is no option goes to `words`. An unknown option names the nearest known one. All lists and texts
// view argv or live in the arena. False with ERR_USAGE.
bool
opt_parse(struct arena *arena, const struct opt_table *tables, void *const *targets, size_t count, int argc,
          char **argv, struct opt_words *words, struct err *err);

// Whether the word behind the option is its value (where none stands in the option's own word). Not for flags.
bool
opt_takes_next(const struct opt *opt, struct str next);

// A span of time: "30s", "500ms", "2m", "1.5h", "1d"; a number alone means seconds. False for anything else, for more than
// three digits behind the point, and for more than ten years.
bool
opt_span(struct str text, int64_t *ms);

// The option list as --help prints it, folded to `width` columns.
void
opt_help(struct buf *out, const struct opt_table *table, size_t width);

#endif
