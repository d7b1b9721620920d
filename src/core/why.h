#ifndef MOORAGE_CORE_WHY_H
#define MOORAGE_CORE_WHY_H

// Why an endpoint can't be bound: the heart. Causes are a table (why_causes in why.c): one function and one row each.
// Invariants: each socket stands in exactly one blocking cause. A cause that blocks explains a failing probe, and a bind that
// works has no blocking cause; where tables and kernel disagree the cause is HIDDEN, after 50 ms of asking again.
// How the systems differ: each cause's function looks at facts that only some systems have; none asks which system it is.

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/endpoint.h"
#include "core/holder.h"
#include "core/http_users.h"
#include "decode/host.h"
#include "sys/bind_probe.h"
#include "sys/socket_owner.h"

#include <stdbool.h>
#include <stdint.h>

enum cause_kind {
    CAUSE_SOCKET_UNIT,
    CAUSE_HTTP_SYS,
    CAUSE_PORTPROXY,
    CAUSE_CONTAINER,
    CAUSE_RELAY,
    CAUSE_SERVICE,
    CAUSE_INHERITED,
    CAUSE_REUSEPORT_GROUP,
    CAUSE_LISTENER,
    CAUSE_BOUND,
    CAUSE_CONNECTION, // up to here: sockets that programs have
    CAUSE_LINGERING,
    CAUSE_UNACCEPTED,
    CAUSE_KERNEL,
    CAUSE_HIDDEN,
    CAUSE_EXCLUDED_RANGE,
    CAUSE_PRIVILEGED,
    CAUSE_ADDRESS,
    CAUSE_DENIED,
    CAUSE_EXHAUSTED,
    CAUSE_REDIRECT,
    CAUSE_OTHER_NAMESPACE,
    CAUSE_DYNAMIC_RANGE,
    CAUSE_RESERVED,
    CAUSE_SHARED,
    CAUSE_OTHER_FAMILY,
    CAUSE_KIND_COUNT,
};

enum lever {
    LEVER_WAIT,
    LEVER_PROCESS,
    LEVER_SERVICE,
    LEVER_SOCKET_UNIT,
    LEVER_CONTAINER,
    LEVER_SUPERVISOR,
    LEVER_SOCKET,
    LEVER_SYSTEM,
    LEVER_SETTING,
    LEVER_OTHER_PORT,
    LEVER_COUNT,
};

enum harm {
    HARM_NONE,
    HARM_LOW,
    HARM_SOME,
    HARM_HIGH,
};

// One thing that ends the cause.
struct remedy {
    enum lever lever;
    enum harm harm;
    struct str label;    // two words for the text: "stop it", "or use", "for good"
    struct str sentence; // what it does and what it costs
    struct str command;  // what to type, of moorage or of the system; empty = nothing to type
    struct str by_hand;  // the same without moorage: "kill 41233"; empty = none
    uint16_t port;       // OTHER_PORT: the port
};

struct cause {
    enum cause_kind kind;
    bool blocks;
    struct str sentence; // "node (pid 41233) listens on *:8080"
    struct {
        LIST_OF(size_t);
    } sockets; // indexes into host->sockets
    struct holder_list holders;
    struct str_list notes; // further evidence, whole sentences
    struct {
        LIST_OF(struct remedy);
    } remedies;                        // least harm first
    const struct service *service;     // the unit to blame; NULL = none
    const struct container *container; // the container to blame
    const struct redirect *redirect;
    const struct port_range *range;
    struct str maker;                       // EXCLUDED_RANGE: who most likely made it
    struct http_users users;                // HTTP_SYS: who listens by way of the system's HTTP server
    struct holder_list behind;              // HTTP_SYS: their processes, as far as they are known
    const struct neighbour_port *neighbour; // RELAY, SHARED: who has it on the system beside this one
    uint32_t seconds;                       // LINGERING: until the last one ends; 0 = unknown
};

// What the host holds already when one reading serves many questions; it is not read again for each of them.
enum why_read {
    WHY_READ_STATES = 1 << 0,    // the rows of the port in every state
    WHY_READ_LISTENERS = 1 << 1, // who listens or receives on all ports of the protocol
    WHY_READ_KERNEL_PORTS = 1 << 2,
};

// The rows of a host by their local port, for asking about thousands of ports of a host with thousands of sockets. Rows that
// are added later are found all the same.
struct why_index {
    uint32_t *heads; // of each port: a row's index + 1, 0 = none
    uint32_t *next;  // of each row: the next one of its port, the same way
    size_t count;    // rows that stand in it
};

struct why_question {
    struct endpoint endpoint; // first == last
    enum protocol protocol;
    enum bind_mode mode; // USUAL unless --bind
    bool v6only;         // an IPv6 address that was named is asked for as IPv6 alone
    bool share;          // name no users
    bool as_root;        // judge by the tables alone where the right to try is missing
    bool all;            // look for causes that cost even when nothing calls for it
    enum owner_reach reach;
    unsigned read;                 // bits of enum why_read
    const struct why_index *index; // NULL: all rows are looked through
    enum tier tier;                // what a search for holders would use here, NONE: to be asked
    unsigned deadline_ms;          // for container runtimes and service managers together; 300
};

enum why_verdict {
    WHY_FREE,        // bindable
    WHY_TAKEN,       // by a socket
    WHY_RESERVED,    // by the system
    WHY_NOT_ALLOWED, // a right is missing or a policy refuses
    WHY_NOT_LOCAL,   // not an address of this host
    WHY_UNKNOWN,     // neither table nor probe could answer
};

struct answer {
    struct why_question question;
    enum why_verdict verdict;
    bool bindable;
    bool proved;
    struct {
        LIST_OF(struct probe);
    } probes;
    enum tier tier;
    bool complete;
    struct {
        LIST_OF(struct unseen);
    } unseen;
    struct {
        LIST_OF(struct cause);
    } causes; // blocking ones first, by precedence
    struct {
        LIST_OF(uint16_t);
    } suggest;
    const struct lease *lease; // whom the port is kept for, NULL: nobody
    struct str plain_warning;  // "free for most servers; ..." when only the plain bind fails
};

// The index of the rows that the host holds now.
void
why_index_make(struct arena *arena, const struct host *host, struct why_index *out);

// Browsers open nothing at this port, whoever serves it (the "bad ports" of the Fetch standard).
bool
why_browsers_refuse(const struct answer *answer);

// Answers one question. Reads what it needs into `host`, which the caller made by snapshot_read (with at least the LISTEN
// rows of the port); several questions may share one host. False only when nothing could be found out at all.
bool
why_answer(struct arena *arena, struct host *host, const struct why_question *question, struct answer *out,
           struct err *err);

// "node (pid 40) in WSL Ubuntu-24.04", "shop on Windows"
struct str
why_neighbour_text(struct arena *arena, const struct neighbour_port *port);

// The contract's word: "listener", "socket-unit", ...
struct str
why_kind_name(enum cause_kind kind);
struct str
why_lever_name(enum lever lever);
struct str
why_harm_name(enum harm harm);

#endif
