// Answers of the kernel over netlink: socket rows, addresses, links, tunnels. The first byte chooses who reads the rest.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "decode/genl.h"
#include "decode/inet_diag.h"
#include "decode/netlink.h"
#include "decode/rtnl.h"

static void
expect(bool promise)
{
    if (!promise)
        abort();
}

static void
read_rows(struct arena *arena, struct str answer, enum protocol protocol)
{
    struct host host = {0};
    inet_diag_rows(arena, answer, protocol, 1000, 60000, &host);
    for (size_t i = 0; i < host.sockets.count; i++) {
        const struct socket_row *row = &host.sockets.items[i];
        expect(row->local_port >= 1000 && row->local_port <= 60000 && row->state < SOCKET_STATE_COUNT);
        expect(row->local.family == FAMILY_IPV4 || row->local.family == FAMILY_IPV6);
        address_format_port(arena, row->local, row->local_port);
    }
}

static void
read_links(struct arena *arena, struct str answer)
{
    struct rtnl_link link;
    struct local_address local;
    struct str rest = answer;
    while (rtnl_next_link(&rest, &link))
        expect(link.name.len > 0 && link.name.ptr >= answer.ptr && link.name.ptr < answer.ptr + answer.len);
    rest = answer;
    while (rtnl_next_address(&rest, &local)) {
        struct address again;
        expect(address_parse(address_format(arena, local.address), &again) && address_equal(again, local.address));
    }
}

static void
read_tunnels(struct str answer)
{
    struct netlink_message message;
    enum family family;
    uint16_t number;
    genl_find_family(answer, STR("wireguard"), &number);
    while (netlink_next(&answer, &message)) {
        genl_parse_wireguard(message.payload, &number);
        genl_parse_fou(message.payload, &family, &number);
        genl_parse_l2tp(message.payload, &family, &number);
        netlink_error(&message);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_open();
    struct str answer = {(const char *)data + 1, size - 1};
    unsigned choice = data[0] % (PROTOCOL_COUNT + 2);
    if (choice < PROTOCOL_COUNT)
        read_rows(arena, answer, (enum protocol)choice);
    else if (choice == PROTOCOL_COUNT)
        read_links(arena, answer);
    else
        read_tunnels(answer);
    arena_close(arena);
    return 0;
}
