// Connections that this program made and closed, in a network namespace of its own.

#include "sys/socket_destroy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "own_network_linux.h"
#include "refuse_linux.h"
#include "sys/clock.h"
#include "sys/socket_table.h"
#include "tap.h"

#include <errno.h>
#include <sys/wait.h>

#define PORT 20481

static int
bound(bool reuse)
{
    int on = reuse;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool
is_bindable(void)
{
    int fd = bound(true);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

// A connection whose server closed first. The client's end is given, or closed too, which leaves TIME_WAIT.
static int
leave_over(bool close_client)
{
    int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int listener = bound(false);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(listener >= 0 && listen(listener, 1) == 0 && connect(client, (struct sockaddr *)&to, sizeof to) == 0);
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    CHECK(server >= 0);
    close(listener);
    setsockopt(client, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    close(server);
    if (!close_client)
        return client;
    close(client);
    return -1;
}

static struct host
rows(struct arena *arena)
{
    struct host host = {0};
    struct socket_query query = {
        .protocols = 1u << PROTOCOL_TCP, .states = SOCKET_STATES_ALL, .first = PORT, .last = PORT};
    CHECK(socket_table_read(arena, &query, &host, NULL));
    return host;
}

static const struct socket_row *
left_over(const struct host *host)
{
    for (size_t i = 0; i < host->sockets.count; i++)
        if (host_is_left_over(&host->sockets.items[i]))
            return &host->sockets.items[i];
    return NULL;
}

static void
destroy_left_over(struct arena *arena, enum socket_state state)
{
    struct err err = {0};
    struct host host = {0};
    const struct socket_row *row = NULL;
    // The last segments may be handled a little later.
    for (int i = 0; i < 20000 && !(row && row->state == state); i++) {
        clock_sleep_ms(i > 0);
        host = rows(arena);
        row = left_over(&host);
    }
    CHECK(row && row->state == state);
    CHECK(!is_bindable());
    bool good = socket_destroy(arena, &row, 1, &err);
    if (err.kind == ERR_UNSUPPORTED)
        SKIP("this kernel can't destroy sockets");
    CHECK_STR(str_of(err.text), "");
    CHECK(good && is_bindable());
    // Gone is as good as destroyed.
    CHECK(socket_destroy(arena, &row, 1, &err));
}

TEST(what_waits_for_its_time_is_destroyed_and_the_port_is_free_at_once)
{
    if (!own_network())
        SKIP("needs a network namespace of its own");
    leave_over(true);
    destroy_left_over(arena, SOCKET_TIME_WAIT);
}

TEST(an_orphan_that_waits_for_its_peer_is_destroyed)
{
    if (!own_network())
        SKIP("needs a network namespace of its own");
    int client = leave_over(false);
    destroy_left_over(arena, SOCKET_FIN_WAIT_2);
    close(client);
}

TEST(a_socket_that_may_be_in_use_is_never_destroyed)
{
    struct err err = {0};
    if (!own_network())
        SKIP("needs a network namespace of its own");
    int listener = bound(true);
    CHECK(listener >= 0 && listen(listener, 1) == 0);
    struct host host = rows(arena);
    const struct socket_row *row = &host.sockets.items[0];
    CHECK(host.sockets.count == 1 && !socket_destroy(arena, &row, 1, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    // Nor one that only claims to be left over, while its cookie is another one's: the listener is not hit in its place.
    struct socket_row false_row = host.sockets.items[0];
    false_row.state = SOCKET_TIME_WAIT;
    false_row.inode = 0;
    false_row.cookie++;
    row = &false_row;
    (void)socket_destroy(arena, &row, 1, &err);
    CHECK_INT(rows(arena).sockets.items[0].state, SOCKET_LISTEN);
    false_row.cookie = 0;
    CHECK(!socket_destroy(arena, &row, 1, &err));
    close(listener);
}

TAP_MAIN
