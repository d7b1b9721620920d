#include "sys/net.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/buf.h"
#include "decode/netlink.h"
#include "own_network_linux.h"
#include "sys/clock.h"
#include "sys/netlink_socket_linux.h"
#include "sys/socket_table.h"
#include "tap.h"

TEST(loopback_is_among_the_addresses)
{
    struct host host = {0};
    struct err err = {0};
    own_network();
    CHECK(net_read_addresses(arena, &host, &err));
    bool found = false;
    for (size_t i = 0; i < host.addresses.count; i++) {
        const struct local_address *local = &host.addresses.items[i];
        if (!address_equal(local->address, address_loopback(FAMILY_IPV4)))
            continue;
        CHECK(local->prefix == 8 && local->device == net_device_index(STR("lo")));
        CHECK_STR(local->device_name, "lo");
        found = true;
    }
    CHECK(found);
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_INT(host.ipv6, fd >= 0);
    if (fd >= 0)
        close(fd);
}

TEST(devices_are_found_by_name_and_number)
{
    uint32_t index = net_device_index(STR("lo"));
    CHECK(index != 0);
    CHECK_STR(net_device_name(arena, index), "lo");
    CHECK_STR(net_device_name(arena, 0), "");
    CHECK_STR(net_device_name(arena, UINT32_MAX), "");
    CHECK_INT(net_device_index(STR("")), 0);
    CHECK_INT(net_device_index(STR("no-such-device")), 0);
    CHECK_INT(net_device_index(STR("a-name-that-is-far-too-long-for-a-device")), 0);
    CHECK_INT(net_device_index((struct str){"lo\0x", 4}), 0);
}

// RTM_NEWLINK for a vxlan device; false when the kernel refuses.
static bool
make_vxlan(struct arena *arena, const char *name, uint16_t port, bool up)
{
    struct netlink_socket netlink;
    struct buf data = {.arena = arena};
    struct buf info = {.arena = arena};
    struct buf request = {.arena = arena};
    struct str answer;
    uint32_t id = port;
    char number[2] = {(char)(port >> 8), (char)(port & 0xff)};
    if (!netlink_socket_open(&netlink, NETLINK_ROUTE, NULL))
        return false;
    netlink_add_attribute(&data, IFLA_VXLAN_ID, (struct str){(const char *)&id, sizeof id});
    netlink_add_attribute(&data, IFLA_VXLAN_PORT, (struct str){number, 2});
    netlink_add_attribute(&info, IFLA_INFO_KIND, STR("vxlan"));
    netlink_add_attribute(&info, IFLA_INFO_DATA, buf_str(&data));
    size_t start = netlink_begin(&request, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                                 netlink_socket_next(&netlink));
    netlink_add_u32(&request, 0);
    netlink_add_u32(&request, 0);
    netlink_add_u32(&request, up ? IFF_UP : 0);
    netlink_add_u32(&request, up ? IFF_UP : 0);
    netlink_add_attribute(&request, IFLA_IFNAME, str_of(name));
    netlink_add_attribute(&request, IFLA_LINKINFO, buf_str(&info));
    netlink_end(&request, start);
    bool good = netlink_socket_ask(arena, &netlink, buf_str(&request), clock_mono_us() + 5000000, &answer, NULL);
    netlink_socket_close(&netlink);
    return good;
}

TEST(a_port_that_the_kernel_opened_for_a_tunnel_is_named)
{
    struct host host = {0};
    struct err err = {0};
    if (!own_network())
        SKIP("a network namespace of its own is not allowed here");
    CHECK(net_read_kernel_ports(arena, &host, &err));
    CHECK_INT(host.kernel_ports.count, 0);
    if (!make_vxlan(arena, "moor0", 4789, true))
        SKIP("this kernel has no vxlan");
    CHECK(make_vxlan(arena, "moor1", 4790, false));
    // Interfaces open UDP ports alone: without such a port they are not asked.
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.protocol = PROTOCOL_TCP, .local_port = 4789};
    CHECK(net_read_kernel_ports(arena, &host, &err));
    CHECK_INT(host.kernel_ports.count, 0);
    host.sockets.items[0].protocol = PROTOCOL_UDP;
    CHECK(net_read_kernel_ports(arena, &host, &err));
    host.sockets.count = 0;
    CHECK_INT(host.kernel_ports.count, 1);
    const struct kernel_port *port = &host.kernel_ports.items[0];
    CHECK(port->port == 4789 && port->protocol == PROTOCOL_UDP && port->family == FAMILY_IPV4);
    CHECK_STR(port->kind, "vxlan");
    CHECK_STR(port->name, "moor0");
    // It is a socket like others, of which no process knows.
    struct socket_query query = {
        .protocols = 1u << PROTOCOL_UDP, .states = 1u << SOCKET_UNCONN, .first = 4789, .last = 4790};
    CHECK(socket_table_read(arena, &query, &host, &err));
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].local_port, 4789);
}

TAP_MAIN
