// The real kernel: what its own table of bound ports tells of a port, against what sock_diag does, in a network namespace of
// its own.

#include "sys/port_view_linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ask_kernel_linux.h"
#include "own_network_linux.h"
#include "sys/clock.h"
#include "sys/owner_kernel_linux.h"
#include "sys/sock_diag_linux.h"
#include "tap.h"

#define NEED_OWN_KERNEL()                                  \
    do {                                                   \
        if (!own_network())                                \
            SKIP("no network namespace may be made here"); \
        NEED_KERNEL();                                     \
        close_all();                                       \
    } while (0)

enum {
    PORT = 5100,
    SETTLE_MS = 60, // an acknowledgement that is put off comes within 40
};

// Opened by the running test, closed by the next: a failed CHECK jumps out.
static int open_fds[256];
static size_t open_count;

static void
close_all(void)
{
    while (open_count > 0)
        close(open_fds[--open_count]);
}

static int
keep(int fd)
{
    CHECK(fd >= 0 && open_count < sizeof open_fds / sizeof *open_fds);
    return open_fds[open_count++] = fd;
}

static void
forget(int fd)
{
    for (size_t i = 0; i < open_count; i++)
        if (open_fds[i] == fd)
            open_fds[i] = open_fds[--open_count];
    close(fd);
}

static int
try_bind(int protocol, const char *text, uint16_t port, bool share)
{
    int yes = 1;
    bool six = strchr(text, ':') != NULL;
    struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in address4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd =
        socket(six ? AF_INET6 : AF_INET, (protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return -1;
    keep(fd);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
    CHECK(!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0);
    CHECK(inet_pton(six ? AF_INET6 : AF_INET, text, six ? (void *)&address6.sin6_addr : (void *)&address4.sin_addr) ==
          1);
    if (bind(fd, six ? (void *)&address6 : (void *)&address4, six ? sizeof address6 : sizeof address4) == 0)
        return fd;
    forget(fd);
    return -1;
}

static int
listening(int protocol, const char *text, uint16_t port, bool share)
{
    int fd = try_bind(protocol, text, port, share);
    CHECK(fd >= 0 && listen(fd, 16) == 0);
    return fd;
}

static int
connected(const char *text, uint16_t port)
{
    bool six = strchr(text, ':') != NULL;
    struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in address4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = keep(socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(inet_pton(six ? AF_INET6 : AF_INET, text, six ? (void *)&address6.sin6_addr : (void *)&address4.sin_addr) ==
          1);
    CHECK(connect(fd, six ? (void *)&address6 : (void *)&address4, six ? sizeof address6 : sizeof address4) == 0);
    return fd;
}

static int
accepted(int listener)
{
    return keep(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_in6 name = {0};
    socklen_t size = sizeof name;
    CHECK(getsockname(fd, (struct sockaddr *)&name, &size) == 0);
    return ntohs(name.sin6_port);
}

static struct host
read_all(struct arena *arena, uint16_t port)
{
    struct host host = {0};
    struct err err = {0};
    struct netlink_socket netlink;
    struct socket_query query = {
        .protocols = 1u << PROTOCOL_TCP, .states = SOCKET_STATES_ALL, .first = port, .last = port};
    CHECK(netlink_socket_open(&netlink, NETLINK_SOCK_DIAG, &err));
    CHECK(sock_diag_read(arena, &netlink, &query, clock_mono_us() + 60000000, &host, &err));
    netlink_socket_close(&netlink);
    return host;
}

static bool
view(struct arena *arena, uint16_t port, unsigned states, struct host *host)
{
    struct err err = {0};
    struct netlink_socket netlink;
    CHECK(netlink_socket_open(&netlink, NETLINK_SOCK_DIAG, &err));
    *host = (struct host){0};
    bool good = port_view_read(arena, &netlink, port, states, host);
    netlink_socket_close(&netlink);
    CHECK(good || host->sockets.count == 0);
    return good;
}

static void
check_same_row(const struct socket_row *a, const struct socket_row *b)
{
    CHECK(a->protocol == b->protocol);
    CHECK_INT(a->state, b->state);
    CHECK_INT(a->inode, b->inode);
    CHECK_INT(a->uid, b->uid);
    CHECK(address_equal(a->local, b->local) && address_equal(a->remote, b->remote));
    CHECK(a->local_port == b->local_port && a->remote_port == b->remote_port && a->v6only == b->v6only);
    CHECK(a->device == b->device && a->cgroup == b->cgroup && a->queue == b->queue && a->backlog == b->backlog);
    CHECK((a->expires_ms != 0) == (b->expires_ms != 0) && str_equal(a->device_name, b->device_name));
}

static void
check_same(const struct host *a, const struct host *b)
{
    CHECK_INT(a->sockets.count, b->sockets.count);
    for (size_t i = 0; i < a->sockets.count; i++) {
        size_t k = 0;
        while (k < b->sockets.count && b->sockets.items[k].cookie != a->sockets.items[i].cookie)
            k++;
        CHECK(k < b->sockets.count);
        check_same_row(&a->sockets.items[i], &b->sockets.items[k]);
    }
}

// What is seen of the port is what sock_diag tells, so many sockets.
static void
check_seen(struct arena *arena, uint16_t port, size_t count)
{
    struct host seen;
    clock_sleep_ms(SETTLE_MS);
    CHECK(view(arena, port, SOCKET_STATES_ALL, &seen));
    struct host all = read_all(arena, port);
    CHECK_INT(seen.sockets.count, count);
    check_same(&seen, &all);
}

TEST(a_listener_and_all_that_comes_of_it_is_seen)
{
    NEED_OWN_KERNEL();
    check_seen(arena, PORT, 0);
    int listener = listening(0, "127.0.0.1", PORT, false);
    check_seen(arena, PORT, 1);
    int one = connected("127.0.0.1", PORT);
    check_seen(arena, PORT, 2); // not accepted yet
    int other = accepted(listener);
    check_seen(arena, PORT, 2);
    check_seen(arena, port_of(one), 1); // the other end, on a port that it was given
    forget(one);
    check_seen(arena, PORT, 2); // CLOSE_WAIT
    forget(other);
    check_seen(arena, PORT, 1);
    one = connected("127.0.0.1", PORT);
    other = accepted(listener);
    forget(other);
    check_seen(arena, PORT, 2); // FIN_WAIT_2, nobody's
    forget(one);
    check_seen(arena, PORT, 2); // TIME_WAIT
    forget(listener);
    check_seen(arena, PORT, 1);
}

TEST(only_the_asked_states_come)
{
    struct host seen;
    NEED_OWN_KERNEL();
    int listener = listening(0, "127.0.0.1", PORT + 1, false);
    connected("127.0.0.1", PORT + 1);
    accepted(listener);
    CHECK(view(arena, PORT + 1, 1u << SOCKET_LISTEN, &seen));
    CHECK(seen.sockets.count == 1 && seen.sockets.items[0].state == SOCKET_LISTEN);
    CHECK(view(arena, PORT + 1, 1u << SOCKET_ESTABLISHED, &seen));
    CHECK(seen.sockets.count == 1 && seen.sockets.items[0].state == SOCKET_ESTABLISHED);
}

TEST(both_families_are_seen)
{
    int yes = 1;
    NEED_OWN_KERNEL();
    int both = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (both < 0)
        SKIP("this kernel has no IPv6");
    close(both);
    both = listening(0, "::", PORT + 2, false);
    connected("127.0.0.1", PORT + 2);
    connected("::1", PORT + 2);
    accepted(both);
    accepted(both);
    check_seen(arena, PORT + 2, 3);
    int six = keep(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT + 3)};
    CHECK(setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) == 0);
    CHECK(bind(six, (struct sockaddr *)&any, sizeof any) == 0 && listen(six, 1) == 0);
    listening(0, "0.0.0.0", PORT + 3, false);
    listening(0, "127.0.0.2", PORT + 4, false);
    listening(0, "127.0.0.3", PORT + 4, false);
    check_seen(arena, PORT + 3, 2);
    check_seen(arena, PORT + 4, 2);
}

TEST(a_device_is_named)
{
    NEED_OWN_KERNEL();
    int fd = keep(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT + 5)};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0);
    CHECK(bind(fd, (struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 1) == 0);
    check_seen(arena, PORT + 5, 1);
}

// Where a single question does not tell all, another tier answers, and all of it.
static void
check_left_to_others(struct arena *arena, uint16_t port, size_t count)
{
    struct host host = {0};
    struct err err = {0};
    struct socket_query query = {
        .protocols = 1u << PROTOCOL_TCP, .states = SOCKET_STATES_ALL, .first = port, .last = port};
    CHECK(!view(arena, port, SOCKET_STATES_ALL, &host));
    CHECK(socket_table_read(arena, &query, &host, &err));
    CHECK_INT(host.sockets.count, count);
    struct host all = read_all(arena, port);
    check_same(&host, &all);
}

TEST(a_socket_that_is_only_bound_is_left_to_others)
{
    NEED_OWN_KERNEL();
    CHECK(try_bind(0, "127.0.0.1", PORT + 6, false) >= 0);
    check_left_to_others(arena, PORT + 6, 1);
}

TEST(listeners_that_share_an_address_are_left_to_others)
{
    NEED_OWN_KERNEL();
    listening(0, "127.0.0.1", PORT + 7, true);
    listening(0, "127.0.0.1", PORT + 7, true);
    check_left_to_others(arena, PORT + 7, 2);
}

TEST(what_is_not_established_yet_is_left_to_others)
{
    int seconds = 60;
    NEED_OWN_KERNEL();
    int listener = try_bind(0, "127.0.0.1", PORT + 8, false);
    // The server's end is there once the first data are.
    CHECK(setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds) == 0);
    CHECK(listen(listener, 16) == 0);
    connected("127.0.0.1", PORT + 8);
    check_left_to_others(arena, PORT + 8, 2);
}

TEST(what_mptcp_has_is_left_to_others)
{
    NEED_OWN_KERNEL();
    if (try_bind(IPPROTO_MPTCP, "127.0.0.1", PORT + 9, false) < 0)
        SKIP("this kernel has no MPTCP");
    close_all();
    listening(IPPROTO_MPTCP, "127.0.0.1", PORT + 9, false);
    check_left_to_others(arena, PORT + 9, 1);
}

// Whatever is on a port, what is seen is what sock_diag tells.
TEST(any_mixture_is_seen_as_sock_diag_tells_it)
{
    enum {
        ROUNDS = 40,
        ACTS = 12,
    };
    static const char *const addresses[] = {"0.0.0.0", "127.0.0.1", "127.0.0.2", "::1", "::"};
    unsigned seed = (unsigned)getpid();
    size_t seen_count = 0;
    NEED_OWN_KERNEL();
    printf("# seed %u\n", seed);
    for (int round = 0; round < ROUNDS; round++) {
        uint16_t port = (uint16_t)(PORT + 20 + round);
        int listeners[ACTS];
        size_t count = 0;
        close_all();
        for (int act = 0; act < ACTS; act++) {
            int choice = (int)(rand_r(&seed) % 8);
            const char *address = addresses[rand_r(&seed) % 5];
            int fd = choice < 2 || count == 0 ? try_bind(0, address, port, false) : -1;
            if (fd >= 0 && listen(fd, 16) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
                listeners[count++] = fd;
            if (choice < 2 || count == 0)
                continue;
            int client = keep(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            struct sockaddr_in there = {
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            if (connect(client, (struct sockaddr *)&there, sizeof there) != 0 || choice == 2)
                continue;
            int server = -1;
            for (size_t i = 0; i < count && server < 0; i++)
                server = accept4(listeners[i], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (server >= 0)
                keep(server);
            if (server >= 0 && choice & 1)
                forget(server);
            if (choice & 4)
                forget(client);
        }
        struct host seen;
        clock_sleep_ms(SETTLE_MS);
        struct host all = read_all(arena, port);
        if (!view(arena, port, SOCKET_STATES_ALL, &seen))
            continue;
        seen_count++;
        check_same(&seen, &all);
    }
    close_all();
    CHECK(seen_count > ROUNDS / 2);
}

struct elsewhere {
    int protocol;
    uint16_t port;
    bool good;
};

// A thread that goes to a new network, leaves a socket there and ends: nobody lives there, and the socket stays.
static void *
open_elsewhere(void *data)
{
    struct elsewhere *elsewhere = data;
    int type = elsewhere->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(elsewhere->port)};
    int fd = unshare(CLONE_NEWNET) == 0 ? socket(AF_INET, type | SOCK_CLOEXEC, 0) : -1;
    elsewhere->good = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0;
    if (fd >= 0)
        open_fds[open_count++] = fd;
    return NULL;
}

// A port that no network has, nor the next one: other tests make networks too, but use none of these.
static uint16_t
port_of_nobody(struct arena *arena)
{
    uint16_t port = 600;
    while (port < 1000 &&
           !(port_view_is_here_alone(arena, PROTOCOL_TCP, port) && port_view_is_here_alone(arena, PROTOCOL_UDP, port) &&
             port_view_is_here_alone(arena, PROTOCOL_TCP, port + 1)))
        port++;
    return port;
}

TEST(sockets_of_other_networks_are_known_of)
{
    static const int protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
    NEED_OWN_KERNEL();
    uint16_t port = port_of_nobody(arena);
    for (size_t i = 0; i < 2; i++) {
        pthread_t thread;
        struct elsewhere elsewhere = {protocols[i], port, false};
        CHECK(try_bind(0, "127.0.0.1", port, false) >= 0);
        CHECK(port_view_is_here_alone(arena, PROTOCOL_TCP, port) && port_view_is_here_alone(arena, PROTOCOL_UDP, port));
        CHECK(pthread_create(&thread, NULL, open_elsewhere, &elsewhere) == 0 && pthread_join(thread, NULL) == 0);
        CHECK(elsewhere.good);
        CHECK(port_view_is_here_alone(arena, PROTOCOL_TCP, port) == (protocols[i] == IPPROTO_UDP));
        CHECK(port_view_is_here_alone(arena, PROTOCOL_UDP, port) == (protocols[i] == IPPROTO_TCP));
        CHECK(port_view_is_here_alone(arena, PROTOCOL_TCP, port + 1));
        CHECK(!port_view_is_here_alone(arena, PROTOCOL_UDPLITE, port + 1));
        close_all();
    }
}

TEST(unused_ports_are_told)
{
    uint16_t ports[4];
    NEED_OWN_KERNEL();
    CHECK(try_bind(0, "127.0.0.1", PORT + 80, false) >= 0);
    listening(0, "127.0.0.1", PORT + 81, false);
    CHECK(try_bind(0, "::1", PORT + 83, false) >= 0);
    CHECK_INT(port_view_unused(arena, PORT + 80, ports, 4), 4);
    CHECK(ports[0] == PORT + 82 && ports[1] == PORT + 84 && ports[2] == PORT + 85 && ports[3] == PORT + 86);
    CHECK(try_bind(0, "127.0.0.1", 65535, false) >= 0);
    CHECK_INT(port_view_unused(arena, 65534, ports, 4), 1);
    CHECK_INT(port_view_unused(arena, 65535, ports, 4), 0);
    CHECK_INT(ports[0], 65534);
    close_all();
}

TEST(without_the_right_nothing_is_told)
{
    struct host host;
    uint16_t ports[4];
    if (!own_network())
        SKIP("no network namespace may be made here");
    CHECK(setenv("MOORAGE_TIER", "proc", 1) == 0);
    bool told = view(arena, PORT, SOCKET_STATES_ALL, &host) || port_view_is_here_alone(arena, PROTOCOL_TCP, PORT) ||
                port_view_unused(arena, PORT, ports, 4) != 0;
    unsetenv("MOORAGE_TIER");
    CHECK(!told);
}

TAP_MAIN
