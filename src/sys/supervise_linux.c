#include "sys/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "decode/proc.h"
#include "sys/become.h"
#include "sys/clock.h"
#include "sys/guard_linux.h"
#include "sys/own_cgroup_linux.h"
#include "sys/relay_linux.h"
#include "sys/term.h"
#include "sys/tree_linux.h"

enum {
    BACKLOG = 4096,
    LOOK_MS = 20,
};

struct supervise {
    struct relay relay;
    int socket;   // to the guardian; -1 = it is gone
    int terminal; // the controlling terminal, to see when it is gone; -1 = none
    int parent;   // pidfd of who started us; -1 = it is gone, or can't be told
    bool with_parent;
    bool orphan; // who started us is gone
    pid_t guardian;
    bool took_over; // the guardian was ended, its work is ours
    bool told_ending;
    bool ending;
    bool ended;
    struct guard guard; // what we do after we took over; `child` is always the command
};

// ---- the socket that is handed over ----

static bool
bind_to(int fd, struct address address, uint16_t port)
{
    if (address.family == FAMILY_IPV4) {
        struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&name.sin_addr, address.bytes, sizeof name.sin_addr);
        return bind(fd, (struct sockaddr *)&name, sizeof name) == 0;
    }
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = address.scope};
    memcpy(&name.sin6_addr, address.bytes, sizeof name.sin6_addr);
    return bind(fd, (struct sockaddr *)&name, sizeof name) == 0;
}

bool
supervise_listen(struct address address, uint16_t port, intptr_t *out, struct err *err)
{
    int on = 1;
    int off = 0;
    bool every = address.family == FAMILY_NONE;
    int fd = socket(address.family == FAMILY_IPV4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (every)
        address = address_any(FAMILY_IPV6);
    if (fd < 0 && every && errno == EAFNOSUPPORT) {
        address = address_any(FAMILY_IPV4);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                (address.family == FAMILY_IPV4 ||
                 setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, every ? &off : &on, sizeof on) == 0) &&
                bind_to(fd, address, port) && listen(fd, BACKLOG) == 0;
    int error = errno;
    if (good) {
        *out = fd;
        return true;
    }
    if (fd >= 0)
        close(fd);
    return err_set(err, ERR_SYSTEM, (unsigned long)error, "listen on port %u: %s", (unsigned)port, strerror(error));
}

// ---- the start ----

// False with the errno in `error`; `refused`: it is the command that could not be started.
static bool
hear_start(struct supervise *supervise, bool *refused, int *error)
{
    struct guard_told told;
    ssize_t got;

    do
        got = recv(supervise->socket, &told, sizeof told, 0);
    while (got < 0 && errno == EINTR);
    *error = got == (ssize_t)sizeof told ? told.number : EPIPE;
    *refused = got == (ssize_t)sizeof told && told.word == GUARD_FAILED;
    supervise->guard.child = told.number;
    return got == (ssize_t)sizeof told && told.word == GUARD_STARTED;
}

static bool
start_guardian(struct supervise *supervise, const struct supervise_ask *ask, char *const *argv, bool *refused,
               int *error)
{
    int ends[2];
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (pidfd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        *error = errno;
        return false;
    }
    supervise->socket = ends[0];
    supervise->guardian = fork();
    if (supervise->guardian == 0)
        guard_be_guardian(ask, argv, ends[1], pidfd, supervise->guard.cgroup);
    *error = errno;
    close(ends[1]);
    close(pidfd);
    return supervise->guardian > 0 && hear_start(supervise, refused, error);
}

static void
reap(void *data)
{
    (void)data;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

bool
supervise_start(struct arena *arena, const struct supervise_ask *ask, struct supervise **out, int *code,
                struct err *err)
{
    struct supervise *supervise = arena_alloc(arena, sizeof *supervise);
    char **argv = arena_array(arena, ask->command->count + 1, sizeof *argv);
    bool refused = false;
    int error = 0;

    for (size_t i = 0; i < ask->command->count; i++)
        argv[i] = str_c(arena, ask->command->items[i]);
    *supervise = (struct supervise){
        .socket = -1,
        .terminal = -1,
        .parent = (int)syscall(SYS_pidfd_open, getppid(), 0),
        .with_parent = ask->with_parent,
        .guard = {.grace_ms = ask->grace_ms},
    };
    if (!relay_open(&supervise->relay, err))
        return false;
    supervise->guard.cgroup = own_cgroup_make(arena);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    bool good = start_guardian(supervise, ask, argv, &refused, &error);
    if (ask->socket >= 0)
        close((int)ask->socket);
    if (!good) {
        // The guardian may have been ended by somebody just after it started the command.
        relay_deafen(&supervise->relay);
        (void)tree_end(supervise->guard.cgroup, reap, NULL, &supervise->guard.end.stubborn);
        supervise_close(supervise);
        if (!refused)
            return err_set(err, ERR_SYSTEM, (unsigned long)error, "guard %s: %s", argv[0], strerror(error));
        bool missing = error == ENOENT || error == ENOTDIR;
        *code = missing ? BECOME_NOT_FOUND : BECOME_CANT_RUN;
        return err_set(err, missing ? ERR_GONE : ERR_NOT_ALLOWED, (unsigned long)error, "run %s: %s", argv[0],
                       strerror(error));
    }
    supervise->terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    *out = supervise;
    return true;
}

// ---- what happens ----

static void
order(struct supervise *supervise, bool end, int number, pid_t group)
{
    struct guard_order order = {.end = end, .number = number, .group = group};

    supervise->ending |= end;
    if (!supervise->took_over) {
        (void)send(supervise->socket, &order, sizeof order, MSG_NOSIGNAL);
    } else if (end) {
        guard_begin_end(&supervise->guard, number, group);
    } else if (!supervise->guard.child_ended) {
        kill(supervise->guard.child, number);
    }
}

static char
state_of(pid_t pid)
{
    char path[32];
    char buffer[1024];
    struct proc_stat stat;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, buffer, sizeof buffer) : 0;
    if (fd >= 0)
        close(fd);
    return got > 0 && proc_parse_stat((struct str){buffer, (size_t)got}, &stat) ? stat.state : '\0';
}

// The shell must see that its job was stopped. What it continues is the whole group, or us alone.
static void
stop_as_well(struct supervise *supervise)
{
    // Continued in the meantime: it is old news.
    if (supervise->ending || state_of(supervise->guard.child) != 'T')
        return;
    kill(getpid(), SIGSTOP);
    if (state_of(supervise->guard.child) == 'T')
        order(supervise, false, SIGCONT, 0);
}

static bool
terminal_is_gone(const struct supervise *supervise)
{
    struct pollfd wanted = {.fd = supervise->terminal};

    return supervise->terminal >= 0 && poll(&wanted, 1, 0) > 0 && wanted.revents & (POLLHUP | POLLERR);
}

// Who ends us means everything; what programs say to each other is for the command alone.
static void
take_signal(struct supervise *supervise, const struct relay_signal *signal)
{
    pid_t group = signal->to_group ? getpgrp() : 0;

    switch (signal->number) {
    case SIGTERM:
        order(supervise, true, SIGTERM, group);
        break;
    case SIGINT:
        // Ctrl-C is the command's own affair, as it is without us, until we wait for what is left.
        if (signal->by_person || supervise->ending)
            order(supervise, true, SIGINT, group);
        break;
    case SIGHUP:
        if (terminal_is_gone(supervise) || !signal->by_person)
            order(supervise, true, SIGHUP, group);
        else if (!signal->to_group)
            order(supervise, false, SIGHUP, 0);
        break;
    case SIGCHLD:
        break;
    default:
        if (!signal->to_group)
            order(supervise, false, signal->number, 0);
        break;
    }
}

// The guardian is gone: what was below it is below us now.
static void
take_over(struct supervise *supervise)
{
    close(supervise->socket);
    supervise->socket = -1;
    supervise->took_over = true;
    supervise->guard.end.guard_died = true;
    waitpid(supervise->guardian, NULL, 0);
    // Nothing but what must end is below us from here on.
    relay_deafen(&supervise->relay);
    supervise->ending = true;
    guard_begin_end(&supervise->guard, SIGTERM, 0);
}

static void
hear(struct supervise *supervise)
{
    struct guard_told told;
    ssize_t got;

    // An order that it did not read any more shows as ECONNRESET, once, before what it told us last.
    while ((got = recv(supervise->socket, &told, sizeof told, MSG_DONTWAIT)) == (ssize_t)sizeof told ||
           (got < 0 && errno == ECONNRESET)) {
        if (got < 0)
            continue;
        if (told.word == GUARD_STOPPED)
            stop_as_well(supervise);
        if (told.word == GUARD_ENDING)
            supervise->ending = true;
        if (told.word == GUARD_ENDED) {
            supervise->ended = true;
            supervise->guard.end = told.end;
            return;
        }
    }
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        take_over(supervise);
}

// Whether somebody could read it, and nobody does any more.
static bool
is_unread(int fd)
{
    struct pollfd wanted = {.fd = fd};
    struct stat status;

    return fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) &&
           poll(&wanted, 1, 0) > 0 && wanted.revents & (POLLERR | POLLHUP);
}

// Who started us, such as an editor, is gone: is anybody left for whom the command works?
static void
look_after_parent(struct supervise *supervise)
{
    if (supervise->ending || !(supervise->with_parent || is_unread(STDOUT_FILENO) || is_unread(STDERR_FILENO)))
        return;
    order(supervise, true, SIGHUP, 0);
}

static void
wait_for_more(struct supervise *supervise, int ms)
{
    struct pollfd wanted[] = {
        {.fd = supervise->relay.signals, .events = POLLIN},
        {.fd = supervise->socket, .events = POLLIN},
        {.fd = supervise->terminal},
        {.fd = supervise->parent, .events = POLLIN},
    };
    struct relay_signal signal;

    int ready = poll(wanted, 4, supervise->took_over && ms > LOOK_MS ? LOOK_MS : ms);
    if (ready > 0 && wanted[3].revents) {
        close(supervise->parent);
        supervise->parent = -1;
        supervise->orphan = true;
    }
    if (supervise->orphan)
        look_after_parent(supervise);
    if (ready <= 0)
        return;
    if (wanted[0].revents)
        while (relay_read(&supervise->relay, &signal))
            take_signal(supervise, &signal);
    if (wanted[2].revents & (POLLHUP | POLLERR)) {
        close(supervise->terminal);
        supervise->terminal = -1;
        order(supervise, true, SIGHUP, 0);
    }
    if (wanted[1].revents)
        hear(supervise);
}

enum supervise_event
supervise_next(struct supervise *supervise, unsigned ms)
{
    int64_t end_us = clock_mono_us() + ms * INT64_C(1000);

    for (;;) {
        if (supervise->took_over && !supervise->ended) {
            (void)guard_reap(&supervise->guard);
            supervise->ended = guard_is_over(&supervise->guard);
        }
        if (supervise->ended)
            return SUPERVISE_ENDED;
        if (supervise->ending && !supervise->told_ending) {
            supervise->told_ending = true;
            return SUPERVISE_ENDING;
        }
        int64_t left_us = end_us - clock_mono_us();
        if (left_us <= 0)
            return SUPERVISE_TIME;
        wait_for_more(supervise, (int)(left_us / 1000 + 1));
    }
}

uint32_t
supervise_pid(const struct supervise *supervise)
{
    return (uint32_t)supervise->guard.child;
}

size_t
supervise_list(struct arena *arena, const struct supervise *supervise, uint32_t **pids)
{
    static struct tree tree;
    size_t count = 0;

    tree_read(&tree);
    *pids = arena_array(arena, tree.count + 1, sizeof **pids);
    for (size_t i = 0; i < tree.count; i++)
        if (tree.pids[i] != supervise->guardian && tree.pids[i] != supervise->relay.ear)
            (*pids)[count++] = (uint32_t)tree.pids[i];
    return count;
}

void
supervise_stop(struct supervise *supervise)
{
    order(supervise, true, SIGTERM, 0);
}

void
supervise_result(const struct supervise *supervise, struct supervise_end *out)
{
    *out = supervise->guard.end;
}

void
supervise_ready(void)
{
    struct str place = term_environment("NOTIFY_SOCKET", NULL);
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    // A path, or a name of the abstract space that is written with "@".
    if (place.len < 2 || place.len >= sizeof name.sun_path || (place.ptr[0] != '/' && place.ptr[0] != '@'))
        return;
    memcpy(name.sun_path, place.ptr, place.len);
    if (name.sun_path[0] == '@')
        name.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + place.len);
    (void)sendto(fd, "READY=1", sizeof "READY=1" - 1, MSG_NOSIGNAL, (struct sockaddr *)&name, size);
    close(fd);
}

void
supervise_close(struct supervise *supervise)
{
    if (supervise->socket >= 0)
        close(supervise->socket);
    if (supervise->terminal >= 0)
        close(supervise->terminal);
    if (supervise->parent >= 0)
        close(supervise->parent);
    if (supervise->guardian > 0 && !supervise->took_over)
        waitpid(supervise->guardian, NULL, 0);
    // The guardian did, unless it was ended.
    own_cgroup_remove(supervise->guard.cgroup);
    relay_close(&supervise->relay);
}
