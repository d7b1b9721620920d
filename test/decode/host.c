#include "decode/host.h"

#include "tap.h"

TEST(each_protocol_and_state_is_found_by_its_own_name)
{
    for (enum protocol protocol = PROTOCOL_TCP; protocol < PROTOCOL_COUNT; protocol++) {
        enum protocol found;
        CHECK(host_protocol_name(protocol).len > 0);
        CHECK(host_protocol_parse(host_protocol_name(protocol), &found));
        CHECK_INT(found, protocol);
    }
    for (enum socket_state state = SOCKET_LISTEN; state < SOCKET_STATE_COUNT; state++) {
        enum socket_state found;
        CHECK(host_state_name(state).len > 0);
        CHECK(host_state_parse(host_state_name(state), &found));
        CHECK_INT(found, state);
    }
    CHECK_STR(host_protocol_name(PROTOCOL_UDPLITE), "udplite");
    CHECK_STR(host_state_name(SOCKET_TIME_WAIT), "TIME_WAIT");
    enum protocol protocol;
    enum socket_state state;
    CHECK(!host_protocol_parse(STR("TCP"), &protocol) && !host_protocol_parse(STR(""), &protocol));
    CHECK(!host_state_parse(STR("listen"), &state) && !host_state_parse(STR(""), &state));
    CHECK_STR(host_protocol_name(PROTOCOL_COUNT), "");
    CHECK_STR(host_state_name(SOCKET_STATE_COUNT), "");
}

TEST(what_is_known_has_no_word_and_what_is_not_has_one)
{
    enum known known;
    CHECK_STR(host_known_name(KNOWN_YES), "");
    CHECK_STR(host_known_name(KNOWN_NOT_ASKED), "");
    CHECK_STR(host_known_name(KNOWN_NOT_ALLOWED), "not-allowed");
    CHECK(host_known_parse(STR("gone"), &known) && known == KNOWN_GONE);
    CHECK(host_known_parse(STR("unsupported"), &known) && known == KNOWN_UNSUPPORTED);
    CHECK(host_known_parse(STR("timeout"), &known) && known == KNOWN_TIMEOUT);
    CHECK(!host_known_parse(STR(""), &known));
    CHECK_INT(host_known_of(ERR_NOT_ALLOWED), KNOWN_NOT_ALLOWED);
    CHECK_INT(host_known_of(ERR_GONE), KNOWN_GONE);
    CHECK_INT(host_known_of(ERR_TIMEOUT), KNOWN_TIMEOUT);
    CHECK_INT(host_known_of(ERR_FORMAT), KNOWN_UNSUPPORTED);
    CHECK_STR(host_tier_name(TIER_PROC), "proc");
    CHECK_STR(host_tier_name(TIER_NONE), "");
}

TEST(each_way_of_holding_is_told)
{
    struct holding holding = {.how = HOLDING_FD, .fd = 19, .tid = 77};
    CHECK_STR(host_how_format(arena, &holding), "fd 19");
    holding.how = HOLDING_THREAD_FD;
    CHECK_STR(host_how_format(arena, &holding), "thread 77 fd 19");
    holding.how = HOLDING_IN_FLIGHT;
    CHECK_STR(host_how_format(arena, &holding), "in-flight");
    holding.how = HOLDING_IO_URING;
    CHECK_STR(host_how_format(arena, &holding), "io_uring");
    holding.how = HOLDING_MMAP;
    CHECK_STR(host_how_format(arena, &holding), "mmap");
    holding.how = HOLDING_TABLE;
    CHECK_STR(host_how_format(arena, &holding), "table");
    holding.how = HOLDING_HANDLE;
    holding.fd = 0x1c4;
    CHECK_STR(host_how_format(arena, &holding), "handle 0x1c4");
}

TEST(only_tcp_and_mptcp_share_ports)
{
    CHECK(host_same_ports(PROTOCOL_TCP, PROTOCOL_MPTCP) && host_same_ports(PROTOCOL_MPTCP, PROTOCOL_TCP));
    CHECK(host_same_ports(PROTOCOL_UDP, PROTOCOL_UDP) && host_same_ports(PROTOCOL_MPTCP, PROTOCOL_MPTCP));
    CHECK(!host_same_ports(PROTOCOL_UDP, PROTOCOL_UDPLITE) && !host_same_ports(PROTOCOL_TCP, PROTOCOL_UDP));
    CHECK(host_port_space(PROTOCOL_MPTCP) == PROTOCOL_TCP && host_port_space(PROTOCOL_UDPLITE) == PROTOCOL_UDPLITE);
    CHECK_INT(host_port_sharers(PROTOCOL_TCP), 1u << PROTOCOL_TCP | 1u << PROTOCOL_MPTCP);
    CHECK_INT(host_port_sharers(PROTOCOL_MPTCP), host_port_sharers(PROTOCOL_TCP));
    CHECK_INT(host_port_sharers(PROTOCOL_UDP), 1u << PROTOCOL_UDP);
}

TEST(a_socket_without_file_and_owner_is_held_only_where_it_serves_or_is_bound)
{
    CHECK(host_has_owner(&(struct socket_row){.state = SOCKET_ESTABLISHED, .inode = 7}));
    CHECK(host_has_owner(&(struct socket_row){.state = SOCKET_ESTABLISHED, .owner_pid = 7}));
    CHECK(!host_has_owner(&(struct socket_row){.state = SOCKET_LISTEN}));
    CHECK(host_could_be_held(&(struct socket_row){.state = SOCKET_ESTABLISHED, .owner_pid = 7}));
    CHECK(!host_could_be_held(&(struct socket_row){.state = SOCKET_TIME_WAIT}));
    CHECK(host_could_be_held(&(struct socket_row){.state = SOCKET_LISTEN}));
    CHECK(host_could_be_held(&(struct socket_row){.state = SOCKET_BOUND}));
    CHECK(host_could_be_held(&(struct socket_row){.state = SOCKET_UNCONN}));
}

TEST(a_process_is_found_by_its_pid)
{
    struct host host = {0};
    CHECK(host_process(&host, 17) == NULL);
    LIST_ADD(arena, &host.processes)->pid = 4;
    LIST_ADD(arena, &host.processes)->pid = 17;
    CHECK(host_process(&host, 17) == &host.processes.items[1]);
    CHECK(host_process(&host, 5) == NULL);
}

TEST(a_wildcard_covers_the_addresses_of_its_family)
{
    struct socket_row row = {.local = address_any(FAMILY_IPV4)};
    struct address loopback = address_loopback(FAMILY_IPV4);

    CHECK(host_covers(&row, loopback));
    CHECK(host_covers(&row, address_any(FAMILY_NONE)));
    CHECK(!host_covers(&row, address_loopback(FAMILY_IPV6)));
    row.local = address_any(FAMILY_IPV6);
    CHECK(host_covers(&row, loopback) && host_covers(&row, address_loopback(FAMILY_IPV6)));
    row.v6only = TRI_YES;
    CHECK(!host_covers(&row, loopback));
    row.local = address_ipv4(10, 0, 0, 5);
    CHECK(!host_covers(&row, loopback) && !host_covers(&row, address_any(FAMILY_NONE)));
    CHECK(host_covers(&row, row.local));
    CHECK(address_parse(STR("::ffff:127.0.0.1"), &row.local));
    CHECK(host_covers(&row, loopback));
}

TAP_MAIN
