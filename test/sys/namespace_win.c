#include "sys/namespace.h"

#include "sys/socket_table.h"
#include "tap.h"

TEST(windows_has_no_networks_that_are_looked_into)
{
    struct host host = {0};
    struct err err = {0};
    CHECK(!namespace_read(arena, SOCKET_PROTOCOLS_ALL, 1, 65535, 1000, &host, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    CHECK_INT(host.namespaces_known, KNOWN_UNSUPPORTED);
    CHECK_INT(host.namespaces.count, 0);
    CHECK_INT(namespace_own(), 0);
}

TAP_MAIN
