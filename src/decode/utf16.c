#include "decode/utf16.h"

#include "base/buf.h"

#include <stdint.h>

#define BYTE_ORDER_MARK 0xfeffu
#define REPLACEMENT 0xfffdu

static uint32_t
unit_at(struct str bytes, size_t at)
{
    return (uint32_t)(unsigned char)bytes.ptr[at] | (uint32_t)(unsigned char)bytes.ptr[at + 1] << 8;
}

static void
add_point(struct buf *out, uint32_t point)
{
    if (point < 0x80) {
        buf_add_byte(out, (char)point);
    } else if (point < 0x800) {
        buf_add_byte(out, (char)(0xc0 | point >> 6));
        buf_add_byte(out, (char)(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
        buf_add_byte(out, (char)(0xe0 | point >> 12));
        buf_add_byte(out, (char)(0x80 | (point >> 6 & 0x3f)));
        buf_add_byte(out, (char)(0x80 | (point & 0x3f)));
    } else {
        buf_add_byte(out, (char)(0xf0 | point >> 18));
        buf_add_byte(out, (char)(0x80 | (point >> 12 & 0x3f)));
        buf_add_byte(out, (char)(0x80 | (point >> 6 & 0x3f)));
        buf_add_byte(out, (char)(0x80 | (point & 0x3f)));
    }
}

struct str
utf16_to_utf8(struct arena *arena, struct str bytes)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i + 1 < bytes.len; i += 2) {
        uint32_t unit = unit_at(bytes, i);
        if (unit == 0)
            break;
        if (i == 0 && unit == BYTE_ORDER_MARK)
            continue;
        if (unit < 0xd800 || unit > 0xdfff) {
            add_point(&out, unit);
            continue;
        }
        uint32_t second = unit < 0xdc00 && i + 3 < bytes.len ? unit_at(bytes, i + 2) : 0;
        if (second >= 0xdc00 && second <= 0xdfff) {
            add_point(&out, 0x10000 + ((unit - 0xd800) << 10 | (second - 0xdc00)));
            i += 2;
        } else {
            add_point(&out, REPLACEMENT);
        }
    }
    return buf_str(&out);
}

bool
utf16_is_likely(struct str bytes)
{
    return str_starts(bytes, STR("\xff\xfe")) || str_find_byte(bytes, '\0') != SIZE_MAX;
}
