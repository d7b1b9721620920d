#ifndef MOORAGE_CORE_HOLDER_H
#define MOORAGE_CORE_HOLDER_H

// The people's view of a process that holds a port: what it is, where it runs, what started it, what is odd about it.
// All of it is derived from the model; nothing is read here.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct holder {
    uint32_t pid;
    const struct process *process; // NULL only if nothing at all could be read
    const struct service
        *service;    // the unit it runs in (a scope counts only when nothing better is there); NULL = none
    struct str unit; // its name also when the manager did not answer; empty = none
    struct {
        LIST_OF(const struct service *);
    } services; // Windows: those that share the process, where it is not known whose the socket is
    bool user_manager;
    uint32_t manager_uid;
    const struct container *container; // the container it runs in, NULL = none
    struct str runtime;                // the same from the cgroup alone, when the API is silent
    struct str container_id;
    const struct container *forwards; // it is a runtime's forwarder (docker-proxy, ...) of this container
    bool is_forwarder;                // it is one, whether or not its container is known
    struct str_list how;              // "fd 19", one for each way and socket
    struct str_list warnings;         // whole sentences
    struct {
        LIST_OF(const struct process *);
    } ancestry; // parent first, up to what started it
    struct str
        started_by; // "npm run dev", "a shell", "cron", "systemd", "Visual Studio Code": best guess; empty = unknown
    bool orphan;    // its parent ended: it was handed to init or a subreaper
};

struct holder_list {
    LIST_OF(struct holder);
};

// The holders of these sockets, each process once, by pid.
void
holder_find(struct arena *arena, const struct host *host, const size_t *sockets, size_t count, struct holder_list *out);

// The same without how they hold it, what started them and warnings, for those who show none of that of thousands.
void
holder_find_plain(struct arena *arena, const struct host *host, const size_t *sockets, size_t count,
                  struct holder_list *out);

// The same of a process that holds no socket: what it is, what started it, the unit it runs in.
void
holder_describe(struct arena *arena, const struct host *host, uint32_t pid, struct holder *out);

// Sets the unit where the process itself does not tell it (Windows): the one that the row names, else the only one that
// runs in the process.
void
holder_place_by_process(struct arena *arena, const struct host *host, const struct socket_row *row,
                        struct holder *holder);

// Whether the program by its name, however its process calls itself, is one of a class of core/known.h.
bool
holder_is_program(struct arena *arena, const struct holder *holder, const char *class_name);

// The only service whose main process this is; NULL if there is none, or several.
const struct service *
holder_only_service(const struct host *host, uint32_t pid);

// Windows: whether this is the system's own program that runs services for many (svchost), and none that only has its name.
bool
holder_hosts_services(const struct holder *holder);

// Windows: whether the process that opened the socket is gone, although its number may belong to another one now.
bool
holder_opener_is_gone(const struct host *host, const struct socket_row *row);

// What is known of who holds this socket without a visible holder: unit, service, container and runtime as its cgroup tells
// them, or the socket unit that listens there. `pid` is 0 and `process` NULL; which processes live there stands in `group`
// (NULL = unknown). False if nothing is known.
bool
holder_unseen(struct arena *arena, const struct host *host, size_t socket, struct holder *out,
              const struct group **group);

// Whether `parent` really is the parent of `child`: a process that started later has only got the pid of the real one,
// which ended. False also when it could not be read.
bool
holder_is_parent(const struct process *parent, const struct process *child);

// Whether one of these started it, or started what did.
bool
holder_is_below(const struct holder *holder, const struct holder_list *others);

// What to call the process: "node", the script for an interpreter ("python3 manage.py" is "python3"), the name of the
// container's forwarder; never empty ("pid 17" at worst).
struct str
holder_name(struct arena *arena, const struct holder *holder);

// Whether it takes the command line or the program file to name the process, or to see that it is a runtime's forwarder: the
// short name that the system keeps is often enough.
bool
holder_needs_command(const struct process *process);

// The process that would start it again, as far as the ancestry tells; NULL = none. `many` (may be NULL) tells whether it
// runs other programs too, so that it must not be ended for the sake of one.
const struct process *
holder_supervisor_process(struct arena *arena, const struct holder *holder, bool *many);

// Supervisors that would start it again, as far as the ancestry or unit tells ("nodemon", "pm2", "systemd (Restart=always)"); empty = none.
struct str
holder_supervisor(struct arena *arena, const struct holder *holder);

#endif
