#include "sys/net.h"

#include "sys/winsock_win.h"

#include <iphlpapi.h>
#include <string.h>
#include <ws2tcpip.h>

#include "sys/fault_win.h"
#include "sys/wide_win.h"

#define TRIES 5 // adapters come and go between the asking for the size and the asking

static IP_ADAPTER_ADDRESSES *
read_adapters(struct arena *arena, ULONG *code)
{
    ULONG size = 16384;
    const ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
    for (int i = 0; i < TRIES; i++) {
        IP_ADAPTER_ADDRESSES *adapters = arena_alloc(arena, size);
        *code = GetAdaptersAddresses(AF_UNSPEC, flags, NULL, adapters, &size);
        if (*code != ERROR_BUFFER_OVERFLOW)
            return *code == ERROR_SUCCESS ? adapters : NULL;
    }
    return NULL;
}

static bool
address_of(const SOCKADDR *from, struct address *out)
{
    *out = (struct address){0};
    if (from->sa_family == AF_INET) {
        out->family = FAMILY_IPV4;
        memcpy(out->bytes, &((const SOCKADDR_IN *)from)->sin_addr, 4);
    } else if (from->sa_family == AF_INET6) {
        const SOCKADDR_IN6 *v6 = (const SOCKADDR_IN6 *)from;
        out->family = FAMILY_IPV6;
        memcpy(out->bytes, &v6->sin6_addr, 16);
        out->scope = IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) ? v6->sin6_scope_id : 0;
    }
    return out->family != FAMILY_NONE;
}

// An adapter may use one protocol alone; then the other's number is 0.
static uint32_t
index_of(const IP_ADAPTER_ADDRESSES *adapter)
{
    return adapter->IfIndex ? adapter->IfIndex : adapter->Ipv6IfIndex;
}

bool
net_read_addresses(struct arena *arena, struct host *host, struct err *err)
{
    ULONG code;
    int v6_code;
    SOCKET v6 = winsock_open(FAMILY_IPV6, PROTOCOL_TCP, &v6_code);
    host->ipv6 = v6 != INVALID_SOCKET;
    winsock_close(v6);
    const IP_ADAPTER_ADDRESSES *adapter = read_adapters(arena, &code);
    if (!adapter)
        return code == ERROR_NO_DATA || fault_set(err, code, "read the addresses of this host");
    for (; adapter; adapter = adapter->Next) {
        struct str name = wide_to_z(arena, adapter->FriendlyName);
        for (const IP_ADAPTER_UNICAST_ADDRESS *unicast = adapter->FirstUnicastAddress; unicast;
             unicast = unicast->Next) {
            struct local_address local = {
                .device = index_of(adapter), .device_name = name, .prefix = unicast->OnLinkPrefixLength};
            if (address_of(unicast->Address.lpSockaddr, &local.address))
                *LIST_ADD(arena, &host->addresses) = local;
        }
    }
    return true;
}

// What Windows itself holds stands in its tables as process 4 and is explained from there.
bool
net_read_kernel_ports(struct arena *arena, struct host *host, struct err *err)
{
    (void)arena;
    (void)host;
    (void)err;
    return true;
}

uint32_t
net_device_index(struct str name)
{
    ULONG code;
    uint32_t index = 0;
    struct arena *arena = arena_open();
    for (const IP_ADAPTER_ADDRESSES *adapter = read_adapters(arena, &code); adapter && index == 0;
         adapter = adapter->Next)
        if (str_equal_nocase(wide_to_z(arena, adapter->FriendlyName), name))
            index = index_of(adapter);
    arena_close(arena);
    return index;
}

struct str
net_device_name(struct arena *arena, uint32_t index)
{
    ULONG code;
    for (const IP_ADAPTER_ADDRESSES *adapter = index ? read_adapters(arena, &code) : NULL; adapter;
         adapter = adapter->Next)
        if (adapter->IfIndex == index || adapter->Ipv6IfIndex == index)
            return wide_to_z(arena, adapter->FriendlyName);
    return STR("");
}
