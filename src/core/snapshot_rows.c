#include "core/snapshot_parts.h"

// Rows by what never changes of a socket while it lives, and by what two tables say of it alike.
struct row_index {
    struct lookup cookies;
    struct lookup endpoints;
    bool by_cookie; // each row has one, and none is another's subflow: the endpoints tell nothing more
};

static uint64_t
mix_address(uint64_t hash, struct address address, uint16_t port)
{
    uint64_t high = 0;
    uint64_t low = 0;

    for (size_t i = 0; i < 8; i++) {
        high = high << 8 | address.bytes[i];
        low = low << 8 | address.bytes[8 + i];
    }
    return lookup_mix(lookup_mix(lookup_mix(hash, high), low), (uint64_t)address.family << 16 | port);
}

static bool
is_connected(const struct socket_row *row)
{
    return row->remote.family != FAMILY_NONE;
}

// Connections have one socket for each pair of endpoints. Of listeners many may share one: there the inode decides.
static uint64_t
endpoint_key(const struct socket_row *row)
{
    enum protocol space = host_port_space(row->protocol);
    uint64_t hash = lookup_mix(lookup_mix(0, (uint64_t)space), row->netns);

    hash = mix_address(mix_address(hash, row->local, row->local_port), row->remote, row->remote_port);
    return is_connected(row) ? hash : lookup_mix(hash, row->inode);
}

static bool
same_endpoints(const struct socket_row *a, const struct socket_row *b)
{
    return host_same_ports(a->protocol, b->protocol) && a->netns == b->netns && a->local_port == b->local_port &&
           a->remote_port == b->remote_port && address_equal(a->local, b->local) && address_equal(a->remote, b->remote);
}

// The kernel gives a subflow the inode of its MPTCP socket (net/mptcp/subflow.c, mptcp_subflow_create_socket), but one
// that came in by accept has none of its own.
static bool
is_subflow_of(const struct socket_row *a, const struct socket_row *b)
{
    if (a->inode == b->inode)
        return a->inode != 0 || is_connected(a);
    return is_connected(a) && (a->inode == 0 || b->inode == 0);
}

// Windows has neither inodes nor cookies: there two sockets that share an endpoint differ by their owner, and a table that
// names none may have been asked of one and the same.
static bool
same_owner(const struct socket_row *a, const struct socket_row *b)
{
    return a->owner_pid == b->owner_pid || a->owner_pid == 0 || b->owner_pid == 0;
}

static bool
same_socket(const struct socket_row *a, const struct socket_row *b)
{
    if (a->protocol != b->protocol)
        return same_endpoints(a, b) && is_subflow_of(a, b);
    if (a->cookie != 0 && b->cookie != 0)
        return a->cookie == b->cookie && a->netns == b->netns;
    return same_endpoints(a, b) && a->inode == b->inode && same_owner(a, b);
}

static size_t
find_row(const struct row_index *index, const struct host *host, const struct socket_row *row)
{
    size_t cursor = 0;
    size_t found;

    while (row->cookie != 0 && lookup_next(&index->cookies, row->cookie, &cursor, &found))
        if (same_socket(row, &host->sockets.items[found]))
            return found;
    if (index->by_cookie)
        return SIZE_MAX;
    cursor = 0;
    while (lookup_next(&index->endpoints, endpoint_key(row), &cursor, &found))
        if (same_socket(row, &host->sockets.items[found]))
            return found;
    return SIZE_MAX;
}

static void
add_row(struct row_index *index, const struct host *host, size_t at)
{
    const struct socket_row *row = &host->sockets.items[at];

    if (row->cookie != 0)
        lookup_add(&index->cookies, row->cookie, at);
    if (!index->by_cookie)
        lookup_add(&index->endpoints, endpoint_key(row), at);
}

// What only the other reading knew.
static void
fill_gaps(struct socket_row *row, const struct socket_row *other)
{
    row->v6only = row->v6only != TRI_UNKNOWN ? row->v6only : other->v6only;
    row->reuse_addr = row->reuse_addr != TRI_UNKNOWN ? row->reuse_addr : other->reuse_addr;
    row->reuse_port = row->reuse_port != TRI_UNKNOWN ? row->reuse_port : other->reuse_port;
    if (row->device == 0) {
        row->device = other->device;
        row->device_name = other->device_name;
    }
    if (!row->uid_known) {
        row->uid_known = other->uid_known;
        row->uid = other->uid;
    }
    row->cookie = row->cookie ? row->cookie : other->cookie;
    row->cgroup = row->cgroup ? row->cgroup : other->cgroup;
    row->owner_pid = row->owner_pid ? row->owner_pid : other->owner_pid;
    row->owner_service = row->owner_service.len ? row->owner_service : other->owner_service;
    row->created_ms = row->created_ms ? row->created_ms : other->created_ms;
    row->holders_read = row->holders_read || other->holders_read;
}

// The newer reading counts; of an MPTCP socket and its subflow it is the MPTCP socket that a program has.
static void
absorb(struct socket_row *old, const struct socket_row *row)
{
    struct socket_row merged = *row;

    if (old->protocol == row->protocol) {
        fill_gaps(&merged, old);
    } else {
        const struct socket_row *subflow = row->protocol == PROTOCOL_MPTCP ? old : row;
        merged = subflow == old ? *row : *old;
        fill_gaps(&merged, subflow);
        merged.inode = merged.inode ? merged.inode : subflow->inode;
        merged.queue = merged.queue ? merged.queue : subflow->queue;
        merged.backlog = merged.backlog ? merged.backlog : subflow->backlog;
        merged.expires_ms = merged.expires_ms ? merged.expires_ms : subflow->expires_ms;
    }
    *old = merged;
}

static bool
all_have_cookies(const struct host *host)
{
    for (size_t i = 0; i < host->sockets.count; i++)
        if (host->sockets.items[i].cookie == 0 || host->sockets.items[i].protocol == PROTOCOL_MPTCP)
            return false;
    return true;
}

void
snapshot_merge_rows(struct host *host, size_t first)
{
    struct arena *scratch = arena_open();
    struct row_index index = {
        .cookies.arena = scratch, .endpoints.arena = scratch, .by_cookie = all_have_cookies(host)};
    size_t kept = first;

    for (size_t i = 0; i < first; i++)
        add_row(&index, host, i);
    for (size_t i = first; i < host->sockets.count; i++) {
        size_t found = find_row(&index, host, &host->sockets.items[i]);
        if (found != SIZE_MAX) {
            absorb(&host->sockets.items[found], &host->sockets.items[i]);
            add_row(&index, host, found);
            continue;
        }
        if (kept != i)
            host->sockets.items[kept] = host->sockets.items[i];
        add_row(&index, host, kept++);
    }
    host->sockets.count = kept;
    arena_close(scratch);
}
