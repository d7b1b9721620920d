#ifndef MOORAGE_SYS_BIND_PROBE_H
#define MOORAGE_SYS_BIND_PROBE_H

// The kernel's verdict: a real bind of one endpoint with the asked options, closed at once. It never listens.
// Looking must change nothing, and a probe is itself a bind that can hurt another program for a moment: callers read the
// tables first, probe last, and never poll with it.
// How the systems differ: on Linux the ordinary server sets SO_REUSEADDR ("reuse"), on Windows it sets nothing ("plain"),
// where SO_REUSEADDR means that a port may be hijacked and SO_EXCLUSIVEADDRUSE exists ("exclusive").

#include "base/arena.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

enum bind_mode {
    BIND_USUAL, // what an ordinary server of this system sets: REUSE on Linux, PLAIN on Windows
    BIND_PLAIN,
    BIND_REUSE,
    BIND_REUSEPORT,
    BIND_EXCLUSIVE, // Windows; the same as PLAIN elsewhere
};

struct bind_wish {
    enum protocol protocol;
    struct address address;
    uint16_t port; // 0: any port of the dynamic range, to see whether one is left
    bool v6only;   // IPv6 only; the socket option is always set as said here
    enum bind_mode mode;
    uint32_t device; // 0 = none
};

// Binds, closes, and fills `out`: worked, or the code and its name. A family or protocol that the host lacks gives
// "unsupported". Nothing stays open.
void
bind_probe(struct arena *arena, const struct bind_wish *wish, struct probe *out);

// The name of a code that a bind failed with: "EADDRINUSE", "errno 7".
struct str
bind_error_name(struct arena *arena, unsigned long code);

// "reuse", "plain", "reuseport", "exclusive"; USUAL as what it stands for here.
struct str
bind_mode_name(enum bind_mode mode);

#endif
