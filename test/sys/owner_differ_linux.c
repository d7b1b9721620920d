// The real kernel: sockets of all kinds, inherited, copied and passed on at random, of which the program in the kernel and the
// walk over /proc must tell the same. DIFFER_ROUNDS and DIFFER_SEED ask for more of it, and for what was once seen.

#include "send_descriptor_linux.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ask_kernel_linux.h"

enum {
    SOCKETS = 14,
    CHILDREN = 8,
    ROUNDS = 12,
    ROUNDS_IN_CROWD = 4,
    CROWD = 4, // processes that start others without pause
};

enum shape {
    SHAPE_PLAIN,
    SHAPE_THREAD,      // has a thread with a table of its own
    SHAPE_DEAD_LEADER, // its first thread has ended
    SHAPE_SHARED,      // shares its table with another process
    SHAPE_COUNT,
};

struct child {
    int through;
    int fds[SOCKETS];
    unsigned seed;
    enum shape shape;
};

static unsigned
number_from(const char *name, unsigned usual)
{
    uint64_t number = usual;
    const char *text = getenv(name);
    if (text)
        CHECK(str_to_u64(str_of(text), 10, &number));
    return (unsigned)number;
}

// Some are closed, some copied.
static void
shuffle(struct child *child)
{
    for (size_t i = 0; i < SOCKETS; i++) {
        int what = rand_r(&child->seed) % 3;
        if (child->fds[i] >= 0 && what == 1 && dup(child->fds[i]) < 0)
            _exit(1);
        if (child->fds[i] >= 0 && what == 0) {
            close(child->fds[i]);
            child->fds[i] = -1;
        }
    }
}

// Takes what the parent passes on, and stays. Answers once for each, and once before.
static void
serve(const struct child *child)
{
    char byte;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    while (write(child->through, "", 1) == 1) {
        struct iovec data = {.iov_base = &byte, .iov_len = 1};
        struct msghdr message = {
            .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        if (recvmsg(child->through, &message, 0) != 1)
            _exit(0);
    }
    _exit(1);
}

static bool
leader_is_dead(void)
{
    char text[512] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    bool dead = file && fgets(text, sizeof text, file) && strstr(text, ") Z ");
    if (file)
        fclose(file);
    return dead;
}

static void *
stay(void *data)
{
    for (;;)
        pause();
    return data;
}

// Others share its table.
static void *
live_as_thread(void *data)
{
    struct child *child = data;
    pthread_t thread;
    if (child->shape == SHAPE_THREAD && unshare(CLONE_FILES) != 0)
        _exit(1);
    for (unsigned i = child->seed % 3; i; i--)
        if (pthread_create(&thread, NULL, stay, NULL) != 0)
            _exit(1);
    while (child->shape == SHAPE_DEAD_LEADER && !leader_is_dead())
        usleep(200);
    shuffle(child);
    serve(child);
    return NULL;
}

static void
live_as_child(struct child *child)
{
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    shuffle(child);
    if (child->shape == SHAPE_SHARED) {
        pid_t other = (pid_t)syscall(SYS_clone, (unsigned long)CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
        if (other == 0)
            for (prctl(PR_SET_PDEATHSIG, SIGKILL);;)
                pause();
    }
    if (child->shape == SHAPE_PLAIN || child->shape == SHAPE_SHARED)
        serve(child);
    if (pthread_create(&thread, NULL, live_as_thread, child) != 0)
        _exit(1);
    if (child->shape == SHAPE_DEAD_LEADER)
        syscall(SYS_exit, 0);
    for (;;)
        pause();
}

static const struct {
    int type;
    int protocol;
    bool listens;
} kinds[] = {
    {SOCK_STREAM, 0, false},
    {SOCK_STREAM, 0, true},
    {SOCK_STREAM, IPPROTO_MPTCP, false},
    {SOCK_STREAM, IPPROTO_MPTCP, true},
    {SOCK_DGRAM, 0, false},
    {SOCK_DGRAM, IPPROTO_UDPLITE, false},
};

// Three sockets of a connection: who waits for it, and both ends.
static void
open_connection(int protocol, int fds[3], uint64_t inodes[3])
{
    struct sockaddr_in address;
    struct stat facts;
    socklen_t size = sizeof address;
    fds[0] = open_bound(SOCK_STREAM, protocol, &inodes[0]);
    fds[1] = fds[0] < 0 ? -1 : socket(AF_INET, SOCK_STREAM, protocol);
    fds[2] = -1;
    if (fds[0] < 0)
        return;
    CHECK(listen(fds[0], 4) == 0 && getsockname(fds[0], (struct sockaddr *)&address, &size) == 0);
    CHECK(connect(fds[1], (struct sockaddr *)&address, size) == 0);
    fds[2] = accept(fds[0], NULL, NULL);
    for (size_t i = 1; i < 3; i++) {
        CHECK(fds[i] >= 0 && fstat(fds[i], &facts) == 0);
        inodes[i] = facts.st_ino;
    }
}

static void
open_sockets(unsigned *seed, int *fds, uint64_t *inodes)
{
    enum {
        ALONE = SOCKETS - 6
    };
    for (size_t i = 0; i < ALONE; i++) {
        size_t kind = (size_t)rand_r(seed) % (sizeof kinds / sizeof *kinds);
        fds[i] = open_bound(kinds[kind].type, kinds[kind].protocol, &inodes[i]);
        if (fds[i] >= 0 && kinds[kind].listens)
            CHECK(listen(fds[i], 1) == 0);
    }
    open_connection(0, fds + ALONE, inodes + ALONE);
    open_connection(IPPROTO_MPTCP, fds + ALONE + 3, inodes + ALONE + 3);
}

static pid_t
start_child(unsigned seed, const int *fds, int *through)
{
    int pair[2];
    char byte;
    struct child child = {.seed = seed, .shape = (enum shape)(seed / 7 % SHAPE_COUNT)};
    memcpy(child.fds, fds, sizeof child.fds);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        child.through = pair[1];
        live_as_child(&child);
    }
    close(pair[1]);
    *through = pair[0];
    CHECK(pid > 0 && read(pair[0], &byte, 1) == 1);
    return pid;
}

static void
compare_once(struct arena *arena, unsigned first)
{
    int fds[SOCKETS];
    uint64_t inodes[SOCKETS] = {0};
    pid_t children[CHILDREN];
    int through[CHILDREN];
    unsigned seed = first;
    char byte;
    open_sockets(&seed, fds, inodes);
    for (size_t i = 0; i < CHILDREN; i++) {
        children[i] = start_child((unsigned)rand_r(&seed), fds, &through[i]);
        int which = fds[rand_r(&seed) % SOCKETS];
        if (which >= 0)
            CHECK(send_descriptor(through[i], which) && read(through[i], &byte, 1) == 1);
    }
    // Some are left to the children alone.
    for (size_t i = 0; i < SOCKETS; i++) {
        if (fds[i] >= 0 && rand_r(&seed) % 2) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
    // A run that began before the rows were read tells of some what the search then need not find.
    if (rand_r(&seed) % 2)
        owner_bpf_begin(arena);
    struct host kernel = read_rows(arena, inodes, SOCKETS);
    struct host walk = read_rows(arena, inodes, SOCKETS);
    enum owner_bpf outcome = ask_kernel_all(arena, &kernel);
    ask_walk_all(arena, &walk);
    struct str told = holders_of(arena, &kernel);
    struct str found = holders_of(arena, &walk);
    for (size_t i = 0; i < CHILDREN; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
        close(through[i]);
    }
    for (size_t i = 0; i < SOCKETS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    if (outcome != OWNER_BPF_PROVED || !str_equal(told, found))
        printf("# DIFFER_SEED=%u DIFFER_ROUNDS=1\n", first);
    CHECK_INT(outcome, OWNER_BPF_PROVED);
    CHECK(found.len > 0);
    CHECK_STR(told, found.ptr);
}

static void
compare_often(unsigned rounds)
{
    unsigned seed = number_from("DIFFER_SEED", 7919);
    for (unsigned round = 0; round < rounds; round++) {
        struct arena *own = arena_open();
        compare_once(own, seed + 7919 * round);
        arena_close(own);
    }
}

TEST(kernel_and_walk_name_the_same_holders)
{
    NEED_KERNEL();
    compare_often(number_from("DIFFER_ROUNDS", ROUNDS));
}

// They are found among the descriptors alone; the tables of this network do not have them.
TEST(holders_of_sockets_of_another_network_are_found)
{
    int pair[2];
    uint64_t told[3] = {0};
    struct stat facts;
    NEED_KERNEL();
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) == 0 && stat("/proc/self/ns/net", &facts) == 0) {
            told[0] = facts.st_ino;
            open_bound(SOCK_STREAM, 0, &told[1]);
            open_bound(SOCK_DGRAM, 0, &told[2]);
        }
        _exit(write(pair[1], told, sizeof told) != sizeof told || pause());
    }
    CHECK(pid > 0 && read(pair[0], told, sizeof told) == sizeof told);
    struct host kernel = {0};
    for (int i = 1; i < 3; i++)
        *LIST_ADD(arena, &kernel.sockets) = (struct socket_row){
            .protocol = i == 1 ? PROTOCOL_TCP : PROTOCOL_UDP, .netns = told[0], .local_port = 40000, .inode = told[i]};
    struct host walk = {.sockets = kernel.sockets};
    enum owner_bpf outcome = told[0] ? ask_kernel_all(arena, &kernel) : OWNER_BPF_REFUSED;
    if (told[0])
        ask_walk_all(arena, &walk);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pair[0]);
    close(pair[1]);
    if (!told[0])
        SKIP("no network namespace may be made here");
    CHECK_INT(outcome, OWNER_BPF_PROVED);
    CHECK_INT(kernel.holdings.count, 2);
    CHECK_STR(holders_of(arena, &kernel), holders_of(arena, &walk).ptr);
}

static void *
end_at_once(void *data)
{
    return data;
}

// Starts processes and threads that end at once.
static void
crowd(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        pthread_t thread;
        pid_t pid = fork();
        if (pid == 0) {
            if (pthread_create(&thread, NULL, end_at_once, NULL) == 0)
                pthread_join(thread, NULL);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
}

TEST(kernel_and_walk_name_the_same_holders_while_others_come_and_go)
{
    NEED_KERNEL();
    pid_t pids[CROWD];
    fflush(stdout);
    for (size_t i = 0; i < CROWD; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            crowd();
    }
    compare_often(number_from("DIFFER_ROUNDS", ROUNDS_IN_CROWD));
    for (size_t i = 0; i < CROWD; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
}

TAP_MAIN
