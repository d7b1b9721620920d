#include "decode/win_table.h"

#include "tap.h"
#include "win_bytes.h"

#define BIND_TIME UINT64_C(134143344000000000) // 2026-01-31 12:00 UTC

static struct win_table
table_of(enum win_table_kind kind, enum protocol protocol, enum family family, const char *bytes, size_t size)
{
    return (struct win_table){kind, protocol, family, {bytes, size}};
}

static void
put_ipv4(char *bytes, size_t offset, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    uint8_t address[] = {a, b, c, d};
    memcpy(bytes + offset, address, sizeof address);
}

static struct win_table_row
only_row(const struct win_table *table)
{
    size_t at = 0;
    struct win_table_row row = {0};
    struct win_table_row none;
    CHECK(win_table_next(table, &at, &row));
    CHECK(!win_table_next(table, &at, &none));
    return row;
}

TEST(tcp_row_with_a_pid_is_read)
{
    char *bytes = win_bytes(arena, 4 + 24);
    win_put(bytes, 0, 4, 1);
    win_put(bytes, 4, 4, 5);
    put_ipv4(bytes, 8, 127, 0, 0, 1);
    win_put(bytes, 12, 4, 0xcafe901f); // port 8080, and something above it
    put_ipv4(bytes, 16, 10, 0, 0, 7);
    win_put(bytes, 20, 4, 0x3500);
    win_put(bytes, 24, 4, 4242);
    struct win_table table = table_of(WIN_TABLE_PID, PROTOCOL_TCP, FAMILY_IPV4, bytes, 28);
    struct win_table_row row = only_row(&table);
    CHECK_STR(address_format_port(arena, row.socket.local, row.socket.local_port), "127.0.0.1:8080");
    CHECK_STR(address_format_port(arena, row.socket.remote, row.socket.remote_port), "10.0.0.7:53");
    CHECK_INT(row.socket.state, SOCKET_ESTABLISHED);
    CHECK_INT(row.socket.owner_pid, 4242);
    CHECK_INT(row.socket.created_ms, 0);
    CHECK_INT(row.socket.v6only, TRI_UNKNOWN);
    CHECK_INT(row.bytes.len, 24);
    table.bytes.len = 28;
    win_put(bytes, 0, 4, 0);
    CHECK_INT(win_table_used(&table).len, 4);
}

TEST(tcp_row_with_a_module_tells_when_and_by_which_service_it_was_bound)
{
    char *bytes = win_bytes(arena, 8 + 160);
    win_put(bytes, 0, 4, 1);
    win_put(bytes, 8, 4, 2);
    win_put(bytes, 16, 4, 0x5000);
    put_ipv4(bytes, 20, 1, 2, 3, 4); // means nothing for a listener
    win_put(bytes, 28, 4, 4);
    win_put(bytes, 32, 8, BIND_TIME);
    win_put(bytes, 40, 8, 0x5d);
    struct win_table table = table_of(WIN_TABLE_MODULE, PROTOCOL_TCP, FAMILY_IPV4, bytes, 168);
    struct win_table_row row = only_row(&table);
    CHECK_STR(address_format_port(arena, row.socket.local, row.socket.local_port), "0.0.0.0:80");
    CHECK_INT(row.socket.state, SOCKET_LISTEN);
    CHECK_INT(row.socket.remote.family, FAMILY_NONE);
    CHECK_INT(row.socket.remote_port, 0);
    CHECK_INT(row.socket.owner_pid, 4);
    CHECK_INT(row.socket.created_ms, 1769860800000);
    CHECK_INT(row.tag, 0x5d);
}

TEST(ipv6_rows_keep_the_scope_of_link_local_addresses_alone)
{
    char *bytes = win_bytes(arena, 8 + 192 * 3);
    win_put(bytes, 0, 4, 3);
    for (size_t i = 0; i < 3; i++) {
        char *row = bytes + 8 + 192 * i;
        win_put(row, 20, 2, 0x901f);
        win_put(row, 48, 4, 2);
        win_put(row, 52, 4, 7);
        win_put(row, 56, 8, BIND_TIME);
        win_put(row, 64, 8, 9);
    }
    bytes[8 + 15] = 1; // ::1, where Wine tells scope 4096
    win_put(bytes, 8 + 16, 4, 4096);
    for (size_t i = 1; i < 3; i++) {
        win_put(bytes, 8 + 192 * i, 2, 0x80fe);
        win_put(bytes, 8 + 192 * i + 16, 4, i == 1 ? 12 : 12u << 24);
    }
    struct win_table table = table_of(WIN_TABLE_MODULE, PROTOCOL_TCP, FAMILY_IPV6, bytes, 8 + 192 * 3);
    struct win_table_row rows[3];
    size_t at = 0;
    for (size_t i = 0; i < 3; i++)
        CHECK(win_table_next(&table, &at, &rows[i]));
    CHECK_STR(address_format_port(arena, rows[0].socket.local, rows[0].socket.local_port), "[::1]:8080");
    CHECK_STR(address_format(arena, rows[1].socket.local), "fe80::%12");
    CHECK_STR(address_format(arena, rows[2].socket.local), "fe80::%12");
    CHECK_INT(rows[2].socket.owner_pid, 7);
    CHECK_INT(rows[2].socket.created_ms, 1769860800000);
    CHECK_INT(rows[2].tag, 9);
}

TEST(udp_rows_receive)
{
    char *bytes = win_bytes(arena, 8 + 176);
    struct win_table tables[] = {
        table_of(WIN_TABLE_PID, PROTOCOL_UDP, FAMILY_IPV4, bytes, 4 + 12),
        table_of(WIN_TABLE_PID, PROTOCOL_UDP, FAMILY_IPV6, bytes, 4 + 28),
        table_of(WIN_TABLE_MODULE, PROTOCOL_UDP, FAMILY_IPV4, bytes, 8 + 160),
        table_of(WIN_TABLE_MODULE, PROTOCOL_UDP, FAMILY_IPV6, bytes, 8 + 176),
    };
    static const size_t ports[] = {4 + 4, 4 + 20, 8 + 4, 8 + 20};
    static const size_t pids[] = {4 + 8, 4 + 24, 8 + 8, 8 + 24};
    static const size_t times[] = {0, 0, 8 + 16, 8 + 32};
    for (size_t i = 0; i < 4; i++) {
        memset(bytes, 0, 8 + 176);
        win_put(bytes, 0, 4, 1);
        win_put(bytes, ports[i], 2, 0xe914);
        win_put(bytes, pids[i], 4, 1100);
        if (times[i])
            win_put(bytes, times[i], 8, BIND_TIME);
        struct win_table_row row = only_row(&tables[i]);
        CHECK_INT(row.socket.protocol, PROTOCOL_UDP);
        CHECK_INT(row.socket.state, SOCKET_UNCONN);
        CHECK_INT(row.socket.local_port, 5353);
        CHECK_INT(row.socket.local.family, tables[i].family);
        CHECK_INT(row.socket.remote.family, FAMILY_NONE);
        CHECK_INT(row.socket.owner_pid, 1100);
        CHECK_INT(row.socket.created_ms, times[i] ? 1769860800000 : 0);
    }
}

TEST(rows_of_the_bound_table_are_bound_whatever_their_state)
{
    char *bytes = win_bytes(arena, 4 + 60);
    win_put(bytes, 0, 4, 1);
    win_put(bytes, 4 + 8, 2, 0x901f);
    win_put(bytes, 4 + 20, 4, 77);
    struct win_table table = table_of(WIN_TABLE_BOUND, PROTOCOL_TCP, FAMILY_IPV4, bytes, 4 + 28);
    struct win_table_row row = only_row(&table);
    CHECK_INT(row.socket.state, SOCKET_BOUND);
    CHECK_INT(row.socket.local_port, 8080);
    CHECK_INT(row.socket.owner_pid, 77);
    memset(bytes, 0, 64);
    win_put(bytes, 0, 4, 1);
    win_put(bytes, 4 + 20, 2, 0x901f);
    win_put(bytes, 4 + 48, 4, 100);
    win_put(bytes, 4 + 52, 4, 78);
    table = table_of(WIN_TABLE_BOUND, PROTOCOL_TCP, FAMILY_IPV6, bytes, 4 + 60);
    row = only_row(&table);
    CHECK_INT(row.socket.state, SOCKET_BOUND);
    CHECK_INT(row.socket.local.family, FAMILY_IPV6);
    CHECK_INT(row.socket.owner_pid, 78);
    // There is no such table of UDP.
    table.protocol = PROTOCOL_UDP;
    size_t at = 0;
    CHECK(!win_table_next(&table, &at, &row));
}

TEST(states_are_those_of_the_rfc_and_unknown_ones_are_no_rows)
{
    static const enum socket_state want[] = {
        SOCKET_CLOSED,     SOCKET_LISTEN,     SOCKET_SYN_SENT,   SOCKET_SYN_RECEIVED, SOCKET_ESTABLISHED,
        SOCKET_FIN_WAIT_1, SOCKET_FIN_WAIT_2, SOCKET_CLOSE_WAIT, SOCKET_CLOSING,      SOCKET_LAST_ACK,
        SOCKET_TIME_WAIT,  SOCKET_CLOSED,     SOCKET_BOUND};
    static const uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 100, 101};
    enum {
        COUNT = sizeof numbers / sizeof *numbers
    };
    char *bytes = win_bytes(arena, 4 + 24 * COUNT);
    win_put(bytes, 0, 4, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        win_put(bytes, 4 + 24 * i, 4, numbers[i]);
    struct win_table table = table_of(WIN_TABLE_PID, PROTOCOL_TCP, FAMILY_IPV4, bytes, 4 + 24 * COUNT);
    struct win_table_row row;
    size_t at = 0;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        CHECK(win_table_next(&table, &at, &row));
        CHECK_INT(row.socket.state, want[i]);
    }
    CHECK(!win_table_next(&table, &at, &row));
}

TEST(count_is_not_believed_beyond_the_bytes)
{
    char *bytes = win_bytes(arena, 4 + 24 + 23);
    win_put(bytes, 0, 4, UINT32_MAX);
    win_put(bytes, 4, 4, 2);
    struct win_table table = {WIN_TABLE_PID, PROTOCOL_TCP, FAMILY_IPV4, win_exact(arena, bytes, 4 + 24 + 23)};
    (void)only_row(&table);
    CHECK_INT(win_table_used(&table).len, 4 + 24 + 23);
    for (size_t size = 0; size < 4 + 24; size++) {
        size_t at = 0;
        struct win_table_row row;
        table.bytes = win_exact(arena, bytes, size);
        CHECK(!win_table_next(&table, &at, &row));
    }
}

TEST(recorded_tables_are_known_by_their_names)
{
    struct win_table table = table_of(WIN_TABLE_MODULE, PROTOCOL_TCP, FAMILY_IPV4, NULL, 0);
    struct win_table named;
    CHECK_STR(win_table_name(arena, &table, false), "tcp4 module all");
    CHECK_STR(win_table_name(arena, &table, true), "tcp4 module listener");
    for (int kind = WIN_TABLE_PID; kind <= WIN_TABLE_BOUND; kind++)
        for (int i = 0; i < 4; i++) {
            table = table_of((enum win_table_kind)kind, i < 2 ? PROTOCOL_TCP : PROTOCOL_UDP,
                             i % 2 ? FAMILY_IPV6 : FAMILY_IPV4, NULL, 0);
            bool good = win_table_of_name(win_table_name(arena, &table, false), &named);
            CHECK(good == (kind != WIN_TABLE_BOUND || i < 2));
            CHECK(!good ||
                  (named.kind == table.kind && named.protocol == table.protocol && named.family == table.family));
        }
    static const char *const others[] = {"",           "tcp",         "tcp4", "tcp5 pid all", "sctp4 pid all",
                                         "mptcp4 pid", "tcp4 handles"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!win_table_of_name(str_of(others[i]), &named));
}

TAP_MAIN
