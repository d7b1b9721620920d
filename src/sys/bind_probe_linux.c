#include "sys/bind_probe.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Older C libraries lack it; the kernel's number is fixed (include/uapi/linux/in.h).
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

// What socket(), setsockopt() and bind() are known to answer; errno(3) names the rest by number.
static const struct {
    int code;
    struct str name;
} errors[] = {
    {EADDRINUSE, STR_INIT("EADDRINUSE")},
    {EACCES, STR_INIT("EACCES")},
    {EPERM, STR_INIT("EPERM")},
    {EADDRNOTAVAIL, STR_INIT("EADDRNOTAVAIL")},
    {EINVAL, STR_INIT("EINVAL")},
    {EAFNOSUPPORT, STR_INIT("unsupported")},
    {EPROTONOSUPPORT, STR_INIT("unsupported")},
    {ESOCKTNOSUPPORT, STR_INIT("unsupported")},
    {ENOPROTOOPT, STR_INIT("unsupported")}, // MPTCP switched off by net.mptcp.enabled
    {ENODEV, STR_INIT("ENODEV")},
    {ENXIO, STR_INIT("ENXIO")}, // no interface has this index
    {ENOBUFS, STR_INIT("ENOBUFS")},
    {ENOMEM, STR_INIT("ENOMEM")},
    {EMFILE, STR_INIT("EMFILE")},
    {ENFILE, STR_INIT("ENFILE")},
    {ENETDOWN, STR_INIT("ENETDOWN")},
};

struct str
bind_error_name(struct arena *arena, unsigned long code)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if ((unsigned long)errors[i].code == code)
            return errors[i].name;
    return str_printf(arena, "errno %lu", code);
}

struct str
bind_mode_name(enum bind_mode mode)
{
    switch (mode) {
    case BIND_PLAIN:
        return STR("plain");
    case BIND_REUSEPORT:
        return STR("reuseport");
    case BIND_EXCLUSIVE:
        return STR("exclusive");
    case BIND_USUAL:
    case BIND_REUSE:
        break;
    }
    return STR("reuse");
}

static int
open_socket(const struct bind_wish *wish)
{
    static const struct {
        int type;
        int number;
    } kinds[PROTOCOL_COUNT] = {
        [PROTOCOL_TCP] = {SOCK_STREAM, IPPROTO_TCP},
        [PROTOCOL_UDP] = {SOCK_DGRAM, IPPROTO_UDP},
        [PROTOCOL_UDPLITE] = {SOCK_DGRAM, IPPROTO_UDPLITE},
        [PROTOCOL_MPTCP] = {SOCK_STREAM, IPPROTO_MPTCP},
    };
    int family = wish->address.family == FAMILY_IPV6 ? AF_INET6 : AF_INET;

    return socket(family, kinds[wish->protocol].type | SOCK_CLOEXEC | SOCK_NONBLOCK, kinds[wish->protocol].number);
}

// By name, not by SO_BINDTOIFINDEX: that one takes an index that no interface has.
static int
bind_to_device(int fd, uint32_t device)
{
    char name[IF_NAMESIZE] = "";

    if (!if_indextoname(device, name))
        return -1;
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1);
}

static int
set_options(int fd, const struct bind_wish *wish)
{
    int on = 1;
    int v6only = wish->v6only;

    if (wish->address.family == FAMILY_IPV6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) != 0)
        return -1;
    if ((wish->mode == BIND_REUSE || wish->mode == BIND_USUAL) &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return -1;
    if (wish->mode == BIND_REUSEPORT && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
        return -1;
    return wish->device ? bind_to_device(fd, wish->device) : 0;
}

static int
bind_address(int fd, const struct bind_wish *wish)
{
    if (wish->address.family == FAMILY_IPV6) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(wish->port)};
        v6.sin6_scope_id = wish->address.scope;
        memcpy(&v6.sin6_addr, wish->address.bytes, sizeof v6.sin6_addr);
        return bind(fd, (const struct sockaddr *)&v6, sizeof v6);
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(wish->port)};
    memcpy(&v4.sin_addr, wish->address.bytes, sizeof v4.sin_addr);
    return bind(fd, (const struct sockaddr *)&v4, sizeof v4);
}

void
bind_probe(struct arena *arena, const struct bind_wish *wish, struct probe *out)
{
    int code = 0;
    int fd = -1;

    *out = (struct probe){
        .protocol = wish->protocol,
        .address = wish->address,
        .port = wish->port,
        .bind = bind_mode_name(wish->mode),
        .v6only = wish->address.family == FAMILY_IPV6 && wish->v6only,
        .device = wish->device,
    };
    fd = open_socket(wish);
    if (fd < 0 || set_options(fd, wish) != 0 || bind_address(fd, wish) != 0)
        code = errno;
    if (fd >= 0)
        close(fd);
    out->worked = code == 0;
    out->code = (unsigned long)code;
    out->result = out->worked ? STR("ok") : bind_error_name(arena, out->code);
}
