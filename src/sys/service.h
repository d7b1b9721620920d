#ifndef MOORAGE_SYS_SERVICE_H
#define MOORAGE_SYS_SERVICE_H

// The service manager: units, asked over its own interface, never by running a program.
// Invariant: every call ends by its deadline; a system without a service manager answers UNSUPPORTED at once.
// How the systems differ: Linux speaks D-Bus to systemd (org.freedesktop.systemd1(5)) with sd-bus from libsystemd.so.0,
// loaded at run time where it is. Windows asks the service control manager, which holds no sockets and knows no control
// groups; its states are told in systemd's words ("active", "inactive", "activating", "deactivating", "paused"), and
// that it starts a service again when its process breaks down as "on-failure".

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

struct service_list {
    LIST_OF(struct service);
};

// The unit with this name. `user_manager` asks the manager of user `uid` instead of the system's. ERR_UNSUPPORTED without
// a service manager, ERR_GONE for a unit it does not know, ERR_TIMEOUT, ERR_NOT_ALLOWED.
bool
service_read(struct arena *arena, bool user_manager, uint32_t uid, struct str unit, unsigned deadline_ms,
             struct service *out, struct err *err);

// The loaded units for which the manager itself holds listening sockets (.socket units), with what they listen on.
bool
service_list_sockets(struct arena *arena, bool user_manager, uint32_t uid, unsigned deadline_ms,
                     struct service_list *out, struct err *err);

// The services whose main process this is: several where they share one. No service is no error. ERR_UNSUPPORTED where
// the process itself tells its unit (Linux: process.cgroup).
bool
service_of_process(struct arena *arena, uint32_t pid, unsigned deadline_ms, struct service_list *out, struct err *err);

// The path of the cgroup v2 with this id (socket_row.cgroup), so that the unit or container of a socket can be named
// without the right to look into its holder. ERR_UNSUPPORTED where there is no such thing.
bool
service_group_path(struct arena *arena, uint64_t group, struct str *out, struct err *err);

// Processes that live in this cgroup now, as far as may be seen: at most `limit` pids; gives their number.
size_t
service_group_pids(struct arena *arena, struct str path, uint32_t *pids, size_t limit);

#endif
