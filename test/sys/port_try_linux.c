// The real kernel: which ports nothing is bound to, in a network namespace of its own.

#include "sys/port_try_linux.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "own_network_linux.h"
#include "tap.h"

enum {
    PORT = 5200,
};

// A socket of the family that is bound to its loopback address, as ordinary servers are.
static int
bound(int family, int type, uint16_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(family, type, 0);
    const struct sockaddr *address = family == AF_INET6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    CHECK(bind(fd, address, family == AF_INET6 ? sizeof v6 : sizeof v4) == 0);
    return fd;
}

TEST(ports_with_a_socket_of_any_family_are_passed_over)
{
    uint16_t port = 0;
    if (!own_network())
        SKIP("no network namespace may be made here");
    int fds[] = {bound(AF_INET, SOCK_STREAM, PORT), bound(AF_INET6, SOCK_STREAM, PORT + 1),
                 bound(AF_INET, SOCK_STREAM, PORT + 2), bound(AF_INET, SOCK_DGRAM, PORT + 3)};
    CHECK(listen(fds[2], 1) == 0);
    CHECK(port_try_unused(PROTOCOL_TCP, PORT, &port));
    CHECK_INT(port, PORT + 3);
    CHECK(port_try_unused(PROTOCOL_MPTCP, PORT + 1, &port));
    CHECK_INT(port, PORT + 3);
    CHECK(port_try_unused(PROTOCOL_UDP, PORT + 3, &port));
    CHECK_INT(port, PORT + 4);
    CHECK(port_try_unused(PROTOCOL_UDPLITE, PORT + 3, &port));
    CHECK_INT(port, PORT + 3);
    // Nothing stays bound.
    close(bound(AF_INET, SOCK_STREAM, PORT + 3));
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

TEST(behind_the_last_port_there_is_none)
{
    uint16_t port = 0;
    if (!own_network())
        SKIP("no network namespace may be made here");
    CHECK(port_try_unused(PROTOCOL_TCP, 65535, &port));
    CHECK_INT(port, 65535);
    int fd = bound(AF_INET, SOCK_STREAM, 65535);
    CHECK(!port_try_unused(PROTOCOL_TCP, 65535, &port));
    close(fd);
}

TAP_MAIN
