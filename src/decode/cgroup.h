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

// Invariant: a unit is one that a manager of this host knows. What stands deeper than the unit or container in the path
// was made by the thing itself (a manager inside a container, a service that was given its own subtree) and is not looked
// at, or a service could pass for another one.
struct cgroup_facts {
    struct str unit;    // .service, .scope or .socket by the name that its manager knows (`\x2d` stays); empty = none
    bool user_manager;  // the unit belongs to the manager of a user
    uint32_t uid;       // of that user
    struct str runtime; // "docker", "podman", "containerd", "cri-o", "kubernetes", "lxc", "nspawn"; "container" where
                        // the path does not tell which; empty = no container
    struct str container_id; // its id, or its name without escapes
};

// The path of the unified hierarchy, else of name=systemd, else the first one that names a container, out of
// /proc/PID/cgroup (cgroups(7)); a hierarchy that has the process in its root tells nothing and gives way to the next.
// "/" when all do; false when there is no line at all. A view into `file`.
bool
cgroup_parse(struct str file, struct str *path);

// What the path tells. Texts are views into `path` or live in the arena.
void
cgroup_explain(struct arena *arena, struct str path, struct cgroup_facts *out);

#endif
