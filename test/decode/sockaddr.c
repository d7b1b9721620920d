#include "decode/sockaddr.h"

#include "tap.h"

// The family stands in the machine's own byte order.
static struct str
bytes_of(struct arena *arena, uint16_t family, const char *rest, size_t length)
{
    char *bytes = arena_alloc(arena, length + 2);

    memcpy(bytes, &family, sizeof family);
    memcpy(bytes + 2, rest, length);
    return (struct str){bytes, length + 2};
}

TEST(an_address_with_its_port_is_read)
{
    struct address address;
    uint16_t port = 0;

    CHECK(sockaddr_parse(bytes_of(arena, 2, "\x1f\x90\x7f\0\0\1\0\0\0\0\0\0\0\0", 14), &address, &port));
    CHECK(port == 8080 && address_equal(address, address_loopback(FAMILY_IPV4)));
    CHECK(sockaddr_parse(bytes_of(arena, 10, "\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 26), &address,
                         &port));
    CHECK(port == 80 && address_equal(address, address_loopback(FAMILY_IPV6)));
}

TEST(a_link_local_address_has_its_scope)
{
    struct address address;
    uint16_t port = 0;
    uint32_t scope = 3;
    char rest[26] = "\0\x50\0\0\0\0\xfe\x80";

    memcpy(rest + 22, &scope, sizeof scope);
    CHECK(sockaddr_parse(bytes_of(arena, 10, rest, 26), &address, &port) && address.scope == 3);
    CHECK(sockaddr_parse(bytes_of(arena, 10, rest, 22), &address, &port) && address.scope == 0);
    memset(rest + 6, 0, 2);
    CHECK(sockaddr_parse(bytes_of(arena, 10, rest, 26), &address, &port) && address.scope == 0);
}

TEST(no_family_means_ipv4_for_every_address_alone)
{
    struct address address;
    uint16_t port = 0;

    CHECK(sockaddr_parse(bytes_of(arena, 0, "\0\x50\0\0\0\0\0\0\0\0\0\0\0\0", 14), &address, &port));
    CHECK(port == 80 && address_equal(address, address_any(FAMILY_IPV4)));
    CHECK(!sockaddr_parse(bytes_of(arena, 0, "\0\x50\x7f\0\0\1\0\0\0\0\0\0\0\0", 14), &address, &port));
}

TEST(what_is_short_or_of_another_family_is_none)
{
    struct address address;
    uint16_t port = 0;

    CHECK(!sockaddr_parse(STR(""), &address, &port));
    CHECK(!sockaddr_parse(bytes_of(arena, 2, "\0\x50\0\0\0\0\0\0\0\0\0\0\0\0", 13), &address, &port));
    CHECK(!sockaddr_parse(bytes_of(arena, 10, "\0\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 21), &address, &port));
    CHECK(!sockaddr_parse(bytes_of(arena, 1, "/run/x.sock\0\0\0\0\0", 16), &address, &port));
}

TAP_MAIN
