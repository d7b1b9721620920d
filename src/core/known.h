#ifndef MOORAGE_CORE_KNOWN_H
#define MOORAGE_CORE_KNOWN_H

// What experts know, kept as data (data/known.json, built into the program): who usually has a port, what a program that
// has it really is and how to get rid of it with the least harm, how long it needs to stop, which ports browsers refuse.
// The table is opened by the first call and stays for the life of the program, so its texts may be kept.
// Names of programs are compared without regard to case and to ".exe", and also as Linux cuts them (15 bytes).

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

// Advice for a port or program; texts are for people, whole sentences.
struct known_cause {
    struct str id;      // "systemd-resolved"
    struct str title;   // "systemd-resolved, the system's DNS cache"
    struct str advice;  // what to do with the least harm
    struct str command; // the command that does it; empty = none
    struct str harm;    // "none", "low", "some", "high"
};

// The advice for this port as held by this program (short name), or the zeroed struct when there
// is none. `name` empty: advice for the port alone.
struct known_cause
known_find(enum protocol protocol, uint16_t port, struct str name);

// Who listens by way of the system's own HTTP server (Windows: http.sys).
struct known_user {
    struct str id;      // "iis"
    struct str title;   // "IIS"; within a sentence
    struct str service; // the service to stop; empty = none
    struct str advice;  // whole sentences
    struct str harm;    // of stopping it: "none", "low", "some", "high"
};

// The one whose program this is, or else whose path or port; the zeroed struct when nobody is known.
struct known_user
known_http_user(uint16_t port, struct str path, struct str name);

// Programs that usually own a well-known port: false when `name` is surely not one of them (and the port has usual
// owners), `usual` then names them.
bool
known_is_usual_owner(struct arena *arena, enum protocol protocol, uint16_t port, struct str name, struct str *usual);

// Seconds that this program may need to stop cleanly; 10 if nothing is known.
unsigned
known_grace(struct str name);

// Whether the program by this name is one of a class: "forwarder" (docker-proxy), "relay" (ssh, kubectl, editors),
// "supervisor" (nodemon, pm2), "shell", "editor", "desktop", "service-manager", "service-host" (svchost),
// "socket-activator" (systemd), "neighbour-relay" (wslrelay), "never-listens" (sleep, bash), "interpreter",
// "task-runner" (npm, make), "scheduler" (cron), "remote-access" (sshd), "loopback-usual" (databases),
// "ends-workers" (nginx: its first process ends the others when it is asked to end), "supervisor-of-many" (pm2: it runs other
// programs too), "interrupts" (it expects SIGINT), "critical" (never ended), "kept-unit" and "remote-access-unit" (units
// that are not stopped for the sake of a port, without what stands behind the dot), "kept-service" (the same of Windows).
// `class_name` is a literal.
bool
known_is(const char *class_name, struct str name);

// What to type so that this supervisor of many programs stops one of them; empty if nothing is known.
struct str
known_supervisor_command(struct str name);

// Browsers refuse this port (Fetch standard, "bad port").
bool
known_is_blocked_by_browsers(uint16_t port);

// A port that some well-known program takes by default.
bool
known_is_default_port(enum protocol protocol, uint16_t port);

// The meaning of an error's name or number (EADDRINUSE, EACCES, EADDRNOTAVAIL, WSAEADDRINUSE, 10048, 10013, 10049, 98, ...):
// one sentence; empty if unknown.
struct str
known_error_meaning(struct str error);

// The meaning of the error that a text of another program speaks of, by its name, by its number behind "errno", "error" or
// "code" or in brackets, or by the words of its message ("Address already in use"): the first in the text. Empty if none.
struct str
known_error_in(struct str text);

#endif
