#ifndef MOORAGE_SYS_OWNER_BPF_LINUX_H
#define MOORAGE_SYS_OWNER_BPF_LINUX_H

// The search for holders by a program in the kernel: it follows a port to its sockets and their files, and compares these
// with every descriptor of every thread, without a system call for each. How often a file is referred to, by the
// kernel's own count, proves that nobody else has it. Linux only; part of sys/socket_owner.
// The count may be higher while threads are inside a call on the socket (poll(2), accept(2)): each of them stands in the
// socket's queue of sleepers, so that an excess no larger than that is explained, though not proved.

#include "sys/owner_search_linux.h"

enum owner_bpf {
    OWNER_BPF_REFUSED,   // nothing was found out
    OWNER_BPF_EXPLAINED, // all holders by descriptor were found; calls on the sockets explain what else refers to them
    OWNER_BPF_PROVED,    // all holders were found
    OWNER_BPF_OPEN, // the same descriptors, but something else refers to a socket too, or all that does is something else
};

// Gives the kernel the program, for a search of few sockets that is to come.
void
owner_bpf_prepare(struct arena *arena);

// Begins to look for the holders of all that listens, on another thread: a search that follows takes over what that finds.
void
owner_bpf_begin(struct arena *arena);

// Notes the holders of the asked sockets.
enum owner_bpf
owner_bpf_find(struct owner_search *search);

// Fills in reuse_addr and reuse_port of the asked sockets and of those on their ports that nobody has any more (TIME_WAIT),
// which the system's tables do not tell. What can't be told stays unknown: sockets of other network namespaces, and where very
// many ports are asked for.
void
owner_bpf_read_flags(struct owner_search *search);

#endif
