#include "sys/net.h"

#include "tap.h"

TEST(loopback_is_among_the_addresses)
{
    struct host host = {0};
    struct err err = {0};
    bool found = false;
    CHECK(net_read_addresses(arena, &host, &err));
    for (size_t i = 0; i < host.addresses.count; i++) {
        const struct local_address *local = &host.addresses.items[i];
        CHECK(local->address.family != FAMILY_NONE && local->device != 0 && local->device_name.len > 0);
        found = found || (address_equal(local->address, address_loopback(FAMILY_IPV4)) && local->prefix == 8);
    }
    CHECK(found);
}

TEST(devices_are_found_by_name_and_number)
{
    struct host host = {0};
    CHECK(net_read_addresses(arena, &host, NULL) && host.addresses.count > 0);
    const struct local_address *local = &host.addresses.items[0];
    CHECK_INT(net_device_index(local->device_name), local->device);
    CHECK(str_equal(net_device_name(arena, local->device), local->device_name));
    CHECK_STR(net_device_name(arena, 0), "");
    CHECK_STR(net_device_name(arena, UINT32_MAX), "");
    CHECK_INT(net_device_index(STR("")), 0);
    CHECK_INT(net_device_index(STR("no such device")), 0);
}

TEST(the_system_names_no_ports_of_its_own_here)
{
    struct host host = {0};
    CHECK(net_read_kernel_ports(arena, &host, NULL));
    CHECK_INT(host.kernel_ports.count, 0);
}

TAP_MAIN
