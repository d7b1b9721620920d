// The rules one by one, where they can be read; test/sys/conflict_linux.c holds all of them against the kernel.

#include "core/conflict.h"

#include "tap.h"

enum {
    ME = 1000,
    OTHER = 1001,
};

static struct address
address(const char *text)
{
    struct address out = {.family = FAMILY_NONE};
    address_parse(str_of(text), &out);
    return out;
}

static struct socket_row
listener(const char *local)
{
    struct socket_row row = {.protocol = PROTOCOL_TCP, .state = SOCKET_LISTEN, .local_port = 8080, .inode = 1};
    row.local = address(local);
    row.v6only = TRI_NO;
    row.uid_known = true;
    row.uid = ME;
    row.reuse_addr = TRI_NO;
    row.reuse_port = TRI_NO;
    return row;
}

static struct bind_wish
wish(const char *local, enum bind_mode mode)
{
    return (struct bind_wish){.protocol = PROTOCOL_TCP, .address = address(local), .port = 8080, .mode = mode};
}

static enum conflict
check(const char *wanted, enum bind_mode mode, const struct socket_row *row)
{
    struct bind_wish asked = wish(wanted, mode);
    return conflict_check(&asked, ME, row);
}

static bool
overlaps(const char *wanted, const struct socket_row *row)
{
    struct bind_wish asked = wish(wanted, BIND_PLAIN);
    return conflict_overlaps(&asked, row);
}

TEST(a_listener_blocks_its_own_address_and_every_address)
{
    struct socket_row row = listener("127.0.0.1");
    CHECK_INT(check("127.0.0.1", BIND_REUSE, &row), CONFLICT_YES);
    CHECK_INT(check("0.0.0.0", BIND_REUSE, &row), CONFLICT_YES);
    CHECK_INT(check("::", BIND_REUSE, &row), CONFLICT_YES);
    CHECK_INT(check("::ffff:127.0.0.1", BIND_REUSE, &row), CONFLICT_YES);
    CHECK_INT(check("127.0.0.2", BIND_REUSE, &row), CONFLICT_NO);
    CHECK_INT(check("::1", BIND_REUSE, &row), CONFLICT_NO);
    row = listener("0.0.0.0");
    CHECK_INT(check("192.168.1.5", BIND_USUAL, &row), CONFLICT_YES);
}

TEST(other_ports_protocols_and_namespaces_do_not_matter)
{
    struct socket_row row = listener("0.0.0.0");
    row.local_port = 8081;
    CHECK(!overlaps("0.0.0.0", &row));
    row = listener("0.0.0.0");
    row.protocol = PROTOCOL_UDP;
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_NO);
    row.protocol = PROTOCOL_MPTCP;
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_YES);
    row.netns = 4026531840;
    CHECK(!overlaps("0.0.0.0", &row));
}

TEST(a_dual_stack_listener_takes_ipv4_too_unless_it_is_v6only)
{
    struct socket_row row = listener("::");
    CHECK_INT(check("127.0.0.1", BIND_PLAIN, &row), CONFLICT_YES);
    row.v6only = TRI_YES;
    CHECK_INT(check("127.0.0.1", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(check("::1", BIND_PLAIN, &row), CONFLICT_YES);
    row.v6only = TRI_UNKNOWN;
    CHECK_INT(check("127.0.0.1", BIND_PLAIN, &row), CONFLICT_UNKNOWN);
    CHECK(overlaps("127.0.0.1", &row));
}

TEST(a_v6only_wish_leaves_ipv4_alone)
{
    struct socket_row row = listener("0.0.0.0");
    struct bind_wish asked = wish("::", BIND_PLAIN);
    CHECK_INT(conflict_check(&asked, ME, &row), CONFLICT_YES);
    asked.v6only = true;
    CHECK_INT(conflict_check(&asked, ME, &row), CONFLICT_NO);
}

TEST(one_real_ipv6_address_never_takes_ipv4)
{
    struct socket_row row = listener("::1");
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_NO);
    row.v6only = TRI_UNKNOWN;
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(check("::2", BIND_PLAIN, &row), CONFLICT_NO);
}

TEST(an_ipv6_connection_of_a_dual_stack_listener_blocks_every_ipv4_address)
{
    struct socket_row row = listener("::1");
    row.state = SOCKET_ESTABLISHED;
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_YES);
    CHECK_INT(check("127.0.0.1", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(check("127.0.0.6", BIND_PLAIN, &row), CONFLICT_NO);
    row.v6only = TRI_YES;
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_NO);
    row.v6only = TRI_UNKNOWN;
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_UNKNOWN);
    struct bind_wish asked = wish("127.0.0.6", BIND_PLAIN);
    asked.protocol = PROTOCOL_UDP;
    row.protocol = PROTOCOL_UDP;
    row.v6only = TRI_NO;
    CHECK_INT(conflict_check(&asked, ME, &row), CONFLICT_YES);
}

TEST(reuseaddr_helps_against_all_but_listeners)
{
    struct socket_row row = listener("0.0.0.0");
    row.reuse_addr = TRI_YES;
    CHECK_INT(check("0.0.0.0", BIND_REUSE, &row), CONFLICT_YES);
    row.state = SOCKET_TIME_WAIT;
    CHECK_INT(check("0.0.0.0", BIND_REUSE, &row), CONFLICT_NO);
    CHECK_INT(check("0.0.0.0", BIND_USUAL, &row), CONFLICT_NO);
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_YES);
    CHECK_INT(check("0.0.0.0", BIND_EXCLUSIVE, &row), CONFLICT_YES);
    row.reuse_addr = TRI_NO;
    CHECK_INT(check("0.0.0.0", BIND_REUSE, &row), CONFLICT_YES);
    row.reuse_addr = TRI_UNKNOWN;
    CHECK_INT(check("0.0.0.0", BIND_REUSE, &row), CONFLICT_UNKNOWN);
    CHECK_INT(check("0.0.0.0", BIND_PLAIN, &row), CONFLICT_YES);
}

TEST(udp_shares_by_reuseaddr_in_every_state)
{
    struct socket_row row = listener("0.0.0.0");
    struct bind_wish asked = wish("0.0.0.0", BIND_REUSE);
    row.protocol = PROTOCOL_UDP;
    row.state = SOCKET_UNCONN;
    row.reuse_addr = TRI_YES;
    asked.protocol = PROTOCOL_UDP;
    CHECK_INT(conflict_check(&asked, ME, &row), CONFLICT_NO);
    asked.protocol = PROTOCOL_UDPLITE;
    CHECK(!conflict_overlaps(&asked, &row));
}

TEST(reuseport_is_shared_within_one_user)
{
    struct socket_row row = listener("0.0.0.0");
    row.reuse_port = TRI_YES;
    CHECK_INT(check("0.0.0.0", BIND_REUSEPORT, &row), CONFLICT_NO);
    row.uid = OTHER;
    CHECK_INT(check("0.0.0.0", BIND_REUSEPORT, &row), CONFLICT_YES);
    row.uid_known = false;
    CHECK_INT(check("0.0.0.0", BIND_REUSEPORT, &row), CONFLICT_UNKNOWN);
    row.state = SOCKET_TIME_WAIT;
    CHECK_INT(check("0.0.0.0", BIND_REUSEPORT, &row), CONFLICT_NO);
    row.state = SOCKET_FIN_WAIT_2;
    CHECK_INT(check("0.0.0.0", BIND_REUSEPORT, &row), CONFLICT_UNKNOWN);
    row.inode = 0;
    CHECK_INT(check("0.0.0.0", BIND_REUSEPORT, &row), CONFLICT_NO);
    row.reuse_port = TRI_UNKNOWN;
    CHECK_INT(check("0.0.0.0", BIND_REUSEPORT, &row), CONFLICT_UNKNOWN);
    CHECK_INT(check("0.0.0.0", BIND_REUSE, &row), CONFLICT_YES);
}

TEST(devices_keep_sockets_apart)
{
    struct socket_row row = listener("0.0.0.0");
    struct bind_wish asked = wish("0.0.0.0", BIND_PLAIN);
    row.device = 2;
    CHECK_INT(conflict_check(&asked, ME, &row), CONFLICT_YES);
    asked.device = 2;
    CHECK_INT(conflict_check(&asked, ME, &row), CONFLICT_YES);
    asked.device = 3;
    CHECK_INT(conflict_check(&asked, ME, &row), CONFLICT_NO);
    row = listener("fe80::1%4");
    CHECK_INT(check("fe80::1%4", BIND_PLAIN, &row), CONFLICT_YES);
    CHECK_INT(check("fe80::1%5", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(check("::", BIND_PLAIN, &row), CONFLICT_YES);
}

TEST(requests_and_closed_sockets_hold_nothing)
{
    struct socket_row row = listener("127.0.0.1");
    row.state = SOCKET_SYN_RECEIVED;
    CHECK_INT(check("127.0.0.1", BIND_PLAIN, &row), CONFLICT_YES);
    row.inode = 0;
    CHECK_INT(check("127.0.0.1", BIND_PLAIN, &row), CONFLICT_NO);
    row.state = SOCKET_CLOSED;
    CHECK_INT(check("127.0.0.1", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK(overlaps("127.0.0.1", &row));
}

TAP_MAIN
