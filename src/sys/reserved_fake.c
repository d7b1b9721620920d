#include "sys/reserved.h"

#include "sys/fake_host.h"

bool
reserved_read(struct arena *arena, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("reserved_read", err))
        return false;
    for (size_t i = 0; i < recorded->ranges.count; i++)
        *LIST_ADD(arena, &host->ranges) = recorded->ranges.items[i];
    host->nonlocal_bind = recorded->nonlocal_bind;
    return true;
}
