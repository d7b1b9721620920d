#include "sys/relay_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    HEAR_MS = 10, // so long a signal to the group may come later to the other one
};

// What the ear tells.
struct heard {
    int32_t number;
    uint32_t sender;
};

static const int passed_on[] = {SIGHUP,  SIGINT, SIGQUIT, SIGTERM,  SIGUSR1, SIGUSR2,
                                SIGALRM, SIGPWR, SIGIO,   SIGWINCH, SIGTSTP};

// What was blocked before, and what is passed on.
static struct {
    sigset_t before;
    sigset_t taken;
} sets;

static void
close_all_but(const int *kept, size_t count)
{
    unsigned from = 0;

    // In ascending order.
    for (size_t i = 0; i < count; i++) {
        if ((unsigned)kept[i] > from)
            syscall(SYS_close_range, from, (unsigned)kept[i] - 1, 0);
        from = (unsigned)kept[i] + 1;
    }
    syscall(SYS_close_range, from, UINT32_MAX, 0);
}

// Hears what the group gets, tells it, and ends with the one it hears for. Never returns.
static void
be_ear(int signals, int out, pid_t parent)
{
    int kept[] = {signals < out ? signals : out, signals < out ? out : signals};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "moorage-ear");
    if (getppid() != parent)
        _exit(0);
    close_all_but(kept, 2);
    for (;;) {
        struct signalfd_siginfo info;
        struct pollfd wanted = {.fd = signals, .events = POLLIN};
        if (poll(&wanted, 1, -1) < 0 || read(signals, &info, sizeof info) != sizeof info)
            continue;
        struct heard heard = {(int32_t)info.ssi_signo, info.ssi_pid};
        if (info.ssi_signo != SIGCHLD && write(out, &heard, sizeof heard) < 0 && errno == EPIPE)
            _exit(0);
    }
}

static void
start_ear(struct relay *relay)
{
    int ends[2];
    pid_t self = getpid();

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return;
    int signals = signalfd(-1, &sets.taken, SFD_CLOEXEC | SFD_NONBLOCK);
    relay->ear = signals < 0 ? -1 : fork();
    if (relay->ear == 0)
        be_ear(signals, ends[1], self);
    if (signals >= 0)
        close(signals);
    close(ends[1]);
    if (relay->ear > 0)
        relay->heard = ends[0];
    else
        close(ends[0]);
}

bool
relay_open(struct relay *out, struct err *err)
{
    *out = (struct relay){.signals = -1, .heard = -1, .ear = -1};
    sigemptyset(&sets.taken);
    sigaddset(&sets.taken, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) {
        struct sigaction action;
        // What is ignored (nohup(1), a job in the background of a shell) stays so.
        if (sigaction(passed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&sets.taken, passed_on[i]);
    }
    sigprocmask(SIG_BLOCK, &sets.taken, &sets.before);
    out->signals = signalfd(-1, &sets.taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (out->signals < 0) {
        int error = errno;
        sigprocmask(SIG_SETMASK, &sets.before, NULL);
        return err_set(err, ERR_SYSTEM, (unsigned long)error, "listen to signals: %s", strerror(error));
    }
    start_ear(out);
    return true;
}

void
relay_deafen(struct relay *relay)
{
    if (relay->ear <= 0)
        return;
    // Ended by somebody and waited for, its number may be another's by now.
    if (waitpid(relay->ear, NULL, WNOHANG) == 0) {
        kill(relay->ear, SIGKILL);
        waitpid(relay->ear, NULL, 0);
    }
    close(relay->heard);
    relay->ear = relay->heard = -1;
}

void
relay_close(struct relay *relay)
{
    struct signalfd_siginfo info;

    if (relay->signals < 0)
        return;
    // What came for the other program must not hit us now.
    while (read(relay->signals, &info, sizeof info) > 0)
        ;
    close(relay->signals);
    relay->signals = -1;
    relay_deafen(relay);
    sigprocmask(SIG_SETMASK, &sets.before, NULL);
}

void
relay_forget(void)
{
    sigprocmask(SIG_SETMASK, &sets.before, NULL);
}

// Whether the ear heard the same from the same sender, now or in a moment.
static bool
was_for_all(struct relay *relay, const struct signalfd_siginfo *info)
{
    struct pollfd wanted = {.fd = relay->heard, .events = POLLIN};
    struct heard heard;

    while (relay->heard >= 0 && poll(&wanted, 1, HEAR_MS) > 0 &&
           read(relay->heard, &heard, sizeof heard) == sizeof heard)
        if (heard.number == (int32_t)info->ssi_signo && heard.sender == info->ssi_pid)
            return true;
    return false;
}

bool
relay_read(struct relay *relay, struct relay_signal *out)
{
    struct signalfd_siginfo info;

    if (read(relay->signals, &info, sizeof info) != sizeof info)
        return false;
    *out = (struct relay_signal){.number = (int)info.ssi_signo};
    if (out->number == SIGCHLD)
        return true;
    // SI_USER and SI_TKILL are at or below 0, what the kernel sends is above (sigaction(2)).
    out->by_person = info.ssi_code <= 0;
    out->to_group = !out->by_person || was_for_all(relay, &info);
    return true;
}
