#ifndef MOORAGE_SYS_OWNER_SESSION_LINUX_H
#define MOORAGE_SYS_OWNER_SESSION_LINUX_H

// moorage's program in the kernel while a search uses it, and the memory that both share. Linux only; part of
// sys/socket_owner.

#include "base/arena.h"
#include "base/str.h"
#include "decode/host.h"
#include "sys/bpf_linux.h"
#include "sys/owner_layout_linux.h"
#include "sys/owner_program_linux.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In the order of the sections of the program.
enum owner_map {
    OWNER_MAP_STATE,
    OWNER_MAP_HITS,
    OWNER_MAP_WANTED,
    OWNER_MAP_TASKS,
    OWNER_MAP_COUNT,
};

struct owner_session {
    struct owner_layout layout;
    // The program tells of processes, walks the tables of all sockets, and counts processes as any pid namespace does, which
    // takes longer to load.
    bool all;
    struct bpf_map maps[OWNER_MAP_COUNT];
    struct owner_state *state;
    struct owner_hit *hits;
    struct owner_task *tasks;
    size_t room;      // for so many hits
    size_t task_room; // and processes
    uint64_t *wanted; // the set
    size_t words;
    uint32_t shift; // of owner_hash()
    int program;
    int socket;
    int udp; // sockets of these kinds; -1: none was needed yet
    int lite;
    int epoll;
    int error;        // errno of what failed
    const char *step; // and what that was
};

// Loads the program and sees that it meets what is known here; `wanted` is how much the set will hold. After false, `step` and `error` say what failed. To be closed
// in either case. `log` (may be NULL) receives what the kernel says of a program that it refuses.
bool
owner_session_open(const struct owner_layout *layout, size_t room, size_t wanted, bool all, char *log, size_t log_size,
                   struct owner_session *session);

void
owner_session_close(struct owner_session *session);

// Runs the program once. False also when it did not come to its end, or met what it could not read: then another try may do.
bool
owner_session_run(struct owner_session *session, enum owner_run what);

// The same for the sockets on a port: those of MPTCP are met together with those of TCP, of which their parts are. UDP-Lite
// and MPTCP take a session for `all`, and so does UDP where it has a table apart.
bool
owner_session_run_port(struct owner_session *session, enum protocol protocol, uint16_t port, bool flags);

// Empties the set, and adds to it.
void
owner_session_want_none(struct owner_session *session);
void
owner_session_want(struct owner_session *session, uint64_t key);

#endif
