#include "decode/inet_diag.h"

#include "decode/netlink.h"
#include "decode/sample.h"

static const struct socket_row *
find(const struct host *host, uint16_t port, enum socket_state state)
{
    for (size_t i = 0; i < host->sockets.count; i++) {
        if (host->sockets.items[i].local_port == port && host->sockets.items[i].state == state)
            return &host->sockets.items[i];
    }
    return NULL;
}

static struct host
rows_of(struct arena *arena, const char *name, enum protocol protocol)
{
    struct host host = {0};
    inet_diag_rows(arena, sample_read(arena, name), protocol, 0, 65535, &host);
    return host;
}

TEST(recorded_tcp_sockets_are_read)
{
    struct host host = rows_of(arena, "tcp.bin", PROTOCOL_TCP);
    CHECK_INT(host.sockets.count, 14);

    const struct socket_row *row = find(&host, 8080, SOCKET_LISTEN);
    CHECK(row != NULL);
    CHECK_STR(address_format(arena, row->local), "127.0.0.1");
    CHECK_INT(row->remote.family, FAMILY_NONE);
    CHECK(row->uid_known && row->uid == 0 && row->inode != 0 && row->cookie != 0 && row->cgroup != 0);
    CHECK(row->v6only == TRI_UNKNOWN && row->reuse_addr == TRI_UNKNOWN && row->reuse_port == TRI_UNKNOWN);
    CHECK(row->queue == 1 && row->backlog == 5);
    CHECK(row->device == 0 && row->netns == 0 && row->expires_ms == 0);

    row = find(&host, 8081, SOCKET_LISTEN);
    CHECK(row && row->v6only == TRI_NO && row->backlog == 6);
    CHECK_STR(address_format(arena, row->local), "::");
    row = find(&host, 8082, SOCKET_LISTEN);
    CHECK(row && row->v6only == TRI_YES);
    row = find(&host, 8083, SOCKET_LISTEN);
    CHECK(row && row->v6only == TRI_NO);
    CHECK_STR(address_format(arena, row->local), "::ffff:127.0.0.1");
    row = find(&host, 8085, SOCKET_LISTEN);
    CHECK(row && row->device == 1);
    row = find(&host, 8086, SOCKET_LISTEN);
    CHECK(row && row->device == 2);
    CHECK_STR(address_format(arena, row->local), "fe80::7%2");
}

TEST(a_socket_that_is_only_bound_is_told_from_a_closed_one)
{
    struct host host = rows_of(arena, "tcp.bin", PROTOCOL_TCP);
    CHECK(find(&host, 8084, SOCKET_BOUND) != NULL);
    // An MPTCP socket that does not listen shows as a TCP one.
    CHECK(find(&host, 8091, SOCKET_BOUND) != NULL);
    enum socket_state state;
    CHECK(inet_diag_state(PROTOCOL_TCP, 7, 0, &state) && state == SOCKET_CLOSED);
    CHECK(inet_diag_state(PROTOCOL_UDP, 7, 53, &state) && state == SOCKET_UNCONN);
    CHECK(!inet_diag_state(PROTOCOL_UDP, 10, 53, &state));
    CHECK(!inet_diag_state(PROTOCOL_TCP, 0, 53, &state) && !inet_diag_state(PROTOCOL_TCP, 14, 53, &state));
}

TEST(connections_show_both_ends_and_what_time_is_left)
{
    struct host host = rows_of(arena, "tcp.bin", PROTOCOL_TCP);
    const struct socket_row *row = find(&host, 8081, SOCKET_ESTABLISHED);
    CHECK(row && row->remote_port == 40002 && row->inode != 0);
    CHECK_STR(address_format_port(arena, row->local, row->local_port), "[::ffff:127.0.0.1]:8081");
    CHECK_STR(address_format_port(arena, row->remote, row->remote_port), "[::ffff:127.0.0.1]:40002");
    // Nobody accepted this one: it has no file, and its uid says nothing.
    row = find(&host, 8080, SOCKET_ESTABLISHED);
    CHECK(row && row->inode == 0 && !row->uid_known);
    row = find(&host, 40003, SOCKET_TIME_WAIT);
    CHECK(row && row->inode == 0 && !row->uid_known && row->expires_ms > 50000 && row->expires_ms <= 60000);
}

TEST(recorded_udp_and_mptcp_sockets_are_read)
{
    struct host host = rows_of(arena, "udp_ipv4.bin", PROTOCOL_UDP);
    CHECK_INT(host.sockets.count, 3);
    CHECK(find(&host, 5353, SOCKET_UNCONN) != NULL);
    CHECK(find(&host, 4789, SOCKET_UNCONN) != NULL);
    host = rows_of(arena, "udp_ipv6.bin", PROTOCOL_UDP);
    const struct socket_row *row = find(&host, 5354, SOCKET_ESTABLISHED);
    CHECK(row && row->remote_port == 9);
    CHECK_STR(address_format(arena, row->remote), "::1");
    row = find(&host, 4790, SOCKET_UNCONN);
    CHECK(row && row->v6only == TRI_YES);
    host = rows_of(arena, "mptcp.bin", PROTOCOL_MPTCP);
    CHECK_INT(host.sockets.count, 1);
    row = find(&host, 8090, SOCKET_LISTEN);
    CHECK(row && row->protocol == PROTOCOL_MPTCP && row->backlog == 3);
    // The TCP socket beside it has the same file.
    struct host tcp = rows_of(arena, "tcp.bin", PROTOCOL_TCP);
    CHECK(find(&tcp, 8090, SOCKET_LISTEN) && find(&tcp, 8090, SOCKET_LISTEN)->inode == row->inode);
}

TEST(only_ports_of_the_range_are_kept)
{
    struct host host = {0};
    inet_diag_rows(arena, sample_read(arena, "tcp.bin"), PROTOCOL_TCP, 8081, 8082, &host);
    CHECK_INT(host.sockets.count, 3);
    for (size_t i = 0; i < host.sockets.count; i++)
        CHECK(host.sockets.items[i].local_port == 8081 || host.sockets.items[i].local_port == 8082);
}

TEST(an_answer_cut_short_anywhere_gives_only_whole_rows)
{
    struct str answer = sample_read(arena, "tcp.bin");
    size_t most = 0;
    for (size_t len = 0; len <= answer.len; len++) {
        struct host host = {0};
        char *cut = sample_cut(answer, len);
        inet_diag_rows(arena, (struct str){cut, len}, PROTOCOL_TCP, 0, 65535, &host);
        free(cut);
        CHECK(host.sockets.count >= most && host.sockets.count <= most + 1);
        most = host.sockets.count;
    }
    CHECK_INT(most, 14);
}

TEST(a_row_cut_short_is_none_until_its_fixed_part_is_whole)
{
    struct str answer = sample_read(arena, "tcp.bin");
    struct netlink_message message;
    struct socket_row row;
    CHECK(netlink_next(&answer, &message));
    for (size_t len = 0; len <= message.payload.len; len++) {
        char *cut = sample_cut(message.payload, len);
        bool read = inet_diag_parse((struct str){cut, len}, PROTOCOL_TCP, &row);
        free(cut);
        CHECK_INT(read, len >= 72);
    }
    char *odd = sample_cut(message.payload, message.payload.len);
    odd[0] = 1;
    bool unix_row = inet_diag_parse((struct str){odd, message.payload.len}, PROTOCOL_TCP, &row);
    memcpy(odd, message.payload.ptr, 1);
    odd[1] = 99;
    bool unknown_state = inet_diag_parse((struct str){odd, message.payload.len}, PROTOCOL_TCP, &row);
    free(odd);
    CHECK(!unix_row && !unknown_state);
}

TEST(states_become_the_bits_of_the_kernel)
{
    CHECK_INT(inet_diag_states(PROTOCOL_TCP, 1u << SOCKET_LISTEN), 1 << 10);
    CHECK_INT(inet_diag_states(PROTOCOL_TCP, 1u << SOCKET_BOUND), 1 << 13);
    CHECK_INT(inet_diag_states(PROTOCOL_TCP, 1u << SOCKET_SYN_RECEIVED), 1 << 3 | 1 << 12);
    CHECK_INT(inet_diag_states(PROTOCOL_TCP, (1u << SOCKET_STATE_COUNT) - 1), 0x3ffe);
    CHECK_INT(inet_diag_states(PROTOCOL_UDP, 1u << SOCKET_UNCONN), 1 << 7);
    CHECK_INT(inet_diag_states(PROTOCOL_UDPLITE, 1u << SOCKET_ESTABLISHED), 1 << 1);
    CHECK_INT(inet_diag_states(PROTOCOL_UDP, 1u << SOCKET_LISTEN), 0);
    CHECK_INT(inet_diag_states(PROTOCOL_MPTCP, 1u << SOCKET_BOUND), 0);
}

TEST(requests_have_the_shape_of_the_kernels_structures)
{
    struct buf buf = {.arena = arena};
    struct inet_diag_ask ask = {.protocol = PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN, .port = 8080};
    inet_diag_request(&buf, &ask, 5);
    struct str rest = buf_str(&buf);
    struct netlink_message message;
    uint16_t port;
    uint32_t number;
    uint8_t byte;
    CHECK(netlink_next(&rest, &message) && rest.len == 0);
    CHECK(message.type == 18 && message.flags == 0x301 && message.sequence == 5);
    CHECK_INT(message.payload.len, 60);
    CHECK(netlink_be16(message.payload, 4, &port) && port == 8080);
    CHECK(netlink_u32(message.payload, 44, &number) && number == 0xffffffff);
    CHECK(netlink_u32(message.payload, 52, &number) && number == 1 << 10);

    buf.len = 0;
    ask = (struct inet_diag_ask){.protocol = PROTOCOL_UDPLITE, .family = FAMILY_IPV6, .states = 1u << SOCKET_UNCONN};
    inet_diag_request(&buf, &ask, 6);
    rest = buf_str(&buf);
    CHECK(netlink_next(&rest, &message) && message.type == 20 && message.payload.len == 56);
    CHECK(netlink_u8(message.payload, 0, &byte) && byte == 10);
    CHECK(netlink_u8(message.payload, 1, &byte) && byte == 136);
    CHECK(netlink_u32(message.payload, 4, &number) && number == 1 << 7);

    buf.len = 0;
    ask = (struct inet_diag_ask){.protocol = PROTOCOL_MPTCP, .family = FAMILY_IPV4, .states = 1u << SOCKET_LISTEN};
    inet_diag_request(&buf, &ask, 7);
    rest = buf_str(&buf);
    struct str value;
    CHECK(netlink_next(&rest, &message));
    CHECK(netlink_u8(message.payload, 0, &byte) && byte == 2);
    CHECK(netlink_u8(message.payload, 1, &byte) && byte == 0);
    CHECK(netlink_find(str_part(message.payload, 56, SIZE_MAX), 3, &value));
    CHECK(netlink_u32(value, 0, &number) && number == 262);
}

TEST(an_order_to_destroy_names_one_socket)
{
    struct buf out = {.arena = arena};
    struct socket_row row = {.protocol = PROTOCOL_TCP,
                             .state = SOCKET_TIME_WAIT,
                             .local = address_ipv4(127, 0, 0, 1),
                             .local_port = 8080,
                             .remote = address_ipv4(10, 0, 0, 2),
                             .remote_port = 40000,
                             .device = 3,
                             .cookie = UINT64_C(0x1122334455667788)};
    inet_diag_destroy_request(&out, &row, 9);
    struct str bytes = buf_str(&out);
    struct netlink_message message;
    uint32_t number = 0;
    uint16_t port = 0;
    CHECK(netlink_next(&bytes, &message) && bytes.len == 0);
    CHECK(message.type == 21 && message.flags == (NETLINK_REQUEST | NETLINK_ACK) && message.sequence == 9);
    // struct inet_diag_req_v2
    CHECK_INT(message.payload.len, 56);
    CHECK(message.payload.ptr[0] == 2 && message.payload.ptr[1] == 6);
    CHECK(netlink_u32(message.payload, 4, &number) && number == 1u << 6);
    CHECK(netlink_be16(message.payload, 8, &port) && port == 8080);
    CHECK(netlink_be16(message.payload, 10, &port) && port == 40000);
    CHECK(message.payload.ptr[12] == 127 && message.payload.ptr[28] == 10);
    CHECK(netlink_u32(message.payload, 44, &number) && number == 3);
    CHECK(netlink_u32(message.payload, 48, &number) && number == 0x55667788);
    CHECK(netlink_u32(message.payload, 52, &number) && number == 0x11223344);
}

TEST(one_socket_is_asked_for_by_its_row)
{
    struct buf out = {.arena = arena};
    struct socket_row row = {.protocol = PROTOCOL_TCP,
                             .local = address_loopback(FAMILY_IPV6),
                             .local_port = 8080,
                             .remote = address_any(FAMILY_IPV6),
                             .device = 3};
    uint32_t low;
    uint32_t high;
    uint16_t port;

    inet_diag_request_row(&out, &row, 9);
    row.cookie = UINT64_C(0x1122334455667788);
    inet_diag_request_row(&out, &row, 10);
    struct str bytes = buf_str(&out);
    struct netlink_message message;
    CHECK(netlink_next(&bytes, &message) && message.type == 20 && message.flags == NETLINK_REQUEST);
    CHECK(message.payload.len == 56 && message.payload.ptr[0] == 10 && message.payload.ptr[1] == 6);
    CHECK(netlink_be16(message.payload, 8, &port) && port == 8080);
    CHECK(message.payload.ptr[27] == 1 && message.payload.ptr[44] == 3);
    CHECK(netlink_u32(message.payload, 48, &low) && netlink_u32(message.payload, 52, &high));
    CHECK(low == UINT32_MAX && high == UINT32_MAX);
    CHECK(netlink_next(&bytes, &message) && message.sequence == 10 && bytes.len == 0);
    CHECK(netlink_u32(message.payload, 48, &low) && netlink_u32(message.payload, 52, &high));
    CHECK(low == 0x55667788 && high == 0x11223344);
}

TEST(one_socket_is_asked_for_by_its_address)
{
    struct buf out = {.arena = arena};
    uint16_t source;
    uint16_t destination;

    inet_diag_request_one(&out, PROTOCOL_TCP, address_loopback(FAMILY_IPV4), 8080, 7);
    struct str tcp = buf_str(&out);
    CHECK_INT(tcp.len, 16 + 56);
    CHECK(tcp.ptr[16] == 2 && tcp.ptr[17] == 6);
    CHECK(netlink_be16(tcp, 24, &source) && netlink_be16(tcp, 26, &destination));
    CHECK(source == 8080 && destination == 0 && tcp.ptr[28] == 127 && tcp.ptr[44] == 0);
    out = (struct buf){.arena = arena};
    inet_diag_request_one(&out, PROTOCOL_UDP, address_loopback(FAMILY_IPV6), 53, 7);
    struct str udp = buf_str(&out);
    CHECK(udp.ptr[16] == 10 && udp.ptr[17] == 17);
    CHECK(netlink_be16(udp, 24, &source) && netlink_be16(udp, 26, &destination));
    CHECK(source == 0 && destination == 53 && udp.ptr[28 + 15] == 0 && udp.ptr[44 + 15] == 1);
}

TAP_MAIN
