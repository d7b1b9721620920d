#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/clock.h"

#define CHUNK 16384
#define LOOK_MS 20 // how often a program that has closed its output, or left it to others, is looked at

struct child {
    pid_t pid; // and of its process group
    int out;   // what it prints
};

static enum err_kind
kind_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return ERR_NOT_ALLOWED;
    case ENOENT:
    case ENOTDIR:
        return ERR_GONE;
    case ENOEXEC:
        return ERR_UNSUPPORTED;
    default:
        return ERR_SYSTEM;
    }
}

// In the child: only async-signal-safe calls (signal-safety(7)). Tells through `told` why it can't become the program.
static void
become(char *const *argv, int out, int told, pid_t parent)
{
    int null = open("/dev/null", O_RDWR);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGPIPE, &standard, NULL);
    setpgid(0, 0);
    // Ends with the one who waits for it, whatever ends that.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 &&
        dup2(out, STDOUT_FILENO) >= 0)
        execv(argv[0], argv);
    int error = errno;
    ssize_t put = write(told, &error, sizeof error);
    (void)put;
    _exit(127);
}

// The error of the child that could not become the program; 0 if it did.
static int
start(char *const *argv, struct child *child)
{
    int out[2] = {-1, -1};
    int told[2] = {-1, -1};
    int error = 0;
    pid_t self = getpid();
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0) {
        error = errno;
        goto out;
    }
    child->pid = fork();
    if (child->pid < 0) {
        error = errno;
        goto out;
    }
    if (child->pid == 0)
        become(argv, out[1], told[1], self);
    close(told[1]);
    told[1] = -1;
    // Ends when the program starts, since the pipe closes then.
    ssize_t got;
    do
        got = read(told[0], &error, sizeof error);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        error = 0;
    if (error) {
        waitpid(child->pid, NULL, 0);
        goto out;
    }
    child->out = out[0];
    out[0] = -1;
out:
    for (size_t i = 0; i < 2; i++) {
        if (out[i] >= 0)
            close(out[i]);
        if (told[i] >= 0)
            close(told[i]);
    }
    return error;
}

// Takes what is there to be read; false when there will be no more.
static bool
take(struct child *child, struct buf *bytes, size_t limit)
{
    char chunk[CHUNK];
    // One byte more than allowed tells "exactly the limit" from "more".
    size_t want = limit + 1 - bytes->len < sizeof chunk ? limit + 1 - bytes->len : sizeof chunk;
    ssize_t got = read(child->out, chunk, want);
    if (got > 0)
        buf_add(bytes, (struct str){chunk, (size_t)got});
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

// It is not waited for yet, so that its pid, and the name of its group, stay its own.
static bool
has_ended(struct child *child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child->pid;
}

// Reads until the program has ended and what it printed is read. What others that it started still print is left.
static bool
listen_to(struct child *child, int64_t end_us, struct buf *bytes, size_t limit)
{
    bool open = true;
    while (bytes->len <= limit) {
        struct pollfd ready = {.fd = open ? child->out : -1, .events = POLLIN};
        bool ended = has_ended(child);
        if (ended && !open)
            return true;
        if (!ended && clock_mono_us() >= end_us)
            return false;
        if (poll(&ready, 1, ended ? 0 : LOOK_MS) > 0)
            open = take(child, bytes, limit);
        else if (ended)
            return true;
    }
    return true;
}

bool
spawn_read(struct arena *arena, const struct str *argv, size_t argc, unsigned deadline_ms, size_t limit,
           struct spawn_answer *out, struct err *err)
{
    int64_t end_us = clock_mono_us() + (int64_t)deadline_ms * 1000;
    struct child child = {.out = -1};
    struct buf bytes = {.arena = arena};
    char **words = arena_array(arena, argc + 1, sizeof *words);
    for (size_t i = 0; i < argc; i++)
        words[i] = str_c(arena, argv[i]);

    int error = start(words, &child);
    if (error)
        return err_set(err, kind_of(error), (unsigned long)error, "run %s: %s", words[0], strerror(error));
    bool in_time = listen_to(&child, end_us, &bytes, limit);
    close(child.out);
    // Itself, and what it started and did not end.
    kill(-child.pid, SIGKILL);
    int status;
    waitpid(child.pid, &status, 0);
    if (!in_time)
        return err_set(err, ERR_TIMEOUT, 0, "run %s: it did not end within %u ms", words[0], deadline_ms);
    if (bytes.len > limit)
        return err_set(err, ERR_FORMAT, 0, "run %s: it prints more than %zu bytes", words[0], limit);
    out->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    out->out = buf_str(&bytes);
    return true;
}
