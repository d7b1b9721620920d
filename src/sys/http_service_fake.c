#include "sys/http_service.h"

#include "sys/fake_host.h"

bool
http_service_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();
    enum known known = recorded->http_known;

    if (!fake_host_call("http_service_read", err))
        return false;
    // A host whose document says nothing of it has the server where it has URLs.
    if (known == KNOWN_NOT_ASKED)
        known = recorded->http_urls.count > 0 ? KNOWN_YES : KNOWN_UNSUPPORTED;
    if (known == KNOWN_TIMEOUT)
        fake_host_pass_us((int64_t)deadline_ms * 1000);
    for (size_t i = 0; i < recorded->http_urls.count; i++)
        *LIST_ADD(arena, &host->http_urls) = recorded->http_urls.items[i];
    // Where only reservations can be read, what is there is still an answer.
    host->http_known = known;
    return known == KNOWN_NOT_ALLOWED || fake_host_refuse(known, "HTTP server of the system", err);
}
