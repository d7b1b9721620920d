#ifndef MOORAGE_CMD_TAKE_H
#define MOORAGE_CMD_TAKE_H

// Picks ports and says what came of it, for `pick` and `lease take`: the numbers on standard output, all else on error
// output. The systems do not differ.

#include "base/err.h"
#include "base/opt.h"
#include "base/str.h"
#include "cmd/command.h"
#include "core/pick.h"

#include <stdbool.h>
#include <stddef.h>

// Which port it may be: the options that both commands have.
struct take_choice {
    struct str range; // "A-B"
    struct str near_port;
    struct str targets;
    bool udp;
};

// Fills in what the options say. False with ERR_USAGE.
bool
take_read_choice(struct arena *arena, const struct take_choice *choice, struct pick_wish *wish, struct err *err);

// The project of the current folder and a checked name, for a lease that has one.
bool
take_read_name(struct arena *arena, struct str name, struct pick_wish *wish, struct err *err);

// Takes the ports and prints them: of each its number, and with `details` also name, fence and token. `schema` is that of
// the document with --json. Gives the exit code.
int
take_ports(struct command_run *run, const struct pick_wish *wish, const char *schema, bool details, struct err *err);

#endif
