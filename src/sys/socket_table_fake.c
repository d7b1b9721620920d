#include "sys/socket_table.h"

#include "sys/fake_host.h"

bool
socket_table_read(struct arena *arena, const struct socket_query *query, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("socket_table_read", err))
        return false;
    host->socket_source = recorded->socket_source.len > 0 ? recorded->socket_source : STR("fake");
    for (size_t i = 0; i < recorded->sockets.count; i++) {
        const struct socket_row *row = &recorded->sockets.items[i];
        uint16_t last = query->first == 0 && query->last == 0 ? UINT16_MAX : query->last;
        if (row->netns != 0 || !(query->protocols >> row->protocol & 1) || !(query->states >> row->state & 1) ||
            row->local_port < query->first || row->local_port > last)
            continue;
        struct socket_row *copy = LIST_ADD(arena, &host->sockets);
        *copy = *row;
        copy->holders_read = false;
    }
    for (size_t i = 0; query->record && i < recorded->raw.count; i++)
        *LIST_ADD(arena, &host->raw) = recorded->raw.items[i];
    return true;
}

static bool
is_used(const struct host *host, enum protocol protocol, uint32_t port)
{
    for (size_t i = 0; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->netns == 0 && row->local_port == port && host_same_ports(row->protocol, protocol))
            return true;
    }
    return false;
}

size_t
socket_table_unused(struct arena *arena, enum protocol protocol, uint16_t first, uint16_t *ports, size_t room)
{
    size_t count = 0;

    (void)arena;
    for (uint32_t port = first; port <= UINT16_MAX && count < room; port++)
        if (!is_used(fake_host(), protocol, port))
            ports[count++] = (uint16_t)port;
    return count;
}
