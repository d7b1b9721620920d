#ifndef MOORAGE_CMD_RUN_REPORT_H
#define MOORAGE_CMD_RUN_REPORT_H

// One run as it stands, and the document of it that --report keeps in a file (moorage.run/1). The systems do not differ.

#include "base/str.h"
#include "cmd/command.h"
#include "cmd/inquest.h"
#include "core/run.h"
#include "sys/supervise.h"

#include <stdbool.h>
#include <stdint.h>

struct running {
    struct command_run *run;
    struct command_run said; // how things are said on error output
    struct run_wish wish;
    struct run_port port;
    bool options_listen;
    struct address address; // with --listen: family NONE is every one
    intptr_t socket;
    struct str_list command; // as it is started
    struct supervise *supervise;
    struct run_watch watch;
    enum run_seen last_seen;
    int64_t started_us;
    int64_t seen_us; // since when it was seen so
    int64_t ready_us;
    bool ready;
    bool told_ready;
    bool given_up; // --wait was in vain
    bool warned_other;
    bool warned_stranger;
    bool refused; // why was told
    struct str problem;
    struct inquest inquest;
    bool asked;
    struct str report; // the file; empty = none
    struct supervise_end end;
    int exit;
};

// Writes the document anew; what can't be written is said. `state` is "refused", "started", "ready" or "ended".
void
run_report_write(struct running *running, const char *state);

#endif
