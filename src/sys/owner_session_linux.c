#include "sys/owner_session_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/proc.h"

enum {
    FEW = 1024,    // processes for which there is always room
    MIN_BITS = 12, // log2 of the bits of the set
    MAX_BITS = 24,
    BITS_EACH = 64, // so many bits for each that is wanted: one in so many others gets through
};

// Made from sys/bpf/owner_program.c.
extern const struct bpf_image owner_program;
extern const struct bpf_image owner_program_all;

// There are no more processes with hits than hits, and mostly fewer: the kernel clears all that it gives. Of those that start
// meanwhile some may find no room; they are asked elsewhere.
static size_t
room_for_tasks(size_t hits)
{
    char text[128];
    uint64_t threads;
    int fd = hits > FEW ? open("/proc/loadavg", O_RDONLY | O_CLOEXEC) : -1;
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    if (length < 0 || !proc_parse_threads((struct str){text, (size_t)length}, &threads) || threads >= hits)
        return hits;
    size_t room = (size_t)(threads + threads / 4 + FEW / 4);
    return room < hits ? room : hits;
}

static bool
open_maps(struct owner_session *session, size_t room, size_t wanted)
{
    unsigned bits = MIN_BITS;
    while (bits < MAX_BITS && (size_t)1 << bits < wanted * BITS_EACH)
        bits++;
    session->step = "BPF_MAP_CREATE";
    session->room = room;
    session->task_room = room_for_tasks(room);
    session->words = (size_t)1 << (bits - 6);
    session->shift = 64 - bits;
    if (!bpf_map_open(sizeof *session->state, 1, &session->maps[OWNER_MAP_STATE], &session->error) ||
        !bpf_map_open(sizeof *session->hits, room, &session->maps[OWNER_MAP_HITS], &session->error) ||
        !bpf_map_open(sizeof *session->wanted, session->words, &session->maps[OWNER_MAP_WANTED], &session->error) ||
        (session->all &&
         !bpf_map_open(sizeof *session->tasks, session->task_room, &session->maps[OWNER_MAP_TASKS], &session->error)))
        return false;
    session->state = session->maps[OWNER_MAP_STATE].values;
    session->hits = session->maps[OWNER_MAP_HITS].values;
    session->wanted = session->maps[OWNER_MAP_WANTED].values;
    session->tasks = session->maps[OWNER_MAP_TASKS].values;
    return true;
}

// A socket that the program finds by its descriptor, to learn from it what files of sockets have in common, and what wakes
// an epoll.
static bool
open_socket(struct owner_session *session)
{
    struct epoll_event event = {.events = EPOLLIN};
    session->step = "socket";
    session->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (session->socket < 0)
        session->socket = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    session->epoll = session->socket < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
    if (session->epoll < 0 || epoll_ctl(session->epoll, EPOLL_CTL_ADD, session->socket, &event) < 0) {
        session->error = errno;
        return false;
    }
    return true;
}

static void
set_state(struct owner_session *session)
{
    struct owner_state *state = session->state;
    const struct owner_layout *layout = &session->layout;
    bool newer = layout->found[FIELD_FILE_REF];
    memcpy(state->at, layout->at, sizeof state->at);
    state->own_fd = (uint32_t)session->socket;
    // Since Linux 6.13 the counter is 0 for the first reference (include/linux/file_ref.h).
    state->refs_less = newer;
    state->refs_at = newer ? layout->at[FIELD_FILE_REF] : layout->at[FIELD_FILE_COUNT];
    state->hash_shift = session->shift;
    state->slot_size = layout->tcp_slot;
    state->udp_slot_size = layout->udp_slot;
    state->listen_slot_size = layout->listen_slot;
    state->flat = layout->flat;
    state->upid_size = layout->upid_size;
    state->tells = layout->tasks;
    state->reuse_at = layout->reuse_addr.at;
    state->reuse_port_at = layout->reuse_port.at;
}

// Whether the program sees of this process what this process knows of itself: else the offsets are not those of this kernel.
static bool
sees_itself(struct owner_session *session)
{
    struct stat facts;
    const struct owner_state *state = session->state;
    session->state->count = 0;
    if (!owner_session_run(session, OWNER_RUN_COUNTS))
        return false;
    session->step = "its structures do not lie where it says";
    return fstat(session->socket, &facts) == 0 && state->own_inode == facts.st_ino && state->own_refs == 1 &&
           state->own_pid == (uint32_t)getpid() && state->operations && state->net && state->epoll;
}

bool
owner_session_open(const struct owner_layout *layout, size_t room, size_t wanted, bool all, char *log, size_t log_size,
                   struct owner_session *session)
{
    *session = (struct owner_session){
        .layout = *layout, .all = all, .program = -1, .socket = -1, .udp = -1, .lite = -1, .epoll = -1};
    for (size_t i = 0; i < OWNER_MAP_COUNT; i++)
        session->maps[i].fd = -1;
    if (!open_maps(session, room, wanted) || !open_socket(session))
        return false;
    session->step = "BPF_PROG_LOAD";
    // The kernel lets only programs of some licenses read its memory; this one may be had under either.
    session->program = bpf_program_load(all ? &owner_program_all : &owner_program, session->maps, "Dual MIT/GPL", log,
                                        log_size, &session->error);
    if (session->program < 0)
        return false;
    set_state(session);
    return sees_itself(session);
}

void
owner_session_close(struct owner_session *session)
{
    if (session->program >= 0)
        close(session->program);
    if (session->epoll >= 0)
        close(session->epoll);
    if (session->socket >= 0)
        close(session->socket);
    if (session->udp >= 0)
        close(session->udp);
    if (session->lite >= 0)
        close(session->lite);
    for (size_t i = 0; i < OWNER_MAP_COUNT; i++)
        bpf_map_close(&session->maps[i]);
}

// A socket by which the table of its kind is found.
static bool
open_apart(int protocol, int *fd)
{
    if (*fd < 0)
        *fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    if (*fd < 0)
        *fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    return *fd >= 0;
}

static bool
run(struct owner_session *session, enum owner_run what, bool lite)
{
    struct owner_state *state = session->state;
    bool udp =
        what == OWNER_RUN_UDP || what == OWNER_RUN_UDP_FLAGS || what == OWNER_RUN_UDP_ALL || what == OWNER_RUN_SERVERS;
    int *apart = lite ? &session->lite : &session->udp;
    state->apart = udp && (lite || session->layout.udp_apart);
    if (state->apart && !open_apart(lite ? IPPROTO_UDPLITE : 0, apart)) {
        session->step = "socket";
        session->error = errno;
        return false;
    }
    state->apart_fd = (uint32_t)*apart;
    session->step = "BPF_PROG_TEST_RUN";
    session->error = 0;
    state->run = what;
    return bpf_program_run(session->program, &session->error) && state->done && !state->faults;
}

bool
owner_session_run(struct owner_session *session, enum owner_run what)
{
    return run(session, what, false);
}

bool
owner_session_run_port(struct owner_session *session, enum protocol protocol, uint16_t port, bool flags)
{
    bool tcp = host_same_ports(protocol, PROTOCOL_TCP);
    session->state->port = port;
    session->state->parents = protocol == PROTOCOL_MPTCP;
    enum owner_run what =
        tcp ? (flags ? OWNER_RUN_TCP_FLAGS : OWNER_RUN_TCP) : (flags ? OWNER_RUN_UDP_FLAGS : OWNER_RUN_UDP);
    bool good = run(session, what, protocol == PROTOCOL_UDPLITE);
    session->state->parents = false;
    return good;
}

void
owner_session_want_none(struct owner_session *session)
{
    memset(session->wanted, 0, session->words * sizeof *session->wanted);
    memset(session->state->filter, 0, sizeof session->state->filter);
    session->state->every = 0;
}

void
owner_session_want(struct owner_session *session, uint64_t key)
{
    uint64_t bit = owner_hash(key, session->shift);
    session->wanted[bit >> 6] |= (uint64_t)1 << (bit & 63);
    uint32_t place = owner_filter(key);
    session->state->filter[place >> 6] |= (uint64_t)1 << (place & 63);
}
