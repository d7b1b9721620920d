// What a question costs on Windows: time can't be measured where there is none, so calls are counted.

#include "player_win.h"

#include "core/snapshot.h"
#include "sys/calls_win.h"
#include "sys/late_win.h"
#include "sys/process.h"

static uint16_t
hear_port(struct arena *arena, const struct player *player)
{
    uint64_t port;
    CHECK(str_to_u64(player_line(arena, player), 10, &port) && port != 0);
    return (uint16_t)port;
}

// Reads all that is on one port and who has it, with all facts, and gives the host.
static struct host
look(struct arena *arena, uint16_t port, bool forget_owner)
{
    struct host host;
    struct snapshot_ask ask = {.protocols = 1u << PROTOCOL_TCP | 1u << PROTOCOL_UDP,
                               .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
                               .first = port,
                               .last = port};
    size_t socket = 0;
    CHECK(snapshot_read(arena, &ask, &host, NULL));
    CHECK_INT(host.sockets.count, 1);
    if (forget_owner)
        host.sockets.items[0].owner_pid = 0;
    CHECK(snapshot_add_holders(arena, &host, &socket, 1, PROCESS_ALL, true, OWNER_ALL, NULL));
    return host;
}

TEST(one_table_a_family_and_protocol_one_list_and_no_process_that_is_not_shown)
{
    struct player player = player_start(L"listen");
    uint16_t port = hear_port(arena, &player);
    struct calls before = calls_made;
    struct host host = look(arena, port, false);
    player_end(&player);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].pid, player.pid);
    CHECK_INT(calls_made.tables - before.tables, 4);
    CHECK(calls_made.process_lists - before.process_lists <= 1);
    // Where the system does not tell command lines, memory is read for them.
    unsigned most = late_is_wine() ? 2 : 1;
    CHECK(calls_made.processes_opened - before.processes_opened <= most * host.processes.count);
    CHECK_INT(calls_made.handle_scans - before.handle_scans, 0);
}

TEST(handles_are_scanned_once_where_the_table_names_nobody)
{
    struct player player = player_start(L"listen");
    uint16_t port = hear_port(arena, &player);
    struct calls before = calls_made;
    struct host host = look(arena, port, true);
    player_end(&player);
    CHECK_INT(host.holdings.count, 1);
    CHECK_INT(host.holdings.items[0].how, HOLDING_HANDLE);
    CHECK_INT(calls_made.tables - before.tables, 4);
    CHECK_INT(calls_made.handle_scans - before.handle_scans, 1);
}

static int
play(struct arena *arena, int count, wchar_t **words)
{
    char port[16];
    (void)arena;
    (void)count;
    (void)words;
    snprintf(port, sizeof port, "%u", player_port(player_bind(SOCK_STREAM, "127.0.0.1", 4, true)));
    player_ready(port);
    return 0;
}

PLAYER_MAIN
