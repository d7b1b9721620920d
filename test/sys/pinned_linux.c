// The real system: children of this process are pinned, told things and waited for. Nothing else is ever signalled.

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse_linux.h"
#include "sys/clock.h"
#include "sys/pinned.h"
#include "sys/socket_owner.h"

static pid_t
child(void (*run)(void))
{
    char byte;
    int ready[2];
    CHECK(pipe2(ready, O_CLOEXEC) == 0);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (run)
            run();
        if (write(ready[1], "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(ready[1]);
    bool good = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    CHECK(good);
    return pid;
}

// How the child ended: the number of its signal.
static int
ended_by(pid_t pid)
{
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

TEST(a_process_is_pinned_and_ends_when_it_is_asked)
{
    struct pinned pinned;
    struct err err = {0};
    pid_t pid = child(NULL);
    CHECK(pinned_open((uint32_t)pid, false, &pinned, &err));
    CHECK(!pinned.bare && pinned_lives(&pinned) && pinned_permits(&pinned, &err));
    CHECK(pinned_send(&pinned, PINNED_END, &err));
    const struct pinned *list[] = {&pinned};
    pinned_wait(list, 1, 60000);
    // It has ended although nobody has waited for it yet.
    CHECK(!pinned_lives(&pinned));
    CHECK_INT(ended_by(pid), SIGTERM);
    CHECK(!pinned_send(&pinned, PINNED_END, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(!pinned_permits(&pinned, &err));
    pinned_close(&pinned);
    CHECK(!pinned_lives(&pinned) && !pinned_send(&pinned, PINNED_KILL, &err));
    pinned_close(&pinned);
}

TEST(each_word_is_its_signal)
{
    static const struct {
        enum pinned_word word;
        int signal;
    } cases[] = {{PINNED_END, SIGTERM}, {PINNED_INTERRUPT, SIGINT}, {PINNED_KILL, SIGKILL}};
    for (size_t i = 0; i < 3; i++) {
        struct pinned pinned;
        pid_t pid = child(NULL);
        CHECK(pinned_open((uint32_t)pid, false, &pinned, NULL));
        CHECK(pinned_send(&pinned, cases[i].word, NULL));
        CHECK_INT(ended_by(pid), cases[i].signal);
        pinned_close(&pinned);
    }
}

TEST(a_stopped_process_hears_it_when_it_is_let_go_on)
{
    struct pinned pinned;
    int status;
    pid_t pid = child(NULL);
    CHECK(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    CHECK(pinned_open((uint32_t)pid, false, &pinned, NULL));
    CHECK(pinned_send(&pinned, PINNED_END, NULL));
    clock_sleep_ms(30);
    CHECK(pinned_lives(&pinned));
    CHECK(pinned_send(&pinned, PINNED_CONTINUE, NULL));
    CHECK_INT(ended_by(pid), SIGTERM);
    pinned_close(&pinned);
}

TEST(nobody_has_this_number)
{
    struct pinned pinned;
    struct err err = {0};
    pid_t pid = child(NULL);
    kill(pid, SIGKILL);
    ended_by(pid);
    CHECK(!pinned_open((uint32_t)pid, true, &pinned, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(!pinned_open(0, true, &pinned, &err) && err.kind == ERR_GONE);
    CHECK(!pinned_open(UINT32_MAX, true, &pinned, &err) && err.kind == ERR_GONE);
}

TEST(a_wait_ends_at_its_deadline)
{
    struct pinned pinned;
    pid_t pid = child(NULL);
    CHECK(pinned_open((uint32_t)pid, false, &pinned, NULL));
    const struct pinned *list[] = {&pinned};
    int64_t start = clock_mono_us();
    pinned_wait(list, 1, 30);
    pinned_wait(NULL, 0, 30);
    int64_t took = clock_mono_us() - start;
    bool lives = pinned_lives(&pinned);
    pinned_close(&pinned);
    kill(pid, SIGKILL);
    ended_by(pid);
    CHECK(lives && took >= 59000 && took < 60000000);
}

// What a child of this process says by its exit code: 0 = all is well, 77 = can't be tried here.
static int
in_child(int (*run)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(run());
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int
without_pidfds(void)
{
    struct pinned pinned;
    struct err err = {0};
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    if (!refuse_call(SYS_pidfd_open, ENOSYS))
        return 77;
    if (pinned_open((uint32_t)pid, false, &pinned, &err) || err.kind != ERR_UNSUPPORTED)
        return 1;
    if (!pinned_open((uint32_t)pid, true, &pinned, &err) || !pinned.bare || !pinned_lives(&pinned) ||
        !pinned_permits(&pinned, &err))
        return 2;
    const struct pinned *list[] = {&pinned};
    if (!pinned_send(&pinned, PINNED_END, &err))
        return 3;
    for (int i = 0; i < 2000 && pinned_lives(&pinned); i++)
        pinned_wait(list, 1, 1000);
    // A number whose process waits to be buried means nobody, and one with another start means somebody else.
    if (pinned_lives(&pinned) || pinned_send(&pinned, PINNED_KILL, &err) || err.kind != ERR_GONE)
        return 4;
    waitpid(pid, &status, 0);
    struct pinned other;
    if (!pinned_open((uint32_t)getpid(), true, &other, &err))
        return 5;
    other.started++;
    return pinned_lives(&other) || pinned_send(&other, PINNED_CONTINUE, &err) ? 6 : 0;
}

TEST(without_pins_only_a_bare_number_is_had)
{
    int code = in_child(without_pidfds);
    if (code == 77)
        SKIP("this kernel has no seccomp filters");
    CHECK_INT(code, 0);
}

static int
as_somebody_else(void)
{
    struct pinned pinned;
    struct err err = {0};
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 77;
    prctl(PR_SET_DUMPABLE, 1);
    if (!pinned_open((uint32_t)getppid(), false, &pinned, &err))
        return 1;
    if (pinned_permits(&pinned, &err) || err.kind != ERR_NOT_ALLOWED)
        return 2;
    return pinned_send(&pinned, PINNED_END, &err) || err.kind != ERR_NOT_ALLOWED ? 3 : 0;
}

TEST(a_process_of_another_user_may_not_be_told_anything)
{
    if (geteuid() != 0)
        SKIP("needs root");
    CHECK_INT(in_child(as_somebody_else), 0);
}

// --- the race for a number ---

enum {
    ROUNDS = 10000,
    STACK = 32768,
};

static char stack[STACK] __attribute__((aligned(16)));

// Shares the memory of this process, so that making thousands of them costs little; touches nothing of it.
static int
wait_for_signal(void *data)
{
    (void)data;
    for (;;)
        syscall(SYS_pause);
    return 0;
}

static bool
next_pid(pid_t pid)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%d", (int)pid - 1);
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, (size_t)length) == length;
    if (fd >= 0)
        close(fd);
    return good;
}

static pid_t
start(void)
{
    return clone(wait_for_signal, stack + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
}

// Whether the process holds the socket, as it is asked before a signal.
static bool
holds(struct arena *arena, uint32_t pid, uint64_t inode)
{
    struct host host = {0};
    size_t index = 0;
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.state = SOCKET_LISTEN, .inode = inode};
    struct owner_query query = {.sockets = &index, .count = 1, .pid = pid};
    return socket_owner_find(arena, &query, &host, NULL) && host.holdings.count > 0 &&
           host.holdings.items[0].pid == pid;
}

// One round: a process is pinned, found to hold the socket, and ends; another one gets its number and holds the same socket,
// so that no look at /proc can tell them apart. 0: the newcomer heard nothing.
static int
race(uint64_t inode, int round)
{
    struct pinned pinned;
    struct err err = {0};
    int status = 0;
    pid_t wanted = 2 + round % 30000;
    struct arena *arena = arena_open();
    if (!next_pid(wanted))
        return 77;
    pid_t pid = start();
    bool known = pid == wanted && pinned_open((uint32_t)pid, false, &pinned, &err) &&
                 holds(arena, (uint32_t)pid, inode) && pinned_permits(&pinned, &err);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (!next_pid(wanted))
        return 77;
    pid_t newcomer = start();
    bool mistaken = newcomer == wanted && holds(arena, (uint32_t)newcomer, inode);
    bool sent = pinned_send(&pinned, round % 2 ? PINNED_END : PINNED_KILL, &err);
    bool alive = waitpid(newcomer, &status, WNOHANG) == 0;
    kill(newcomer, SIGKILL);
    waitpid(newcomer, &status, 0);
    // SIGKILL came from here: anything else that ended it came from the pin.
    bool untouched = alive && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool lives = pinned_lives(&pinned);
    pinned_close(&pinned);
    arena_close(arena);
    if (!known || !mistaken)
        return 78;
    return sent || lives || err.kind != ERR_GONE || !untouched;
}

static int
race_all(void)
{
    struct stat facts;
    struct sockaddr_in any = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("proc", "/proc", "proc", 0, NULL) != 0)
        return 77;
    if (bind(listener, (struct sockaddr *)&any, sizeof any) != 0 || listen(listener, 1) != 0 ||
        fstat(listener, &facts) != 0)
        return 76;
    for (int round = 0; round < ROUNDS; round++) {
        int code = race(facts.st_ino, round);
        if (code != 0)
            return code;
    }
    return 0;
}

static int
in_own_namespaces(void)
{
    int status = 0;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
        return 77;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(race_all());
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

TEST(ten_thousand_reused_numbers_and_not_one_wrong_process_is_signalled)
{
    int64_t begun = clock_mono_us();
    int code = in_child(in_own_namespaces);
    if (code == 77)
        SKIP("needs the right to make a pid namespace and to choose numbers in it");
    printf("# %d rounds in %lld ms\n", ROUNDS, (long long)(clock_mono_us() - begun) / 1000);
    CHECK_INT(code, 0);
}

TAP_MAIN
