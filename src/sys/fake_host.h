#ifndef MOORAGE_SYS_FAKE_HOST_H
#define MOORAGE_SYS_FAKE_HOST_H

// The third platform: a host that stands in a moorage.snapshot/1 document instead of under this program. Every header of
// sys has an X_fake.c that answers from here. The host comes from fake_host_load() in tests, and in moorage-fake from the
// file that the environment variable MOORAGE_FAKE_HOST names; without either it is an empty host.
// Invariants: the host changes only by its script and by time; time passes only by clock_sleep_ms(), by a deadline that
// was waited for, and by 1 ms for each probe. Nothing of the system under this program is looked at, but for files that
// were asked for by name, the environment and the standard streams.
// One program has one fake host, and one thread uses it.

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "decode/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The host of this document from now on; its script, the clock, the counts and all switches below start anew.
bool
fake_host_load(struct str json, struct err *err);

// The Nth call from now on (1 = the next one) of those that can fail fails as `kind` says; 0 = none.
void
fake_host_fail(size_t nth, enum err_kind kind);

// Every call of the sys function by this name fails as `kind` says; ERR_NONE ends it.
void
fake_host_fail_each(const char *function, enum err_kind kind);

// How many calls of the sys function by this name there were; NULL: of all those that can fail.
size_t
fake_host_calls(const char *function);

// What stands in the environment, instead of the real one; a `value` of NULL: not set.
void
fake_host_environment(const char *name, const char *value);

// What is written to standard output and error output goes there instead; NULL: to the real ones.
void
fake_host_capture(struct buf *out, struct buf *error);

// For the X_fake.c files: the host as it is now.
const struct host *
fake_host(void);

// Rises each time a host is loaded: what was kept for an earlier one is to be forgotten.
unsigned
fake_host_load_count(void);

// The same, for acts that change it.
struct host *
fake_host_edit(void);

// Counts a call and says whether it may answer. False with `err` when a switch makes it fail, or when the document of
// MOORAGE_FAKE_HOST can't be read. `err` may be NULL.
bool
fake_host_call(const char *function, struct err *err);

// The same for what has no error: how the fact stands instead, KNOWN_YES when it may answer.
enum known
fake_host_call_known(const char *function);

// A refusal as an error of the kind that goes with it.
bool
fake_host_refuse(enum known known, const char *what, struct err *err);

// Something was done that the script may wait for: "probe", "signal 41233".
void
fake_host_act(struct str act);
// The same for "VERB PID".
void
fake_host_act_of(const char *verb, uint32_t pid);

// The process ends, and with it the sockets that nobody else holds. Its number may come back as another process.
void
fake_host_end(uint32_t pid);

// The socket with these two ends is gone.
void
fake_host_drop(const struct socket_row *row);

// Whether the script says what comes of this act.
bool
fake_host_awaits(struct str act);

// Whether all that the script says of it has happened.
bool
fake_host_is_over(struct str act);

// How many processes of this number have ended.
size_t
fake_host_generation(uint32_t pid);

// The state of a unit, or its first process, changed.
void
fake_host_set_service(const struct service *service);

// Time since the host started.
int64_t
fake_host_elapsed_us(void);
void
fake_host_pass_us(int64_t microseconds);

// The value of an environment variable, or NULL.
const char *
fake_host_variable(const char *name);

// What was written to sys/state_dir is gone.
void
fake_host_forget_files(void);

// Writes to the capture or the real stream; false when it takes no more.
bool
fake_host_print(struct str text, bool error);

#endif
