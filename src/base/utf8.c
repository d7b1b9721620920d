#include "base/utf8.h"

#include "base/utf8_ranges.h"

enum {
    UTF8_BROKEN = 0xfffd
};

static bool
in_ranges(const struct utf8_range *ranges, size_t count, uint32_t point)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (point > ranges[middle].last)
            low = middle + 1;
        else if (point < ranges[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

void
utf8_add(struct buf *out, uint32_t point)
{
    if (point < 0x80) {
        buf_add_byte(out, (char)point);
        return;
    }
    unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
    buf_add_byte(out, (char)(marks[more] | point >> (6 * more)));
    while (more > 0)
        buf_add_byte(out, (char)(0x80 | (point >> (6 * --more) & 0x3f)));
}

uint32_t
utf8_decode(struct str s, size_t *length)
{
    // The smallest code point that needs 1, 2, 3, 4 bytes.
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s.ptr[0];
    size_t more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 4;
    *length = 1;
    if (more == 0)
        return first;
    if (more > 3 || s.len <= more)
        return UTF8_BROKEN;
    uint32_t point = first & (0x3fU >> more);
    for (size_t i = 1; i <= more; i++) {
        unsigned char next = (unsigned char)s.ptr[i];
        if ((next & 0xc0) != 0x80)
            return UTF8_BROKEN;
        point = point << 6 | (next & 0x3fU);
    }
    if (point < smallest[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return UTF8_BROKEN;
    *length = more + 1;
    return point;
}

// The next code point; `broken` tells a broken byte from a U+FFFD that stands in the text.
static uint32_t
utf8_next(struct str *rest, struct str *bytes, bool *broken)
{
    size_t length;
    uint32_t point = utf8_decode(*rest, &length);
    *broken = point == UTF8_BROKEN && length == 1;
    *bytes = str_part(*rest, 0, length);
    *rest = str_part(*rest, length, SIZE_MAX);
    return point;
}

bool
utf8_valid(struct str s)
{
    bool broken = false;
    struct str bytes;
    while (s.len && !broken)
        utf8_next(&s, &bytes, &broken);
    return !broken;
}

struct str
utf8_repair(struct arena *arena, struct str s)
{
    if (utf8_valid(s))
        return s;
    struct buf out = {.arena = arena};
    while (s.len) {
        bool broken;
        struct str bytes;
        utf8_next(&s, &bytes, &broken);
        buf_add(&out, broken ? STR("\xef\xbf\xbd") : bytes);
    }
    return buf_str(&out);
}

bool
utf8_is_safe(uint32_t point)
{
    if (point < 0xa0)
        return point >= 0x20 && point < 0x7f;
    return !in_ranges(utf8_invisible, utf8_invisible_count, point);
}

static void
add_escape(struct buf *out, uint32_t point, bool one_byte)
{
    if (point == '\n')
        buf_add_c(out, "\\n");
    else if (point == '\r')
        buf_add_c(out, "\\r");
    else if (point == '\t')
        buf_add_c(out, "\\t");
    else if (one_byte)
        buf_addf(out, "\\x%02x", (unsigned)point);
    else if (point <= 0xffff)
        buf_addf(out, "\\u%04x", (unsigned)point);
    else
        buf_addf(out, "\\U%08x", (unsigned)point);
}

// Whether every byte is a printable letter of ASCII, as most of what is shown is.
static bool
is_plain(struct str s)
{
    unsigned odd = 0;
    for (size_t i = 0; i < s.len; i++)
        odd |= (unsigned char)(s.ptr[i] - 0x20) > 0x7e - 0x20;
    return !odd;
}

struct str
utf8_display(struct arena *arena, struct str s)
{
    if (is_plain(s))
        return s;
    struct buf out = {.arena = arena};
    struct str rest = s;
    while (rest.len) {
        bool broken;
        struct str bytes;
        uint32_t point = utf8_next(&rest, &bytes, &broken);
        bool safe = !broken && utf8_is_safe(point);
        if (!safe && !out.ptr)
            buf_add(&out, str_part(s, 0, (size_t)(bytes.ptr - s.ptr)));
        if (!safe)
            add_escape(&out, broken ? (unsigned char)bytes.ptr[0] : point, bytes.len == 1);
        else if (out.ptr)
            buf_add(&out, bytes);
    }
    return out.ptr ? buf_str(&out) : s;
}

static size_t
point_width(uint32_t point)
{
    if (point < 0x300)
        return point == 0xad || point == 0 ? 0 : 1;
    if (in_ranges(utf8_zero, utf8_zero_count, point))
        return 0;
    return in_ranges(utf8_wide, utf8_wide_count, point) ? 2 : 1;
}

size_t
utf8_width(struct str s)
{
    if (is_plain(s))
        return s.len;
    size_t width = 0;
    while (s.len) {
        bool broken;
        struct str bytes;
        width += point_width(utf8_next(&s, &bytes, &broken));
    }
    return width;
}

struct str
utf8_fit(struct arena *arena, struct str s, size_t columns, bool ascii)
{
    if (utf8_width(s) <= columns)
        return s;
    if (columns == 0)
        return (struct str){"", 0};
    size_t width = 0;
    size_t kept = 0;
    struct str rest = s;
    while (rest.len) {
        bool broken;
        struct str bytes;
        width += point_width(utf8_next(&rest, &bytes, &broken));
        if (width > columns - 1)
            break;
        kept += bytes.len;
    }
    struct buf out = {.arena = arena};
    buf_add(&out, str_part(s, 0, kept));
    buf_add(&out, ascii ? STR("~") : STR("\xe2\x80\xa6"));
    return buf_str(&out);
}
