#ifndef MOORAGE_CMD_RUN_SAY_H
#define MOORAGE_CMD_RUN_SAY_H

// What moorage says beside the command of a run: on error output alone, and nothing with --quiet. The systems do not differ.

#include "base/str.h"
#include "cmd/run_report.h"

#include <stdint.h>

// What the run is called in sentences: its name, or its program's.
struct str
run_title(const struct running *running);

// One sentence, folded on a terminal.
void
run_say(const struct running *running, struct str sentence);

// It takes a while: how long at most, and how to cut it short.
void
run_say_ending(const struct running *running, int64_t grace_ms);

// What the command left behind, and what could not be ended.
void
run_say_end(const struct running *running);

#endif
