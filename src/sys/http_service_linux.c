#include "sys/http_service.h"

bool
http_service_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    (void)arena;
    (void)deadline_ms;
    (void)host;
    return err_set(err, ERR_UNSUPPORTED, 0, "read the system's HTTP server: Linux has none");
}
