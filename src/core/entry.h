#ifndef MOORAGE_CORE_ENTRY_H
#define MOORAGE_CORE_ENTRY_H

// Entries of supervisors that run many programs, for people: what to type for one of them. The systems do not differ.

#include "base/arena.h"
#include "base/str.h"
#include "core/holder.h"
#include "decode/host.h"

#include <stdbool.h>

// Whether the process says that it is one. What it says is only believed when the supervisor says the same.
bool
entry_is_known(const struct supervisor_entry *entry);

// "supervisorctl stop web", "pm2 start 3"; `verb` is "stop" or "start".
struct str
entry_command(struct arena *arena, const struct supervisor_entry *entry, const char *verb);

// The process above the holder that must be the supervisor of its entry; NULL where it says so of none, or where a person's
// shell stands between: what is started there only inherited the words.
const struct process *
entry_supervisor(struct arena *arena, const struct holder *holder);

#endif
