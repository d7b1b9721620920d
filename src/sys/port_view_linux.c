#include "sys/port_view_linux.h"

#include <string.h>
#include <sys/socket.h>

#include "decode/inet_diag.h"
#include "sys/owner_kernel_linux.h"
#include "sys/sock_diag_linux.h"

enum {
    MOST_ROWS = 512, // beyond that one walk through all connections is cheaper than a question for each
    TRIES = 2,
    WIRE_LISTEN = 10, // include/net/tcp_states.h
};

struct rows {
    struct owner_row *items;
    size_t count;
};

static struct owner_session *
open_session(struct arena *arena)
{
    return owner_kernel_open(arena, OWNER_KERNEL_HITS, OWNER_KERNEL_WANTED, false);
}

// The sockets that are bound to the port now.
static bool
list_rows(struct arena *arena, struct owner_session *session, uint16_t port, struct rows *out)
{
    session->state->port = port;
    if (!owner_session_run(session, OWNER_RUN_ROWS) || session->state->odd || session->state->count > MOST_ROWS)
        return false;
    out->count = session->state->count;
    out->items = arena_array(arena, out->count + 1, sizeof *out->items);
    memcpy(out->items, session->hits, out->count * sizeof *out->items);
    return true;
}

// A list that was walked while it changed may have lost its way: walked again, it shows the same.
static bool
is_same(const struct rows *a, const struct rows *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].socket != b->items[i].socket || a->items[i].state != b->items[i].state)
            return false;
    return true;
}

static struct address
address_of(enum family family, const uint8_t bytes[16], uint32_t device)
{
    struct address address = address_any(family);
    memcpy(address.bytes, bytes, family == FAMILY_IPV4 ? 4 : 16);
    if (family == FAMILY_IPV6 && address_is_link_local(address))
        address.scope = device;
    return address;
}

static struct socket_row
wish_for(const struct owner_row *row, uint16_t port)
{
    const uint8_t *peer_port = (const uint8_t *)&row->peer_port;
    enum family family = row->family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4;
    return (struct socket_row){.protocol = PROTOCOL_TCP,
                               .local = address_of(family, row->local, row->device),
                               .local_port = port,
                               .remote = address_of(family, row->peer, row->device),
                               .remote_port = (uint16_t)(peer_port[0] << 8 | peer_port[1]),
                               .device = row->device,
                               .cookie = row->cookie};
}

static bool
is_answer(const struct socket_row *row, const struct socket_row *wish)
{
    struct address none = address_any((enum family)wish->local.family);
    struct address remote = row->remote.family == FAMILY_NONE ? none : row->remote;
    return row->local_port == wish->local_port && row->remote_port == wish->remote_port &&
           row->device == wish->device && address_equal(row->local, wish->local) &&
           address_equal(remote, wish->remote) && (!wish->cookie || row->cookie == wish->cookie);
}

// Listeners that share an address: the kernel tells one of them where it is asked for one.
static bool
is_shared(const struct rows *rows, size_t at)
{
    const struct owner_row *row = &rows->items[at];
    for (size_t i = 0; i < rows->count; i++) {
        const struct owner_row *other = &rows->items[i];
        if (i != at && other->state == WIRE_LISTEN && other->family == row->family && other->device == row->device &&
            memcmp(other->local, row->local, row->family == AF_INET6 ? 16 : 4) == 0)
            return true;
    }
    return false;
}

// Asks for each socket that listens, or for each other one.
static bool
ask_each(struct arena *arena, struct netlink_socket *netlink, uint16_t port, const struct rows *rows, bool listens,
         unsigned states, struct host *host)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct socket_row row;
        struct socket_row wish = wish_for(&rows->items[i], port);
        if ((rows->items[i].state == WIRE_LISTEN) != listens)
            continue;
        if ((listens && is_shared(rows, i)) || !sock_diag_find_row(netlink, &wish, &row) || !is_answer(&row, &wish))
            return false;
        if (states >> row.state & 1)
            *LIST_ADD(arena, &host->sockets) = row;
    }
    return true;
}

bool
port_view_read(struct arena *arena, struct netlink_socket *netlink, uint16_t port, unsigned states, struct host *host)
{
    struct owner_session *session = netlink->fd >= 0 ? open_session(arena) : NULL;
    size_t start = host->sockets.count;
    if (!session || !session->layout.rows)
        return false;
    for (int i = 0; i < TRIES; i++) {
        struct rows before;
        struct rows after;
        if (!list_rows(arena, session, port, &before))
            return false;
        bool good = ask_each(arena, netlink, port, &before, true, states, host) &&
                    (!(states & ~(1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN)) ||
                     ask_each(arena, netlink, port, &before, false, states, host));
        if (good && list_rows(arena, session, port, &after) && is_same(&before, &after)) {
            sock_diag_name_devices(arena, host, start);
            return true;
        }
        host->sockets.count = start;
    }
    return false;
}

bool
port_view_is_here_alone(struct arena *arena, enum protocol protocol, uint16_t port)
{
    struct owner_session *session = protocol == PROTOCOL_UDPLITE ? NULL : open_session(arena);
    if (!session || !session->layout.spaces)
        return false;
    session->state->port = port;
    return owner_session_run(session, protocol == PROTOCOL_UDP ? OWNER_RUN_UDP_SPACES : OWNER_RUN_TCP_SPACES) &&
           session->state->count == 0;
}

size_t
port_view_unused(struct arena *arena, uint16_t first, uint16_t *ports, size_t room)
{
    struct owner_session *session = open_session(arena);
    if (!session || !session->layout.tcp)
        return 0;
    session->state->port = first;
    session->state->most = (uint32_t)room;
    if (!owner_session_run(session, OWNER_RUN_UNUSED))
        return 0;
    size_t count = session->state->count < room ? session->state->count : room;
    for (size_t i = 0; i < count; i++)
        ports[i] = (uint16_t)session->hits[i].inode;
    return count;
}
