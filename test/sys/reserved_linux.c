#include "sys/reserved.h"

#include <fcntl.h>
#include <unistd.h>

#include "own_network_linux.h"
#include "tap.h"

static bool
set(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    close(fd);
    return good;
}

static const struct port_range *
range_at(const struct host *host, enum range_kind kind, size_t which)
{
    for (size_t i = 0; i < host->ranges.count; i++) {
        if (host->ranges.items[i].kind == kind && which-- == 0)
            return &host->ranges.items[i];
    }
    return NULL;
}

TEST(every_host_has_a_dynamic_range)
{
    struct host host = {0};
    struct err err = {0};
    CHECK(reserved_read(arena, &host, &err));
    const struct port_range *range = range_at(&host, RANGE_DYNAMIC, 0);
    CHECK(range && range->first > 0 && range->first <= range->last && range->any_protocol);
    CHECK(range->family == FAMILY_NONE);
    CHECK_STR(range->source, "net.ipv4.ip_local_port_range");
    CHECK(range_at(&host, RANGE_DYNAMIC, 1) == NULL && range_at(&host, RANGE_EXCLUDED, 0) == NULL);
}

TEST(settings_of_this_network_are_read)
{
    struct host host = {0};
    if (!own_network() || !set("ip_local_port_range", "40000 50000") ||
        !set("ip_local_reserved_ports", "8080,9000-9100,40500") || !set("ip_unprivileged_port_start", "81") ||
        !set("ip_nonlocal_bind", "1"))
        SKIP("settings of a network namespace may not be changed here");
    CHECK(reserved_read(arena, &host, NULL));
    const struct port_range *range = range_at(&host, RANGE_DYNAMIC, 0);
    CHECK(range && range->first == 40000 && range->last == 50000);
    range = range_at(&host, RANGE_RESERVED, 0);
    CHECK(range && range->first == 8080 && range->last == 8080);
    range = range_at(&host, RANGE_RESERVED, 1);
    CHECK(range && range->first == 9000 && range->last == 9100);
    CHECK(range_at(&host, RANGE_RESERVED, 2) && !range_at(&host, RANGE_RESERVED, 3));
    range = range_at(&host, RANGE_PRIVILEGED, 0);
    CHECK(range && range->first == 1 && range->last == 80);
    CHECK(host.nonlocal_bind);

    host = (struct host){0};
    CHECK(set("ip_unprivileged_port_start", "0") && set("ip_nonlocal_bind", "0"));
    CHECK(set("ip_local_reserved_ports", "\n"));
    CHECK(reserved_read(arena, &host, NULL));
    CHECK(!range_at(&host, RANGE_PRIVILEGED, 0) && !range_at(&host, RANGE_RESERVED, 0) && !host.nonlocal_bind);
}

TAP_MAIN
