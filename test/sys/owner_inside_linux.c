// The real kernel, asked from within a pid namespace, as containers are: there processes have other numbers, and some have
// none. Both ways of looking must tell the same.

#include "tap.h"

#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ask_kernel_linux.h"
#include "sys/proc_view_linux.h"

#define OUTSIDE "processes outside of this container"

// Before Linux 6.8 the tables do not have what is bound alone.
static int
open_listener(uint64_t *inode)
{
    int fd = open_bound(SOCK_STREAM, 0, inode);
    return fd >= 0 && listen(fd, 1) == 0 ? fd : -1;
}

// What a search told, as it comes through a pipe.
struct told {
    bool ready; // all could be set up
    enum tier tier;
    bool complete;
    bool outside; // said that somebody outside could be it
    size_t holdings;
    uint32_t pids[4];
    uint32_t tid;
};

// What one test does inside: `kernel` and `walk` are for what it is told there.
struct act {
    void (*run)(struct act *act);
    bool foreign_proc; // the /proc of outside stays
    int fd;            // the socket; -1: it is opened inside
    uint64_t inode;
    pid_t pid; // as it is known inside
    struct told kernel;
    struct told walk;
};

static struct told
ask_one(const struct act *act, bool kernel)
{
    struct arena *arena = arena_open();
    struct host host = {0};
    struct socket_query all = {.protocols = 1u << PROTOCOL_TCP, .states = SOCKET_STATES_ALL};
    size_t at = 0;
    struct told told = {.ready = socket_table_read(arena, &all, &host, NULL)};
    while (at < host.sockets.count && host.sockets.items[at].inode != act->inode)
        at++;
    struct owner_query query = {.sockets = &at, .count = 1};
    if (!kernel)
        setenv("MOORAGE_TIER", "proc", 1);
    told.ready = told.ready && at < host.sockets.count && socket_owner_find(arena, &query, &host, NULL);
    unsetenv("MOORAGE_TIER");
    told.tier = host.tier;
    told.complete = host.complete;
    told.holdings = host.holdings.count;
    for (size_t i = 0; i < host.holdings.count && i < 4; i++) {
        told.pids[i] = host.holdings.items[i].pid;
        told.tid = (uint32_t)host.holdings.items[i].tid;
    }
    for (size_t i = 0; i < host.unseen.count; i++)
        told.outside =
            told.outside || (host.unseen.items[i].pid == 0 && str_equal(host.unseen.items[i].what, STR(OUTSIDE)));
    arena_close(arena);
    return told;
}

static void
ask_both(struct act *act)
{
    act->kernel = ask_one(act, true);
    act->walk = ask_one(act, false);
}

static void
give(int to, const struct act *act)
{
    _exit(write(to, act, sizeof *act) != sizeof *act);
}

static void
live_inside(struct act *act, int to)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!act->foreign_proc && (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
                               mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0))
        _exit(1);
    if (act->fd < 0)
        act->fd = open_listener(&act->inode);
    act->run(act);
    give(to, act);
}

// Runs the act as the first process of a pid namespace of its own. False where that may not be made.
static bool
inside(struct act *act)
{
    int result[2];
    CHECK(pipe(result) == 0);
    fflush(stdout);
    pid_t outer = fork();
    if (outer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
            _exit(1);
        pid_t inner = fork();
        if (inner == 0)
            live_inside(act, result[1]);
        _exit(waitpid(inner, NULL, 0) != inner);
    }
    close(result[1]);
    bool good = outer > 0 && read(result[0], act, sizeof *act) == sizeof *act;
    waitpid(outer, NULL, 0);
    close(result[0]);
    return good;
}

#define NEED_INSIDE(act)                                            \
    do {                                                            \
        NEED_KERNEL();                                              \
        if (!inside(act))                                           \
            SKIP("no pid namespace with a /proc may be made here"); \
    } while (0)

// A process that stays; with `flags` of unshare(2), the first of namespaces of its own. All copies of the socket but its own
// are closed then.
static void
leave_to_child(struct act *act, int flags)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0 || (flags && unshare(flags) != 0))
        _exit(1);
    act->pid = fork();
    if (act->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(write(ready[1], "", 1) != 1 || pause());
    }
    if (act->pid < 0 || read(ready[0], &byte, 1) != 1)
        _exit(1);
    close(act->fd);
}

static void
hold_in_child(struct act *act)
{
    leave_to_child(act, 0);
    ask_both(act);
}

static void
hold_in_child_further_in(struct act *act)
{
    leave_to_child(act, CLONE_NEWPID);
    ask_both(act);
}

static void
hold_here(struct act *act)
{
    act->pid = getpid();
    ask_both(act);
}

static void
hold_elsewhere_only(struct act *act)
{
    close(act->fd);
    ask_both(act);
}

// Both ways of looking name one process and nobody else.
static void
check_one_holder(const struct act *act)
{
    const struct told *told[] = {&act->kernel, &act->walk};
    for (size_t i = 0; i < 2; i++) {
        CHECK(told[i]->ready && told[i]->complete && !told[i]->outside);
        CHECK_INT(told[i]->holdings, 1);
        CHECK_INT(told[i]->pids[0], act->pid);
        CHECK_INT(told[i]->tid, act->kernel.tid);
    }
    CHECK_INT(act->kernel.tier, TIER_BPF);
    CHECK_INT(act->walk.tier, TIER_PROC);
}

TEST(holder_inside_has_the_number_that_it_has_there)
{
    struct act act = {.run = hold_in_child, .fd = -1};
    NEED_INSIDE(&act);
    CHECK_INT(act.pid, 2);
    check_one_holder(&act);
}

TEST(holder_further_in_has_the_number_that_this_namespace_gives_it)
{
    struct act act = {.run = hold_in_child_further_in, .fd = -1};
    NEED_INSIDE(&act);
    CHECK_INT(act.pid, 2);
    check_one_holder(&act);
}

// The socket stays open in the test, which is outside.
TEST(holder_outside_is_said_without_a_number)
{
    struct act act = {.run = hold_elsewhere_only};
    act.fd = open_listener(&act.inode);
    NEED_INSIDE(&act);
    close(act.fd);
    CHECK(act.kernel.ready && act.walk.ready);
    CHECK_INT(act.kernel.tier, TIER_BPF);
    CHECK_INT(act.kernel.holdings, 0);
    CHECK_INT(act.walk.holdings, 0);
    CHECK(act.kernel.outside && act.walk.outside);
    CHECK(!act.kernel.complete && !act.walk.complete);
}

// Only the kernel knows of the one outside: /proc explains the socket by the one inside.
TEST(holder_outside_is_said_beside_one_inside)
{
    struct act act = {.run = hold_here};
    act.fd = open_listener(&act.inode);
    NEED_INSIDE(&act);
    close(act.fd);
    CHECK(act.kernel.ready && act.kernel.outside && !act.kernel.complete);
    CHECK_INT(act.kernel.tier, TIER_BPF);
    CHECK_INT(act.kernel.holdings, 1);
    CHECK_INT(act.kernel.pids[0], 1);
    CHECK_INT(act.walk.holdings, 1);
    CHECK_INT(act.walk.pids[0], 1);
}

static void *
hold_in_own_table(void *data)
{
    if (unshare(CLONE_FILES) != 0)
        _exit(1);
    pthread_barrier_wait(data);
    pthread_barrier_wait(data);
    return NULL;
}

static void
hold_in_thread(struct act *act)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    act->pid = getpid();
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, hold_in_own_table, &barrier) != 0)
        _exit(1);
    pthread_barrier_wait(&barrier);
    close(act->fd);
    ask_both(act);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
}

TEST(thread_with_a_table_of_its_own_has_its_number_of_inside)
{
    struct act act = {.run = hold_in_thread, .fd = -1};
    NEED_INSIDE(&act);
    check_one_holder(&act);
    CHECK_INT(act.kernel.tid, 2);
}

// Numbers of another namespace's /proc would name strangers: the kernel is not asked for others that don't match them.
static void
look_at_foreign_proc(struct act *act)
{
    struct str why_not = {0};
    act->kernel.ready = !owner_kernel_is_allowed(&why_not) && str_find(why_not, STR("/proc")) != SIZE_MAX;
    act->kernel.tier = socket_owner_tier();
}

TEST(proc_of_another_namespace_is_recognised)
{
    struct act act = {.run = look_at_foreign_proc, .foreign_proc = true, .fd = -1};
    NEED_INSIDE(&act);
    CHECK(act.kernel.ready);
    CHECK(act.kernel.tier != TIER_BPF);
}

// A number that is free both outside and inside, for a process that has it in both (clone3(2)).
static void
have_one_number_in_both(struct act *act)
{
    pid_t numbers[2] = {0};
    char path[32];
    act->pid = -1;
    for (pid_t number = 30011; number < 32000 && act->pid < 0; number++) {
        snprintf(path, sizeof path, "/proc/%d", (int)number);
        numbers[0] = numbers[1] = number;
        struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)numbers, .set_tid_size = 2};
        errno = EEXIST;
        if (access(path, F_OK) != 0)
            act->pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
        if (act->pid < 0 && errno != EEXIST)
            return;
    }
    if (act->pid == 0)
        _exit(getpid() != numbers[0] || proc_view_self() != (uint32_t)getpid() || proc_view_has_own_numbers());
    int status;
    act->kernel.ready = waitpid(act->pid, &status, 0) == act->pid;
    act->kernel.holdings = (size_t)status;
}

TEST(same_number_in_another_namespace_is_no_proof)
{
    struct act act = {.run = have_one_number_in_both, .foreign_proc = true, .fd = -1};
    NEED_INSIDE(&act);
    if (act.pid < 0)
        SKIP("numbers may not be chosen here");
    CHECK(act.kernel.ready);
    CHECK_INT(act.kernel.holdings, 0);
}

TAP_MAIN
