#include "sys/os.h"

#include "sys/clock.h"
#include "sys/fake_host.h"

void
os_identify(struct arena *arena, struct host *host)
{
    const struct host *recorded = fake_host();

    (void)arena;
    if (fake_host_call_known("os_identify") != KNOWN_YES)
        return;
    host->platform = recorded->platform;
    host->system = recorded->system;
    host->name = recorded->name;
    host->id = recorded->id;
    host->boot_id = recorded->boot_id;
    host->time_ms = clock_wall_ms();
    host->uid = recorded->uid;
    host->admin = recorded->admin;
}

void
os_read_abilities(struct arena *arena, struct host *host)
{
    const struct host *recorded = fake_host();

    if (fake_host_call_known("os_read_abilities") != KNOWN_YES)
        return;
    for (size_t i = 0; i < recorded->abilities.count; i++)
        *LIST_ADD(arena, &host->abilities) = recorded->abilities.items[i];
}
