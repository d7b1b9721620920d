#include "sys/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_network_linux.h"
#include "sys/clock.h"
#include "sys/socket_table.h"
#include "tap.h"

#define NOBODY 65534

enum {
    DEADLINE_MS = 60000, // no test is about it but one, and a machine may be busy
};

// A child that lives in a network namespace of its own, listens on TCP port 6000 and has UDP port 6001, until it is ended.
struct neighbour {
    pid_t pid;
    uint64_t id;
};

static struct neighbour neighbour;

static void
live_there(int ready)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(6000)};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) != 0)
        _exit(1);
    own_network_raise_loopback();
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(tcp, (struct sockaddr *)&name, sizeof name) != 0 || listen(tcp, 1) != 0)
        _exit(1);
    name.sin_port = htons(6001);
    if (bind(udp, (struct sockaddr *)&name, sizeof name) != 0 || write(ready, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static uint64_t
namespace_of(pid_t pid)
{
    char path[64];
    struct stat facts;
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    return stat(path, &facts) == 0 ? facts.st_ino : 0;
}

// False where that takes a right that is missing.
static bool
start_neighbour(void)
{
    int ends[2];
    char byte;
    if (neighbour.pid != 0)
        return true;
    if (pipe(ends) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        live_there(ends[1]);
    }
    close(ends[1]);
    bool good = pid > 0 && read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    if (good)
        neighbour = (struct neighbour){.pid = pid, .id = namespace_of(pid)};
    else if (pid > 0)
        waitpid(pid, NULL, 0);
    return good;
}

static const struct netns *
netns_of(const struct host *host, pid_t pid)
{
    for (size_t i = 0; i < host->namespaces.count; i++) {
        if (host->namespaces.items[i].pid == (uint32_t)pid)
            return &host->namespaces.items[i];
    }
    return NULL;
}

// Rows of this namespace: 1 for the TCP listener, 2 for the UDP socket.
static unsigned
rows_of(const struct host *host, uint64_t id)
{
    unsigned found = 0;
    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->netns != id)
            continue;
        if (row->protocol == PROTOCOL_TCP && row->state == SOCKET_LISTEN && row->local_port == 6000)
            found |= 1;
        else if (row->protocol == PROTOCOL_UDP && row->state == SOCKET_UNCONN && row->local_port == 6001)
            found |= 2;
        else
            found |= 4;
    }
    return found;
}

TEST(the_own_namespace_is_known_and_left_out)
{
    struct host host = {0};
    struct err err = {0};
    CHECK(namespace_own() != 0 && namespace_own() == namespace_of(getpid()));
    CHECK(namespace_read(arena, SOCKET_PROTOCOLS_ALL, 0, 65535, DEADLINE_MS, &host, &err));
    for (size_t i = 0; i < host.namespaces.count; i++)
        CHECK(host.namespaces.items[i].id != namespace_own() && !host.namespaces.items[i].is_own);
    for (size_t i = 0; i < host.sockets.count; i++)
        CHECK(host.sockets.items[i].netns != 0 && host.sockets.items[i].netns != namespace_own());
    CHECK(namespace_own() == namespace_of(getpid()));
}

TEST(what_listens_in_another_namespace_is_seen)
{
    struct host host = {0};
    struct err err = {0};
    if (!start_neighbour())
        SKIP("a network namespace of its own is not allowed here");
    uint64_t own = namespace_own();
    CHECK(namespace_read(arena, SOCKET_PROTOCOLS_ALL, 0, 65535, DEADLINE_MS, &host, &err));
    const struct netns *netns = netns_of(&host, neighbour.pid);
    CHECK(netns && netns->id == neighbour.id && netns->known == KNOWN_YES && netns->name.len == 0);
    CHECK_INT(rows_of(&host, neighbour.id), 3);
    CHECK(host.socket_source.len == 0);
    CHECK_INT(namespace_own(), own);
    host = (struct host){0};
    CHECK(namespace_read(arena, SOCKET_PROTOCOLS_ALL, 6001, 6001, DEADLINE_MS, &host, &err));
    CHECK_INT(rows_of(&host, neighbour.id), 2);
}

// In a child that is nobody: 0 when it sees what the test expects.
static int
look_as_nobody(struct arena *arena)
{
    struct host host = {0};
    struct err err = {0};
    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 77;
    if (!namespace_read(arena, SOCKET_PROTOCOLS_ALL, 6000, 6001, DEADLINE_MS, &host, &err))
        return 1;
    const struct netns *netns = netns_of(&host, neighbour.pid);
    if (!netns || netns->known != KNOWN_YES || netns->id == namespace_own() || netns->id == 0)
        return 2;
    return rows_of(&host, netns->id) == 3 ? 0 : 3;
}

static int
in_child(int (*run)(struct arena *), struct arena *arena)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(run(arena));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

TEST(without_any_right_it_is_seen_all_the_same)
{
    if (!start_neighbour())
        SKIP("a network namespace of its own is not allowed here");
    int result = in_child(look_as_nobody, arena);
    if (result == 77)
        SKIP("no other user can be taken on here");
    CHECK_INT(result, 0);
}

enum {
    CROWD_PORT = 7000
};

// So many listeners of each family in a network of its own, and with `connected` a connection to the first one.
static void
live_as_crowd(int ready, unsigned count, bool connected)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(CROWD_PORT)};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) != 0)
        _exit(1);
    own_network_raise_loopback();
    for (unsigned i = 0; i < 2 * count; i++) {
        uint16_t port = htons((uint16_t)(CROWD_PORT + i));
        struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = port};
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = port};
        int made = socket(i < count ? AF_INET : AF_INET6, SOCK_STREAM, 0);
        if ((i < count ? bind(made, (struct sockaddr *)&ipv4, sizeof ipv4)
                       : bind(made, (struct sockaddr *)&ipv6, sizeof ipv6)) != 0 ||
            listen(made, 1) != 0)
            _exit(1);
    }
    if (connected && connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name) != 0)
        _exit(1);
    if (write(ready, "x", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static pid_t
start_crowd(unsigned count, bool connected)
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        live_as_crowd(ends[1], count, connected);
    }
    close(ends[1]);
    bool good = pid > 0 && read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    if (!good && pid > 0)
        waitpid(pid, NULL, 0);
    return good ? pid : -1;
}

// In a child that is nobody: how many listeners it sees there, each once.
static int
count_crowd(struct arena *arena)
{
    struct host host = {0};
    bool seen[400] = {false};
    int count = 0;
    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0 ||
        !namespace_read(arena, SOCKET_PROTOCOLS_ALL, CROWD_PORT, CROWD_PORT + 399, DEADLINE_MS, &host, NULL))
        return 255;
    for (size_t i = 0; i < host.sockets.count; i++) {
        const struct socket_row *row = &host.sockets.items[i];
        bool *met = &seen[row->local_port - CROWD_PORT];
        if (row->netns == namespace_own() || row->state != SOCKET_LISTEN || *met)
            return 254;
        *met = true;
        count++;
    }
    return count;
}

// The kernel writes 27 lines at a time, the title among them.
TEST(without_any_right_all_listeners_are_seen_however_many)
{
    const unsigned counts[] = {1, 13, 25, 26, 27, 28, 54, 100};
    if (geteuid() != 0)
        SKIP("no other user can be taken on here");
    for (size_t i = 0; i < 2 * (sizeof counts / sizeof *counts); i++) {
        unsigned count = counts[i / 2];
        pid_t crowd = start_crowd(count, i % 2 != 0);
        if (crowd < 0)
            SKIP("a network namespace of its own is not allowed here");
        int seen = in_child(count_crowd, arena);
        kill(crowd, SIGKILL);
        waitpid(crowd, NULL, 0);
        CHECK_INT(seen, 2 * count);
    }
}

static void *
live_on(void *data)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(6002)};
    int *ready = data;
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    char text[512];
    // The test may look only once the first thread is dead.
    for (;;) {
        FILE *file = fopen("/proc/self/stat", "r");
        bool ended = file && fgets(text, sizeof text, file) && strstr(text, ") Z ");
        if (file)
            fclose(file);
        if (ended)
            break;
        clock_sleep_ms(1);
    }
    if (bind(tcp, (struct sockaddr *)&name, sizeof name) == 0 && listen(tcp, 1) == 0 && write(*ready, "x", 1) == 1)
        clock_sleep_ms(60000);
    _exit(1);
}

TEST(a_process_whose_first_thread_has_ended_still_lives_there)
{
    int ends[2];
    char byte;
    unsigned found = 0;
    struct host host = {0};
    struct err err = {0};
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        if (unshare(CLONE_NEWNET) != 0)
            _exit(77);
        pthread_create(&thread, NULL, live_on, &ends[1]);
        syscall(SYS_exit, 0);
    }
    close(ends[1]);
    bool started = read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    bool good = started && namespace_read(arena, SOCKET_PROTOCOLS_ALL, 6002, 6002, DEADLINE_MS, &host, &err);
    const struct netns *netns = netns_of(&host, pid);
    for (size_t i = 0; netns && i < host.sockets.count; i++)
        found += host.sockets.items[i].netns == netns->id && host.sockets.items[i].local_port == 6002;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (!started)
        SKIP("a network namespace of its own is not allowed here");
    CHECK(good && netns);
    CHECK_INT(netns->known, KNOWN_YES);
    CHECK_INT(found, 1);
}

// Processes that do nothing; every 50th of them lives in a network of its own.
static size_t
start_very_many(pid_t *pids, size_t count)
{
    int ends[2];
    char byte;
    size_t started = 0;
    size_t ready = 0;
    if (pipe(ends) != 0)
        return 0;
    fflush(NULL);
    for (pid_t pid = 1; started < count && pid > 0;) {
        pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(ends[0]);
            if ((started % 50 == 0 && unshare(CLONE_NEWNET) != 0) || write(ends[1], "x", 1) != 1)
                _exit(1);
            close(ends[1]);
            for (;;)
                pause();
        }
        if (pid > 0)
            pids[started++] = pid;
    }
    close(ends[1]);
    while (ready < started && read(ends[0], &byte, 1) == 1)
        ready++;
    close(ends[0]);
    return started;
}

TEST(among_very_many_processes_none_is_passed_over)
{
    enum {
        COUNT = 320
    };
    pid_t pids[COUNT];
    struct host host = {0};
    struct err err = {0};
    size_t apart = 0;
    size_t found = 0;
    size_t count = start_very_many(pids, COUNT);
    bool good = namespace_read(arena, SOCKET_PROTOCOLS_ALL, 6003, 6003, 5000, &host, &err);
    for (size_t i = 0; i < count; i++) {
        bool lives_apart = namespace_of(pids[i]) != 0 && namespace_of(pids[i]) != namespace_own();
        apart += lives_apart;
        found += lives_apart && netns_of(&host, pids[i]);
    }
    for (size_t i = 0; i < count; i++)
        kill(pids[i], SIGKILL);
    for (size_t i = 0; i < count; i++)
        waitpid(pids[i], NULL, 0);
    if (count == COUNT && apart == 0)
        SKIP("a network namespace of its own is not allowed here");
    CHECK(good);
    CHECK_INT(count, COUNT);
    CHECK_INT(apart, 7);
    CHECK_INT(found, apart);
}

// A zombie of root is closed to others and lives nowhere.
static int
look_beside_zombie(struct arena *arena)
{
    struct host host = {0};
    struct err err = {0};
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 77;
    if (!namespace_read(arena, SOCKET_PROTOCOLS_ALL, 6000, 6001, DEADLINE_MS, &host, &err))
        return 1;
    return host.namespaces_known == KNOWN_YES ? 0 : 2;
}

TEST(a_zombie_hides_no_namespace)
{
    int result = in_child(look_beside_zombie, arena);
    if (result == 77)
        SKIP("no other user can be taken on here");
    CHECK_INT(result, 0);
}

static int
look_where_proc_hides(struct arena *arena)
{
    struct host host = {0};
    struct err err = {0};
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/proc", "proc", 0, "hidepid=2") != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        return 77;
    if (!namespace_read(arena, SOCKET_PROTOCOLS_ALL, 6000, 6001, DEADLINE_MS, &host, &err))
        return 1;
    return host.namespaces_known == KNOWN_NOT_ALLOWED ? 0 : 2;
}

TEST(hidden_processes_may_live_elsewhere)
{
    int result = in_child(look_where_proc_hides, arena);
    if (result == 77)
        SKIP("a /proc that hides processes can't be mounted here");
    CHECK_INT(result, 0);
}

// Names the neighbour's namespace as `ip netns` would, in a mount namespace of its own.
static int
look_at_name(struct arena *arena)
{
    struct host host = {0};
    struct err err = {0};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)neighbour.pid);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/run", "tmpfs", 0, NULL) != 0 || mkdir("/run/netns", 0755) != 0)
        return 77;
    int fd = open("/run/netns/blue sky", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || mount(path, "/run/netns/blue sky", NULL, MS_BIND, NULL) != 0)
        return 1;
    close(fd);
    // Nobody lives there any more, only the name keeps it.
    kill(neighbour.pid, SIGKILL);
    for (int tries = 0; tries < 500 && namespace_of(neighbour.pid) != 0; tries++)
        clock_sleep_ms(10);
    if (!namespace_read(arena, SOCKET_PROTOCOLS_ALL, 0, 65535, DEADLINE_MS, &host, &err))
        return 2;
    for (size_t i = 0; i < host.namespaces.count; i++) {
        const struct netns *netns = &host.namespaces.items[i];
        if (netns->id == neighbour.id)
            return str_equal(netns->name, STR("blue sky")) && netns->known == KNOWN_YES && netns->pid == 0 ? 0 : 3;
    }
    return 4;
}

TEST(a_named_namespace_without_processes_is_found)
{
    if (!start_neighbour())
        SKIP("a network namespace of its own is not allowed here");
    int result = in_child(look_at_name, arena);
    int status;
    kill(neighbour.pid, SIGKILL);
    waitpid(neighbour.pid, &status, 0);
    neighbour.pid = 0;
    if (result == 77)
        SKIP("a mount namespace of its own is not allowed here");
    CHECK_INT(result, 0);
}

TEST(a_deadline_ends_the_reading)
{
    struct host host = {0};
    CHECK(namespace_read(arena, SOCKET_PROTOCOLS_ALL, 0, 65535, 0, &host, NULL));
    CHECK_INT(host.namespaces_known, KNOWN_TIMEOUT);
    for (size_t i = 0; i < host.namespaces.count; i++)
        CHECK_INT(host.namespaces.items[i].known, KNOWN_TIMEOUT);
    CHECK_INT(host.sockets.count, 0);
}

TAP_MAIN
