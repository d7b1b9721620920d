#ifndef MOORAGE_CORE_WAIT_H
#define MOORAGE_CORE_WAIT_H

// Waiting until ports are served, or until they can be bound. Set up by hand and with wait_add(), started once, stepped until
// it is met or the time is up.
// Invariants: a target that was met stays met. Ports of this machine are looked up cheaply, each half millisecond for the first
// ten seconds and each 20 ms at most then, or not before the system tells of a change. A bind is tried only when the tables
// show nobody in the way. Other machines are called only when a person named them.
// How the systems differ: what sys/socket_watch.h tells by itself.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/endpoint.h"
#include "core/holder.h"
#include "core/services.h"
#include "decode/host.h"
#include "sys/dial.h"
#include "sys/socket_watch.h"

#include <stdbool.h>
#include <stdint.h>

// Who must serve; none of both: anybody.
struct wait_by {
    uint32_t pid;   // this process or one that it started, 0 = not asked
    struct str exe; // the program's path, or its name
};

struct wait_target {
    struct str text;          // as it was written
    struct str host;          // another machine; empty = this one
    struct endpoint endpoint; // this machine: one port
    enum protocol protocol;
    uint16_t port;
    struct str path; // it must answer HTTP there; empty: not asked

    bool met;
    int64_t met_us;           // since the start
    bool served;              // somebody serves now: `row`
    bool by_other;            // and it is not who must
    struct socket_row row;    // without its texts
    struct dial_state called; // what calls of it came to
    bool called_once;
    struct dial *dial; // NULL: not called
    size_t watched;    // which ask of the watch it is
    int64_t next_us;   // not looked at closely before
    unsigned pause_ms; // until the close look after that
};

struct wait {
    struct arena *arena;
    bool free; // until they can be bound
    struct wait_by by;
    int64_t timeout_ms; // 0 = none
    bool tells_who;     // wait_who() is asked at the end, and shall take little time then
    struct {
        LIST_OF(struct wait_target);
    } targets;

    int64_t started_us;
    struct socket_watch_ask *asks;
    struct socket_watch *watch;
    int64_t listed_us; // when all listeners of the ports were looked at last
    bool prepared;     // for that
    bool armed;        // the system tells of changes, as far as it does
    bool stirred;      // it told of one since
    int64_t stirred_us;
};

enum wait_state {
    WAIT_GOING,
    WAIT_MET,
    WAIT_TIMED_OUT,
};

// Adds the targets that a word names: what endpoint_parse() takes, "db:5432", a URL of another machine. `path` is what must
// answer HTTP there, empty = nothing. At most WAIT_MOST targets. False with ERR_USAGE.
#define WAIT_MOST 256
bool
wait_add(struct wait *wait, struct str word, struct str path, const struct service_table *services, struct err *err);

// Adds the target of a URL that must answer HTTP.
bool
wait_add_url(struct wait *wait, struct str url, struct err *err);

// What --http takes: "health", "/health"; a URL gives the whole, `is_url` says so. False with ERR_USAGE.
bool
wait_read_path(struct arena *arena, struct str text, struct str *path, bool *is_url, struct err *err);

// "PID" or "exe=PATH".
bool
wait_read_by(struct str text, struct wait_by *by, struct err *err);

// False when the sockets of this machine can't be read at all.
bool
wait_start(struct wait *wait, struct err *err);

// Goes on until something is decided, `longest_ms` at most.
enum wait_state
wait_step(struct wait *wait, unsigned longest_ms);

void
wait_end(struct wait *wait);

// Who has the port of a target of this machine now: the sockets and their programs, with these facts (bits of enum
// process_facts), read into `host`; with `ancestry` also how they have it, and what started them.
bool
wait_who(struct arena *arena, const struct wait_target *target, unsigned facts, bool ancestry, struct host *host,
         struct holder_list *out, struct err *err);

#endif
