#include "sys/namespace.h"

bool
namespace_read(struct arena *arena, unsigned protocols, uint16_t first, uint16_t last, unsigned deadline_ms,
               struct host *host, struct err *err)
{
    (void)arena;
    (void)protocols;
    (void)first;
    (void)last;
    (void)deadline_ms;
    host->namespaces_known = KNOWN_UNSUPPORTED;
    return err_set(err, ERR_UNSUPPORTED, 0, "other networks: network compartments of Windows are not looked into");
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
    return 0;
}
