#include "sys/namespace.h"

#include "sys/fake_host.h"

bool
namespace_read(struct arena *arena, unsigned protocols, uint16_t first, uint16_t last, unsigned deadline_ms,
               struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();

    (void)deadline_ms;
    if (!fake_host_call("namespace_read", err))
        return false;
    for (size_t i = 0; i < recorded->namespaces.count; i++)
        if (!recorded->namespaces.items[i].is_own)
            *LIST_ADD(arena, &host->namespaces) = recorded->namespaces.items[i];
    for (size_t i = 0; i < recorded->sockets.count; i++) {
        const struct socket_row *row = &recorded->sockets.items[i];
        bool kept = row->state == SOCKET_LISTEN || row->state == SOCKET_BOUND || row->state == SOCKET_UNCONN;
        if (row->netns == 0 || !kept || !(protocols & 1u << host_port_space(row->protocol)) ||
            row->local_port < first || row->local_port > last)
            continue;
        struct socket_row *copy = LIST_ADD(arena, &host->sockets);
        *copy = *row;
        copy->holders_read = false;
    }
    host->namespaces_known = recorded->namespaces_known == KNOWN_NOT_ASKED ? KNOWN_YES : recorded->namespaces_known;
    return true;
}

bool
namespace_has_none(struct arena *arena, enum protocol protocol, uint16_t port)
{
    (void)arena;
    (void)protocol;
    (void)port;
    return false;
}

uint64_t
namespace_own(void)
{
    const struct host *recorded = fake_host();

    for (size_t i = 0; i < recorded->namespaces.count; i++)
        if (recorded->namespaces.items[i].is_own)
            return recorded->namespaces.items[i].id;
    return 0;
}
