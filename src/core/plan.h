#ifndef MOORAGE_CORE_PLAN_H
#define MOORAGE_CORE_PLAN_H

// What is to be done, as ordered steps that can be shown before anything is done. One type of step serves all plans: freeing
// a port (here: causes and their remedies, core/why.h, and for each the lever with the least harm), changing a range
// (core/range.h), taking something back (core/take_back.h); configuration files later. core/release.h carries them out.
// Invariants: making a plan changes nothing. Each process in it is pinned (sys/pinned.h) before its facts are read, and was
// then seen to hold the very sockets that keep the port; whoever a step reaches stands in it. What may never be done, what
// needs a word of its own (--allow) and what needs more rights is found here, not while it is done.
// How the systems differ: only in sys; a system without a lever answers ERR_UNSUPPORTED when it is used.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/holder.h"
#include "core/why.h"
#include "decode/host.h"
#include "sys/pinned.h"
#include "sys/range_act.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Dangers that are only run when they are named.
enum plan_allow {
    PLAN_ALLOW_OTHER_USER = 1 << 0,    // programs of other users; root needs no word for that
    PLAN_ALLOW_SUPERVISOR = 1 << 1,    // also what would start the program again
    PLAN_ALLOW_REMOTE_ACCESS = 1 << 2, // programs through which somebody may be working here: ssh, RDP
    PLAN_ALLOW_SYSTEM = 1 << 3,        // processes that can't be pinned; settings of the system
};

// "supervisor"
struct str
plan_allow_name(enum plan_allow allow);
bool
plan_allow_parse(struct str name, enum plan_allow *out);

// Whose programs may be touched at all: all members that are set must fit.
struct plan_only {
    struct str exe; // its path, or the last part of it; empty = any
    struct str cwd; // it runs in this folder or below; empty = anywhere
    bool of_user;   // it runs as `uid`
    uint32_t uid;
    bool of_project; // it runs in this project: a folder and what is below
    struct str project;
};

struct plan_wish {
    unsigned allow; // bits of enum plan_allow
    struct plan_only only;
    bool kill;                // end hard what does not end in time
    bool wait;                // wait for what will pass by itself
    unsigned timeout_ms;      // for everything that is asked to end; 0 = each its own usual time
    bool timeout_given;       // also 0 ms
    struct str again;         // the line that was typed: "moorage free 8080"
    struct str_list starters; // processes that were seen to start a program again: see plan_key()
};

enum plan_result {
    PLAN_PLANNED,
    PLAN_RUNNING, // begun, not over
    PLAN_DONE,
    PLAN_NEEDLESS,  // it was so already
    PLAN_FAILED,    // refused or broken, see `err`
    PLAN_TIMED_OUT, // begun, and not over in time
};

// A process in a step.
struct plan_target {
    struct pinned pin;
    struct process process; // read after it was pinned
    struct str name;
    struct {
        LIST_OF(struct socket_row);
    } sockets;                 // what it must still hold when it is told to end; none: a supervisor
    uint16_t http_port;        // it has the port by way of the system's HTTP server; 0 = it has sockets
    bool in_flight;            // it holds them only by what waits in a socket of its own
    bool interrupts;           // it expects SIGINT
    size_t leader;             // the target (of the same step) that is known to end this one; SIZE_MAX = none
    struct str_list ancestors; // keys of what started it, nearest first: see plan_key()
    bool asked;
    bool deaf; // it can't be asked: why stands in the step's err
    bool killed;
    bool ended;
    int64_t ended_us; // clock_mono_us(), of those that ended after they were asked
};

// How a step can be taken back.
struct plan_undo {
    bool possible;      // `moorage undo` can do it
    struct str command; // by hand: "docker start web"; empty = nothing to type
    struct str sentence;
    struct range_act setting; // of a SETTING or SYSTEM: what puts back what stood there
};

struct plan_step {
    enum lever lever;
    enum harm harm;
    struct str sentence;     // "Ask node (pid 40) to end"
    struct str cost;         // what it may cost, a sentence; empty = nothing to say
    struct str precondition; // what must still be so when it is done
    size_t goal;             // index of the port that it is for
    bool if_needed;          // done only if the port is not free after the steps before it
    bool needs_admin;
    bool start; // starts what its lever names, to take a stop back
    struct {
        LIST_OF(struct plan_target);
    } targets;                     // PROCESS, SUPERVISOR
    struct service service;        // SERVICE, SOCKET_UNIT
    struct container container;    // CONTAINER
    struct supervisor_entry entry; // SUPERVISOR: what is stopped of one that goes on; no name: its targets are ended
    struct pinned runs;            // the process of that entry
    uint32_t of_uid;               // whose supervisor it is
    struct range_act setting;      // SETTING; SYSTEM, where `before` names what is taken away
    struct str_list reaches;       // who else is reached: "nginx (4712)"
    struct str by_hand;            // the same without moorage; empty = none
    struct str at_boot;            // that it comes back at the next start of the system; empty = it does not
    struct plan_undo undo;
    unsigned patience_ms; // how long it may take; WAIT: how long it will take
    enum plan_result result;
    struct err err;
    int64_t began_us; // clock_mono_us(), 0 = not yet
    int64_t took_us;
    struct str id;     // in the record of acts; empty = none
    struct str undoes; // the act that this takes back; empty = none
};

enum plan_refusal_kind {
    PLAN_REFUSED_ALWAYS,  // whatever is allowed
    PLAN_REFUSED_WORD,    // until `word` is allowed
    PLAN_REFUSED_RIGHT,   // for lack of rights: the same as root works
    PLAN_REFUSED_NO_HELP, // ending things can't help here
    PLAN_REFUSED_ONLY,    // --only, --mine: it belongs to somebody or something else
};

struct plan_refusal {
    enum plan_refusal_kind kind;
    struct str word;        // "supervisor"; of WORD
    struct str sentence;    // why
    struct str alternative; // what to do instead: a command or a sentence; empty = nothing is known
};

// One port that is to be free at the end.
struct plan_goal {
    struct why_question question;
    struct host *host;    // the last reading
    struct answer answer; // before anything was done, later the last one
    bool failed;          // it could not be asked
    struct err err;
    bool done;       // it is free, as far as is known now
    int64_t free_us; // clock_mono_us() when the bind worked for the first time after the first step began; 0 = not yet
    struct str was;  // the sentence of what kept it; empty = nothing
    struct {
        LIST_OF(struct socket_row);
    } rows;                 // that kept it
    struct str_list others; // who had them: see plan_key()
};

struct plan {
    struct arena *arena;
    struct plan_wish wish;
    struct {
        LIST_OF(struct plan_goal);
    } goals;
    struct {
        LIST_OF(struct plan_step);
    } steps;
    struct {
        LIST_OF(struct plan_refusal);
    } refusals;
    struct str_list notes; // what should be known before it is agreed to
    struct {
        LIST_OF(uint32_t);
    } own;            // this program and what started it: never touched
    int64_t begun_us; // clock_mono_us() of the first act; 0 = none yet
};

// What can be said of a plan before it is carried out.
enum plan_state {
    PLAN_NOTHING, // all ports are free: nothing to do
    PLAN_READY,
    PLAN_NOT_YOURS, // --only, --mine
    PLAN_REFUSED,
    PLAN_NEEDS_RIGHT, // nothing else speaks against it
    PLAN_UNKNOWN,     // a port could not be asked about
};

// Looks at the ports and plans; `questions` are for one port each. All that is in the way of one of them, of --only and of
// lack of rights holds for the whole: it is never half done.
void
plan_make(struct arena *arena, const struct plan_wish *wish, const struct why_question *questions, size_t count,
          struct plan *out);

// Looks at one port again.
void
plan_look(struct plan *plan, struct plan_goal *goal);

// Lets go of the pinned processes.
void
plan_close(struct plan *plan);

enum plan_state
plan_state(const struct plan *plan);

// The line to type instead: with a word more, or as root. Empty where there is none.
struct str
plan_again(const struct plan *plan);

// Whether this is the program itself or something that it descends from.
bool
plan_is_own_process(const struct plan *plan, uint32_t pid);

// Whether the process still is and still holds what it held: asked right before it is told to end.
bool
plan_target_holds(struct arena *arena, const struct plan_target *target);

// A name for a process in a list of what started another one: number and start.
struct str
plan_key(struct arena *arena, const struct process *process);

// "process", "other-user", ... for JSON: "planned", "done", "needless", "failed", "timed-out"
struct str
plan_result_name(enum plan_result result);

#endif
