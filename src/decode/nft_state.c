#include "decode/nft_state.h"

#include "decode/netlink.h"
#include "decode/nft_ruleset.h"

#include <string.h>

// linux/netfilter/nf_tables.h: registers 1 to 4 are four slots each, those from 8 on one.
#define REGISTER_FIRST_LONG 1u
#define REGISTER_LAST_LONG 4u
#define REGISTER_FIRST_SHORT 8u

#define PAYLOAD_DREG 1
#define PAYLOAD_BASE 2
#define PAYLOAD_OFFSET 3
#define PAYLOAD_LENGTH 4
#define BASE_NETWORK 1u
#define BASE_TRANSPORT 2u
#define META_DREG 1
#define META_KEY 2
#define META_FAMILY 15u
#define META_PROTOCOL 16u
#define FIB_DREG 1
#define FIB_RESULT 2
#define FIB_FLAGS 3
#define FIB_RESULT_TYPE 3u
#define FIB_FLAG_DESTINATION 0x2u
#define COMPARE_SREG 1
#define COMPARE_OPERATION 2
#define COMPARE_DATA 3
#define RANGE_SREG 1
#define RANGE_OPERATION 2
#define RANGE_FROM 3
#define RANGE_TO 4
#define BITWISE_SREG 1
#define BITWISE_DREG 2
#define BITWISE_LENGTH 3
#define BITWISE_MASK 4
#define BITWISE_XOR 5
#define BITWISE_OPERATION 6

enum comparison {
    COMPARE_EQUAL,
    COMPARE_NOT_EQUAL,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_GREATER,
    COMPARE_GREATER_EQUAL,
};

// Offsets in the headers (RFC 791, RFC 8200, RFC 9293, RFC 768).
#define IPV4_PROTOCOL_AT 9u
#define IPV4_DESTINATION_AT 16u
#define IPV6_PROTOCOL_AT 6u
#define IPV6_DESTINATION_AT 24u
#define PORT_AT 2u
#define PORT_SIZE 2u

// RTN_LOCAL of linux/rtnetlink.h
#define TYPE_LOCAL 2u

static bool
find_slot(uint32_t number, size_t *slot)
{
    if (number >= REGISTER_FIRST_LONG && number <= REGISTER_LAST_LONG)
        *slot = (number - REGISTER_FIRST_LONG) * 4;
    else if (number >= REGISTER_FIRST_SHORT && number < REGISTER_FIRST_SHORT + NFT_SLOTS)
        *slot = number - REGISTER_FIRST_SHORT;
    else
        return false;
    return true;
}

static struct str
data_attribute(struct str attributes, uint16_t type)
{
    struct str nested;
    struct str value = {NULL, 0};
    struct nft_verdict none;
    if (netlink_find(attributes, type, &nested))
        nft_ruleset_data(nested, &value, &none);
    return value;
}

void
nft_state_clear(struct nft_state *state)
{
    memset(state->slots, 0, sizeof state->slots);
}

// Marks the slots that `length` bytes from register `number` on take.
static void
load(struct nft_state *state, uint32_t number, enum nft_holds holds, uint32_t offset, uint32_t length)
{
    size_t start;
    if (!find_slot(number, &start))
        return;
    // The kernel refuses what does not fit; such bytes come from elsewhere.
    if (length > (NFT_SLOTS - start) * 4) {
        holds = NFT_HOLDS_UNKNOWN;
        length = (uint32_t)(NFT_SLOTS - start) * 4;
    }
    for (size_t i = start; (i - start) * 4 < length; i++) {
        state->slots[i] =
            (struct nft_slot){.holds = holds, .start = (uint16_t)start, .offset = offset, .length = length};
        memset(state->slots[i].mask, 0xff, sizeof state->slots[i].mask);
    }
}

void
nft_state_set(struct nft_state *state, uint32_t number, struct str value)
{
    size_t start;
    if (!find_slot(number, &start))
        return;
    load(state, number, NFT_HOLDS_CONSTANT, 0, value.len > NFT_SLOTS * 4 ? NFT_SLOTS * 4 : (uint32_t)value.len);
    for (size_t i = 0; i < value.len && start + i / 4 < NFT_SLOTS; i++)
        state->slots[start + i / 4].bytes[i % 4] = (uint8_t)value.ptr[i];
}

bool
nft_state_get(const struct nft_state *state, uint32_t number, uint8_t *out, size_t size)
{
    size_t start;
    if (!find_slot(number, &start))
        return false;
    for (size_t i = 0; i < size; i++) {
        size_t slot = start + i / 4;
        if (slot >= NFT_SLOTS || state->slots[slot].holds != NFT_HOLDS_CONSTANT)
            return false;
        out[i] = state->slots[slot].bytes[i % 4];
    }
    return true;
}

static void
run_payload(struct nft_state *state, struct str attributes)
{
    uint32_t base = netlink_find_be32(attributes, PAYLOAD_BASE);
    enum nft_holds holds = base == BASE_NETWORK     ? NFT_HOLDS_NETWORK
                           : base == BASE_TRANSPORT ? NFT_HOLDS_TRANSPORT
                                                    : NFT_HOLDS_UNKNOWN;
    uint32_t length = netlink_find_be32(attributes, PAYLOAD_LENGTH);
    load(state, netlink_find_be32(attributes, PAYLOAD_DREG), holds, netlink_find_be32(attributes, PAYLOAD_OFFSET),
         length);
}

static void
run_meta(struct nft_state *state, struct str attributes)
{
    uint32_t key = netlink_find_be32(attributes, META_KEY);
    // Without a destination it sets a mark or the like; an interface's name is the longest that is loaded.
    enum nft_holds holds = key == META_FAMILY     ? NFT_HOLDS_FAMILY
                           : key == META_PROTOCOL ? NFT_HOLDS_PROTOCOL
                                                  : NFT_HOLDS_UNKNOWN;
    load(state, netlink_find_be32(attributes, META_DREG), holds, 0, holds == NFT_HOLDS_UNKNOWN ? 16 : 1);
}

static void
run_fib(struct nft_state *state, struct str attributes)
{
    bool type = netlink_find_be32(attributes, FIB_RESULT) == FIB_RESULT_TYPE &&
                (netlink_find_be32(attributes, FIB_FLAGS) & FIB_FLAG_DESTINATION) != 0;
    load(state, netlink_find_be32(attributes, FIB_DREG), type ? NFT_HOLDS_TYPE : NFT_HOLDS_UNKNOWN, 0, type ? 4 : 16);
}

// Only "and" on the bytes of a header is kept: this is how prefixes are asked for.
static void
run_bitwise(struct nft_state *state, struct str attributes)
{
    size_t from;
    size_t to;
    struct nft_slot moved[NFT_SLOTS];
    uint32_t length = netlink_find_be32(attributes, BITWISE_LENGTH);
    struct str mask = data_attribute(attributes, BITWISE_MASK);
    struct str flip = data_attribute(attributes, BITWISE_XOR);
    bool simple = netlink_find_be32(attributes, BITWISE_OPERATION) == 0 && mask.len == length && length > 0 &&
                  length <= sizeof moved / sizeof *moved * 4;
    uint32_t target = netlink_find_be32(attributes, BITWISE_DREG);
    for (size_t i = 0; i < flip.len; i++)
        simple = simple && flip.ptr[i] == 0;
    if (!find_slot(netlink_find_be32(attributes, BITWISE_SREG), &from) || !find_slot(target, &to))
        return;
    simple = simple && from * 4 + length <= NFT_SLOTS * 4 && to * 4 + length <= NFT_SLOTS * 4;
    if (!simple || state->slots[from].start != from || state->slots[from].length != length) {
        load(state, target, NFT_HOLDS_UNKNOWN, 0, length);
        return;
    }
    size_t count = (length + 3) / 4;
    memcpy(moved, &state->slots[from], count * sizeof *moved);
    for (size_t i = 0; i < length; i++) {
        moved[i / 4].mask[i % 4] = (uint8_t)(moved[i / 4].mask[i % 4] & (uint8_t)mask.ptr[i]);
        // A constant or a number behind a mask is another number.
        if (moved[i / 4].holds != NFT_HOLDS_NETWORK && (uint8_t)mask.ptr[i] != 0xff)
            moved[i / 4].holds = NFT_HOLDS_UNKNOWN;
    }
    for (size_t i = 0; i < count; i++)
        moved[i].start = (uint16_t)to;
    memcpy(&state->slots[to], moved, count * sizeof *moved);
}

static bool
is_port(const struct nft_slot *slot)
{
    return slot->holds == NFT_HOLDS_TRANSPORT && slot->offset == PORT_AT && slot->length == PORT_SIZE;
}

bool
nft_state_is_port(const struct nft_state *state, uint32_t number)
{
    size_t slot;
    return find_slot(number, &slot) && state->slots[slot].start == slot && is_port(&state->slots[slot]);
}

static uint16_t
port_of(struct str value)
{
    uint16_t port = 0;
    netlink_be16(value, 0, &port);
    return port;
}

// The destination address out of `value`, which holds `slot->length` bytes from `slot->offset` of the header on: the part
// of it that was loaded and is left by the mask. False when the address is not in it or the bits are no prefix.
static bool
take_address(const struct nft_state *state, size_t slot, struct str value, struct address *address, unsigned *prefix)
{
    const struct nft_slot *loaded = &state->slots[slot];
    bool old = state->match.family == FAMILY_IPV4;
    uint32_t at = old ? IPV4_DESTINATION_AT : IPV6_DESTINATION_AT;
    size_t size = old ? 4 : 16;
    uint8_t mask[16] = {0};
    *address = (struct address){.family = (uint8_t)(old ? FAMILY_IPV4 : FAMILY_IPV6)};
    for (size_t i = 0; i < size; i++) {
        size_t from = at + i - loaded->offset;
        if (at + i < loaded->offset || from >= loaded->length || from >= value.len)
            continue;
        mask[i] = state->slots[slot + from / 4].mask[from % 4];
        address->bytes[i] = (uint8_t)((uint8_t)value.ptr[from] & mask[i]);
    }
    return nat_prefix(mask, size, prefix) && *prefix > 0;
}

// Bytes of the IP header equal, or differ from, a value.
static void
ask_network(struct nft_state *state, size_t slot, struct str value, bool equal)
{
    const struct nft_slot *loaded = &state->slots[slot];
    uint32_t protocol_at = state->match.family == FAMILY_IPV4 ? IPV4_PROTOCOL_AT : IPV6_PROTOCOL_AT;
    uint32_t address_at = state->match.family == FAMILY_IPV4 ? IPV4_DESTINATION_AT : IPV6_DESTINATION_AT;
    struct address address;
    unsigned prefix;
    if (state->match.family != FAMILY_NONE && loaded->offset == protocol_at && loaded->length == 1 && value.len >= 1) {
        nat_match_protocol(&state->match, (uint8_t)value.ptr[0], equal);
        return;
    }
    if (state->match.family == FAMILY_NONE || !take_address(state, slot, value, &address, &prefix)) {
        state->match.partial = true;
        return;
    }
    // The source before it was loaded with it: that is asked for too.
    if (loaded->offset < address_at)
        state->match.partial = true;
    if (equal || loaded->offset >= address_at)
        nat_match_address(&state->match, address, prefix, equal);
}

static void
ask_transport(struct arena *arena, struct nft_state *state, size_t slot, struct str value, bool equal)
{
    const struct nft_slot *loaded = &state->slots[slot];
    if (is_port(loaded) && value.len >= PORT_SIZE) {
        nat_match_port_range(arena, &state->match, port_of(value), port_of(value), equal);
        return;
    }
    state->match.partial = true;
    // nft loads both ports at once where a rule asks for both.
    if (equal && loaded->offset == 0 && loaded->length == PORT_AT + PORT_SIZE && value.len >= PORT_AT + PORT_SIZE) {
        uint16_t port = port_of(str_part(value, PORT_AT, PORT_SIZE));
        nat_match_port_range(arena, &state->match, port, port, true);
    }
}

// The number is in the byte order of the host that told it, and small: whichever end it stands at.
static uint8_t
small_number(struct str value)
{
    if (value.len == 0)
        return 0;
    return (uint8_t)(value.ptr[0] != 0 ? value.ptr[0] : value.ptr[value.len - 1]);
}

static void
ask_equal(struct arena *arena, struct nft_state *state, size_t slot, struct str value, bool equal)
{
    switch (state->slots[slot].start == slot ? state->slots[slot].holds : NFT_HOLDS_UNKNOWN) {
    case NFT_HOLDS_NETWORK:
        ask_network(state, slot, value, equal);
        return;
    case NFT_HOLDS_TRANSPORT:
        ask_transport(arena, state, slot, value, equal);
        return;
    case NFT_HOLDS_PROTOCOL:
        nat_match_protocol(&state->match, value.len > 0 ? (uint8_t)value.ptr[0] : 0, equal);
        return;
    case NFT_HOLDS_FAMILY:
        if (value.len > 0 && (value.ptr[0] == NFT_FAMILY_IPV4 || value.ptr[0] == NFT_FAMILY_IPV6))
            nat_match_family(&state->match, value.ptr[0] == NFT_FAMILY_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6, equal);
        return;
    case NFT_HOLDS_TYPE:
        // Packets for this host's addresses are the ones that matter.
        state->match.empty = state->match.empty || equal != (small_number(value) == TYPE_LOCAL);
        return;
    case NFT_HOLDS_UNKNOWN:
    case NFT_HOLDS_CONSTANT:
        break;
    }
    state->match.partial = true;
}

static void
run_compare(struct arena *arena, struct nft_state *state, struct str attributes)
{
    size_t slot;
    struct str value = data_attribute(attributes, COMPARE_DATA);
    uint32_t operation = netlink_find_be32(attributes, COMPARE_OPERATION);
    if (!find_slot(netlink_find_be32(attributes, COMPARE_SREG), &slot) || value.len == 0) {
        state->match.partial = true;
        return;
    }
    if (operation == COMPARE_EQUAL || operation == COMPARE_NOT_EQUAL) {
        ask_equal(arena, state, slot, value, operation == COMPARE_EQUAL);
        return;
    }
    if (state->slots[slot].start != slot || !is_port(&state->slots[slot])) {
        state->match.partial = true;
        return;
    }
    uint16_t port = port_of(value);
    // "Less than 0" and "greater than 65535" are the outside of "all".
    if (operation == COMPARE_LESS)
        nat_match_port_range(arena, &state->match, port, 65535, false);
    else if (operation == COMPARE_LESS_EQUAL)
        nat_match_port_range(arena, &state->match, 0, port, true);
    else if (operation == COMPARE_GREATER)
        nat_match_port_range(arena, &state->match, 0, port, false);
    else
        nat_match_port_range(arena, &state->match, port, 65535, true);
}

static void
run_range(struct arena *arena, struct nft_state *state, struct str attributes)
{
    size_t slot;
    struct str from = data_attribute(attributes, RANGE_FROM);
    struct str to = data_attribute(attributes, RANGE_TO);
    bool inside = netlink_find_be32(attributes, RANGE_OPERATION) == 0;
    if (!find_slot(netlink_find_be32(attributes, RANGE_SREG), &slot) || from.len < PORT_SIZE || to.len < PORT_SIZE ||
        state->slots[slot].start != slot || !is_port(&state->slots[slot]))
        state->match.partial = true;
    else
        nat_match_port_range(arena, &state->match, port_of(from), port_of(to), inside);
}

bool
nft_state_run(struct arena *arena, struct nft_state *state, struct str name, struct str attributes)
{
    if (str_equal(name, STR("payload")))
        run_payload(state, attributes);
    else if (str_equal(name, STR("meta")))
        run_meta(state, attributes);
    else if (str_equal(name, STR("fib")))
        run_fib(state, attributes);
    else if (str_equal(name, STR("cmp")))
        run_compare(arena, state, attributes);
    else if (str_equal(name, STR("range")))
        run_range(arena, state, attributes);
    else if (str_equal(name, STR("bitwise")))
        run_bitwise(state, attributes);
    else
        return false;
    return true;
}

// One field of a key, from `from` to `to`.
static void
ask_field(struct arena *arena, struct nft_state *state, size_t slot, struct str from, struct str to)
{
    unsigned prefix;
    uint8_t mask[16];
    if (str_equal(from, to)) {
        ask_equal(arena, state, slot, from, true);
        return;
    }
    if (is_port(&state->slots[slot])) {
        nat_match_port_range(arena, &state->match, port_of(from), port_of(to), true);
        return;
    }
    // A prefix is told as its first and last address.
    bool is_prefix = state->slots[slot].holds == NFT_HOLDS_NETWORK && from.len <= sizeof mask && to.len == from.len;
    for (size_t i = 0; is_prefix && i < from.len; i++)
        mask[i] = (uint8_t) ~((uint8_t)from.ptr[i] ^ (uint8_t)to.ptr[i]);
    if (!is_prefix || !nat_prefix(mask, from.len, &prefix)) {
        state->match.partial = true;
        return;
    }
    struct nft_state masked = *state;
    for (size_t i = 0; i < from.len; i++)
        masked.slots[slot + i / 4].mask[i % 4] = (uint8_t)(masked.slots[slot + i / 4].mask[i % 4] & mask[i]);
    ask_equal(arena, &masked, slot, from, true);
    state->match = masked.match;
}

void
nft_state_ask_key(struct arena *arena, struct nft_state *state, uint32_t number, struct str key, struct str key_end)
{
    size_t slot;
    if (!find_slot(number, &slot)) {
        state->match.partial = true;
        return;
    }
    if (key_end.len != key.len)
        key_end = key;
    for (size_t at = 0; at < key.len && slot < NFT_SLOTS;) {
        const struct nft_slot *loaded = &state->slots[slot];
        bool whole = loaded->start == slot && loaded->holds != NFT_HOLDS_UNKNOWN && loaded->length > 0 &&
                     loaded->length <= key.len - at && slot * 4 + loaded->length <= NFT_SLOTS * 4;
        size_t length = whole ? loaded->length : 4;
        if (whole)
            ask_field(arena, state, slot, str_part(key, at, length), str_part(key_end, at, length));
        else
            state->match.partial = true;
        // Fields begin at multiples of four bytes.
        size_t slots = (length + 3) / 4;
        slot += slots;
        at += slots * 4;
    }
}
