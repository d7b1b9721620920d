#ifndef MOORAGE_CMD_INQUEST_H
#define MOORAGE_CMD_INQUEST_H

// The whole "why" for some endpoints, as `moorage why` gives it: for that command and for all others that must tell why a
// port could not be had. Filled by hand or by inquest_add_text(), answered once, then printed. The systems do not differ.

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/list.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/why_lines.h"
#include "core/endpoint.h"
#include "core/why.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>

// What an error means.
struct inquest_meaning {
    struct str error; // its name or number as it was typed; empty when it was found in a text
    struct str sentence;
};

struct inquest {
    struct arena *arena;
    enum bind_mode mode; // how the asked server binds
    bool v6only;         // an IPv6 address is asked for as IPv6 alone
    bool share;          // the answer names no users (--share)
    bool as_root;
    bool all;
    enum owner_reach reach;
    struct endpoint_list endpoints;
    struct {
        LIST_OF(struct inquest_meaning);
    } meanings;
    bool portless; // an error text was given that names no port
    struct host host;
    unsigned read;          // what `host` holds of all asked ports
    enum tier tier;         // what a search for programs would use here
    struct why_index index; // of the rows in `host`
    struct why_outcomes outcomes;
};

// An empty one for this run: its memory, and whether its answers may name users. Every inquest begins here.
struct inquest
inquest_begin(const struct command_run *run);

// How `--bind HOW` binds: "plain", "reuse", "reuseport", "exclusive"; anything else is what an ordinary server does.
enum bind_mode
inquest_mode(struct str bind);

// Explains an error that a person named: its name or number.
void
inquest_add_meaning(struct inquest *inquest, struct str error);

// What an error text turned out to be about.
enum inquest_text {
    INQUEST_TEXT_PORT,    // one or more ports, which are asked about now
    INQUEST_TEXT_PATH,    // a Unix socket, which is explained among the meanings
    INQUEST_TEXT_MEANING, // an error that is known, of a port that the text does not name
    INQUEST_TEXT_NOTHING,
};

// Takes the ports that an error text of another program speaks of, and what its error means.
enum inquest_text
inquest_add_text(struct inquest *inquest, struct str text);

// Reads the host and answers all questions. Asked twice is asked once. False when nothing could be found out at all.
bool
inquest_answer(struct inquest *inquest, struct err *err);

// By contract: whether all ports can be used (0), one can't (1), or it could not be found out (3).
int
inquest_exit(const struct inquest *inquest);

// The answers for people.
void
inquest_print(const struct inquest *inquest, const struct command_run *run, struct buf *out);

// An entry in the array `asked` for each answer.
void
inquest_report(const struct inquest *inquest, cJSON *asked, const struct report_privacy *privacy);

// The array "meanings" of the document.
void
inquest_report_meanings(const struct inquest *inquest, cJSON *document);

// What could not be seen and could be what is looked for, and what would show it (run->again, as root; without the command
// of another program that may stand there): as notes.
void
inquest_say_unseen(const struct inquest *inquest, const struct command_run *run);

#endif
