#include "sys/net.h"

#include "sys/fake_host.h"

bool
net_read_addresses(struct arena *arena, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("net_read_addresses", err))
        return false;
    for (size_t i = 0; i < recorded->addresses.count; i++)
        *LIST_ADD(arena, &host->addresses) = recorded->addresses.items[i];
    host->ipv6 = recorded->ipv6;
    return true;
}

bool
net_read_kernel_ports(struct arena *arena, struct host *host, struct err *err)
{
    const struct host *recorded = fake_host();

    if (!fake_host_call("net_read_kernel_ports", err))
        return false;
    for (size_t i = 0; i < recorded->kernel_ports.count; i++)
        *LIST_ADD(arena, &host->kernel_ports) = recorded->kernel_ports.items[i];
    return true;
}

uint32_t
net_device_index(struct str name)
{
    const struct host *recorded = fake_host();

    for (size_t i = 0; i < recorded->addresses.count; i++)
        if (name.len > 0 && str_equal(recorded->addresses.items[i].device_name, name))
            return recorded->addresses.items[i].device;
    for (size_t i = 0; i < recorded->sockets.count; i++)
        if (name.len > 0 && str_equal(recorded->sockets.items[i].device_name, name))
            return recorded->sockets.items[i].device;
    return 0;
}

struct str
net_device_name(struct arena *arena, uint32_t index)
{
    const struct host *recorded = fake_host();

    (void)arena;
    for (size_t i = 0; i < recorded->addresses.count; i++)
        if (index != 0 && recorded->addresses.items[i].device == index)
            return recorded->addresses.items[i].device_name;
    for (size_t i = 0; i < recorded->sockets.count; i++)
        if (index != 0 && recorded->sockets.items[i].device == index)
            return recorded->sockets.items[i].device_name;
    return STR("");
}
