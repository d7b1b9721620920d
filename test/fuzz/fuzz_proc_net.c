// Socket tables as text, port settings and mounted namespaces. The first byte chooses who reads the rest.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "decode/netns_mount.h"
#include "decode/proc_net.h"
#include "decode/sysctl.h"

static void
expect(bool promise)
{
    if (!promise)
        abort();
}

static void
read_table(struct arena *arena, struct str text, enum protocol protocol, enum family family)
{
    struct host host = {0};
    uint64_t count;
    unsigned states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN | 1u << SOCKET_TIME_WAIT;
    proc_net_rows(arena, text, protocol, family, states, 1000, 60000, &host);
    for (size_t i = 0; i < host.sockets.count; i++) {
        const struct socket_row *row = &host.sockets.items[i];
        expect(row->local_port >= 1000 && row->local_port <= 60000 && (states & 1u << row->state));
        expect(row->local.family == family);
    }
    (void)proc_net_in_use(text, protocol, family, &count);
}

static void
read_settings(struct str text)
{
    enum protocol protocol;
    uint64_t number;
    uint16_t first;
    uint16_t last;
    sysctl_parse_number(text, &number);
    if (sysctl_parse_range(text, &first, &last))
        expect(first <= last);
    if (sysctl_parse_nfsd_port(text, &protocol, &first))
        expect(protocol < PROTOCOL_COUNT && first != 0);
    while (sysctl_next_range(&text, &first, &last))
        expect(first <= last);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_open();
    struct str text = {(const char *)data + 1, size - 1};
    struct netns_mount_list mounts = {0};
    uint64_t count;
    switch (data[0] % 4) {
    case 0:
        read_table(arena, text, PROTOCOL_TCP, FAMILY_IPV4);
        break;
    case 1:
        read_table(arena, text, PROTOCOL_UDP, FAMILY_IPV6);
        break;
    case 2:
        read_settings(text);
        (void)proc_net_count(text, STR("MPTCP"), &count);
        break;
    default:
        netns_mount_find(arena, text, &mounts);
        for (size_t i = 0; i < mounts.count; i++)
            expect(mounts.items[i].path.len > 0 && mounts.items[i].path.ptr[0] == '/');
    }
    arena_close(arena);
    return 0;
}
