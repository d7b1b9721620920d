#include "sys/neighbour.h"

#include "sys/fake_host.h"

void
neighbour_identify(struct arena *arena, struct host *host)
{
    const struct host *recorded = fake_host();

    (void)arena;
    if (fake_host_call_known("neighbour_identify") != KNOWN_YES)
        return;
    host->wsl = recorded->wsl;
    host->wsl_networking = recorded->wsl_networking;
}

bool
neighbour_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();
    enum known known = recorded->neighbours_known;

    if (!fake_host_call("neighbour_read", err))
        return false;
    // A host whose document says nothing of it has a neighbour where ports of one stand in it.
    if (known == KNOWN_NOT_ASKED)
        known = recorded->neighbour_ports.count > 0 ? KNOWN_YES : KNOWN_UNSUPPORTED;
    if (known == KNOWN_TIMEOUT)
        fake_host_pass_us((int64_t)deadline_ms * 1000);
    for (size_t i = 0; i < recorded->neighbour_ports.count; i++)
        *LIST_ADD(arena, &host->neighbour_ports) = recorded->neighbour_ports.items[i];
    host->neighbours_known = known;
    return fake_host_refuse(known, "neighbour", err);
}
