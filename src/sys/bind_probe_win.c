#include "sys/bind_probe.h"

#include "sys/winsock_win.h"

#include <ws2tcpip.h>

#include <string.h>

// What WSASocket(), setsockopt() and bind() are known to answer ("Windows Sockets Error Codes"); others go by number.
static const struct {
    int code;
    struct str name;
} errors[] = {
    {WSAEADDRINUSE, STR_INIT("WSAEADDRINUSE")},
    {WSAEACCES, STR_INIT("WSAEACCES")},
    {WSAEADDRNOTAVAIL, STR_INIT("WSAEADDRNOTAVAIL")},
    {WSAEINVAL, STR_INIT("WSAEINVAL")},
    {WSAEAFNOSUPPORT, STR_INIT("unsupported")},
    {WSAEPROTONOSUPPORT, STR_INIT("unsupported")},
    {WSAESOCKTNOSUPPORT, STR_INIT("unsupported")},
    {WSAEPROTOTYPE, STR_INIT("unsupported")},
    {WSAENOPROTOOPT, STR_INIT("unsupported")},
    {WSAENOBUFS, STR_INIT("WSAENOBUFS")},
    {WSAEMFILE, STR_INIT("WSAEMFILE")},
    {WSAENETDOWN, STR_INIT("WSAENETDOWN")},
    {WSAEFAULT, STR_INIT("WSAEFAULT")},
    {WSASYSNOTREADY, STR_INIT("WSASYSNOTREADY")},
    {WSAEPROVIDERFAILEDINIT, STR_INIT("WSAEPROVIDERFAILEDINIT")},
};

struct str
bind_error_name(struct arena *arena, unsigned long code)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if ((unsigned long)errors[i].code == code)
            return errors[i].name;
    return str_printf(arena, "WSA %lu", code);
}

struct str
bind_mode_name(enum bind_mode mode)
{
    switch (mode) {
    case BIND_REUSE:
        return STR("reuse");
    case BIND_REUSEPORT:
        return STR("reuseport");
    case BIND_EXCLUSIVE:
        return STR("exclusive");
    case BIND_USUAL:
    case BIND_PLAIN:
        break;
    }
    return STR("plain");
}

static int
set_option(SOCKET fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, (const char *)&value, sizeof value) == 0 ? 0 : WSAGetLastError();
}

// Windows has neither SO_REUSEPORT nor sockets that belong to a device.
static int
set_options(SOCKET fd, const struct bind_wish *wish)
{
    int code = wish->mode == BIND_REUSEPORT || wish->device ? WSAENOPROTOOPT : 0;
    if (code == 0 && wish->address.family == FAMILY_IPV6)
        code = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, wish->v6only);
    if (code == 0 && wish->mode == BIND_REUSE)
        code = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (code == 0 && wish->mode == BIND_EXCLUSIVE)
        code = set_option(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    return code;
}

static int
bind_address(SOCKET fd, const struct bind_wish *wish)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(wish->port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(wish->port)};
    bool is_v6 = wish->address.family == FAMILY_IPV6;
    v6.sin6_scope_id = wish->address.scope;
    memcpy(&v6.sin6_addr, wish->address.bytes, sizeof v6.sin6_addr);
    memcpy(&v4.sin_addr, wish->address.bytes, sizeof v4.sin_addr);
    int result =
        is_v6 ? bind(fd, (const struct sockaddr *)&v6, sizeof v6) : bind(fd, (const struct sockaddr *)&v4, sizeof v4);
    return result == 0 ? 0 : WSAGetLastError();
}

void
bind_probe(struct arena *arena, const struct bind_wish *wish, struct probe *out)
{
    int code;
    *out = (struct probe){
        .protocol = wish->protocol,
        .address = wish->address,
        .port = wish->port,
        .bind = bind_mode_name(wish->mode),
        .v6only = wish->address.family == FAMILY_IPV6 && wish->v6only,
        .device = wish->device,
    };
    SOCKET fd = winsock_open((enum family)wish->address.family, wish->protocol, &code);
    if (code == 0)
        code = set_options(fd, wish);
    if (code == 0)
        code = bind_address(fd, wish);
    winsock_close(fd);
    out->worked = code == 0;
    out->code = (unsigned long)code;
    out->result = out->worked ? STR("ok") : bind_error_name(arena, out->code);
}
