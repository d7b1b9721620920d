#ifndef MOORAGE_CORE_PLATFORM_H
#define MOORAGE_CORE_PLATFORM_H

// What differs between the systems that a host may run, as data: one row each. A rule takes what it needs from the row of
// its host and never asks which system that is; a host of another system can be replayed anywhere.
// Commands are templates: {port}, {pids} and the like stand for what platform_fill puts there. An empty one means that the
// system has no such command.

#include "base/arena.h"
#include "base/str.h"
#include "core/conflict.h"
#include "decode/host.h"
#include "sys/bind_probe.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PLATFORM_EVIDENCE_MOST = 3,
};

// A bind that is tried beside the asked one, since other programs would bind that way.
struct platform_evidence {
    enum bind_mode mode;
    bool only_when_refused; // it tells something only where the asked bind was refused
};

// What is said where the systems' rules differ; an empty one is not said.
struct platform_words {
    struct str only_odd;         // the asked bind works, that of an ordinary server fails
    struct str only_shared;      // UDP: the asked bind works, the strictest one fails
    struct str only_usual;       // TCP: the same
    struct str only_after;       // TCP: the same, until closed connections are forgotten in {seconds} s
    struct str lingering_free;   // closed connections stand in the way of few
    struct str lingering_blocks; // ... of ordinary servers
    struct str lingering_code;   // what a program can do about it
    struct str hidden;           // what may have a port that no socket explains
    struct str connection_code;  // the same about connections of its own that are still open
};

struct platform {
    struct str name;  // as host->platform says
    struct str title; // who refuses a bind, within a sentence: "the kernel", "Windows"
    struct str error; // how a refusal is called: "{result}" or "error {code}"
    const struct conflict_rules *rules;
    struct platform_evidence evidence[PLATFORM_EVIDENCE_MOST];
    size_t evidence_count;
    enum bind_mode strict;      // the bind that shares with nobody
    bool double_quotes;         // around a word of a command line that has blanks, instead of single ones
    bool forwards_by_listening; // what forwards a port listens on it like any program; elsewhere packet rules do that
    struct str admin;           // "as root"
    struct str range_maker;     // the service that takes ranges of ports for itself
    struct str service_manager; // as host->services name it
    struct str elevated;        // the same command of moorage with all rights: "sudo {command}"
    struct str as_admin;        // the same command of the system with all rights; empty = nothing stands in front of it
    struct str end;             // asks processes to end: "kill{pids}"
    struct str end_pid;         // how one of them stands there: " {pid}"
    struct str end_many;        // the same for too many to name: all of {port}
    struct str go_on;           // after `end`, for those that are stopped: "; kill -CONT{pids}"
    struct str drop;            // drops what is left of closed connections of {port}
    struct str reserve;         // keeps {port} of {protocol} from being given away; {reserved} is the list with it
    struct str widen;           // makes the dynamic range of {protocol} wider
    struct str loopback;        // brings up the loopback device
    struct str link;            // shows the network interface {name}
    struct str show_nftables;   // shows the chain {rule} ("ip nat PREROUTING")
    struct str show_iptables;   // shows the rules of legacy iptables; {six} is "6" for IPv6
    struct platform_words words;
};

// The row of the host's system; that of Linux where it says none that is known.
const struct platform *
platform_of(const struct host *host);

// Its title at the start of a sentence: "The kernel", "Windows".
struct str
platform_title_first(struct arena *arena, const struct platform *platform);

struct platform_value {
    const char *name;
    struct str value;
};

// The template with the values in place of their names in braces.
struct str
platform_fill(struct arena *arena, struct str template, const struct platform_value *values, size_t count);

// The same command with all rights: "sudo moorage 80".
struct str
platform_elevate(struct arena *arena, const struct platform *platform, struct str command);

// A command of the system that needs all rights, as the user of this host types it.
struct str
platform_as_admin(struct arena *arena, const struct host *host, struct str command);

// The command that stops a unit of this service manager, with what depends on it.
struct str
platform_stop_service(struct arena *arena, const struct service *service);

// The command that starts it again.
struct str
platform_start_service(struct arena *arena, const struct service *service);

// The command that keeps it from being started at the next start of the system.
struct str
platform_disable_service(struct arena *arena, const struct service *service);

#endif
