#include "sys/bind_catch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/become.h"
#include "sys/bind_notice_linux.h"
#include "sys/clock.h"
#include "sys/relay_linux.h"
#include "sys/tee_linux.h"
#include "sys/term.h"

enum {
    MOST_PENDING = 64, // binds that were let go on and are looked after; more at once are not told of
    LINGER_MS = 200,   // so long what a program that has ended wrote may take to come
};

struct bind_catch {
    struct relay relay;
    pid_t child;
    bool ended;
    int status;
    bool sees;    // binds are seen
    int listener; // as long as somebody can bind
    struct str why_not;
    struct bind_notice_slot *slot;
    bool waiting; // `now` waits for us
    struct bind_notice now;
    struct bind_notice pending[MOST_PENDING];
    size_t pending_count;
    uint64_t numbers;
    struct tee *tee; // where binds are not seen
    int64_t ended_us;
};

// What the child tells before it becomes the command; a descriptor goes with it when it has one.
struct told {
    int error; // of the filter, then of exec
    bool is_exec;
};

// ---- messages between parent and child ----

static bool
send_told(int socket, struct told told, int fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec part = {&told, sizeof told};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        message.msg_control = room;
        message.msg_controllen = sizeof room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof told;
}

// False at the end, which is an exec that worked.
static bool
receive_told(int socket, struct told *told, int *fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof *fd)];
    struct iovec part = {told, sizeof *told};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    ssize_t got;

    *fd = -1;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof *told)
        return false;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    return true;
}

// ---- the child ----

// In the child: sees to it that its binds are asked for, or gets another error output, then becomes the command.
static void
be_command(char **argv, int socket, bool see, bool no_loss, bool apart)
{
    int listener = see ? bind_notice_install(no_loss) : -1;
    struct told told = {.error = listener >= 0 ? 0 : see ? errno : ENOSYS};
    struct told answer = {0};
    int end = -1;

    (void)send_told(socket, told, listener);
    // Before error output is exchanged: only what the command writes there by itself is read.
    if (apart)
        (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    if (listener >= 0)
        close(listener);
    else if (receive_told(socket, &answer, &end) && end >= 0)
        (void)dup2(end, STDERR_FILENO);
    relay_forget();
    term_end();
    execvp(argv[0], argv);
    told = (struct told){.error = errno, .is_exec = true};
    (void)send_told(socket, told, -1);
    _exit(BECOME_NOT_FOUND);
}

// Outlives the one that watches, whatever ends that, and lets every bind go on then. Holds nothing else open. Never returns.
static void
be_keeper(int listener, struct bind_notice_slot *slot, pid_t watcher)
{
    // The lowest numbers, so that all others can be closed at once; by way of higher ones, since they may be these already.
    int pidfd = fcntl((int)syscall(SYS_pidfd_open, watcher, 0), F_DUPFD_CLOEXEC, 8);
    int high = fcntl(listener, F_DUPFD_CLOEXEC, 8);
    struct pollfd ended = {.fd = 1, .events = POLLIN};

    setsid();
    prctl(PR_SET_NAME, "moorage-keeper");
    if (pidfd < 0 || (getppid() != watcher && getppid() != 1) || dup2(pidfd, 1) < 0 || dup2(high, 0) < 0)
        _exit(1);
    syscall(SYS_close_range, 2, UINT32_MAX, 0);
    if (chdir("/") != 0)
        _exit(1);
    while (poll(&ended, 1, -1) < 0 && errno == EINTR)
        ;
    bind_notice_let_all_go(0, slot);
    _exit(0);
}

// ---- the start ----

// A program whose file gives it rights loses them where a filter may be installed only without such (setuid, setgid, file
// capabilities).
static bool
gets_rights(const char *name)
{
    struct str path = strchr(name, '/') ? STR("") : str_of(getenv("PATH"));
    struct arena *arena = arena_open();
    struct str folder;
    struct stat facts;
    bool gets = false;
    bool found = false;

    while (!found && (path.ptr || path.len == 0)) {
        if (!str_cut(&path, ':', &folder))
            break;
        const char *file = folder.len ? str_c(arena, str_printf(arena, "%.*s/%s", STR_ARG(folder), name)) : name;
        found = access(file, X_OK) == 0 && stat(file, &facts) == 0 && S_ISREG(facts.st_mode);
        gets = found && ((facts.st_mode & S_ISUID && facts.st_uid != geteuid()) ||
                         (facts.st_mode & S_ISGID && facts.st_gid != getegid()) ||
                         getxattr(file, "security.capability", NULL, 0) > 0);
    }
    arena_close(arena);
    return gets;
}

static void
start_keeper(struct bind_catch *bound)
{
    pid_t self = getpid();

    pid_t keeper = fork();
    if (keeper == 0)
        be_keeper(bound->listener, bound->slot, self);
}

// Reads what the child says of its filter, gives it another error output where it has none. False when it could not even be
// given that.
static bool
settle(struct bind_catch *bound, int socket, const char *refused)
{
    struct told told = {.error = EPIPE};

    (void)receive_told(socket, &told, &bound->listener);
    bound->sees = bound->listener >= 0;
    if (bound->sees)
        return true;
    bound->why_not = refused ? str_of(refused) : str_of(strerror(told.error));
    return tee_open(bound->tee) && send_told(socket, (struct told){0}, bound->tee->end);
}

static void
reap(struct bind_catch *bound)
{
    int status;

    while (!bound->ended && waitpid(bound->child, &status, WNOHANG | WUNTRACED) == bound->child) {
        if (WIFSTOPPED(status)) {
            // The shell must see that its job was stopped. What it continues is the whole group, or us alone.
            kill(getpid(), SIGSTOP);
            kill(bound->child, SIGCONT);
            continue;
        }
        bound->status = status;
        bound->ended = true;
        bound->ended_us = clock_mono_us();
    }
}

bool
bind_catch_start(struct arena *arena, const struct str_list *command, bool apart, struct bind_catch **out, int *code,
                 struct err *err)
{
    struct bind_catch *bound = arena_alloc(arena, sizeof *bound);
    char **argv = arena_array(arena, command->count + 1, sizeof *argv);
    int ends[2] = {-1, -1};
    struct told told = {0};
    int ignored;
    const char *refused = NULL;

    for (size_t i = 0; i < command->count; i++)
        argv[i] = str_c(arena, command->items[i]);
    *bound = (struct bind_catch){.listener = -1};
    *code = BECOME_CANT_RUN;
    bound->tee = arena_alloc(arena, sizeof *bound->tee);
    bound->tee->in = bound->tee->end = -1;
    bound->slot = mmap(NULL, sizeof *bound->slot, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bound->slot == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 ||
        !relay_open(&bound->relay, err)) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return err->kind == ERR_NONE && err_set(err, ERR_SYSTEM, (unsigned long)error, "start: %s", strerror(error));
    }
    if (!bind_notice_supported())
        refused = "this kernel does not show binds";
    bool no_loss = gets_rights(argv[0]);
    if (no_loss && geteuid() != 0)
        refused = "the program has rights of its own, which it would lose";
    bound->child = fork();
    if (bound->child == 0)
        be_command(argv, ends[1], !refused, no_loss, apart);
    close(ends[1]);
    bool good = bound->child > 0 && settle(bound, ends[0], refused);
    bool failed = !good || receive_told(ends[0], &told, &ignored);
    close(ends[0]);
    if (bound->tee->end >= 0) {
        close(bound->tee->end);
        bound->tee->end = -1;
    }
    if (failed) {
        int error = good ? told.error : errno;
        bool missing = good && (error == ENOENT || error == ENOTDIR);
        *code = missing ? BECOME_NOT_FOUND : BECOME_CANT_RUN;
        if (bound->child > 0) {
            kill(bound->child, SIGKILL);
            waitpid(bound->child, NULL, 0);
        }
        bind_catch_end(bound);
        return err_set(err, missing ? ERR_GONE : ERR_NOT_ALLOWED, (unsigned long)error, "run %s: %s", argv[0],
                       strerror(error));
    }
    if (bound->sees)
        start_keeper(bound);
    *out = bound;
    return true;
}

bool
bind_catch_sees(const struct bind_catch *bound, struct str *why_not)
{
    if (!bound->sees && why_not)
        *why_not = bound->why_not;
    return bound->sees;
}

// ---- what happens ----

// Lets the bind go on that waits, and looks after it from now on.
static void
let_go(struct bind_catch *bound)
{
    if (!bound->waiting)
        return;
    bound->waiting = false;
    bind_notice_let_go(bound->listener, bound->slot, &bound->now);
    if (bound->pending_count < MOST_PENDING)
        bound->pending[bound->pending_count++] = bound->now;
}

// One of those that were let go on whose bind is done.
static bool
take_done(struct bind_catch *bound, struct bind_try *bind)
{
    int64_t now_us = clock_mono_us();

    for (size_t i = 0; i < bound->pending_count; i++) {
        struct bind_notice *notice = &bound->pending[i];
        bool ended = bound->ended && notice->tgid == bound->child;
        if ((notice->look_us > now_us && !ended && !notice->past) || !bind_notice_is_done(notice, ended))
            continue;
        *bind = notice->bind;
        bound->pending_count--;
        memmove(notice, notice + 1, (bound->pending_count - i) * sizeof *notice);
        return true;
    }
    return false;
}

// Whether there is one to tell of.
static bool
take_notice(struct bind_catch *bound, struct bind_try *bind)
{
    struct bind_notice notice;

    switch (bind_notice_receive(bound->listener, bound->slot, &notice)) {
    case BIND_NOTICE_NONE:
        return false;
    case BIND_NOTICE_OTHER:
        bind_notice_let_go(bound->listener, bound->slot, &notice);
        return false;
    case BIND_NOTICE_BIND:
        break;
    }
    // What a thread did before, it has done by now.
    for (size_t i = 0; i < bound->pending_count; i++)
        bound->pending[i].past |= bound->pending[i].tid == notice.tid;
    notice.bind.number = ++bound->numbers;
    bound->now = notice;
    bound->waiting = true;
    if (notice.bind.outcome == BIND_WILL_FAIL) {
        *bind = notice.bind;
        return true;
    }
    let_go(bound);
    return false;
}

static void
take_signals(struct bind_catch *bound)
{
    struct relay_signal signal;

    while (relay_read(&bound->relay, &signal)) {
        if (signal.number == SIGCHLD)
            reap(bound);
        else if (signal.number == SIGWINCH)
            tee_resize(bound->tee);
        else if (!signal.to_group && !bound->ended)
            kill(bound->child, signal.number);
    }
}

// How long until a bind must be looked after, `left_us` at most.
static int64_t
until_look_us(const struct bind_catch *bound, int64_t left_us)
{
    int64_t now_us = clock_mono_us();

    for (size_t i = 0; i < bound->pending_count; i++)
        if (bound->pending[i].look_us - now_us < left_us)
            left_us = bound->pending[i].look_us - now_us;
    return left_us > 0 ? left_us : 0;
}

// Waits for what comes next, and passes on what the command wrote.
static bool
wait_for_more(struct bind_catch *bound, int64_t left_us)
{
    struct pollfd wanted[] = {
        {.fd = bound->relay.signals, .events = POLLIN},
        {.fd = bound->listener, .events = POLLIN},
        {.fd = bound->tee->in, .events = POLLIN},
    };
    struct timespec time = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};

    if (ppoll(wanted, 3, &time, NULL) <= 0)
        return false;
    if (wanted[0].revents)
        take_signals(bound);
    if (wanted[2].revents && !tee_pass(bound->tee))
        tee_close(bound->tee);
    if (wanted[1].revents & (POLLHUP | POLLERR)) {
        // Nobody is left who could bind.
        close(bound->listener);
        bound->listener = -1;
    }
    return bound->listener >= 0 && wanted[1].revents & POLLIN;
}

// Whether all is told of the command: it has ended, and what it wrote and did was looked at.
static bool
is_over(const struct bind_catch *bound)
{
    if (!bound->ended)
        return false;
    bool written = bound->tee->in < 0 || clock_mono_us() - bound->ended_us > LINGER_MS * INT64_C(1000);
    for (size_t i = 0; i < bound->pending_count; i++)
        if (bound->pending[i].tgid == bound->child)
            return false;
    return written;
}

enum catch_event
bind_catch_next(struct bind_catch *bound, unsigned ms, struct bind_try *bind)
{
    int64_t end_us = clock_mono_us() + ms * INT64_C(1000);

    let_go(bound);
    for (;;) {
        reap(bound);
        if (take_done(bound, bind))
            return CATCH_DONE;
        if (is_over(bound))
            return CATCH_ENDED;
        int64_t left_us = end_us - clock_mono_us();
        if (left_us <= 0)
            return CATCH_TIME;
        if (wait_for_more(bound, until_look_us(bound, bound->ended ? 10000 : left_us)) && take_notice(bound, bind))
            return CATCH_TRY;
    }
}

int
bind_catch_code(const struct bind_catch *bound)
{
    return WIFSIGNALED(bound->status) ? 128 + WTERMSIG(bound->status) : WEXITSTATUS(bound->status);
}

struct str
bind_catch_text(const struct bind_catch *bound)
{
    return (struct str){bound->tee->kept, bound->tee->length};
}

void
bind_catch_end(struct bind_catch *bound)
{
    if (bound->listener >= 0) {
        let_go(bound);
        close(bound->listener);
    }
    tee_close(bound->tee);
    relay_close(&bound->relay);
    munmap(bound->slot, sizeof *bound->slot);
}
