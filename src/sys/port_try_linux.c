#include "sys/port_try_linux.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int
open_socket(int family, enum protocol protocol)
{
    int off = 0;
    int type = host_same_ports(protocol, PROTOCOL_TCP) ? SOCK_STREAM : SOCK_DGRAM;
    int fd = socket(family, type | SOCK_CLOEXEC, protocol == PROTOCOL_UDPLITE ? IPPROTO_UDPLITE : 0);
    if (fd >= 0 && family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool
bind_all(int fd, int family, uint16_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    return family == AF_INET6 ? bind(fd, (const struct sockaddr *)&v6, sizeof v6) == 0
                              : bind(fd, (const struct sockaddr *)&v4, sizeof v4) == 0;
}

// Goes up from `port` to the first that a bind gets. False when none does.
static bool
go_up(int fd, int family, uint16_t *port)
{
    for (uint32_t next = *port; next <= UINT16_MAX; next++) {
        *port = (uint16_t)next;
        if (bind_all(fd, family, *port))
            return true;
        if (errno != EADDRINUSE)
            return false;
    }
    return false;
}

// The bind of IPv6 takes IPv4 too and would do alone; but most servers have IPv4, and to be refused there takes a third less.
bool
port_try_unused(enum protocol protocol, uint16_t first, uint16_t *out)
{
    static const int families[] = {AF_INET, AF_INET6};
    bool found = false;
    *out = first;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        int fd = open_socket(families[i], protocol);
        if (fd < 0)
            continue; // the host lacks it
        found = go_up(fd, families[i], out);
        close(fd);
        if (!found)
            return false;
    }
    return found;
}
