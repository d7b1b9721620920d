#ifndef MOORAGE_SYS_DIAL_H
#define MOORAGE_SYS_DIAL_H

// A server that is called again and again until it answers: by name or address, on this machine or another one that a person
// named. It goes on beside the program: looking never waits, not even for a name that takes long to find.
// How the systems differ: not at all, but for their threads and sockets.

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct dial_ask {
    struct str host; // a name or an address without brackets
    uint16_t port;
    struct str path;     // "/health": it must answer HTTP with a status of 200 to 399; empty: a connection is enough
    unsigned pause_ms;   // between the first two calls; each pause is twice as long as the one before,
    unsigned longest_ms; // up to this
};

enum dial_standing {
    DIAL_CALLING, // no call has ended yet
    DIAL_NO_NAME,
    DIAL_REFUSED,
    DIAL_UNREACHABLE,
    DIAL_SILENT, // no answer in time
    DIAL_NOT_HTTP,
    DIAL_STATUS, // an answer that does not count: `status`
    DIAL_OTHER,
    DIAL_ANSWERED,
};

struct dial_state {
    enum dial_standing standing;
    unsigned status;  // of the last HTTP answer, 0 = none
    unsigned long os; // the system's code of the last call that failed
};

struct dial;

// Starts to call. NULL when no thread can be started.
struct dial *
dial_open(const struct dial_ask *ask);

// What came of it so far. Once it has answered, that stays.
void
dial_look(struct dial *dial, struct dial_state *out);

// Stops calling; a call that is still under way ends by itself. NULL is fine.
void
dial_close(struct dial *dial);

#endif
