#include "sys/redirect.h"

#include "sys/fake_host.h"

bool
redirect_read(struct arena *arena, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("redirect_read", err))
        return false;
    for (size_t i = 0; i < recorded->redirects.count; i++)
        *LIST_ADD(arena, &host->redirects) = recorded->redirects.items[i];
    // A host whose document says nothing of it has no such rules.
    host->redirects_known = recorded->redirects_known == KNOWN_NOT_ASKED ? KNOWN_YES : recorded->redirects_known;
    return true;
}
