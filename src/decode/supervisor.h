#ifndef MOORAGE_DECODE_SUPERVISOR_H
#define MOORAGE_DECODE_SUPERVISOR_H

// Supervisors that run many programs, each as an entry of its own, and how they are asked about one: supervisord by XML-RPC
// over HTTP (supervisord.org/api.html; xmlrpc.com/spec.md), pm2 by JSON in frames of its own (the npm packages pm2-axon-rpc
// and amp). Only what it takes to ask about one entry, to stop it and to start it.
// Invariants: what a process says of its entry is text that anybody can write: names and places are only taken where they
// are plain words, and places only on this machine; whether the entry is about that process only its supervisor tells.
// The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Out of the environment of a process (/proc/PID/environ): which entry of which supervisor it says it is. An empty name
// where it says so of none, or not in plain words.
void
supervisor_parse_environment(struct arena *arena, struct str bytes, struct supervisor_entry *out);

// Whether names and place of an entry are what may be asked for: also of one that was kept in a file.
bool
supervisor_is_plain(const struct supervisor_entry *entry);

enum supervisor_verb {
    SUPERVISOR_ASK,
    SUPERVISOR_STOP,
    SUPERVISOR_START,
};

// The bytes to send.
struct str
supervisor_request(struct arena *arena, const struct supervisor_entry *entry, enum supervisor_verb verb);

// How an entry stands. Neither running nor stopped: on its way.
struct supervisor_state {
    bool running;
    bool stopped;    // and it stays so until somebody starts it
    bool failed;     // stopped because it could not be started
    uint32_t pid;    // of its process, 0 = none
    struct str word; // as the supervisor calls it: "RUNNING", "online"
};

enum supervisor_answer {
    SUPERVISOR_MORE, // the bytes so far are the start of an answer
    SUPERVISOR_GOOD,
    SUPERVISOR_BAD, // it is no answer, or one that says no: `err`
};

// Looks at all bytes that came so far; `ended` says that no more will come. `state` is filled for ASK. BAD: ERR_GONE for an
// entry that the supervisor does not know, ERR_NOT_ALLOWED where it wants a password, ERR_SYSTEM with its words, ERR_FORMAT. An
// order for what is so already is GOOD.
enum supervisor_answer
supervisor_parse(struct arena *arena, const struct supervisor_entry *entry, enum supervisor_verb verb, struct str bytes,
                 bool ended, struct supervisor_state *state, struct err *err);

#endif
