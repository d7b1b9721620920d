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
