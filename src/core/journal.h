#ifndef MOORAGE_CORE_JOURNAL_H
#define MOORAGE_CORE_JOURNAL_H

// The record of what moorage did: acts.jsonl in the state folder, one JSON document a line (moorage.act/1), only ever
// appended to. An act is written before it is done, and once more with what came of it, so that a run that was cut off shows
// too. `moorage log` reads it, `moorage undo` takes back what stands in it.
// Invariants: command lines never stand in it; a line that can't be read is passed over; a record that can't be written is
// no reason not to act.
// The systems do not differ, but for where the folder is (sys/state_dir.h).

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal_process {
    uint32_t pid;
    struct str name;
};

// How an act is taken back.
struct journal_undo {
    bool possible;
    enum lever lever;   // SERVICE, SOCKET_UNIT, CONTAINER, SUPERVISOR: that is started again; SETTING: that is put back
    struct str manager; // of a unit; the supervisor of an entry
    struct str name;    // unit, container or entry; of a setting: its target
    struct str id;      // of a container
    struct str api;     // of a container or an entry: where its runtime or supervisor listens
    struct str runtime; // of a container
    struct str before;  // of a setting: what stands there since the act
    struct str after;   // of a setting: what is to stand there again
    uint32_t uid;       // of a unit or an entry: whose manager
    struct str command; // the same by hand
};

struct journal_act {
    struct str id; // of the act; names it for as long as the record lasts
    int64_t time_ms;
    uint32_t uid; // who did it
    struct str user;
    struct str invoker; // under sudo: for whom; empty = nobody else
    struct str line;    // what was typed
    enum lever lever;
    struct str sentence; // what was done
    struct {
        LIST_OF(struct journal_process);
    } processes;
    uint16_t port; // why
    enum protocol protocol;
    struct str why;
    struct str result; // "running" (it was cut off there), "done", "needless", "failed", "timed-out"
    struct str error;
    bool hard; // a program had to be ended hard
    int64_t took_ms;
    struct journal_undo undo;
    struct str together; // the first act of the same plan: settings of one plan are taken back together; empty = none
    struct str undoes;   // the act that this one takes back
    bool undone;         // another one took it back
};

struct journal {
    LIST_OF(struct journal_act); // oldest first
};

// Writes that it begins, and gives it an id.
bool
journal_begin(struct arena *arena, struct journal_act *act, struct err *err);

// Writes what came of it.
bool
journal_end(struct arena *arena, const struct journal_act *act, struct err *err);

// All acts. An empty record where nothing was done yet; `skipped` (may be NULL) counts lines that could not be read.
bool
journal_read(struct arena *arena, struct journal *out, size_t *skipped, struct err *err);

// Whether it can be taken back and was not.
bool
journal_can_undo(const struct journal_act *act);

// The last act of which that is so; NULL = none.
const struct journal_act *
journal_last_undoable(const struct journal *journal);

struct journal_acts {
    LIST_OF(const struct journal_act *);
};

// This act, which stands in the journal, and those before it that are taken back together with it, the last one first.
void
journal_with(struct arena *arena, const struct journal *journal, const struct journal_act *last,
             struct journal_acts *out);

#endif
