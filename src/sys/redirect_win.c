#include "sys/redirect.h"

#include "decode/registry.h"
#include "sys/registry_win.h"
#include "sys/wide_win.h"

#define PORT_PROXY "SYSTEM\\CurrentControlSet\\Services\\PortProxy\\"

bool
redirect_read(struct arena *arena, struct host *host, struct err *err)
{
    static const char *const keys[] = {"v4tov4", "v4tov6", "v6tov4", "v6tov6"};
    host->redirects_known = KNOWN_YES;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct registry_values values = {.count = 0};
        struct err why = {0};
        struct str path = str_printf(arena, PORT_PROXY "%s\\tcp", keys[i]);
        if (registry_read_values(arena, REGISTRY_MACHINE, wide_from(arena, path), &values, &why)) {
            registry_read_portproxy(arena, str_of(keys[i]), &values, host);
            continue;
        }
        // Without rules there is no key.
        if (why.kind == ERR_GONE)
            continue;
        host->redirects_known = host_known_of(why.kind);
        return err_set(err, why.kind, why.os, "%s", why.text);
    }
    return true;
}
