#include "sys/socket_watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
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
    LONG_MS = 5000,
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

static void *
serve_soon(void *fd)
{
    usleep(50 * 1000);
    *(int *)fd = serving(SOCK_STREAM, "127.0.0.1", PORT, 0);
    return NULL;
}

// How long a pause lasts during which `work` is done.
static int64_t
pause_during(struct socket_watch *watch, void *(*work)(void *), int *fd)
{
    pthread_t thread;
    int64_t start = clock_mono_us();

    CHECK(pthread_create(&thread, NULL, work, fd) == 0);
    socket_watch_pause(watch, LONG_MS);
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
    socket_watch_pause(watch, 200);
    CHECK(clock_mono_us() - start > 150 * 1000);
    socket_watch_close(watch);
}

TEST(a_new_listener_ends_the_pause_where_that_may_be_traced)
{
    int fd = -1;

    need_network();
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) != 0)
        SKIP("tracefs may not be mounted");
    struct socket_watch_ask ask = {.protocol = PROTOCOL_TCP, .port = PORT};
    struct socket_watch *watch = socket_watch_open(arena, &ask, 1);
    if (!(socket_watch_told(watch) & SOCKET_WATCH_OPENS))
        SKIP("the kernel does not tell");
    CHECK(pause_during(watch, serve_soon, &fd) < LONG_MS / 2);
    CHECK(socket_watch_find(watch, 0, &row));
    close(fd);
    socket_watch_close(watch);
}

TAP_MAIN
