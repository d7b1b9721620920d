#include "sys/pinned.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "decode/proc.h"
#include "sys/proc_view_linux.h"

// Where a pin is only a number, nothing tells of its end: it is looked at this often.
#define LOOK_MS 5

static const int signals[] = {
    [PINNED_END] = SIGTERM,
    [PINNED_INTERRUPT] = SIGINT,
    [PINNED_CONTINUE] = SIGCONT,
    [PINNED_KILL] = SIGKILL,
};

// Of a bare number, all that tells whether it means the same process still. False for one that has ended.
static bool
read_start(uint32_t pid, uint64_t *out)
{
    char path[32];
    char buffer[1024];
    struct proc_stat stat;
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, buffer, sizeof buffer);
    close(fd);
    if (got <= 0 || !proc_parse_stat((struct str){buffer, (size_t)got}, &stat))
        return false;
    *out = stat.start_ticks;
    return !proc_has_ended(&stat) || stat.threads > 1;
}

static bool
fail(struct err *err, int error, const char *doing, uint32_t pid)
{
    enum err_kind kind = error == ESRCH ? ERR_GONE : error == EPERM || error == EACCES ? ERR_NOT_ALLOWED : ERR_SYSTEM;
    return err_set(err, kind, (unsigned long)error, "%s process %u: %s", doing, pid, strerror(error));
}

// A server may have more workers than a program usually may have descriptors.
static bool
raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

bool
pinned_open(uint32_t pid, bool bare, struct pinned *out, struct err *err)
{
    *out = (struct pinned){.pid = pid, .handle = -1};
    // The numbers of /proc may be those of another pid namespace: they name nobody here.
    if (!proc_view_has_own_numbers())
        return err_set(err, ERR_UNSUPPORTED, 0, "pin process %u: /proc shows the processes of another namespace", pid);
    if (pid == 0 || pid > INT32_MAX)
        return fail(err, ESRCH, "pin", pid);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 && errno == EMFILE && raise_limit())
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0) {
        out->handle = fd;
        return true;
    }
    int error = errno;
    // The number is one of a thread.
    if (error == EINVAL || error == ENOENT)
        error = ESRCH;
    bool missing = error == ENOSYS || error == EPERM || error == EACCES;
    if (!missing)
        return fail(err, error, "pin", pid);
    if (!bare)
        return err_set(err, ERR_UNSUPPORTED, (unsigned long)error,
                       "pin process %u: this system does not let processes be pinned (pidfd_open: %s)", pid,
                       strerror(error));
    out->bare = true;
    return read_start(pid, &out->started) || fail(err, ESRCH, "pin", pid);
}

void
pinned_close(struct pinned *pinned)
{
    if (pinned->handle >= 0)
        close((int)pinned->handle);
    *pinned = PINNED_NONE;
}

static int
send_signal(const struct pinned *pinned, int number)
{
    if (pinned->bare && !pinned_lives(pinned))
        return ESRCH;
    if (pinned->bare)
        return kill((pid_t)pinned->pid, number) < 0 ? errno : 0;
    if (pinned->handle < 0)
        return ESRCH;
    return syscall(SYS_pidfd_send_signal, (int)pinned->handle, number, NULL, 0) < 0 ? errno : 0;
}

bool
pinned_lives(const struct pinned *pinned)
{
    uint64_t started;
    if (pinned->bare)
        return read_start(pinned->pid, &started) && started == pinned->started;
    if (pinned->handle < 0)
        return false;
    // A pidfd can be read once the whole process has ended, be it waited for or not.
    struct pollfd item = {.fd = (int)pinned->handle, .events = POLLIN};
    int ready;
    do
        ready = poll(&item, 1, 0);
    while (ready < 0 && errno == EINTR);
    return ready == 0;
}

bool
pinned_permits(const struct pinned *pinned, struct err *err)
{
    int error = send_signal(pinned, 0);
    return error == 0 || fail(err, error, "end", pinned->pid);
}

bool
pinned_send(const struct pinned *pinned, enum pinned_word word, struct err *err)
{
    int error = send_signal(pinned, signals[word]);
    return error == 0 || fail(err, error, word == PINNED_CONTINUE ? "continue" : "end", pinned->pid);
}

void
pinned_wait(const struct pinned *const *list, size_t count, unsigned ms)
{
    struct arena *arena = arena_open();
    struct pollfd *items = arena_array(arena, count + 1, sizeof *items);
    size_t watched = 0;
    bool bare = false;
    for (size_t i = 0; i < count; i++) {
        if (list[i]->handle >= 0)
            items[watched++] = (struct pollfd){.fd = (int)list[i]->handle, .events = POLLIN};
        bare = bare || list[i]->bare;
    }
    poll(items, watched, (int)(bare && ms > LOOK_MS ? LOOK_MS : ms > INT32_MAX ? INT32_MAX : ms));
    arena_close(arena);
}
