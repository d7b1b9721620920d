#include "sys/guard_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "sys/become.h"
#include "sys/clock.h"
#include "sys/own_cgroup_linux.h"
#include "sys/relay_linux.h"
#include "sys/term.h"
#include "sys/tree_linux.h"

enum {
    LOOK_MS = 20,
    UNSEEN_MS = 200,
    AGAIN_MS = 1000, // what comes sooner after the first word to end is part of it
    SOCKET_FD = 3,   // SD_LISTEN_FDS_START of sd_listen_fds(3)
    HIGH_FD = 16,    // out of the way of all numbers that mean something
};

// ---- the end of everything, for both ----

void
guard_begin_end(struct guard *guard, int number, pid_t group)
{
    static struct tree tree;
    int64_t now_us = clock_mono_us();

    tree_read(&tree);
    (void)tree_signal(&tree, number, group);
    // Who is stopped hears nothing.
    (void)tree_signal(&tree, SIGCONT, 0);
    if (guard->ending_us == 0)
        guard->ending_us = now_us;
    else if (now_us - guard->ending_us >= AGAIN_MS * INT64_C(1000))
        guard->grace_ms = 0;
}

int
guard_reap(struct guard *guard)
{
    int status;
    int told = 0;

    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0;) {
        if (pid != guard->child)
            continue;
        if (WIFSTOPPED(status)) {
            told = 1;
        } else if (WIFCONTINUED(status)) {
            told = 2;
        } else {
            guard->child_ended = true;
            guard->status = status;
        }
    }
    return told;
}

static void
reap(void *data)
{
    (void)guard_reap(data);
}

static void
name_first(struct guard *guard, pid_t pid)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, guard->end.first, sizeof guard->end.first - 1) : 0;
    if (fd >= 0)
        close(fd);
    char *end = got > 0 ? memchr(guard->end.first, '\n', (size_t)got) : NULL;
    if (end)
        *end = '\0';
}

// What ends by itself just after the command needs no word; what goes on without being met was left behind as well.
static bool
is_left(struct guard *guard, const struct tree *tree)
{
    int64_t now_us = clock_mono_us();

    if (tree->count > 0)
        return true;
    if (guard->unseen_us == 0)
        guard->unseen_us = now_us;
    return now_us - guard->unseen_us >= UNSEEN_MS * INT64_C(1000);
}

bool
guard_is_over(struct guard *guard)
{
    static struct tree tree;

    if (!guard->child_ended && guard->ending_us == 0)
        return false;
    reap(guard);
    bool over = tree_is_empty();
    if (!over) {
        tree_read(&tree);
        if (guard->ending_us == 0 && is_left(guard, &tree)) {
            guard->end.left = tree.count ? tree.count : 1;
            if (tree.count)
                name_first(guard, tree.pids[0]);
            guard_begin_end(guard, SIGTERM, 0);
        }
    }
    if (!over && guard->ending_us && clock_mono_us() - guard->ending_us >= guard->grace_ms * INT64_C(1000)) {
        guard->end.hard = tree_end(guard->cgroup, reap, guard, &guard->end.stubborn);
        over = true;
    }
    guard->end.code = !guard->child_ended          ? 128 + SIGKILL
                      : WIFSIGNALED(guard->status) ? 128 + WTERMSIG(guard->status)
                                                   : WEXITSTATUS(guard->status);
    return over;
}

// ---- the command ----

static void
be_command(const struct supervise_ask *ask, char *const *argv, const char *cgroup, int told)
{
    char number[16];

    own_cgroup_enter(cgroup);
    struct arena *arena = arena_open();
    for (size_t i = 0; i < ask->variable_count; i++)
        setenv(str_c(arena, ask->variables[i].name), str_c(arena, ask->variables[i].value), 1);
    if (ask->socket >= 0) {
        snprintf(number, sizeof number, "%d", (int)getpid());
        setenv("LISTEN_PID", number, 1);
        setenv("LISTEN_FDS", "1", 1);
        if (ask->socket == SOCKET_FD)
            (void)fcntl(SOCKET_FD, F_SETFD, 0);
        else
            (void)dup2((int)ask->socket, SOCKET_FD);
    }
    relay_forget();
    term_end();
    execvp(argv[0], argv);
    int error = errno;
    ssize_t put = write(told, &error, sizeof error);
    (void)put;
    _exit(BECOME_NOT_FOUND);
}

// Starts it as our child; gives the errno that kept it from that, 0 = it runs.
static int
start_command(struct guard *guard, const struct supervise_ask *ask, char *const *argv)
{
    int ends[2];
    int error = 0;
    ssize_t got;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    int told = fcntl(ends[1], F_DUPFD_CLOEXEC, HIGH_FD);
    close(ends[1]);
    guard->child = told < 0 ? -1 : fork();
    if (guard->child == 0)
        be_command(ask, argv, guard->cgroup, told);
    if (guard->child < 0)
        error = errno;
    if (told >= 0)
        close(told);
    // Ends when the command starts, since the pipe closes then.
    do
        got = read(ends[0], &error, sizeof error);
    while (got < 0 && errno == EINTR);
    close(ends[0]);
    if (error && guard->child > 0)
        waitpid(guard->child, NULL, 0);
    return error;
}

// ---- the guardian ----

static void
tell(int socket, const struct guard_told *told)
{
    // The front may be gone: then nobody listens, and that is seen elsewhere.
    (void)send(socket, told, sizeof *told, MSG_NOSIGNAL);
}

// Out of the session, so that no terminal reaches us, and with nothing open that others wait for the end of.
static void
step_aside(int *socket, int *front_pidfd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high = fcntl(*socket, F_DUPFD_CLOEXEC, HIGH_FD);
    int pidfd = fcntl(*front_pidfd, F_DUPFD_CLOEXEC, high + 1);

    setsid();
    prctl(PR_SET_NAME, "moorage-guard");
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(null, fd);
    syscall(SYS_close_range, 3, (unsigned)high - 1, 0);
    syscall(SYS_close_range, (unsigned)pidfd + 1, UINT32_MAX, 0);
    for (int fd = high + 1; fd < pidfd; fd++)
        close(fd);
    *socket = high;
    *front_pidfd = pidfd;
    if (chdir("/") != 0)
        return;
}

static void
obey(struct guard *guard, int socket)
{
    struct guard_order order;

    while (recv(socket, &order, sizeof order, MSG_DONTWAIT) == sizeof order) {
        if (!order.end) {
            if (!guard->child_ended)
                kill(guard->child, order.number);
            continue;
        }
        bool first = guard->ending_us == 0;
        guard_begin_end(guard, order.number, order.group);
        if (first)
            tell(socket, &(struct guard_told){.word = GUARD_ENDING});
    }
}

static void
watch(struct guard *guard, int socket, int front_pidfd, int signals)
{
    struct pollfd wanted[] = {
        {.fd = front_pidfd, .events = POLLIN},
        {.fd = socket, .events = POLLIN},
        {.fd = signals, .events = POLLIN},
    };
    bool alone = false;
    bool told_ending = false;

    while (!guard_is_over(guard)) {
        if (guard->ending_us && !told_ending && guard->end.left > 0)
            tell(socket, &(struct guard_told){.word = GUARD_ENDING});
        told_ending = guard->ending_us != 0;
        int ready = poll(wanted, 3, guard->ending_us || guard->child_ended ? LOOK_MS : -1);
        if (ready > 0 && wanted[2].revents) {
            struct signalfd_siginfo info;
            while (read(signals, &info, sizeof info) > 0)
                ;
        }
        int change = guard_reap(guard);
        if (change == 1)
            tell(socket, &(struct guard_told){.word = GUARD_STOPPED});
        if (change == 2 && !alone)
            (void)syscall(SYS_pidfd_send_signal, front_pidfd, SIGCONT, NULL, 0);
        if (ready > 0 && wanted[1].revents & POLLIN)
            obey(guard, socket);
        if (ready > 0 && !alone && wanted[0].revents) {
            // The front was ended, by whatever: then all ends.
            alone = true;
            wanted[0].fd = wanted[1].fd = -1;
            guard_begin_end(guard, SIGTERM, 0);
        }
    }
}

void
guard_be_guardian(const struct supervise_ask *ask, char *const *argv, int socket, int front_pidfd, const char *cgroup)
{
    struct guard guard = {.grace_ms = ask->grace_ms, .cgroup = cgroup};
    struct guard_told told = {.word = GUARD_FAILED};
    sigset_t all;
    sigset_t children;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    told.number = start_command(&guard, ask, argv);
    if (told.number == 0) {
        // From here on only SIGKILL and SIGSTOP do anything to us.
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        step_aside(&socket, &front_pidfd);
        sigemptyset(&children);
        sigaddset(&children, SIGCHLD);
        int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
        tell(socket, &(struct guard_told){.word = GUARD_STARTED, .number = (int)guard.child});
        watch(&guard, socket, front_pidfd, signals);
        told = (struct guard_told){.word = GUARD_ENDED, .end = guard.end};
    }
    own_cgroup_remove(cgroup);
    tell(socket, &told);
    _exit(0);
}
