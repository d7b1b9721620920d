// The real system: sockets of this process and of its children, kept alive in every way that Linux knows.

#include "send_descriptor_linux.h"
#include "tap.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse_linux.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"

// A TCP socket that listens on a port of the system's choice, and its inode.
static int
listener(uint64_t *inode)
{
    struct stat facts;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && listen(fd, 1) == 0 && fstat(fd, &facts) == 0);
    *inode = facts.st_ino;
    return fd;
}

// What the system's tables say of the socket with this inode: its port leads the kernel to it.
static struct socket_row
row_of(struct arena *arena, uint64_t inode)
{
    struct host host = {0};
    struct err err = {0};
    struct socket_query query = {.protocols = 1u << PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN};
    CHECK(socket_table_read(arena, &query, &host, &err));
    for (size_t i = 0; i < host.sockets.count; i++) {
        if (inode && host.sockets.items[i].inode == inode)
            return host.sockets.items[i];
    }
    return (struct socket_row){.state = SOCKET_LISTEN, .inode = inode};
}

static struct host
ask_row(struct arena *arena, struct socket_row row, bool deep)
{
    struct host host = {0};
    struct err err = {0};
    size_t index = 0;
    *LIST_ADD(arena, &host.sockets) = row;
    struct owner_query query = {.sockets = &index, .count = 1, .reach = deep ? OWNER_DEEP : OWNER_ALL};
    CHECK(socket_owner_find(arena, &query, &host, &err));
    return host;
}

// Asks who holds the socket with this inode; without its port the answer must be the same.
static struct host
ask(struct arena *arena, uint64_t inode, bool deep)
{
    struct host host = ask_row(arena, row_of(arena, inode), deep);
    struct host again = ask_row(arena, (struct socket_row){.state = SOCKET_LISTEN, .inode = inode}, deep);
    CHECK_INT(again.tier, host.tier);
    CHECK_INT(again.holdings.count, host.holdings.count);
    return host;
}

static size_t
count(const struct host *host, pid_t pid, enum holding_how how)
{
    size_t found = 0;
    for (size_t i = 0; i < host->holdings.count; i++)
        found += host->holdings.items[i].pid == (uint32_t)pid && host->holdings.items[i].how == how;
    return found;
}

static const struct unseen *
unseen(const struct host *host, pid_t pid)
{
    for (size_t i = 0; i < host->unseen.count; i++) {
        if (host->unseen.items[i].pid == (uint32_t)pid)
            return &host->unseen.items[i];
    }
    return NULL;
}

// A child that runs `run` (which may end it) and then waits to be ended; it dies with this process.
static pid_t
child(void (*run)(int fd), int fd)
{
    char byte;
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        if (run)
            run(fd);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    return pid;
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

TEST(descriptor_is_found_with_its_number)
{
    uint64_t inode;
    int fd = listener(&inode);
    struct host host = ask(arena, inode, false);
    close(fd);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, getpid());
    CHECK_INT(host.holdings.items[0].how, HOLDING_FD);
    CHECK_INT(host.holdings.items[0].fd, fd);
    CHECK_INT(host.holdings.items[0].socket, 0);
}

TEST(each_copy_of_a_descriptor_is_a_holding)
{
    uint64_t inode;
    int fd = listener(&inode);
    int copy = dup(fd);
    struct host host = ask(arena, inode, false);
    close(fd);
    close(copy);
    CHECK_INT(count(&host, getpid(), HOLDING_FD), 2);
}

TEST(all_who_inherited_it_are_found)
{
    uint64_t inode;
    int fd = listener(&inode);
    pid_t first = child(NULL, fd);
    pid_t second = child(NULL, fd);
    close(fd);
    struct host host = ask(arena, inode, false);
    end(first);
    end(second);
    CHECK_INT(host.holdings.count, 2);
    CHECK_INT(count(&host, first, HOLDING_FD), 1);
    CHECK_INT(count(&host, second, HOLDING_FD), 1);
}

TEST(one_inode_in_two_rows_gives_holders_to_both)
{
    uint64_t inode;
    uint64_t other_inode;
    int fd = listener(&inode);
    int other = listener(&other_inode);
    struct host host = {0};
    struct err err;
    size_t indexes[] = {0, 1, 2, 3};
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.inode = inode};
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.inode = other_inode};
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.inode = inode};
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.inode = 0};
    struct owner_query query = {.sockets = indexes, .count = 4};
    CHECK(socket_owner_find(arena, &query, &host, &err));
    CHECK_INT(host.holdings.count, 3);
    // A second search in the same host repeats nothing.
    size_t refused = host.unseen.count;
    CHECK(socket_owner_find(arena, &query, &host, &err));
    close(fd);
    close(other);
    CHECK_INT(host.holdings.count, 3);
    CHECK_INT(host.unseen.count, refused);
}

TEST(socket_without_a_file_has_no_holder_and_that_is_complete)
{
    struct host host = ask(arena, 0, true);
    CHECK_INT(host.holdings.count, 0);
    CHECK_INT(host.tier, socket_owner_tier());
    CHECK(host.complete);
}

TEST(socket_that_nothing_explains_is_not_complete)
{
    uint64_t inode;
    close(listener(&inode));
    // Another program of this machine may be passing descriptors at this moment: it could be the one. So it is not asked twice.
    struct host host = ask_row(arena, row_of(arena, inode), false);
    for (size_t i = 0; i < host.holdings.count; i++)
        CHECK_INT(host.holdings.items[i].how, HOLDING_IN_FLIGHT);
    // Unless all could be looked into, somebody else may have it.
    bool refused = false;
    for (size_t i = 0; i < host.unseen.count; i++)
        refused = refused || host.unseen.items[i].relevant;
    CHECK(host.complete == !refused);
}

TEST(socket_of_the_kernel_needs_no_holder)
{
    uint64_t inode;
    close(listener(&inode));
    struct host host = {0};
    size_t index = 0;
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.protocol = PROTOCOL_UDP, .inode = inode, .local_port = 4789};
    *LIST_ADD(arena, &host.kernel_ports) = (struct kernel_port){.protocol = PROTOCOL_UDP, .port = 4789};
    struct owner_query query = {.sockets = &index, .count = 1};
    CHECK(socket_owner_find(arena, &query, &host, NULL));
    CHECK_INT(host.holdings.count, 0);
    bool refused = false;
    for (size_t i = 0; i < host.unseen.count; i++)
        refused = refused || host.unseen.items[i].relevant;
    CHECK(host.complete == !refused);
}

struct own_table {
    pthread_barrier_t barrier;
    uint64_t inode;
    uint32_t tid;
    bool worked;
};

static void *
open_in_own_table(void *data)
{
    struct own_table *own = data;
    struct stat facts;
    own->tid = (uint32_t)syscall(SYS_gettid);
    int fd = -1;
    if (unshare(CLONE_FILES) == 0) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        own->worked = listen(fd, 1) == 0 && fstat(fd, &facts) == 0;
        own->inode = facts.st_ino;
    }
    pthread_barrier_wait(&own->barrier);
    pthread_barrier_wait(&own->barrier);
    close(fd);
    return NULL;
}

static void *
wait_only(void *data)
{
    pthread_barrier_wait(data);
    return NULL;
}

TEST(thread_with_a_table_of_its_own_is_found)
{
    struct own_table own = {0};
    pthread_t thread;
    CHECK(pthread_barrier_init(&own.barrier, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, open_in_own_table, &own) == 0);
    pthread_barrier_wait(&own.barrier);
    struct host host = own.worked ? ask(arena, own.inode, false) : (struct host){0};
    pthread_barrier_wait(&own.barrier);
    pthread_join(thread, NULL);
    CHECK(own.worked);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].how, HOLDING_THREAD_FD);
    CHECK_INT(host.holdings.items[0].pid, getpid());
    CHECK_INT(host.holdings.items[0].tid, own.tid);
}

TEST(threads_that_share_a_table_are_counted_once)
{
    uint64_t inode;
    pthread_barrier_t barrier;
    pthread_t threads[8];
    int fd = listener(&inode);
    CHECK(pthread_barrier_init(&barrier, NULL, 9) == 0);
    for (size_t i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_only, &barrier) == 0);
    struct host host = ask(arena, inode, false);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    close(fd);
    CHECK_INT(host.holdings.count, 1);
}

// Runs the search without kcmp(2), in a child; gives the number of holdings found there.
static void
search_without_kcmp(int result)
{
    uint64_t inode;
    pthread_barrier_t barrier;
    pthread_t threads[4];
    struct arena *arena = arena_open();
    int fd = listener(&inode);
    pthread_barrier_init(&barrier, NULL, 5);
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, wait_only, &barrier);
    char found = (char)-1;
    if (refuse_call(SYS_kcmp, EPERM))
        found = (char)ask(arena, inode, false).holdings.count;
    if (write(result, &found, 1) != 1)
        _exit(1);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    close(fd);
    arena_close(arena);
}

TEST(threads_are_counted_once_where_kcmp_is_refused)
{
    char found = (char)-1;
    int result[2];
    CHECK(pipe(result) == 0);
    pid_t pid = child(search_without_kcmp, result[1]);
    CHECK(read(result[0], &found, 1) == 1);
    end(pid);
    close(result[0]);
    close(result[1]);
    CHECK_INT(found, 1);
}

static void *
stay(void *data)
{
    int fd = *(int *)data;
    // Tell the test only once the main thread is really dead.
    char path[64];
    char text[512] = "";
    snprintf(path, sizeof path, "/proc/self/stat");
    for (;;) {
        FILE *file = fopen(path, "r");
        if (file && fgets(text, sizeof text, file) && strstr(text, ") Z "))
            break;
        if (file)
            fclose(file);
        usleep(1000);
    }
    if (write(fd, "", 1) == 1)
        pause();
    return NULL;
}

TEST(holder_whose_main_thread_is_dead_is_found)
{
    uint64_t inode;
    char byte;
    int ready[2];
    int fd = listener(&inode);
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pthread_create(&thread, NULL, stay, &ready[1]);
        syscall(SYS_exit, 0);
    }
    close(fd);
    CHECK(read(ready[0], &byte, 1) == 1);
    struct host host = ask(arena, inode, false);
    end(pid);
    close(ready[0]);
    close(ready[1]);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].how, HOLDING_THREAD_FD);
    CHECK_INT(host.holdings.items[0].pid, pid);
    CHECK_INT(host.holdings.items[0].fd, fd);
    CHECK(host.holdings.items[0].tid != (uint32_t)pid);
}

#define NOT_ROOT 65534

static bool
become_nobody(void)
{
    // To give up root makes a process one that others may not look into, itself included (prctl(2), PR_SET_DUMPABLE).
    return geteuid() != 0 || (setgid(NOT_ROOT) == 0 && setuid(NOT_ROOT) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void
end_first_thread(int ready)
{
    pthread_t thread;
    if (!become_nobody() || pthread_create(&thread, NULL, stay, &ready) != 0)
        _exit(1);
    syscall(SYS_exit, 0);
}

// As before Linux 6.2, where the size of the folder does not tell that it is empty.
static char
search_on_old_kernel(uint64_t inode, pid_t holder)
{
    if (!become_nobody() || !refuse_call(SYS_newfstatat, EPERM))
        return 's';
    struct arena *arena = arena_open();
    struct host host = ask(arena, inode, false);
    char verdict = count(&host, holder, HOLDING_THREAD_FD) == 1 && !unseen(&host, holder) ? 'g' : 'b';
    arena_close(arena);
    return verdict;
}

TEST(ordinary_users_find_it_on_older_kernels_too)
{
    uint64_t inode;
    char byte;
    char verdict = '-';
    int ready[2];
    int fd = listener(&inode);
    CHECK(pipe(ready) == 0);
    pid_t holder = fork();
    if (holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        end_first_thread(ready[1]);
    }
    close(fd);
    CHECK(holder > 0 && read(ready[0], &byte, 1) == 1);
    pid_t pid = fork();
    if (pid == 0) {
        verdict = search_on_old_kernel(inode, holder);
        _exit(write(ready[1], &verdict, 1) != 1);
    }
    CHECK(pid > 0 && read(ready[0], &verdict, 1) == 1);
    waitpid(pid, NULL, 0);
    end(holder);
    close(ready[0]);
    close(ready[1]);
    if (verdict == 's')
        SKIP("calls can't be refused here");
    CHECK_INT(verdict, 'g');
}

static void *
map_and_stay(void *data)
{
    int *fds = data;
    if (mmap(NULL, (size_t)getpagesize(), PROT_READ, MAP_SHARED, fds[1], 0) == MAP_FAILED) {
        char byte = 's';
        _exit(write(fds[0], &byte, 1) != 1);
    }
    close(fds[1]);
    return stay(&fds[0]);
}

TEST(mapped_socket_of_a_process_whose_main_thread_is_dead_is_found)
{
    uint64_t inode;
    char byte = '-';
    int ready[2];
    int fd = listener(&inode);
    CHECK(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int *fds = (int[]){ready[1], fd};
        pthread_create(&thread, NULL, map_and_stay, fds);
        syscall(SYS_exit, 0);
    }
    close(fd);
    CHECK(pid > 0 && read(ready[0], &byte, 1) == 1);
    struct host host = ask(arena, inode, false);
    end(pid);
    close(ready[0]);
    close(ready[1]);
    if (byte == 's')
        SKIP("this kernel has no zero-copy receive for TCP");
    CHECK_INT(count(&host, pid, HOLDING_MMAP), 1);
}

TEST(descriptor_in_flight_is_put_down_to_who_could_receive_it)
{
    uint64_t inode;
    int pair[2];
    int fd = listener(&inode);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(send_descriptor(pair[0], fd));
    close(fd);
    struct host host = ask(arena, inode, false);
    close(pair[0]);
    close(pair[1]);
    CHECK_INT(count(&host, getpid(), HOLDING_IN_FLIGHT), 1);
}

TEST(waiting_descriptor_is_said_where_it_could_be_one_more_holder)
{
    uint64_t inode;
    int pair[2];
    int fd = listener(&inode);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(send_descriptor(pair[0], fd));
    struct host host = ask(arena, inode, true);
    close(fd);
    close(pair[0]);
    close(pair[1]);
    CHECK_INT(count(&host, getpid(), HOLDING_FD), 1);
    CHECK_INT(count(&host, getpid(), HOLDING_IN_FLIGHT), 0);
    CHECK(unseen(&host, getpid()));
    CHECK_STR(unseen(&host, getpid())->what, "descriptors in flight");
    CHECK(!host.complete);
}

TEST(registered_file_of_io_uring_is_found)
{
    uint64_t inode;
    struct io_uring_params parameters = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 4, &parameters);
    if (ring < 0)
        SKIP("this kernel or sandbox refuses io_uring_setup()");
    int fd = listener(&inode);
    int slots[3] = {-1, fd, fd};
    long registered = syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, slots, 3);
    close(fd);
    struct host host = ask(arena, inode, false);
    close(ring);
    CHECK_INT(registered, 0);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(count(&host, getpid(), HOLDING_IO_URING), 1);
}

TEST(mapped_socket_is_found)
{
    uint64_t inode;
    int fd = listener(&inode);
    void *map = mmap(NULL, (size_t)getpagesize(), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        SKIP("this kernel has no zero-copy receive for TCP");
    struct host host = ask(arena, inode, false);
    munmap(map, (size_t)getpagesize());
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(count(&host, getpid(), HOLDING_MMAP), 1);
}

// What an ordinary user finds out about a socket of root, as a letter; a fork must not make him a holder.
static int not_for_the_child = -1;

static void
search_as_nobody(int result)
{
    close(not_for_the_child);
    struct arena *arena = arena_open();
    uint64_t inode = 0;
    char verdict = 'u';
    if (read(result, &inode, sizeof inode) == sizeof inode && setgid(65534) == 0 && setuid(65534) == 0) {
        struct host host = ask(arena, inode, false);
        const struct unseen *parent = unseen(&host, getppid());
        verdict = 'g';
        if (host.complete || host.tier != TIER_OWN || host.holdings.count)
            verdict = 'c';
        else if (!parent || parent->reason != KNOWN_NOT_ALLOWED || !parent->relevant)
            verdict = 'p';
        // Kernel threads have no descriptors, and are nothing that was left out.
        else if (unseen(&host, 2))
            verdict = 'k';
    }
    if (write(result, &verdict, 1) != 1)
        _exit(1);
    arena_close(arena);
}

TEST(processes_of_others_are_counted_as_not_seen)
{
    uint64_t inode;
    char verdict = '-';
    int pair[2];
    if (getuid() != 0)
        SKIP("only root can start a process of another user");
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    int fd = listener(&inode);
    not_for_the_child = fd;
    CHECK(write(pair[0], &inode, sizeof inode) == sizeof inode);
    pid_t pid = child(search_as_nobody, pair[1]);
    CHECK(read(pair[0], &verdict, 1) == 1);
    end(pid);
    close(fd);
    close(pair[0]);
    close(pair[1]);
    CHECK_INT(verdict, 'g');
}

// Starts and ends processes without pause, each of which holds the socket.
static void
come_and_go(int fd)
{
    (void)fd;
    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

TEST(holders_that_end_meanwhile_disturb_nothing)
{
    uint64_t inode;
    int fd = listener(&inode);
    pid_t pid = child(come_and_go, fd);
    size_t good = 0;
    for (size_t i = 0; i < 20; i++) {
        struct arena *own = arena_open();
        struct host host = ask_row(own, row_of(own, inode), i % 2);
        bool blamed = false;
        // Root may look into all that is younger than the child; others are refused much, and rightly.
        for (size_t k = 0; k < host.unseen.count && geteuid() == 0; k++)
            blamed = blamed ||
                     (host.unseen.items[k].pid > (uint32_t)pid && host.unseen.items[k].reason != KNOWN_UNSUPPORTED);
        good += count(&host, getpid(), HOLDING_FD) == 1 && count(&host, pid, HOLDING_FD) == 1 && !blamed;
        arena_close(own);
    }
    end(pid);
    close(fd);
    CHECK_INT(good, 20);
}

// Where the walk stops depends on the numbers of the processes: so one is known of two, and that others were not looked for.
TEST(search_for_the_first_holder_stops_there)
{
    uint64_t inode;
    int fd = listener(&inode);
    pid_t pids[2] = {child(NULL, -1), child(NULL, -1)};
    struct host host = {0};
    size_t index = 0;
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.state = SOCKET_LISTEN, .inode = inode, .uid = getuid()};
    struct owner_query query = {.sockets = &index, .count = 1, .reach = OWNER_FIRST};
    setenv("MOORAGE_TIER", "proc", 1);
    bool good = socket_owner_find(arena, &query, &host, NULL);
    unsetenv("MOORAGE_TIER");
    close(fd);
    for (size_t i = 0; i < 2; i++)
        end(pids[i]);
    CHECK(good);
    CHECK_INT(host.holdings.count, 1);
    CHECK(!host.complete);
}

TEST(search_for_the_first_holder_of_what_nobody_has_is_a_search_of_everything)
{
    struct host host = {0};
    size_t index = 0;
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.state = SOCKET_LISTEN, .inode = UINT64_MAX >> 1};
    struct owner_query query = {.sockets = &index, .count = 1, .reach = OWNER_FIRST};
    CHECK(socket_owner_find(arena, &query, &host, NULL));
    for (size_t i = 0; i < host.holdings.count; i++)
        CHECK_INT(host.holdings.items[i].how, HOLDING_IN_FLIGHT);
    struct host all = ask(arena, UINT64_MAX >> 1, false);
    CHECK_INT(host.complete, all.complete);
}

TEST(one_process_alone_is_looked_into_when_it_is_named)
{
    uint64_t inode;
    int fd = listener(&inode);
    pid_t pid = child(NULL, -1);
    struct host host = {0};
    size_t index = 0;
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.state = SOCKET_LISTEN, .inode = inode};
    struct owner_query query = {.sockets = &index, .count = 1, .pid = (uint32_t)pid};
    bool good = socket_owner_find(arena, &query, &host, NULL);
    close(fd);
    struct host none = {.sockets = {host.sockets.items, 1, 1}};
    query.pid = (uint32_t)getpid();
    good = good && socket_owner_find(arena, &query, &none, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK(good);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, pid);
    CHECK_INT(none.holdings.count, 0);
}

TAP_MAIN
