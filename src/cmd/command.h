#ifndef MOORAGE_CMD_COMMAND_H
#define MOORAGE_CMD_COMMAND_H

// What a command is: it describes itself in its own file, and src/cmd/table.h only lists the addresses. One description
// gives parsing, --help, the manual's option list, completion and suggestions.

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/opt.h"
#include "base/str.h"
#include "core/report.h"
#include "core/services.h"

#include <stdbool.h>
#include <stddef.h>

// Options that every command has.
struct command_common {
    bool json;
    bool quiet;
    bool full;
    bool share;
    bool help;
    bool version;
    bool exit_zero;
    bool elevate;
    struct str colour; // auto, always, never
    bool no_colour;    // the same as never
};

// The table that fills it.
extern const struct opt_table command_common_options;

// One run.
struct command_run {
    struct arena *arena;
    struct command_common common;
    bool bare;        // the first operand stands where a command could: it may be a slip
    bool wants_port;  // the line asks why, so a word that nothing here is called was to be a port
    struct str again; // the line that was typed, quoted for a shell: "moorage list --udp"
    struct str_list operands;
    struct str_list behind; // the command of another program; see command.foreign
    void *options;          // the command's own struct
    struct buf out;         // written to standard output at the end (or by the command itself while it runs)
    bool colour;
    size_t width; // 0: not a terminal, unlimited
    struct report_privacy privacy;
    struct buf *notes; // what is said on error output after the answer; NULL: at once
};

struct command {
    const char *name;
    const char *aliases;  // "ls ps"; blank between
    const char *usage;    // "[OPTION]... [PORT]..."
    const char *summary;  // one line
    const char *about;    // a paragraph for --help
    const char *examples; // lines "moorage 8080\twhat it does"
    struct opt_table options;
    size_t options_size;      // of the command's own struct
    const void *preset;       // what it holds before the line is read; NULL: zeroes
    enum opt_foreign foreign; // whether and where the command of another program may stand on its line
    bool hidden;              // works, but stands neither in help nor in completion
    // Exit code by contract. False results with an error go through `err`, printed by main; the code is then 2 for
    // ERR_USAGE and 3 else, unless the command gives another.
    int (*run)(struct command_run *run, struct err *err);
};

// A finished document as --json prints it. What could touch a terminal (bidirectional overrides and their like are legal
// in JSON) is written as \u escapes, which lose nothing.
struct str
command_json_text(struct arena *arena, const cJSON *document, bool pretty);

// Puts it into run->out.
void
command_json(struct command_run *run, const cJSON *document);

// A sentence for people on standard error, unless --quiet: what could not be seen, what was written. It comes after the
// answer, folded to the terminal.
void
command_note(const struct command_run *run, struct str sentence);

// The system's table of service names, read from where this system keeps it once a name is looked up; empty where it has
// none.
void
command_services(struct service_table *out);

enum {
    EXIT_GOOD = 0,
    EXIT_BAD = 1,
    EXIT_USAGE = 2,
    EXIT_UNKNOWN = 3,
};

#endif
