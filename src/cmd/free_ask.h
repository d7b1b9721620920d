#ifndef MOORAGE_CMD_FREE_ASK_H
#define MOORAGE_CMD_FREE_ASK_H

// What the line of `moorage free` asks for. The systems do not differ.

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "cmd/command.h"
#include "core/plan.h"
#include "core/why.h"

#include <stdbool.h>

struct free_options {
    bool dry_run;
    bool yes;
    bool kill;
    bool wait;
    bool mine;
    bool tcp;
    bool udp;
    struct str_list allow;
    struct str_list only;
    struct str timeout;
    struct str watch;
    struct str on;
    struct str bind;
    unsigned watch_ms; // preset by the caller
};

struct free_questions {
    LIST_OF(struct why_question);
    struct {
        LIST_OF(size_t);
    } pairs; // of each port without a named protocol: its question about TCP, before that about UDP
};

// What may be done, for how long, and to whose programs. False with ERR_USAGE.
bool
free_ask_wish(const struct command_run *run, struct free_options *options, struct plan_wish *out, struct err *err);

// One question for each port and protocol. False with ERR_USAGE, or when standard input could not be read.
bool
free_ask_ports(const struct command_run *run, const struct free_options *options, struct free_questions *out,
               struct err *err);

// Where no protocol was named and both are taken by different programs, asks which one is meant. True when questions were
// dropped, so that a new plan is needed; `undecided` when nobody could or would tell, which was said.
bool
free_ask_protocols(struct command_run *run, const struct free_options *options, const struct plan *plan,
                   struct free_questions *questions, bool *undecided);

#endif
