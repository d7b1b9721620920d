#include "decode/little.h"

// From 1601 to 1970, in steps of 100 ns.
#define EPOCH UINT64_C(116444736000000000)

uint64_t
little_at(struct str bytes, size_t offset, size_t size)
{
    uint64_t number = 0;

    if (offset > bytes.len || bytes.len - offset < size)
        return 0;
    for (size_t i = size; i > 0; i--)
        number = number << 8 | (unsigned char)bytes.ptr[offset + i - 1];
    return number;
}

uint16_t
little_u16(struct str bytes, size_t offset)
{
    return (uint16_t)little_at(bytes, offset, 2);
}

uint32_t
little_u32(struct str bytes, size_t offset)
{
    return (uint32_t)little_at(bytes, offset, 4);
}

int64_t
little_filetime_ms(uint64_t filetime)
{
    return filetime > EPOCH ? (int64_t)((filetime - EPOCH) / 10000) : 0;
}
