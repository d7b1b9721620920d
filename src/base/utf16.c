#include "base/utf16.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <stdint.h>

static uint32_t
unit_at(struct str bytes, size_t index)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr + index * 2;
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static bool
is_high(uint32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool
is_low(uint32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

struct str
utf16_to_utf8(struct arena *arena, struct str bytes)
{
    struct buf out = {.arena = arena};
    size_t count = bytes.len / 2;

    for (size_t i = 0; i < count; i++) {
        uint32_t point = unit_at(bytes, i);
        if (is_high(point) && i + 1 < count && is_low(unit_at(bytes, i + 1)))
            point = 0x10000 + ((point & 0x3ff) << 10) + (unit_at(bytes, ++i) & 0x3ff);
        else if (is_high(point) || is_low(point))
            point = 0xfffd;
        utf8_add(&out, point);
    }
    return buf_str(&out);
}

struct str
utf16_to_utf8_z(struct arena *arena, struct str bytes)
{
    size_t count = 0;

    while (count < bytes.len / 2 && unit_at(bytes, count) != 0)
        count++;
    return utf16_to_utf8(arena, str_part(bytes, 0, count * 2));
}
