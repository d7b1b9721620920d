#ifndef MOORAGE_DECODE_CGROUP_H
#define MOORAGE_DECODE_CGROUP_H

// What a cgroup path tells: the unit of a service manager and the container. Pure text work, no system call.
// Sources: systemd.slice(5), systemd.scope(5), and the path shapes of Docker, Podman, containerd, CRI-O, Kubernetes, LXC,
// nspawn (docker-ID.scope, libpod-ID.scope, /docker/ID, cri-containerd-ID.scope, crio-ID.scope, /kubepods*/, lxc.payload.NAME,
// machine.slice/machine-NAME.scope). Only Linux has these.

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct cgroup_facts {
    struct str unit;         // innermost .service, .scope or .socket, unescaped; empty = none
    bool user_manager;       // the unit belongs to the manager of a user
    uint32_t uid;            // of that user
    struct str runtime;      // container runtime; empty = no container
    struct str container_id; // its id or name
};

// The path of the unified hierarchy, else of name=systemd, else the first one that names a container, out of
// /proc/PID/cgroup; false when there is none.
bool
cgroup_parse(struct str file, struct str *path);

void
cgroup_explain(struct arena *arena, struct str path, struct cgroup_facts *out);

#endif
