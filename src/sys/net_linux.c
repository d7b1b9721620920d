#include "sys/net.h"

#include <linux/netlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "decode/genl.h"
#include "decode/netlink.h"
#include "decode/rtnl.h"
#include "decode/sysctl.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/netlink_socket_linux.h"

#define DEADLINE_US (2 * 1000 * 1000)
#define SETTING_LIMIT 4096

bool
net_read_addresses(struct arena *arena, struct host *host, struct err *err)
{
    struct netlink_socket netlink = {.fd = -1};
    struct buf request = {.arena = arena};
    struct str answer;
    struct local_address local;
    bool good = false;
    // The kernel makes this file when it has IPv6, even if no device uses it.
    host->ipv6 = access("/proc/net/if_inet6", F_OK) == 0;
    if (!netlink_socket_open(&netlink, NETLINK_ROUTE, err))
        goto out;
    rtnl_request_addresses(&request, netlink_socket_next(&netlink));
    if (!netlink_socket_ask(arena, &netlink, buf_str(&request), clock_mono_us() + DEADLINE_US, &answer, err))
        goto out;
    size_t start = host->addresses.count;
    while (rtnl_next_address(&answer, &local)) {
        const struct local_address *before =
            host->addresses.count > start ? &host->addresses.items[host->addresses.count - 1] : NULL;
        // Addresses of one device stand together.
        local.device_name =
            before && before->device == local.device ? before->device_name : net_device_name(arena, local.device);
        *LIST_ADD(arena, &host->addresses) = local;
    }
    good = true;
out:
    netlink_socket_close(&netlink);
    return good;
}

static void
add_port(struct arena *arena, struct host *host, enum protocol protocol, enum family family, uint16_t port,
         const char *kind, struct str name)
{
    struct kernel_port *item = LIST_ADD(arena, &host->kernel_ports);
    *item = (struct kernel_port){
        .protocol = protocol, .family = family, .port = port, .kind = str_of(kind), .name = str_copy(arena, name)};
}

// Generic netlink, opened when a device or family calls for it.
struct tunnels {
    struct arena *arena;
    struct netlink_socket netlink;
    struct str families; // the kernel's list of them
    int64_t deadline_us;
};

// What answers `request`, or nothing: tunnels need CAP_NET_ADMIN, and what can't be seen is not named.
static struct str
ask_tunnels(struct tunnels *tunnels, struct buf *request)
{
    struct str answer;
    if (!netlink_socket_ask(tunnels->arena, &tunnels->netlink, buf_str(request), tunnels->deadline_us, &answer, NULL))
        return STR("");
    return answer;
}

static void
read_wireguard(struct tunnels *tunnels, const struct rtnl_link *link, struct host *host)
{
    uint16_t type;
    struct buf request = {.arena = tunnels->arena};
    struct netlink_message message;
    if (!genl_find_family(tunnels->families, STR("wireguard"), &type))
        return;
    genl_request_wireguard(&request, type, link->index, netlink_socket_next(&tunnels->netlink));
    struct str answer = ask_tunnels(tunnels, &request);
    struct str rest = answer;
    while (netlink_next(&rest, &message)) {
        uint16_t port;
        if (message.type == type && genl_parse_wireguard(message.payload, &port))
            add_port(tunnels->arena, host, PROTOCOL_UDP, FAMILY_NONE, port, "wireguard", link->name);
    }
    // The answer holds the device's private key.
    if (answer.len != 0)
        explicit_bzero((char *)(uintptr_t)answer.ptr, answer.len);
}

// Kinds whose ports are asked for all at once.
struct tunnel_kind {
    const char *name;
    void (*request)(struct buf *out, uint16_t type, uint32_t sequence);
    bool (*parse)(struct str payload, enum family *family, uint16_t *port);
};

static void
read_kind(struct tunnels *tunnels, const struct tunnel_kind *kind, struct host *host)
{
    uint16_t type;
    struct buf request = {.arena = tunnels->arena};
    struct netlink_message message;
    if (!genl_find_family(tunnels->families, str_of(kind->name), &type))
        return;
    kind->request(&request, type, netlink_socket_next(&tunnels->netlink));
    struct str answer = ask_tunnels(tunnels, &request);
    while (netlink_next(&answer, &message)) {
        enum family family;
        uint16_t port;
        if (message.type == type && kind->parse(message.payload, &family, &port))
            add_port(tunnels->arena, host, PROTOCOL_UDP, family, port, kind->name, STR(""));
    }
}

static void
read_tunnels(struct arena *arena, struct str links, struct host *host)
{
    static const struct tunnel_kind kinds[] = {
        {"fou", genl_request_fou, genl_parse_fou},
        {"l2tp", genl_request_l2tp, genl_parse_l2tp},
    };
    struct tunnels tunnels = {.arena = arena, .deadline_us = clock_mono_us() + DEADLINE_US};
    struct buf request = {.arena = arena};
    struct rtnl_link link;
    // A kernel without generic netlink has none of these.
    if (!netlink_socket_open(&tunnels.netlink, NETLINK_GENERIC, NULL))
        return;
    genl_request_families(&request, netlink_socket_next(&tunnels.netlink));
    tunnels.families = ask_tunnels(&tunnels, &request);
    while (rtnl_next_link(&links, &link)) {
        if (link.up && str_equal(link.kind, STR("wireguard")))
            read_wireguard(&tunnels, &link, host);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        read_kind(&tunnels, &kinds[i], host);
    netlink_socket_close(&tunnels.netlink);
}

// nfsd(7), and the ports that the lock manager and the callback service of NFS were told to use; where they chose for
// themselves, only rpcbind knows, which might have to be started to ask.
static void
read_nfs(struct arena *arena, struct host *host)
{
    static const struct {
        const char *path;
        const char *name;
        enum protocol protocol;
    } settings[] = {
        {"/proc/sys/fs/nfs/nlm_tcpport", "lockd", PROTOCOL_TCP},
        {"/proc/sys/fs/nfs/nlm_udpport", "lockd", PROTOCOL_UDP},
        {"/sys/module/nfs/parameters/callback_tcpport", "nfs callback", PROTOCOL_TCP},
    };
    struct str text;
    struct str line;
    if (file_read(arena, "/proc/fs/nfsd/portlist", SETTING_LIMIT, false, &text, NULL)) {
        enum protocol protocol;
        uint16_t port;
        while (str_cut(&text, '\n', &line)) {
            if (sysctl_parse_nfsd_port(line, &protocol, &port))
                add_port(arena, host, protocol, FAMILY_NONE, port, "nfsd", STR("nfsd"));
        }
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        uint64_t port;
        if (file_read(arena, settings[i].path, SETTING_LIMIT, false, &text, NULL) && sysctl_parse_number(text, &port) &&
            port > 0 && port <= UINT16_MAX)
            add_port(arena, host, settings[i].protocol, FAMILY_NONE, (uint16_t)port, "rpc", str_of(settings[i].name));
    }
}

// Tunnels have nothing but UDP ports, and a host of containers has very many interfaces.
static bool
has_datagrams(const struct host *host)
{
    for (size_t i = 0; i < host->sockets.count; i++)
        if (host_same_ports(host->sockets.items[i].protocol, PROTOCOL_UDP))
            return true;
    return false;
}

bool
net_read_kernel_ports(struct arena *arena, struct host *host, struct err *err)
{
    struct netlink_socket netlink = {.fd = -1};
    struct buf request = {.arena = arena};
    struct str links;
    struct rtnl_link link;
    bool good = false;
    read_nfs(arena, host);
    if (!has_datagrams(host))
        return true;
    if (!netlink_socket_open(&netlink, NETLINK_ROUTE, err))
        goto out;
    rtnl_request_links(&request, netlink_socket_next(&netlink));
    if (!netlink_socket_ask(arena, &netlink, buf_str(&request), clock_mono_us() + DEADLINE_US, &links, err))
        goto out;
    struct str rest = links;
    while (rtnl_next_link(&rest, &link)) {
        if (link.up && link.port != 0)
            *LIST_ADD(arena, &host->kernel_ports) = (struct kernel_port){.protocol = PROTOCOL_UDP,
                                                                         .family = link.family,
                                                                         .port = link.port,
                                                                         .kind = link.kind,
                                                                         .name = link.name};
    }
    read_tunnels(arena, links, host);
    good = true;
out:
    netlink_socket_close(&netlink);
    return good;
}

uint32_t
net_device_index(struct str name)
{
    char text[IF_NAMESIZE];
    if (name.len == 0 || name.len >= sizeof text || str_find_byte(name, '\0') != SIZE_MAX)
        return 0;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return if_nametoindex(text);
}

struct str
net_device_name(struct arena *arena, uint32_t index)
{
    char text[IF_NAMESIZE];
    if (!if_indextoname(index, text))
        return STR("");
    return str_copy(arena, str_of(text));
}
