#ifndef MOORAGE_CMD_DISPATCH_H
#define MOORAGE_CMD_DISPATCH_H

// Which command a line means. A command word wins over a port, a port over a service name, that over the name of a program;
// options may stand before the command. Pure: nothing is read, nothing printed. The systems do not differ.

#include "base/arena.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/later.h"
#include "core/services.h"

#include <stdbool.h>

struct dispatch {
    const struct command *command; // never NULL
    const struct later *later;     // the line asks for a command that is not there yet; `word` is how it was typed
    struct str word;               // the first operand, the command's own name included; ptr NULL = none
    bool bare;                     // `word` is neither command nor port: the name of a program, or a slip
    bool wants_port;               // the command is "why", though its word is no port: the list tells of programs
    int argc;                      // the line without the command's name
    char **argv;
};

// `argv[0..argc)` without the program's own name.
void
dispatch_find(struct arena *arena, int argc, char **argv, const struct service_table *services, struct dispatch *out);

// The line as it can be typed again, quoted for a shell, with the command written out: "moorage list --udp".
struct str
dispatch_again(struct arena *arena, const struct dispatch *dispatch);

#endif
