// Wine's kernel is Linux: which overlapping binds it refuses is no proof of what Windows does. Codes and options are.

#include "sys/bind_probe.h"

#include "tap.h"

#include "sys/winsock_win.h"

#include <ws2tcpip.h>

static struct probe
probe(struct arena *arena, enum protocol protocol, struct address address, uint16_t port, enum bind_mode mode)
{
    struct probe out;
    struct bind_wish wish = {
        .protocol = protocol, .address = address, .port = port, .mode = mode, .v6only = address.family == FAMILY_IPV6};
    bind_probe(arena, &wish, &out);
    return out;
}

// A socket that has a port of 127.0.0.1.
static SOCKET
hold(enum protocol protocol, uint16_t *port)
{
    int code;
    struct sockaddr_in at = {.sin_family = AF_INET};
    int length = sizeof at;
    SOCKET made = winsock_open(FAMILY_IPV4, protocol, &code);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(made != INVALID_SOCKET && bind(made, (struct sockaddr *)&at, sizeof at) == 0 &&
          getsockname(made, (struct sockaddr *)&at, &length) == 0);
    *port = ntohs(at.sin_port);
    return made;
}

TEST(taken_port_is_refused_and_free_one_is_not)
{
    static const enum protocol protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};
    for (size_t i = 0; i < 2; i++) {
        uint16_t port;
        SOCKET held = hold(protocols[i], &port);
        struct probe taken = probe(arena, protocols[i], address_loopback(FAMILY_IPV4), port, BIND_USUAL);
        struct probe alone = probe(arena, protocols[i], address_loopback(FAMILY_IPV4), port, BIND_EXCLUSIVE);
        winsock_close(held);
        struct probe open = probe(arena, protocols[i], address_loopback(FAMILY_IPV4), port, BIND_USUAL);
        struct probe again = probe(arena, protocols[i], address_loopback(FAMILY_IPV4), port, BIND_EXCLUSIVE);
        CHECK(!taken.worked && taken.code == WSAEADDRINUSE && !alone.worked);
        CHECK_STR(taken.result, "WSAEADDRINUSE");
        CHECK_STR(taken.bind, "plain");
        CHECK_STR(alone.bind, "exclusive");
        CHECK(open.worked && open.code == 0 && again.worked);
        CHECK_STR(open.result, "ok");
    }
}

TEST(address_of_another_host_is_refused)
{
    struct address far_away;
    CHECK(address_parse(STR("192.0.2.1"), &far_away));
    struct probe out = probe(arena, PROTOCOL_TCP, far_away, 0, BIND_PLAIN);
    CHECK(!out.worked && out.code == WSAEADDRNOTAVAIL);
    CHECK_STR(out.result, "WSAEADDRNOTAVAIL");
}

TEST(what_windows_lacks_is_unsupported)
{
    struct address loopback = address_loopback(FAMILY_IPV4);
    struct probe out;
    struct bind_wish wish = {.protocol = PROTOCOL_TCP, .address = loopback, .device = 1};
    CHECK_STR(probe(arena, PROTOCOL_UDPLITE, loopback, 0, BIND_PLAIN).result, "unsupported");
    CHECK_STR(probe(arena, PROTOCOL_MPTCP, loopback, 0, BIND_PLAIN).result, "unsupported");
    CHECK_STR(probe(arena, PROTOCOL_TCP, loopback, 0, BIND_REUSEPORT).result, "unsupported");
    bind_probe(arena, &wish, &out);
    CHECK_STR(out.result, "unsupported");
}

TEST(both_families_can_be_asked)
{
    CHECK(probe(arena, PROTOCOL_TCP, address_any(FAMILY_IPV4), 0, BIND_REUSE).worked);
    struct probe v6 = probe(arena, PROTOCOL_TCP, address_any(FAMILY_IPV6), 0, BIND_PLAIN);
    CHECK(v6.v6only);
    CHECK(v6.worked || v6.code == WSAEAFNOSUPPORT || v6.code == WSAEADDRNOTAVAIL);
}

TEST(modes_have_names)
{
    CHECK_STR(bind_mode_name(BIND_USUAL), "plain");
    CHECK_STR(bind_mode_name(BIND_PLAIN), "plain");
    CHECK_STR(bind_mode_name(BIND_REUSE), "reuse");
    CHECK_STR(bind_mode_name(BIND_REUSEPORT), "reuseport");
    CHECK_STR(bind_mode_name(BIND_EXCLUSIVE), "exclusive");
}

TAP_MAIN
