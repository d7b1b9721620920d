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
    return conflict_check(&conflict_rules_linux, &asked, ME, row);
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
    CHECK_INT(conflict_check(&conflict_rules_linux, &asked, ME, &row), CONFLICT_YES);
    asked.v6only = true;
    CHECK_INT(conflict_check(&conflict_rules_linux, &asked, ME, &row), CONFLICT_NO);
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
    CHECK_INT(conflict_check(&conflict_rules_linux, &asked, ME, &row), CONFLICT_YES);
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
    CHECK_INT(conflict_check(&conflict_rules_linux, &asked, ME, &row), CONFLICT_NO);
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
    CHECK_INT(conflict_check(&conflict_rules_linux, &asked, ME, &row), CONFLICT_YES);
    asked.device = 2;
    CHECK_INT(conflict_check(&conflict_rules_linux, &asked, ME, &row), CONFLICT_YES);
    asked.device = 3;
    CHECK_INT(conflict_check(&conflict_rules_linux, &asked, ME, &row), CONFLICT_NO);
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

// Microsoft's tables once more, in another shape: a mistyped cell of one of them is a difference.
struct pair {
    const char *first;
    const char *second[6]; // Default, ReuseAddr, Exclusive: each wildcard, then specific
};

static const struct pair same_user[] = {
    {"default wildcard", {"in use", "success", "access", "success", "in use", "success"}},
    {"default specific", {"success", "in use", "success", "access", "in use", "in use"}},
    {"reuse wildcard", {"in use", "success", "success", "success", "in use", "success"}},
    {"reuse specific", {"success", "in use", "success", "success", "in use", "in use"}},
    {"exclusive wildcard", {"in use", "access", "access", "access", "in use", "access"}},
    {"exclusive specific", {"success", "in use", "success", "access", "in use", "in use"}},
};

static const struct pair other_user[] = {
    {"default wildcard", {"in use", "access", "access", "access", "in use", "access"}},
    {"default specific", {"success", "in use", "success", "access", "in use", "in use"}},
    {"reuse wildcard", {"in use", "access", "success", "success", "in use", "access"}},
    {"reuse specific", {"success", "in use", "success", "success", "in use", "in use"}},
    {"exclusive wildcard", {"in use", "access", "access", "access", "in use", "access"}},
    {"exclusive specific", {"success", "in use", "success", "access", "in use", "in use"}},
};

static struct conflict_bind
bind_at(size_t i)
{
    return (struct conflict_bind){(enum conflict_option)(i / 2), i % 2 == 0};
}

static const char *
outcome_name(enum conflict_outcome outcome)
{
    return outcome == CONFLICT_WORKS ? "success" : outcome == CONFLICT_IN_USE ? "in use" : "access";
}

TEST(every_cell_of_microsofts_tables_is_as_documented)
{
    for (size_t first = 0; first < 6; first++)
        for (size_t second = 0; second < 6; second++) {
            CHECK_STR(str_of(outcome_name(conflict_matrix(bind_at(first), bind_at(second), true))),
                      same_user[first].second[second]);
            CHECK_STR(str_of(outcome_name(conflict_matrix(bind_at(first), bind_at(second), false))),
                      other_user[first].second[second]);
        }
}

// How a bind ends on Windows beside a row whose options are told.
static enum conflict
windows(const char *wanted, enum bind_mode mode, const struct socket_row *row)
{
    struct bind_wish asked = wish(wanted, mode);
    return conflict_check(&conflict_rules_windows, &asked, ME, row);
}

static bool
windows_forbids(const char *wanted, enum bind_mode mode, const struct socket_row *row)
{
    struct bind_wish asked = wish(wanted, mode);
    return conflict_rules_windows.outcomes(&asked, ME, row) & CONFLICT_FORBIDDEN;
}

static struct socket_row
windows_listener(const char *local)
{
    struct socket_row row = listener(local);
    row.inode = 0;
    row.uid_known = false;
    row.reuse_addr = TRI_UNKNOWN;
    row.v6only = TRI_UNKNOWN;
    return row;
}

TEST(on_windows_two_plain_wildcards_conflict_and_one_address_beside_a_wildcard_does_not)
{
    struct socket_row row = windows_listener("0.0.0.0");
    CHECK_INT(windows("0.0.0.0", BIND_USUAL, &row), CONFLICT_YES);
    CHECK_INT(windows("0.0.0.0", BIND_EXCLUSIVE, &row), CONFLICT_YES);
    CHECK_INT(windows("0.0.0.0", BIND_REUSE, &row), CONFLICT_UNKNOWN);
    CHECK_INT(windows("127.0.0.1", BIND_PLAIN, &row), CONFLICT_UNKNOWN);
    CHECK(windows_forbids("127.0.0.1", BIND_PLAIN, &row));
    CHECK(!windows_forbids("0.0.0.0", BIND_PLAIN, &row));
    row = windows_listener("127.0.0.1");
    CHECK_INT(windows("0.0.0.0", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(windows("127.0.0.1", BIND_PLAIN, &row), CONFLICT_YES);
    CHECK_INT(windows("127.0.0.2", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(windows("0.0.0.0", BIND_EXCLUSIVE, &row), CONFLICT_YES);
}

TEST(on_windows_it_matters_whose_the_socket_is)
{
    struct socket_row row = windows_listener("0.0.0.0");
    row.uid_known = true;
    row.uid = ME;
    row.reuse_addr = TRI_YES;
    CHECK_INT(windows("127.0.0.1", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(windows("0.0.0.0", BIND_REUSE, &row), CONFLICT_NO);
    row.uid = OTHER;
    CHECK_INT(windows("127.0.0.1", BIND_PLAIN, &row), CONFLICT_YES);
    CHECK(windows_forbids("127.0.0.1", BIND_PLAIN, &row));
    row.reuse_addr = TRI_NO;
    CHECK_INT(windows("0.0.0.0", BIND_REUSE, &row), CONFLICT_YES);
}

TEST(on_windows_a_socket_of_both_families_must_pass_for_both)
{
    struct socket_row row = windows_listener("127.0.0.1");
    struct bind_wish asked = wish("::", BIND_EXCLUSIVE);
    CHECK_INT(conflict_check(&conflict_rules_windows, &asked, ME, &row), CONFLICT_YES);
    asked.v6only = true;
    CHECK_INT(conflict_check(&conflict_rules_windows, &asked, ME, &row), CONFLICT_NO);
    row = windows_listener("::");
    CHECK_INT(windows("0.0.0.0", BIND_PLAIN, &row), CONFLICT_UNKNOWN);
    CHECK_INT(windows("::", BIND_PLAIN, &row), CONFLICT_YES);
    row.v6only = TRI_NO;
    CHECK_INT(windows("0.0.0.0", BIND_PLAIN, &row), CONFLICT_YES);
    row.v6only = TRI_YES;
    CHECK_INT(windows("0.0.0.0", BIND_PLAIN, &row), CONFLICT_NO);
}

TEST(on_windows_what_lingers_stands_in_the_way_of_exclusive_binds_alone)
{
    struct socket_row row = windows_listener("127.0.0.1");
    row.state = SOCKET_TIME_WAIT;
    CHECK_INT(windows("127.0.0.1", BIND_PLAIN, &row), CONFLICT_NO);
    CHECK_INT(windows("127.0.0.1", BIND_EXCLUSIVE, &row), CONFLICT_UNKNOWN);
    row.state = SOCKET_ESTABLISHED;
    CHECK_INT(windows("127.0.0.1", BIND_PLAIN, &row), CONFLICT_UNKNOWN);
    row.state = SOCKET_SYN_RECEIVED;
    CHECK_INT(windows("127.0.0.1", BIND_EXCLUSIVE, &row), CONFLICT_NO);
}

TEST(on_linux_nothing_is_forbidden_by_a_socket)
{
    struct socket_row row = listener("0.0.0.0");
    struct bind_wish asked = wish("0.0.0.0", BIND_PLAIN);
    CHECK_INT(conflict_rules_linux.outcomes(&asked, ME, &row), CONFLICT_IN_USE);
}

TAP_MAIN
