// The real kernel: what its program tells of processes, against what /proc has of them.

#include "tap.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/owner_kernel_linux.h"
#include "sys/process.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

enum kind {
    CHILD_PLAIN,
    CHILD_NAMED,
    CHILD_USER,
    CHILD_TERMINAL,
    CHILD_NETWORK,
    CHILD_STOPPED,
    CHILD_COUNT,
};

// Makes itself what it should be, says so, and stays.
static void
live_as(enum kind kind, int said)
{
    int master = kind == CHILD_TERMINAL ? posix_openpt(O_RDWR | O_NOCTTY) : -1;
    bool good = true;
    if (kind == CHILD_NAMED)
        good = prctl(PR_SET_NAME, ") Z 1 (\n") == 0;
    else if (kind == CHILD_USER)
        good = setsid() > 0 && setresuid(0, 3001, 3002) == 0;
    else if (kind == CHILD_TERMINAL)
        // The first terminal that the leader of a session opens becomes its own.
        good = setsid() > 0 && grantpt(master) == 0 && unlockpt(master) == 0 && open(ptsname(master), O_RDWR) >= 0;
    else if (kind == CHILD_NETWORK)
        good = unshare(CLONE_NEWNET) == 0;
    // A change of the user takes it back.
    good = good && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (write(said, good ? "+" : "-", 1) != 1)
        _exit(1);
    if (kind == CHILD_STOPPED)
        raise(SIGSTOP);
    for (;;)
        pause();
}

static bool
start(pid_t *children)
{
    int said[2];
    char byte;
    bool good = pipe(said) == 0;
    for (int kind = 0; good && kind < CHILD_COUNT; kind++) {
        children[kind] = fork();
        if (children[kind] == 0)
            live_as((enum kind)kind, said[1]);
        good = children[kind] > 0 && read(said[0], &byte, 1) == 1 && byte == '+';
    }
    close(said[0]);
    close(said[1]);
    return good && waitpid(children[CHILD_STOPPED], NULL, WUNTRACED) > 0;
}

static int
listen_anywhere(struct arena *arena, struct host *host)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 1) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    uint16_t port = ntohs(address.sin_port);
    struct socket_query query = {1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, port, port, false};
    CHECK(good && socket_table_read(arena, &query, host, NULL));
    CHECK_INT(host->sockets.count, 1);
    return fd;
}

static void
find(struct arena *arena, struct host *host, unsigned facts)
{
    size_t socket = 0;
    struct owner_query query = {.sockets = &socket, .count = 1, .wants_processes = true, .facts = facts};
    CHECK(socket_owner_find(arena, &query, host, NULL));
}

static void
check_same(const struct process *told, const struct process *seen)
{
    CHECK_INT(seen->known, KNOWN_YES);
    CHECK_INT(told->known, KNOWN_YES);
    CHECK_INT(told->ppid, seen->ppid);
    CHECK_INT(told->pgid, seen->pgid);
    CHECK_INT(told->sid, seen->sid);
    CHECK_INT(told->uid, seen->uid);
    // A child may not have fallen asleep yet.
    CHECK_INT(told->state == 'R' ? 'S' : told->state, seen->state == 'R' ? 'S' : seen->state);
    CHECK_INT(told->started_ticks, seen->started_ticks);
    CHECK_INT(told->started_ms, seen->started_ms);
    CHECK(told->uid_known && seen->uid_known && told->started_known);
    CHECK_INT(told->kernel_thread, seen->kernel_thread);
    CHECK_INT(told->forked_no_exec, seen->forked_no_exec);
    CHECK(str_equal(told->name, seen->name));
    CHECK(str_equal(told->tty, seen->tty));
    CHECK_INT(told->user.known, seen->user.known);
    CHECK(str_equal(told->user.value, seen->user.value));
    CHECK_INT(told->cgroup.known, seen->cgroup.known);
    CHECK(str_equal(told->cgroup.value, seen->cgroup.value));
    CHECK_INT(told->netns, seen->netns);
    CHECK_INT(told->pidns, seen->pidns);
    CHECK_INT(told->same_netns, seen->same_netns);
}

TEST(kernel_tells_of_processes_what_proc_does)
{
    const unsigned facts = PROCESS_USER | PROCESS_GROUP;
    struct str why_not = {0};
    struct host host = {0};
    pid_t children[CHILD_COUNT] = {0};
    if (!owner_kernel_try(arena, &why_not))
        SKIP(str_printf(arena, "%.*s", STR_ARG(why_not)).ptr);
    int fd = listen_anywhere(arena, &host);
    CHECK(start(children));
    find(arena, &host, facts);
    CHECK_INT(host.tier, TIER_BPF);
    for (int kind = 0; kind < CHILD_COUNT; kind++) {
        const struct process *told = host_process(&host, (uint32_t)children[kind]);
        struct process seen;
        process_read(arena, (uint32_t)children[kind], facts, &seen);
        CHECK(told != NULL);
        if (told)
            check_same(told, &seen);
    }
    const struct process *terminal = host_process(&host, (uint32_t)children[CHILD_TERMINAL]);
    CHECK(terminal && str_starts(terminal->tty, STR("pts/")));
    const struct process *self = host_process(&host, (uint32_t)getpid());
    CHECK(self && self->same_netns && str_equal(self->user.value, STR("root")));
    for (int kind = 0; kind < CHILD_COUNT; kind++) {
        kill(children[kind], SIGKILL);
        waitpid(children[kind], NULL, 0);
    }
    close(fd);
}

TEST(nothing_is_told_of_processes_when_more_is_wanted)
{
    struct host host = {0};
    int fd = listen_anywhere(arena, &host);
    find(arena, &host, PROCESS_COMMAND);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.processes.count, 0);
    close(fd);
}

TEST(process_that_is_known_stays_as_it_is)
{
    struct host host = {0};
    int fd = listen_anywhere(arena, &host);
    *LIST_ADD(arena, &host.processes) = (struct process){.pid = (uint32_t)getpid(), .name = STR("as it was")};
    find(arena, &host, PROCESS_BASIC);
    CHECK_INT(host.processes.count, 1);
    CHECK_STR(host.processes.items[0].name, "as it was");
    close(fd);
}

TAP_MAIN
