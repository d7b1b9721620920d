#include "sys/socket_table.h"

#include "player_win.h"

#include "decode/win_table.h"
#include "sys/calls_win.h"
#include "sys/clock.h"
#include "sys/late_win.h"

// Opened by the running test, closed by the next: a failed CHECK jumps out.
static SOCKET open_sockets[8];
static size_t open_count;

static void
close_all(void)
{
    while (open_count > 0)
        closesocket(open_sockets[--open_count]);
}

static SOCKET
keep(SOCKET fd)
{
    CHECK(fd != INVALID_SOCKET);
    return open_sockets[open_count++] = fd;
}

static struct host
read_rows(struct arena *arena, unsigned protocols, unsigned states, uint16_t first, uint16_t last)
{
    struct host host = {0};
    struct err err = {0};
    struct socket_query query = {.protocols = protocols, .states = states, .first = first, .last = last};
    bool good = socket_table_read(arena, &query, &host, &err);
    if (!good)
        printf("# %s\n", err.text);
    CHECK(good);
    return host;
}

static struct socket_row
only_row(struct arena *arena, enum protocol protocol, enum socket_state state, uint16_t port)
{
    struct host host = read_rows(arena, 1u << protocol, 1u << state, port, port);
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].state, state);
    return host.sockets.items[0];
}

// What holds for every row that a test looks for.
static void
check_local(struct arena *arena, const struct socket_row *row, const char *address, uint16_t port)
{
    CHECK_STR(address_format(arena, row->local), address);
    CHECK_INT(row->local_port, port);
    CHECK_INT(row->remote.family, FAMILY_NONE);
    CHECK_INT(row->remote_port, 0);
    CHECK_INT(row->inode, 0);
}

TEST(an_own_listener_is_seen)
{
    close_all();
    SOCKET fd = keep(player_bind(SOCK_STREAM, "127.0.0.1", 4, true));
    struct socket_row row = only_row(arena, PROTOCOL_TCP, SOCKET_LISTEN, player_port(fd));
    check_local(arena, &row, "127.0.0.1", player_port(fd));
    CHECK_INT(row.owner_pid, GetCurrentProcessId());
}

TEST(an_ipv6_listener_has_no_scope_that_means_nothing)
{
    close_all();
    SOCKET fd = keep(player_bind(SOCK_STREAM, "::1", 4, true));
    struct socket_row row = only_row(arena, PROTOCOL_TCP, SOCKET_LISTEN, player_port(fd));
    check_local(arena, &row, "::1", player_port(fd));
    // Wine does not find the owners of these.
    CHECK(row.owner_pid == GetCurrentProcessId() || (row.owner_pid == 0 && late_is_wine()));
    CHECK_INT(row.v6only, TRI_UNKNOWN);
}

TEST(udp_sockets_of_both_families_are_seen)
{
    close_all();
    SOCKET four = keep(player_bind(SOCK_DGRAM, "0.0.0.0", 0, true));
    SOCKET six = keep(player_bind(SOCK_DGRAM, "::1", 0, true));
    struct socket_row row = only_row(arena, PROTOCOL_UDP, SOCKET_UNCONN, player_port(four));
    check_local(arena, &row, "0.0.0.0", player_port(four));
    row = only_row(arena, PROTOCOL_UDP, SOCKET_UNCONN, player_port(six));
    check_local(arena, &row, "::1", player_port(six));
    CHECK_INT(row.owner_pid, GetCurrentProcessId());
}

TEST(both_ends_of_a_connection_are_seen)
{
    close_all();
    SOCKET listener = keep(player_bind(SOCK_STREAM, "127.0.0.1", 4, true));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(player_port(listener))};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    SOCKET client = keep(socket(AF_INET, SOCK_STREAM, 0));
    CHECK(connect(client, (struct sockaddr *)&to, sizeof to) == 0);
    keep(accept(listener, NULL, NULL));
    struct socket_row near_end = only_row(arena, PROTOCOL_TCP, SOCKET_ESTABLISHED, player_port(client));
    struct socket_row far_end = only_row(arena, PROTOCOL_TCP, SOCKET_ESTABLISHED, player_port(listener));
    CHECK_INT(near_end.remote_port, player_port(listener));
    CHECK_STR(address_format(arena, near_end.remote), "127.0.0.1");
    CHECK_INT(far_end.remote_port, player_port(client));
}

TEST(only_what_is_asked_comes)
{
    close_all();
    SOCKET fd = keep(player_bind(SOCK_STREAM, "127.0.0.1", 4, true));
    uint16_t port = player_port(fd);
    CHECK_INT(
        read_rows(arena, 1u << PROTOCOL_TCP, SOCKET_STATES_ALL & ~(1u << SOCKET_LISTEN), port, port).sockets.count, 0);
    CHECK_INT(read_rows(arena, 1u << PROTOCOL_UDP, SOCKET_STATES_ALL, port, port).sockets.count, 0);
    CHECK_INT(read_rows(arena, 1u << PROTOCOL_UDPLITE | 1u << PROTOCOL_MPTCP, SOCKET_STATES_ALL, 0, 0).sockets.count,
              0);
    struct host all = read_rows(arena, SOCKET_PROTOCOLS_ALL, SOCKET_STATES_ALL, 0, 0);
    size_t found = 0;
    for (size_t i = 0; i < all.sockets.count; i++)
        found += all.sockets.items[i].local_port == port;
    CHECK_INT(found, 1);
    CHECK_STR(all.socket_source, "iphlpapi");
}

TEST(a_table_is_asked_for_once_and_nobody_is_looked_into)
{
    close_all();
    keep(player_bind(SOCK_STREAM, "127.0.0.1", 4, true));
    struct calls before = calls_made;
    read_rows(arena, 1u << PROTOCOL_TCP | 1u << PROTOCOL_UDP, 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN, 0, 0);
    CHECK_INT(calls_made.tables - before.tables, 4);
    read_rows(arena, 1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, 80, 80);
    CHECK_INT(calls_made.tables - before.tables, 6);
    CHECK_INT(calls_made.process_lists, before.process_lists);
    CHECK_INT(calls_made.processes_opened, before.processes_opened);
    CHECK_INT(calls_made.handle_scans, before.handle_scans);
}

// A socket of another process that is bound and does not listen: by the system's table, or else by that process's handle.
TEST(a_socket_that_is_bound_and_does_not_listen_is_seen)
{
    close_all();
    struct player player = player_start(L"bind 127.0.0.1");
    uint64_t port;
    CHECK(str_to_u64(player_line(arena, &player), 10, &port) && port != 0);
    struct host host = {0};
    for (int i = 0; i < 600 && host.sockets.count == 0; i++) {
        host = read_rows(arena, 1u << PROTOCOL_TCP, SOCKET_STATES_ALL, (uint16_t)port, (uint16_t)port);
        clock_sleep_ms(host.sockets.count ? 0 : 100);
    }
    player_end(&player);
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].state, SOCKET_BOUND);
    CHECK_INT(host.sockets.items[0].owner_pid, player.pid);
    check_local(arena, &host.sockets.items[0], "127.0.0.1", (uint16_t)port);
}

// What stands for a holder that is no process of Windows: one in WSL, a hypervisor.
TEST(a_listener_from_outside_has_no_owner)
{
    close_all();
    char file[64];
    if (!late_is_wine())
        SKIP("only Wine has a system below");
    uint16_t port = player_outside(arena, file, sizeof file);
    struct host host = read_rows(arena, 1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, port, port);
    remove(file);
    CHECK(port != 0);
    CHECK_INT(host.sockets.count, 1);
    check_local(arena, &host.sockets.items[0], "127.0.0.1", port);
    CHECK_INT(host.sockets.items[0].owner_pid, 0);
}

TEST(a_recording_keeps_the_tables_and_lists)
{
    close_all();
    SOCKET fd = keep(player_bind(SOCK_STREAM, "127.0.0.1", 4, true));
    struct host host = {0};
    struct socket_query query = {.protocols = SOCKET_PROTOCOLS_ALL, .states = SOCKET_STATES_ALL, .record = true};
    CHECK(socket_table_read(arena, &query, &host, NULL));
    size_t tables = 0;
    size_t found = 0;
    size_t lists = 0;
    for (size_t i = 0; i < host.raw.count; i++) {
        struct win_table table;
        struct win_table_row row;
        size_t at = 0;
        lists += str_starts(host.raw.items[i].name, STR("processes at 0x"));
        if (!win_table_of_name(host.raw.items[i].name, &table))
            continue;
        tables++;
        table.bytes = host.raw.items[i].bytes;
        while (win_table_next(&table, &at, &row))
            found += row.socket.state == SOCKET_LISTEN && row.socket.local_port == player_port(fd);
    }
    CHECK(tables >= 4);
    CHECK_INT(found, 1);
    CHECK_INT(lists, 1);
}

static int
play(struct arena *arena, int count, wchar_t **words)
{
    char address[64];
    char port[16];
    if (count < 2 || wcscmp(words[0], L"bind") != 0 || wcslen(words[1]) >= sizeof address)
        return 1;
    snprintf(address, sizeof address, "%s", str_c(arena, wide_to_z(arena, words[1])));
    snprintf(port, sizeof port, "%u", player_port(player_bind(SOCK_STREAM, address, 0, false)));
    player_ready(port);
    return 0;
}

PLAYER_MAIN
