#include "sys/socket_watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_network_linux.h"
#include "refuse_linux.h"
#include "sys/clock.h"
#include "tap.h"

enum {
    PORT = 21800,
    LONG_MS = 60000,
};

static struct socket_row row;

// Bound, and listening where it is TCP.
static int
serving(int type, const char *text, uint16_t port, int v6only)
{
    bool v6 = strchr(text, ':') != NULL;
    int on = 1;
    int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};

    CHECK(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    if (v6) {
        CHECK(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) == 0);
        CHECK(inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
        CHECK(bind(fd, (struct sockaddr *)&six, sizeof six) == 0);
    } else {
        CHECK(inet_pton(AF_INET, text, &four.sin_addr) == 1);
        CHECK(bind(fd, (struct sockaddr *)&four, sizeof four) == 0);
    }
    CHECK(type != SOCK_STREAM || listen(fd, 4) == 0);
    return fd;
}

static bool
found(struct arena *arena, enum protocol protocol, const char *address, uint16_t port)
{
    struct socket_watch_ask ask = {.protocol = protocol, .port = port};

    CHECK(!address || address_parse(str_of(address), &ask.address));
    struct socket_watch *watch = socket_watch_open(arena, &ask, 1);
    bool is_there = socket_watch_find(watch, 0, &row);
    socket_watch_close(watch);
    return is_there;
}

static void
need_network(void)
{
    if (!own_network())
        SKIP("no network namespace of its own");
}

static void
check_all(struct arena *arena)
{
    int four = serving(SOCK_STREAM, "127.0.0.1", PORT, 0);
    int both = serving(SOCK_STREAM, "::", PORT + 1, 0);
    int six = serving(SOCK_STREAM, "::", PORT + 2, 1);
    int datagram = serving(SOCK_DGRAM, "0.0.0.0", PORT + 3, 0);
    int datagram_six = serving(SOCK_DGRAM, "::1", PORT + 4, 1);
    struct stat facts;

    CHECK(found(arena, PROTOCOL_TCP, NULL, PORT));
    CHECK(fstat(four, &facts) == 0 && row.inode == facts.st_ino && row.state == SOCKET_LISTEN);
    CHECK(!found(arena, PROTOCOL_TCP, "127.0.0.2", PORT));
    CHECK(!found(arena, PROTOCOL_TCP, "::1", PORT));
    CHECK(!found(arena, PROTOCOL_UDP, NULL, PORT));
    CHECK(found(arena, PROTOCOL_TCP, "127.0.0.1", PORT + 1) && found(arena, PROTOCOL_TCP, "::1", PORT + 1));
    CHECK(found(arena, PROTOCOL_TCP, NULL, PORT + 2) && !found(arena, PROTOCOL_TCP, "127.0.0.1", PORT + 2));
    CHECK(found(arena, PROTOCOL_UDP, "127.0.0.1", PORT + 3) && row.state == SOCKET_UNCONN);
    CHECK(fstat(datagram, &facts) == 0 && row.inode == facts.st_ino);
    CHECK(found(arena, PROTOCOL_UDP, NULL, PORT + 4) && !found(arena, PROTOCOL_UDP, "127.0.0.1", PORT + 4));
    CHECK(!found(arena, PROTOCOL_TCP, NULL, PORT + 9));
    close(four);
    close(both);
    close(six);
    close(datagram);
    close(datagram_six);
}

TEST(who_serves_an_address_is_found)
{
    need_network();
    check_all(arena);
}

TEST(without_netlink_the_tables_tell_the_same)
{
    need_network();
    int fd = serving(SOCK_STREAM, "0.0.0.0", PORT, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (!refuse_call(SYS_sendto, EPERM))
            _exit(2);
        struct socket_watch_ask asks[] = {{.port = PORT}, {.port = PORT + 1}};
        struct socket_watch *watch = socket_watch_open(arena, asks, 2);
        bool with = socket_watch_find(watch, 0, &row) && row.state == SOCKET_LISTEN;
        _exit(with && !socket_watch_find(watch, 1, &row) ? 0 : 1);
    }
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    close(fd);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        SKIP("no seccomp");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void *
close_soon(void *fd)
{
    usleep(50 * 1000);
    close(*(int *)fd);
    return NULL;
}

struct server {
    const char *address;
    int fd;
};

static void *
serve_soon(void *data)
{
    struct server *service = data;

    usleep(50 * 1000);
    service->fd = serving(SOCK_STREAM, service->address, PORT, 1);
    return NULL;
}

// How long a pause lasts during which `work` is done.
static int64_t
pause_during(struct socket_watch *watch, void *(*work)(void *), void *data)
{
    pthread_t thread;
    int64_t start = clock_mono_us();

    CHECK(pthread_create(&thread, NULL, work, data) == 0);
    (void)socket_watch_pause(watch, LONG_MS * 1000);
    int64_t took = clock_mono_us() - start;
    CHECK(pthread_join(thread, NULL) == 0);
    return took / 1000;
}

TEST(a_closed_socket_ends_the_pause)
{
    need_network();
    struct socket_watch_ask asks[] = {{.protocol = PROTOCOL_TCP, .port = PORT},
                                      {.protocol = PROTOCOL_UDP, .port = PORT}};
    struct socket_watch *watch = socket_watch_open(arena, asks, 2);
    socket_watch_arm(watch, SOCKET_WATCH_CLOSES);
    int other = serving(SOCK_STREAM, "127.0.0.1", PORT + 1, 0);

    if (!(socket_watch_told(watch) & SOCKET_WATCH_CLOSES))
        SKIP("the kernel does not tell");
    int fd = serving(SOCK_STREAM, "127.0.0.1", PORT, 0);
    CHECK(pause_during(watch, close_soon, &fd) < LONG_MS / 2);
    fd = serving(SOCK_DGRAM, "::1", PORT, 1);
    CHECK(pause_during(watch, close_soon, &fd) < LONG_MS / 2);
    // Those of other ports don't wake us.
    close(other);
    int64_t start = clock_mono_us();
    CHECK(!socket_watch_pause(watch, 200 * 1000));
    CHECK(clock_mono_us() - start > 150 * 1000);
    socket_watch_close(watch);
}

// Where the kernel tells of listeners at the port, over TCP.
static struct socket_watch *
told_of(struct arena *arena)
{
    static const struct socket_watch_ask ask = {.protocol = PROTOCOL_TCP, .port = PORT};
    struct str why_not;
    struct socket_watch *watch = socket_watch_open(arena, &ask, 1);

    need_network();
    socket_watch_arm(watch, SOCKET_WATCH_OPENS);
    CHECK(socket_watch_try(arena, &why_not) == !!socket_watch_told(watch));
    if (!socket_watch_told(watch)) {
        printf("# %.*s\n", STR_ARG(why_not));
        SKIP("the kernel does not tell");
    }
    return watch;
}

// It is told of before it can be found.
static bool
is_found_soon(struct socket_watch *watch)
{
    int64_t end_us = clock_mono_us() + LONG_MS * 1000;
    bool is = false;

    while (!(is = socket_watch_find(watch, 0, &row)) && clock_mono_us() < end_us)
        ;
    return is;
}

TEST(a_new_listener_ends_the_pause_where_the_kernel_tells)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", "::", "0.0.0.0"};
    struct socket_watch *watch = told_of(arena);

    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct server service = {addresses[i], -1};
        CHECK(pause_during(watch, serve_soon, &service) < LONG_MS / 2);
        CHECK(is_found_soon(watch));
        close(service.fd);
    }
    // One of another port, and what is no listener, don't.
    int other = serving(SOCK_STREAM, "127.0.0.1", PORT + 1, 0);
    int datagram = serving(SOCK_DGRAM, "127.0.0.1", PORT, 0);
    CHECK(!socket_watch_pause(watch, 100 * 1000));
    close(other);
    close(datagram);
    socket_watch_close(watch);
}

// More than there is room for words: the pause ends all the same, and once.
TEST(what_is_told_while_nobody_listens_ends_the_next_pause)
{
    enum {
        LISTENERS = 1000,
    };
    struct socket_watch *watch = told_of(arena);

    for (int i = 0; i < LISTENERS; i++)
        close(serving(SOCK_STREAM, "127.0.0.1", PORT, 0));
    int64_t start = clock_mono_us();
    CHECK(socket_watch_pause(watch, LONG_MS * 1000) && clock_mono_us() - start < LONG_MS * 500);
    CHECK(!socket_watch_pause(watch, 100 * 1000));
    struct server service = {"127.0.0.1", -1};
    CHECK(pause_during(watch, serve_soon, &service) < LONG_MS / 2);
    close(service.fd);
    socket_watch_close(watch);
}

TEST(a_listener_of_another_network_is_not_found)
{
    struct socket_watch *watch = told_of(arena);
    pid_t child = fork();

    if (child == 0) {
        if (unshare(CLONE_NEWNET) != 0 || !own_network_raise_loopback())
            _exit(1);
        (void)serving(SOCK_STREAM, "127.0.0.1", PORT, 0);
        usleep(LONG_MS * 1000);
        _exit(0);
    }
    CHECK(child > 0);
    CHECK(socket_watch_pause(watch, LONG_MS * 1000));
    usleep(50 * 1000);
    CHECK(!socket_watch_find(watch, 0, &row));
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    socket_watch_close(watch);
}

// What a process without rights is told: 0 = nothing, with the reason.
static int
told_without_rights(struct arena *arena, bool by_choice)
{
    struct socket_watch_ask ask = {.protocol = PROTOCOL_TCP, .port = PORT};
    struct str why_not = {0};
    struct socket_watch *watch = socket_watch_open(arena, &ask, 1);

    if (by_choice ? setenv("MOORAGE_TIER", "proc", 1) : setuid(65534))
        return 1;
    socket_watch_arm(watch, SOCKET_WATCH_OPENS);
    bool named = !socket_watch_try(arena, &why_not) && why_not.len > 0;
    int64_t start = clock_mono_us();
    bool waits = !socket_watch_pause(watch, 20 * 1000) && clock_mono_us() - start >= 19 * 1000;
    return socket_watch_told(watch) || !named || !waits;
}

TEST(without_rights_nothing_is_told_and_it_is_said_why)
{
    need_network();
    fflush(stdout);
    for (int by_choice = 0; by_choice < 2; by_choice++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(told_without_rights(arena, by_choice));
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

TAP_MAIN
