#include "sys/socket_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_network_linux.h"
#include "refuse_linux.h"
#include "sys/clock.h"
#include "tap.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define ALL_BUT_BOUND (SOCKET_STATES_ALL & ~(1u << SOCKET_BOUND))

// Opened by the running test, closed by the next: a failed CHECK jumps out.
static int open_fds[16];
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
    if (fd >= 0)
        open_fds[open_count++] = fd;
    return fd;
}

// A socket bound to `text`; port 0 takes any. Listens with `backlog` above 0. -1 when the kernel lacks the protocol.
static int
bound(int type, int protocol, const char *text, uint16_t port, int v6only, int backlog)
{
    bool v6 = strchr(text, ':') != NULL;
    int fd = keep(socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, protocol));
    if (fd < 0)
        return -1;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (v6) {
        CHECK(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) == 0);
        CHECK(inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
        CHECK(bind(fd, (struct sockaddr *)&six, sizeof six) == 0);
    } else {
        CHECK(inet_pton(AF_INET, text, &four.sin_addr) == 1);
        CHECK(bind(fd, (struct sockaddr *)&four, sizeof four) == 0);
    }
    CHECK(backlog == 0 || listen(fd, backlog) == 0);
    return fd;
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    CHECK(getsockname(fd, (struct sockaddr *)&name, &size) == 0);
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}

static uint64_t
inode_of(int fd)
{
    struct stat facts;
    CHECK(fstat(fd, &facts) == 0);
    return facts.st_ino;
}

static int
connected_to(int listener)
{
    struct sockaddr_in6 name = {0};
    socklen_t size = sizeof name;
    CHECK(getsockname(listener, (struct sockaddr *)&name, &size) == 0);
    int fd = keep(socket(name.sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr *)&name, size) == 0);
    return fd;
}

static struct host
read_all(struct arena *arena, unsigned protocols, unsigned states, uint16_t first, uint16_t last)
{
    struct host host = {0};
    struct err err = {0};
    struct socket_query query = {.protocols = protocols, .states = states, .first = first, .last = last};
    bool good = socket_table_read(arena, &query, &host, &err);
    if (!good)
        printf("# %s\n", err.text);
    CHECK(good);
    return host;
}

static const struct socket_row *
row_at(const struct host *host, uint16_t port, enum protocol protocol, enum socket_state state)
{
    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->local_port == port && row->protocol == protocol && row->state == state)
            return row;
    }
    return NULL;
}

static struct socket_row
row_of(struct arena *arena, int fd, enum protocol protocol, enum socket_state state)
{
    uint16_t port = port_of(fd);
    struct host host = read_all(arena, 1u << protocol, 1u << state, port, port);
    const struct socket_row *row = row_at(&host, port, protocol, state);
    CHECK(row != NULL);
    return *row;
}

// The same for a state that the kernel takes a moment to reach.
static struct socket_row
row_soon(struct arena *arena, uint16_t port, enum socket_state state)
{
    const struct socket_row *row = NULL;
    for (int tries = 0; tries < 2000 && !row; tries++) {
        struct host host = read_all(arena, 1u << PROTOCOL_TCP, 1u << state, port, port);
        row = row_at(&host, port, PROTOCOL_TCP, state);
        if (!row)
            clock_sleep_ms(10);
    }
    CHECK(row != NULL);
    return *row;
}

TEST(an_ipv4_listener_is_seen_with_all_its_facts)
{
    close_all();
    own_network();
    int fd = bound(SOCK_STREAM, 0, "127.0.0.1", 0, 0, 7);
    struct socket_row row = row_of(arena, fd, PROTOCOL_TCP, SOCKET_LISTEN);
    CHECK_STR(address_format(arena, row.local), "127.0.0.1");
    CHECK(row.inode == inode_of(fd) && row.cookie != 0 && row.uid_known && row.uid == geteuid());
    CHECK(row.remote.family == FAMILY_NONE && row.backlog == 7 && row.queue == 0 && row.netns == 0);
    connected_to(fd);
    (void)row_soon(arena, port_of(fd), SOCKET_ESTABLISHED);
    CHECK_INT(row_of(arena, fd, PROTOCOL_TCP, SOCKET_LISTEN).queue, 1);
}

TEST(ipv6_listeners_tell_whether_they_take_ipv4_too)
{
    close_all();
    int dual = bound(SOCK_STREAM, 0, "::", 0, 0, 1);
    if (dual < 0)
        SKIP("this host has no IPv6");
    int only = bound(SOCK_STREAM, 0, "::", 0, 1, 1);
    int mapped = bound(SOCK_STREAM, 0, "::ffff:127.0.0.1", 0, 0, 1);
    struct socket_row row = row_of(arena, dual, PROTOCOL_TCP, SOCKET_LISTEN);
    CHECK(row.local.family == FAMILY_IPV6 && address_is_any(row.local) && row.v6only == TRI_NO);
    CHECK(row_of(arena, only, PROTOCOL_TCP, SOCKET_LISTEN).v6only == TRI_YES);
    row = row_of(arena, mapped, PROTOCOL_TCP, SOCKET_LISTEN);
    CHECK_STR(address_format(arena, row.local), "::ffff:127.0.0.1");
}

TEST(a_socket_that_is_bound_and_does_not_listen_is_seen)
{
    close_all();
    int fd = bound(SOCK_STREAM, 0, "0.0.0.0", 0, 0, 0);
    uint16_t port = port_of(fd);
    struct host host = read_all(arena, SOCKET_PROTOCOLS_ALL, SOCKET_STATES_ALL, port, port);
    if (host.sockets.count == 0)
        SKIP("this kernel does not tell of bound sockets (before Linux 6.8)");
    CHECK_INT(host.sockets.count, 1);
    const struct socket_row *row = row_at(&host, port, PROTOCOL_TCP, SOCKET_BOUND);
    CHECK(row && row->inode == inode_of(fd));
    CHECK_INT(read_all(arena, SOCKET_PROTOCOLS_ALL, ALL_BUT_BOUND, port, port).sockets.count, 0);
    CHECK(listen(fd, 1) == 0);
    host = read_all(arena, SOCKET_PROTOCOLS_ALL, 1u << SOCKET_BOUND, port, port);
    CHECK_INT(host.sockets.count, 0);
}

TEST(both_ends_of_a_connection_are_seen_through_its_whole_life)
{
    close_all();
    int listener = bound(SOCK_STREAM, 0, "127.0.0.1", 0, 0, 1);
    uint16_t port = port_of(listener);
    int client = connected_to(listener);
    uint16_t client_port = port_of(client);
    struct host host = read_all(arena, 1u << PROTOCOL_TCP, SOCKET_STATES_ALL, port, port);
    CHECK_INT(host.sockets.count, 2);
    struct socket_row waiting = row_soon(arena, port, SOCKET_ESTABLISHED);
    // Not accepted yet: it has no file.
    CHECK(waiting.inode == 0 && waiting.remote_port == client_port);
    int server = keep(accept(listener, NULL, NULL));
    CHECK(row_of(arena, server, PROTOCOL_TCP, SOCKET_ESTABLISHED).inode == inode_of(server));
    CHECK(row_of(arena, client, PROTOCOL_TCP, SOCKET_ESTABLISHED).inode == inode_of(client));
    CHECK(shutdown(client, SHUT_WR) == 0);
    CHECK(row_soon(arena, client_port, SOCKET_FIN_WAIT_2).inode == inode_of(client));
    CHECK(row_soon(arena, port, SOCKET_CLOSE_WAIT).remote_port == client_port);
    // The listener is the first of the open ones.
    while (open_count > 1)
        close(open_fds[--open_count]);
    struct socket_row lingering = row_soon(arena, client_port, SOCKET_TIME_WAIT);
    CHECK(lingering.inode == 0 && !lingering.uid_known);
    CHECK(lingering.expires_ms > 0 && lingering.expires_ms <= 60000);
}

TEST(udp_sockets_are_seen_connected_and_not)
{
    close_all();
    int plain = bound(SOCK_DGRAM, 0, "127.0.0.1", 0, 0, 0);
    int connected = bound(SOCK_DGRAM, 0, "127.0.0.1", 0, 0, 0);
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    CHECK(connect(connected, (struct sockaddr *)&peer, sizeof peer) == 0);
    CHECK(row_of(arena, plain, PROTOCOL_UDP, SOCKET_UNCONN).inode == inode_of(plain));
    struct socket_row row = row_of(arena, connected, PROTOCOL_UDP, SOCKET_ESTABLISHED);
    CHECK(row.inode == inode_of(connected) && row.remote_port == 9);
    uint16_t port = port_of(plain);
    CHECK_INT(read_all(arena, SOCKET_PROTOCOLS_ALL, 1u << SOCKET_LISTEN, port, port).sockets.count, 0);
}

TEST(udp_lite_sockets_are_seen)
{
    close_all();
    int fd = bound(SOCK_DGRAM, IPPROTO_UDPLITE, "127.0.0.1", 0, 0, 0);
    if (fd < 0)
        SKIP("this kernel has no UDP-Lite");
    CHECK(row_of(arena, fd, PROTOCOL_UDPLITE, SOCKET_UNCONN).inode == inode_of(fd));
}

TEST(an_mptcp_listener_shares_its_inode_with_a_tcp_row)
{
    close_all();
    int fd = bound(SOCK_STREAM, IPPROTO_MPTCP, "127.0.0.1", 0, 0, 3);
    if (fd < 0)
        SKIP("this kernel has no MPTCP");
    CHECK(row_of(arena, fd, PROTOCOL_MPTCP, SOCKET_LISTEN).inode == inode_of(fd));
    CHECK(row_of(arena, fd, PROTOCOL_TCP, SOCKET_LISTEN).inode == inode_of(fd));
}

TEST(a_socket_bound_to_a_device_names_it)
{
    close_all();
    int fd = keep(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0)
        SKIP("binding to a device is not allowed here");
    CHECK(listen(fd, 1) == 0);
    struct socket_row row = row_of(arena, fd, PROTOCOL_TCP, SOCKET_LISTEN);
    CHECK_INT(row.device, if_nametoindex("lo"));
    CHECK_STR(row.device_name, "lo");
}

TEST(only_the_asked_ports_come)
{
    close_all();
    if (!own_network())
        SKIP("a network namespace of its own is not allowed here");
    for (uint16_t port = 4000; port < 4005; port++)
        bound(SOCK_STREAM, 0, "127.0.0.1", port, 0, 1);
    CHECK_INT(read_all(arena, 1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, 4001, 4003).sockets.count, 3);
    CHECK_INT(read_all(arena, 1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, 4004, 65535).sockets.count, 1);
    CHECK_INT(read_all(arena, 1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, 0, 65535).sockets.count, 5);
    CHECK_INT(read_all(arena, 1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, 0, 0).sockets.count, 5);
    CHECK_INT(read_all(arena, 1u << PROTOCOL_UDP, SOCKET_STATES_ALL, 0, 65535).sockets.count, 0);
}

TEST(a_recording_keeps_the_answers)
{
    close_all();
    int fd = bound(SOCK_STREAM, 0, "127.0.0.1", 0, 0, 1);
    struct host host = {0};
    struct socket_query query = {.protocols = 1u << PROTOCOL_TCP | 1u << PROTOCOL_UDP,
                                 .states = SOCKET_STATES_ALL,
                                 .first = port_of(fd),
                                 .last = port_of(fd),
                                 .record = true};
    CHECK(socket_table_read(arena, &query, &host, NULL));
    CHECK_STR(host.socket_source, "netlink");
    CHECK_INT(host.raw.count, 3);
    CHECK_STR(host.raw.items[0].name, "sock_diag tcp ipv4 ipv6");
    CHECK(host.raw.items[0].bytes.len >= 88);
    CHECK_STR(host.raw.items[1].name, "sock_diag udp ipv4");
    CHECK_STR(host.raw.items[2].name, "sock_diag udp ipv6");
}

static bool
same_row(const struct socket_row *a, const struct socket_row *b)
{
    return a->protocol == b->protocol && a->state == b->state && address_equal(a->local, b->local) &&
           a->local_port == b->local_port && address_equal(a->remote, b->remote) && a->remote_port == b->remote_port &&
           a->inode == b->inode && a->uid == b->uid && a->uid_known == b->uid_known && a->queue == b->queue;
}

// In a child to which the kernel refuses the call `number`: 0 when files tell what netlink told.
static int
compare_in_child(struct arena *arena, const struct host *netlink, unsigned number)
{
    pid_t child = fork();
    if (child != 0) {
        int status = -1;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
    }
    struct host files = {0};
    struct socket_query query = {
        .protocols = SOCKET_PROTOCOLS_ALL, .states = SOCKET_STATES_ALL, .first = 0, .last = 65535};
    if (!refuse_call(number, EPERM))
        _exit(77);
    if (!socket_table_read(arena, &query, &files, NULL))
        _exit(1);
    if (!str_equal(files.socket_source, STR("/proc/net")))
        _exit(2);
    size_t expected = 0;
    for (size_t i = 0; i < netlink->sockets.count; i++) {
        const struct socket_row *want = &netlink->sockets.items[i];
        if (want->state == SOCKET_BOUND || want->protocol == PROTOCOL_MPTCP)
            continue;
        expected++;
        size_t found = 0;
        for (size_t k = 0; k < files.sockets.count; k++)
            found += same_row(want, &files.sockets.items[k]);
        if (found != 1)
            _exit(3);
    }
    _exit(expected == files.sockets.count ? 0 : 4);
}

TEST(where_netlink_is_refused_files_tell_the_same)
{
    close_all();
    if (!own_network())
        SKIP("a network namespace of its own is not allowed here");
    int listener = bound(SOCK_STREAM, 0, "127.0.0.1", 5000, 0, 4);
    connected_to(listener);
    bound(SOCK_STREAM, 0, "::", 5001, 1, 4);
    bound(SOCK_STREAM, 0, "::ffff:127.0.0.1", 5002, 0, 4);
    bound(SOCK_STREAM, 0, "127.0.0.1", 5003, 0, 0);
    bound(SOCK_DGRAM, 0, "127.0.0.1", 5004, 0, 0);
    bound(SOCK_DGRAM, 0, "::1", 5005, 1, 0);
    bound(SOCK_DGRAM, IPPROTO_UDPLITE, "::1", 5006, 1, 0);
    bound(SOCK_STREAM, IPPROTO_MPTCP, "127.0.0.1", 5007, 0, 1);
    struct host netlink = read_all(arena, SOCKET_PROTOCOLS_ALL, SOCKET_STATES_ALL, 0, 65535);
    CHECK_STR(netlink.socket_source, "netlink");
    CHECK(netlink.sockets.count >= 8);
    // A sandbox may forbid the socket, or only talking on it.
    int result = compare_in_child(arena, &netlink, SYS_socket);
    if (result == 77)
        SKIP("seccomp is not allowed here");
    CHECK_INT(result, 0);
    CHECK_INT(compare_in_child(arena, &netlink, SYS_sendto), 0);
}

TEST(ten_thousand_listeners_are_all_seen)
{
    close_all();
    enum {
        COUNT = 10000,
        FIRST = 20000
    };
    struct rlimit limit;
    if (!own_network())
        SKIP("a network namespace of its own is not allowed here");
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < COUNT + 100 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        SKIP("so many files may not be opened here");
    int *fds = arena_array(arena, COUNT, sizeof *fds);
    size_t opened = 0;
    for (; opened < COUNT; opened++) {
        struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(FIRST + opened))};
        fds[opened] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fds[opened] < 0 || bind(fds[opened], (struct sockaddr *)&name, sizeof name) != 0 ||
            listen(fds[opened], 1) != 0)
            break;
    }
    struct host host = {0};
    struct socket_query query = {.protocols = 1u << PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN, .last = 65535};
    int64_t start = clock_mono_us();
    bool good = socket_table_read(arena, &query, &host, NULL);
    printf("# %zu rows in %lld us\n", host.sockets.count, (long long)(clock_mono_us() - start));
    for (size_t i = 0; i <= opened && i < COUNT; i++)
        close(fds[i]);
    limit.rlim_cur = before;
    setrlimit(RLIMIT_NOFILE, &limit);
    CHECK(good);
    CHECK_INT(opened, COUNT);
    bool *seen = arena_array(arena, COUNT, sizeof *seen);
    for (size_t i = 0; i < host.sockets.count; i++) {
        uint16_t port = host.sockets.items[i].local_port;
        if (port >= FIRST && port < FIRST + COUNT)
            seen[port - FIRST] = true;
    }
    for (size_t i = 0; i < COUNT; i++)
        CHECK(seen[i]);
}

TAP_MAIN
