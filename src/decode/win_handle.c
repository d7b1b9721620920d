#include "decode/win_handle.h"

#include <string.h>

#include "decode/little.h"

// SYSTEM_HANDLE_INFORMATION_EX: the number of rows and a reserved word, then SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX.
enum {
    LIST_FIRST = 16,
    ROW_SIZE = 40,
};

// Address families as Windows numbers them (ws2def.h).
enum {
    AF_NUMBER_IPV4 = 2,
    AF_NUMBER_IPV6 = 23,
};

size_t
win_handle_count(struct str list)
{
    uint64_t said = little_at(list, 0, 8);
    size_t held = list.len < LIST_FIRST ? 0 : (list.len - LIST_FIRST) / ROW_SIZE;

    return said < held ? (size_t)said : held;
}

struct win_handle
win_handle_at(struct str list, size_t index)
{
    size_t at = LIST_FIRST + index * ROW_SIZE;

    return (struct win_handle){
        .object = little_at(list, at, 8),
        .pid = little_u32(list, at + 8),
        .value = little_at(list, at + 16, 8),
        .access = little_u32(list, at + 24),
        .type = little_u16(list, at + 30),
    };
}

static uint16_t
port_at(struct str bytes, size_t offset)
{
    return (uint16_t)((unsigned char)bytes.ptr[offset] << 8 | (unsigned char)bytes.ptr[offset + 1]);
}

// `tail`: what stands behind the family, in both forms alike.
static bool
read_tail(unsigned family, struct str tail, struct address *address, uint16_t *port)
{
    if (family == AF_NUMBER_IPV4 && tail.len >= 6) {
        *address = address_any(FAMILY_IPV4);
        memcpy(address->bytes, tail.ptr + 2, 4);
    } else if (family == AF_NUMBER_IPV6 && tail.len >= 26) {
        *address = address_any(FAMILY_IPV6);
        memcpy(address->bytes, tail.ptr + 6, 16);
        if (address_is_link_local(*address))
            address->scope = little_u32(tail, 22);
    } else {
        return false;
    }
    *port = port_at(tail, 0);
    return true;
}

bool
win_afd_address(struct str answer, struct address *address, uint16_t *port)
{
    unsigned family = little_u16(answer, 0);

    if (family == AF_NUMBER_IPV4 || family == AF_NUMBER_IPV6)
        return read_tail(family, str_part(answer, 2, SIZE_MAX), address, port);
    // ActivityCount, TAAddressCount, then one TA_ADDRESS: length, type, address.
    if (little_u32(answer, 4) != 1)
        return false;
    return read_tail(little_u16(answer, 10), str_part(answer, 12, little_u16(answer, 8)), address, port);
}

bool
win_afd_context(struct str answer, struct win_afd_context *out)
{
    // Up to and with the bits; then come times, sizes and the like.
    if (answer.len < 46)
        return false;
    uint16_t bits = little_u16(answer, 44);
    *out = (struct win_afd_context){
        .state = (int32_t)little_u32(answer, 0),
        .family = (int32_t)little_u32(answer, 4),
        .type = (int32_t)little_u32(answer, 8),
        .protocol = (int32_t)little_u32(answer, 12),
        .listening = (bits & 1u << 0) != 0,
        .reuse = (bits & 1u << 4) != 0,
        .exclusive = (bits & 1u << 5) != 0,
    };
    return true;
}
