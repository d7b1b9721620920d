// Any bytes as packet rules: the first byte chooses nftables (0) or the table of legacy iptables (1: IPv4, 2: IPv6).

#include "decode/iptables.h"
#include "decode/nftables.h"

#include <assert.h>

// Size of struct ipt_getinfo, which stands before the entries in the recordings.
#define INFO_SIZE 84

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct str bytes = str_part((struct str){(const char *)data, size}, 1, size);
    struct redirect_list list = {.count = 0};
    struct nftables_set_list sets = {.count = 0};
    struct iptables_info info;
    if (size == 0 || data[0] % 3 == 0) {
        nftables_translates(arena, bytes);
        nftables_sets(arena, bytes, &sets);
        nftables_parse(arena, bytes, &list);
    } else if (iptables_parse_info(bytes, &info)) {
        iptables_parse(arena, data[0] % 3 == 1 ? FAMILY_IPV4 : FAMILY_IPV6, &info,
                       str_part(bytes, INFO_SIZE, bytes.len), &list);
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct redirect *item = &list.items[i];
        assert(item->first != 0 && item->first <= item->last);
        assert(item->protocol == PROTOCOL_TCP || item->protocol == PROTOCOL_UDP);
        assert(item->matched_prefix < 128);
    }
    arena_close(arena);
    return 0;
}
