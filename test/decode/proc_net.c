#include "decode/proc_net.h"

#include "decode/inet_diag.h"
#include "decode/sample.h"

#define ALL ((1u << SOCKET_STATE_COUNT) - 1)

static const char listener[] =
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 "
    "99123 1 0000000000000000 100 0 0 10 0";

static void
add(struct arena *arena, const char *name, enum protocol protocol, enum family family, struct host *host)
{
    proc_net_rows(arena, sample_read(arena, name), protocol, family, ALL, 0, 65535, host);
}

TEST(a_listener_is_read)
{
    struct socket_row row;
    CHECK(proc_net_parse(str_of(listener), PROTOCOL_TCP, FAMILY_IPV4, &row));
    CHECK_STR(address_format_port(arena, row.local, row.local_port), "127.0.0.1:8080");
    CHECK(row.state == SOCKET_LISTEN && row.remote.family == FAMILY_NONE && row.inode == 99123);
    CHECK(row.uid_known && row.uid == 1000 && row.queue == 3 && row.backlog == 0);
    CHECK(row.v6only == TRI_UNKNOWN && row.cookie == 0 && row.cgroup == 0);
}

// The same sockets were recorded both ways at the same moment.
TEST(recorded_tables_tell_what_sock_diag_tells)
{
    struct host text = {0};
    struct host netlink = {0};
    add(arena, "proc_tcp", PROTOCOL_TCP, FAMILY_IPV4, &text);
    add(arena, "proc_tcp6", PROTOCOL_TCP, FAMILY_IPV6, &text);
    add(arena, "proc_udp", PROTOCOL_UDP, FAMILY_IPV4, &text);
    add(arena, "proc_udp6", PROTOCOL_UDP, FAMILY_IPV6, &text);
    inet_diag_rows(arena, sample_read(arena, "tcp.bin"), PROTOCOL_TCP, 0, 65535, &netlink);
    inet_diag_rows(arena, sample_read(arena, "udp_ipv4.bin"), PROTOCOL_UDP, 0, 65535, &netlink);
    inet_diag_rows(arena, sample_read(arena, "udp_ipv6.bin"), PROTOCOL_UDP, 0, 65535, &netlink);
    size_t matched = 0;
    for (size_t i = 0; i < netlink.sockets.count; i++) {
        const struct socket_row *want = &netlink.sockets.items[i];
        for (size_t k = 0; k < text.sockets.count; k++) {
            const struct socket_row *row = &text.sockets.items[k];
            struct address local = want->local;
            local.scope = 0;
            if (row->protocol != want->protocol || row->state != want->state || row->local_port != want->local_port ||
                row->remote_port != want->remote_port || row->inode != want->inode)
                continue;
            CHECK(address_equal(row->local, local) && address_equal(row->remote, want->remote));
            CHECK(row->uid_known == want->uid_known && row->uid == want->uid && row->queue == want->queue);
            CHECK((row->expires_ms == 0) == (want->expires_ms == 0));
            matched++;
        }
    }
    CHECK_INT(matched, text.sockets.count);
    // What no line tells of: the two that are only bound.
    CHECK_INT(matched, netlink.sockets.count - 2);
}

TEST(ports_and_states_are_chosen)
{
    struct host host = {0};
    proc_net_rows(arena, sample_read(arena, "proc_tcp"), PROTOCOL_TCP, FAMILY_IPV4, 1u << SOCKET_LISTEN, 8080, 8080,
                  &host);
    CHECK_INT(host.sockets.count, 1);
    host = (struct host){0};
    add(arena, "proc_udplite", PROTOCOL_UDPLITE, FAMILY_IPV4, &host);
    CHECK_INT(host.sockets.count, 1);
    CHECK(host.sockets.items[0].protocol == PROTOCOL_UDPLITE && host.sockets.items[0].state == SOCKET_UNCONN);
}

TEST(a_line_cut_short_anywhere_is_none)
{
    struct str line = str_of(listener);
    size_t whole = str_find(line, STR("99123"));
    for (size_t len = 0; len <= line.len; len++) {
        struct socket_row row;
        char *cut = sample_cut(line, len);
        bool read = proc_net_parse((struct str){cut, len}, PROTOCOL_TCP, FAMILY_IPV4, &row);
        free(cut);
        CHECK_INT(read, len > whole);
    }
}

TEST(lines_that_are_not_what_they_should_be_are_none)
{
    static const char *const lines[] = {
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        "0 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 1000 0 99123",
        "0: 0100007F:11F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 1000 0 99123",
        "0: 0100007F1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 1000 0 99123",
        "0: 0100007:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 1000 0 99123",
        "0: 010000xF:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 1000 0 99123",
        "0: 0100007F:1F90 00000000:0000 FF 00000000:00000003 00:00000000 00000000 1000 0 99123",
        "0: 0100007F:1F90 00000000:0000 10A 00000000:00000003 00:00000000 00000000 1000 0 99123",
        "0: 0100007F:1F90 00000000:0000 0A 00000000 00:00000000 00000000 1000 0 99123",
        "0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:100000000 00000000 1000 0 99123",
        "0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 -1 0 99123",
        "0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 4294967296 0 99123",
        "0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000 1000 0 x",
    };
    struct socket_row row;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK(!proc_net_parse(str_of(lines[i]), PROTOCOL_TCP, FAMILY_IPV4, &row));
    CHECK(!proc_net_parse(str_of(listener), PROTOCOL_TCP, FAMILY_IPV6, &row));
    CHECK(!proc_net_parse(str_of(listener), PROTOCOL_UDP, FAMILY_IPV4, &row));
}

TEST(what_is_in_use_is_told_by_protocol_and_family)
{
    struct str ipv4 = STR("sockets: used 35\nTCP: inuse 8 orphan 0 tw 346 alloc 15 mem 244\nUDP: inuse 2 mem 0\n"
                          "UDPLITE: inuse 1\nRAW: inuse x\n");
    struct str ipv6 = STR("TCP6: inuse 3\nUDP6: inuse 0\nUDPLITE6:");
    uint64_t count;

    CHECK(proc_net_in_use(ipv4, PROTOCOL_TCP, FAMILY_IPV4, &count) && count == 8);
    CHECK(proc_net_in_use(ipv4, PROTOCOL_UDPLITE, FAMILY_IPV4, &count) && count == 1);
    CHECK(proc_net_in_use(ipv6, PROTOCOL_TCP, FAMILY_IPV6, &count) && count == 3);
    CHECK(proc_net_in_use(ipv6, PROTOCOL_UDP, FAMILY_IPV6, &count) && count == 0);
    CHECK(!proc_net_in_use(ipv4, PROTOCOL_TCP, FAMILY_IPV6, &count));
    CHECK(!proc_net_in_use(ipv6, PROTOCOL_TCP, FAMILY_IPV4, &count));
    CHECK(!proc_net_in_use(ipv6, PROTOCOL_UDPLITE, FAMILY_IPV6, &count));
    CHECK(!proc_net_in_use(STR(""), PROTOCOL_TCP, FAMILY_IPV4, &count));
}

TEST(sockets_of_a_protocol_are_counted)
{
    struct str text = STR("protocol  size sockets  memory press maxhdr  slab module     cl co di\n"
                          "MPTCPv6   2064      0     244   no       0   yes  kernel      y  y  y\n"
                          "PING      1016      x      -1   NI       0   yes  kernel      y  y  y\n"
                          "MPTCP     1936      3     244   no       0   yes  kernel      y  y  y\n"
                          "TCP 2304");
    uint64_t count;

    CHECK(proc_net_count(text, STR("MPTCP"), &count) && count == 3);
    CHECK(proc_net_count(text, STR("MPTCPv6"), &count) && count == 0);
    CHECK(!proc_net_count(text, STR("PING"), &count));
    CHECK(!proc_net_count(text, STR("TCP"), &count));
    CHECK(!proc_net_count(STR(""), STR("TCP"), &count));
}

TEST(a_timer_that_is_too_long_is_left_out)
{
    struct socket_row row;
    CHECK(proc_net_parse(STR("0: 0100007F:1F90 0100007F:1F91 06 00000000:00000000 03:FFFFFFFF 00000000 0 0 0 3 0"),
                         PROTOCOL_TCP, FAMILY_IPV4, &row));
    CHECK(row.state == SOCKET_TIME_WAIT && row.expires_ms == 0 && !row.uid_known);
}

TAP_MAIN
