#include "sys/port_try_linux.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static int
open_socket(int family, enum protocol protocol)
{
    int off = 0;
    int type = protocol == PROTOCOL_TCP || protocol == PROTOCOL_MPTCP ? SOCK_STREAM : SOCK_DGRAM;
    // MPTCP's ports are TCP's.
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

bool
port_try_unused(enum protocol protocol, uint16_t first, uint16_t *out)
{
    int family = AF_INET6;
    int fd = open_socket(family, protocol);
    if (fd < 0) {
        family = AF_INET;
        fd = open_socket(family, protocol);
    }
    if (fd < 0)
        return false;
    bool found = false;
    for (uint32_t port = first; port <= UINT16_MAX; port++) {
        found = bind_all(fd, family, (uint16_t)port);
        *out = (uint16_t)port;
        if (found || errno != EADDRINUSE)
            break;
    }
    close(fd);
    return found;
}
