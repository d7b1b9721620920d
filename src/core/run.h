#ifndef MOORAGE_CORE_RUN_H
#define MOORAGE_CORE_RUN_H

// A port for one command: taken and kept before the command starts, given to it, and watched for until it is served.
// Invariants: only the previous run of the same project and name is ever ended, and only when that was asked for. Who serves
// a port is told from the sockets of the command's own programs, never from the number alone.
// The systems do not differ.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/holder.h"
#include "core/pick.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- the port ----

// What a run asks for.
struct run_wish {
    struct str name;    // empty: a run without a name, whose lease ends with it
    struct str project; // with a name
    uint16_t port;      // 0: any that is free and wise
};

enum run_port_outcome {
    RUN_PORT_TAKEN, // it is ours: `lease`
    RUN_PORT_NONE,  // `sentence` says why
    RUN_PORT_WHY,   // `port` can't be bound: the whole why tells
    RUN_PORT_BUSY,  // a run of this name lives: `lease.pid`
};

struct run_port {
    enum run_port_outcome outcome;
    uint16_t port;
    struct lease lease;
    struct str sentence;
    struct str not_kept; // why nothing was written down; empty = it was
};

// Takes the port for this process.
bool
run_take_port(struct arena *arena, const struct run_wish *wish, struct run_port *out, struct err *err);

// The same where the port can be bound as a server binds it, though not without SO_REUSEADDR: what lingers of a closed
// connection is no hindrance.
bool
run_keep_port(struct arena *arena, const struct run_wish *wish, uint16_t port, struct run_port *out, struct err *err);

// Gives back what ends with this run; a name keeps its port.
void
run_give_back(struct arena *arena, const struct run_port *port);

// Ends the run that has the name: asks it, again when it still lives after `patience_ms`, and then ends it hard; what is below
// it ends with it. False when the process is no run of moorage, may not be ended, or did not end.
bool
run_replace(struct arena *arena, const struct lease *lease, unsigned patience_ms, struct err *err);

// ---- the command ----

// Puts the port for {port} and __PORT__ in each word.
void
run_fill_in(struct arena *arena, const struct str_list *command, uint16_t port, struct str_list *out);

// Whether it may be the name of an environment variable.
bool
run_is_variable(struct str name);

// ---- the watch ----

enum run_seen {
    RUN_SEEN_NOTHING,
    RUN_SEEN_OWN,      // the command serves its port
    RUN_SEEN_STRANGER, // somebody else does
    RUN_SEEN_OTHER,    // the command serves another port, and this one not
};

struct run_watch {
    uint16_t port;
    uint64_t seen_rows; // what the last look met, to see that nothing changed
    bool looked;

    enum run_seen seen;
    struct {
        LIST_OF(struct socket_row);
    } own;               // OWN: where it listens; OTHER: what it serves instead
    struct str stranger; // STRANGER: who, "node (pid 17)"; may be empty
};

// Looks who serves: `pids` are the command's programs. Nothing is searched when no listener came or went since the last look.
// The texts and lists live in `arena`. False when the sockets can't be read.
bool
run_look(struct arena *arena, struct run_watch *watch, const uint32_t *pids, size_t count, struct err *err);

// "127.0.0.1:8080", "*:8080"; and ", only IPv4" where that is worth knowing.
struct str
run_places(struct arena *arena, const struct run_watch *watch);

#endif
