#ifndef MOORAGE_CORE_HOLDER_PARTS_H
#define MOORAGE_CORE_HOLDER_PARTS_H

// What the files holder*.c share. Not for others. The systems do not differ but for the names of their programs.

#include "base/arena.h"
#include "base/str.h"
#include "core/holder.h"
#include "core/lookup.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>

// The program's own name, whatever the process calls itself: without folder, ".exe", and what Linux cut off after 15
// bytes. Empty if nothing at all is known.
struct str
holder_program(struct arena *arena, const struct process *process);

// What an interpreter runs ("nodemon" of "node /usr/bin/nodemon.js"), else the program's name; lower case.
struct str
holder_script(struct arena *arena, const struct process *process);

// Whether the process, by its program or its script, is one of a class of core/known.h.
bool
holder_is(struct arena *arena, const struct process *process, const char *class_name);

// Whether the process stands for a person or for the system, so that nobody beyond it starts a program again by itself: a
// person's shell, an editor, cron.
bool
holder_is_beyond(struct arena *arena, const struct process *process);

// Whether it runs the steps of builds for others: GitHub's runner, Jenkins.
bool
holder_is_builder(struct arena *arena, const struct process *process);

// Fills holder->warnings; `holdings` gives, by pid, the index of each holding that counts.
void
holder_warn(struct arena *arena, const struct host *host, const struct lookup *holdings, struct holder *holder);

// What processes started theirs, once found: thousands of holders may descend from one shell.
struct holder_origins {
    struct lookup known; // by pid and whether a shell stands below: index into `items`
    LIST_OF(struct str);
};

// Fills holder->started_by from ancestry, unit and container.
void
holder_guess_origin(struct arena *arena, struct holder_origins *origins, struct holder *holder);

#endif
