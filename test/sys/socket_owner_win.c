#include "sys/socket_owner.h"

#include "player_win.h"

#include "sys/calls_win.h"
#include "sys/clock.h"
#include "sys/late_win.h"
#include "sys/socket_table.h"

// What a player tells when it is ready: its port, the handle of its socket and, if it left, the pid of who has that now.
struct told {
    uint16_t port;
    uint64_t handle;
    uint32_t pid;
};

static struct told
hear(struct arena *arena, const struct player *player)
{
    struct str rest = player_line(arena, player);
    struct str word;
    uint64_t numbers[3] = {0};
    for (size_t i = 0; i < 3 && str_word(&rest, &word); i++)
        CHECK(str_to_u64(word, 10, &numbers[i]));
    CHECK(numbers[0] != 0);
    return (struct told){(uint16_t)numbers[0], numbers[1], (uint32_t)numbers[2]};
}

static struct host
read_port(struct arena *arena, unsigned states, uint16_t port)
{
    struct host host = {0};
    struct socket_query query = {
        .protocols = 1u << PROTOCOL_TCP | 1u << PROTOCOL_UDP, .states = states, .first = port, .last = port};
    CHECK(socket_table_read(arena, &query, &host, NULL));
    return host;
}

// Looks for the holders of all rows of the host.
static void
find(struct arena *arena, struct host *host, bool deep)
{
    struct err err = {0};
    size_t *sockets = arena_array(arena, host->sockets.count, sizeof *sockets);
    for (size_t i = 0; i < host->sockets.count; i++)
        sockets[i] = i;
    CHECK(socket_owner_find(
        arena,
        &(struct owner_query){.sockets = sockets, .count = host->sockets.count, .reach = deep ? OWNER_DEEP : OWNER_ALL},
        host, &err));
    CHECK_INT(host->tier, TIER_WINDOWS);
}

static const struct holding *
holding_of(const struct host *host, uint32_t pid)
{
    for (size_t i = 0; i < host->holdings.count; i++)
        if (host->holdings.items[i].pid == pid)
            return &host->holdings.items[i];
    return NULL;
}

TEST(living_owner_of_the_table_is_named_without_looking_further)
{
    struct player player = player_start(L"listen 127.0.0.1");
    struct told told = hear(arena, &player);
    struct host host = read_port(arena, 1u << SOCKET_LISTEN, told.port);
    struct calls before = calls_made;
    find(arena, &host, false);
    player_end(&player);
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].owner_pid, player.pid);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, player.pid);
    CHECK_INT(host.holdings.items[0].how, HOLDING_TABLE);
    CHECK(host.complete && host.unseen.count == 0);
    CHECK(calls_made.process_lists - before.process_lists <= 1);
    CHECK_INT(calls_made.processes_opened, before.processes_opened);
    CHECK_INT(calls_made.handle_scans, before.handle_scans);
}

TEST(deep_search_names_the_handle_too)
{
    struct player player = player_start(L"listen 127.0.0.1");
    struct told told = hear(arena, &player);
    struct host host = read_port(arena, 1u << SOCKET_LISTEN, told.port);
    clock_sleep_ms(1100);
    find(arena, &host, true);
    player_end(&player);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].how, HOLDING_HANDLE);
    CHECK_INT(host.holdings.items[0].fd, told.handle);
}

// In Wine the row of such a listener names nobody; elsewhere it is made to.
static void
check_found_by_handle(struct arena *arena, const wchar_t *words, unsigned states, const char *address)
{
    struct player player = player_start(words);
    struct told told = hear(arena, &player);
    struct host host = read_port(arena, states, told.port);
    size_t rows = host.sockets.count;
    if (rows == 1)
        host.sockets.items[0].owner_pid = 0;
    find(arena, &host, false);
    player_end(&player);
    CHECK_INT(rows, 1);
    CHECK_STR(address_format(arena, host.sockets.items[0].local), address);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, player.pid);
    CHECK_INT(host.holdings.items[0].how, HOLDING_HANDLE);
    CHECK_INT(host.holdings.items[0].fd, told.handle);
    CHECK(host.complete);
}

TEST(listener_without_an_owner_is_found_by_its_handle)
{
    check_found_by_handle(arena, L"listen 127.0.0.1", 1u << SOCKET_LISTEN, "127.0.0.1");
}

TEST(ipv6_listener_without_an_owner_is_found_by_its_handle)
{
    check_found_by_handle(arena, L"listen ::1", 1u << SOCKET_LISTEN, "::1");
}

TEST(udp_socket_without_an_owner_is_found_by_its_handle)
{
    check_found_by_handle(arena, L"receive 127.0.0.1", 1u << SOCKET_UNCONN, "127.0.0.1");
}

TEST(socket_that_is_bound_and_does_not_listen_has_its_holder)
{
    struct player player = player_start(L"bind 127.0.0.1");
    struct told told = hear(arena, &player);
    struct host host = {0};
    for (int i = 0; i < 600 && host.sockets.count == 0; i++) {
        host = read_port(arena, SOCKET_STATES_ALL, told.port);
        clock_sleep_ms(host.sockets.count ? 0 : 100);
    }
    find(arena, &host, false);
    player_end(&player);
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].state, SOCKET_BOUND);
    CHECK(holding_of(&host, player.pid) != NULL);
}

TEST(child_that_inherited_the_socket_of_a_dead_parent_is_found)
{
    struct player player = player_start(L"leave 127.0.0.1");
    struct told told = hear(arena, &player);
    CHECK(told.pid != 0 && told.pid != player.pid);
    bool left = WaitForSingleObject(player.process, 60000) == WAIT_OBJECT_0;
    struct host host = read_port(arena, 1u << SOCKET_LISTEN, told.port);
    size_t rows = host.sockets.count;
    // As a real Windows has it: the pid of the parent, which is gone.
    if (rows == 1)
        host.sockets.items[0].owner_pid = player.pid;
    find(arena, &host, false);
    player_end(&player);
    CHECK(left);
    CHECK_INT(rows, 1);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, told.pid);
    CHECK_INT(host.holdings.items[0].how, HOLDING_HANDLE);
    CHECK_INT(host.holdings.items[0].fd, told.handle);
}

TEST(deep_search_finds_a_child_beside_its_living_parent)
{
    struct player player = player_start(L"share 127.0.0.1");
    struct told told = hear(arena, &player);
    struct host host = read_port(arena, 1u << SOCKET_LISTEN, told.port);
    if (host.sockets.count == 1)
        host.sockets.items[0].owner_pid = player.pid;
    clock_sleep_ms(1100);
    find(arena, &host, true);
    player_end(&player);
    CHECK_INT(host.holdings.count, 2);
    CHECK(holding_of(&host, player.pid) && holding_of(&host, told.pid));
}

// A process that started after its socket was bound has only got the pid of the one that did it.
TEST(pid_of_a_younger_process_is_not_believed_where_another_has_the_socket)
{
    struct player player = player_start(L"listen 127.0.0.1");
    struct player other = player_start(L"bind 127.0.0.1");
    struct told told = hear(arena, &player);
    (void)hear(arena, &other);
    struct host host = read_port(arena, 1u << SOCKET_LISTEN, told.port);
    if (host.sockets.count == 1) {
        host.sockets.items[0].owner_pid = other.pid;
        host.sockets.items[0].created_ms = 1000;
    }
    find(arena, &host, false);
    player_end(&player);
    player_end(&other);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, player.pid);
    CHECK_INT(host.holdings.items[0].how, HOLDING_HANDLE);
}

TEST(pid_of_a_younger_process_is_named_where_nobody_else_has_the_socket)
{
    struct host host = {0};
    struct socket_row *row = LIST_ADD(arena, &host.sockets);
    *row = (struct socket_row){.state = SOCKET_LISTEN,
                               .local = address_loopback(FAMILY_IPV4),
                               .local_port = 1,
                               .owner_pid = GetCurrentProcessId(),
                               .created_ms = 1000};
    find(arena, &host, false);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].how, HOLDING_TABLE);
}

TEST(one_process_alone_can_be_asked_about)
{
    struct player player = player_start(L"share 127.0.0.1");
    struct told told = hear(arena, &player);
    struct host host = read_port(arena, 1u << SOCKET_LISTEN, told.port);
    size_t socket = 0;
    if (host.sockets.count == 1)
        host.sockets.items[0].owner_pid = player.pid;
    struct host other = host;
    CHECK(socket_owner_find(arena, &(struct owner_query){.sockets = &socket, .count = 1, .pid = player.pid}, &host,
                            NULL));
    CHECK(
        socket_owner_find(arena, &(struct owner_query){.sockets = &socket, .count = 1, .pid = told.pid}, &other, NULL));
    player_end(&player);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, player.pid);
    CHECK_INT(host.holdings.items[0].how, HOLDING_TABLE);
    CHECK_INT(other.holdings.count, 1);
    CHECK_INT(other.holdings.items[0].pid, told.pid);
    CHECK_INT(other.holdings.items[0].how, HOLDING_HANDLE);
}

TEST(listener_from_outside_is_held_by_nobody_although_all_was_looked_at)
{
    char file[64];
    if (!late_is_wine())
        SKIP("only Wine has a system below");
    uint16_t port = player_outside(arena, file, sizeof file);
    struct host host = read_port(arena, 1u << SOCKET_LISTEN, port);
    find(arena, &host, false);
    remove(file);
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.holdings.count, 0);
    CHECK(host.complete);
}

TEST(connection_that_lingers_has_no_holder_and_costs_nothing)
{
    struct host host = {0};
    struct socket_row *row = LIST_ADD(arena, &host.sockets);
    *row = (struct socket_row){.state = SOCKET_TIME_WAIT,
                               .local = address_loopback(FAMILY_IPV4),
                               .local_port = 80,
                               .remote = address_loopback(FAMILY_IPV4),
                               .remote_port = 81};
    struct calls before = calls_made;
    find(arena, &host, false);
    CHECK_INT(host.holdings.count, 0);
    CHECK(host.complete);
    CHECK_INT(calls_made.handle_scans, before.handle_scans);
}

// Starts this program again with the socket, and gives its pid.
static DWORD
pass_on(SOCKET fd)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made = {0};
    wchar_t line[1024];
    swprintf(line, 1024, L"\"%ls\" keep", player_path());
    SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    if (!CreateProcessW(player_path(), line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made))
        return 0;
    CloseHandle(made.hThread);
    CloseHandle(made.hProcess);
    return made.dwProcessId;
}

static int
play(struct arena *arena, int count, wchar_t **words)
{
    char text[64];
    const char *address = count > 1 ? str_c(arena, wide_to_z(arena, words[1])) : "";
    bool passes = wcscmp(words[0], L"leave") == 0 || wcscmp(words[0], L"share") == 0;
    bool listens = passes || wcscmp(words[0], L"listen") == 0;
    if (count < 2) {
        Sleep(300000);
        return 0;
    }
    SOCKET fd =
        player_bind(wcscmp(words[0], L"receive") == 0 ? SOCK_DGRAM : SOCK_STREAM, address, listens ? 4 : 0, true);
    snprintf(text, sizeof text, "%u %llu %lu", player_port(fd), (unsigned long long)fd, passes ? pass_on(fd) : 0);
    if (wcscmp(words[0], L"leave") != 0) {
        player_ready(text);
        return 0;
    }
    printf("%s\n", text);
    return 0;
}

PLAYER_MAIN
