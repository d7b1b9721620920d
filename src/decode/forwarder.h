#ifndef MOORAGE_DECODE_FORWARDER_H
#define MOORAGE_DECODE_FORWARDER_H

// Programs of container runtimes that hold a host port for a container, read from their command line. Such a program is
// never what a person means by "what has my port", and ending it breaks the runtime.
// Sources: docker-proxy's flags (moby, cmd/docker-proxy), conmon(8), pasta(1), slirp4netns(1), containerd's
// runtime v2 shim protocol, rootlesskit(1). Invariant: what a command line does not say stays empty.
// How the systems differ: these are Linux programs, run in WSL on Windows too.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"
#include "decode/host.h"

#include <stdbool.h>
#include <stdint.h>

enum forwarder_kind {
    FORWARDER_DOCKER_PROXY,    // one port: everything is in its arguments
    FORWARDER_ROOTLESSPORT,    // rootless Podman; its ports came over a pipe, so its arguments tell nothing
    FORWARDER_ROOTLESSKIT,     // rootless Docker; ports come over its API
    FORWARDER_SLIRP4NETNS,     // ports come over its API socket
    FORWARDER_PASTA,           // ports in its arguments
    FORWARDER_CONMON,          // keeps the ports of a Podman container, knows its id and name
    FORWARDER_CONTAINERD_SHIM, // knows its container's id
};

struct forwarded_port {
    enum protocol protocol;
    struct address host_address; // family NONE: every address
    uint16_t first;              // on the host
    uint16_t last;
    struct address container_address; // family NONE: not said
    uint16_t container_first;         // of as many ports
};

struct forwarder {
    enum forwarder_kind kind;
    struct str program; // "docker-proxy"
    struct str runtime; // "docker", "podman", "containerd", "kubernetes"; empty = not said
    struct str id;      // container; empty = not said
    struct str name;    // container; empty = not said
    struct str netns;   // path of the network namespace that it serves; empty = not said
    bool every_port;    // forwards whatever listens inside (pasta's "all" and "auto")
    struct {
        LIST_OF(struct forwarded_port);
    } ports;
};

// False when the command line is not one of these programs. Arguments that are not understood are passed over.
bool
forwarder_parse(struct arena *arena, const struct str_list *command, struct forwarder *out);

// Whether a process with this short name may have the command line of one of these programs.
bool
forwarder_may_be(struct str name);

// The forwarded port that a socket on this endpoint stands for; NULL if none of them. An address of NONE, or one that
// stands for all, fits every address of its family.
const struct forwarded_port *
forwarder_port(const struct forwarder *forwarder, enum protocol protocol, struct address address, uint16_t port);

#endif
