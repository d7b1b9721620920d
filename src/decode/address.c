#include "decode/address.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static size_t
length_of(enum family family)
{
    return family == FAMILY_IPV4 ? 4 : family == FAMILY_IPV6 ? 16 : 0;
}

struct address
address_any(enum family family)
{
    return (struct address){.family = (uint8_t)family};
}

struct address
address_loopback(enum family family)
{
    if (family == FAMILY_IPV4)
        return address_ipv4(127, 0, 0, 1);
    struct address address = address_any(family);
    if (family == FAMILY_IPV6)
        address.bytes[15] = 1;
    return address;
}

struct address
address_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct address){.family = FAMILY_IPV4, .bytes = {a, b, c, d}};
}

bool
address_equal(struct address a, struct address b)
{
    return a.family == b.family && a.scope == b.scope &&
           memcmp(a.bytes, b.bytes, length_of((enum family)a.family)) == 0;
}

bool
address_is_any(struct address address)
{
    static const uint8_t zeros[16];
    return address.family != FAMILY_NONE && memcmp(address.bytes, zeros, length_of((enum family)address.family)) == 0;
}

bool
address_is_loopback(struct address address)
{
    struct address inner;
    if (address_is_mapped(address, &inner))
        address = inner;
    if (address.family == FAMILY_IPV4)
        return address.bytes[0] == 127;
    address.scope = 0;
    return address.family == FAMILY_IPV6 && address_equal(address, address_loopback(FAMILY_IPV6));
}

bool
address_is_mapped(struct address address, struct address *out)
{
    if (address.family != FAMILY_IPV6 || memcmp(address.bytes, mapped_prefix, sizeof mapped_prefix) != 0)
        return false;
    if (out)
        *out = address_ipv4(address.bytes[12], address.bytes[13], address.bytes[14], address.bytes[15]);
    return true;
}

bool
address_is_link_local(struct address address)
{
    if (address.family == FAMILY_IPV4)
        return address.bytes[0] == 169 && address.bytes[1] == 254;
    return address.family == FAMILY_IPV6 && address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
}

// Four decimal numbers without leading zeros: "010" is 8 for some programs and 10 for others.
static bool
parse_ipv4(struct str text, uint8_t *bytes)
{
    for (size_t i = 0; i < 4; i++) {
        struct str part;
        uint64_t value;
        if (!str_cut(&text, '.', &part) || part.len > 3 || (part.len > 1 && part.ptr[0] == '0') ||
            !str_to_u64(part, 10, &value) || value > 255)
            return false;
        bytes[i] = (uint8_t)value;
    }
    return text.ptr == NULL;
}

// The groups of one side of "::" as bytes; an IPv4 tail is taken when `tail` allows it.
static bool
parse_groups(struct str text, bool tail, uint8_t *bytes, size_t *count)
{
    *count = 0;
    if (text.len == 0)
        return true;
    struct str group;
    while (str_cut(&text, ':', &group)) {
        uint64_t value;
        if (tail && text.ptr == NULL && str_find_byte(group, '.') != SIZE_MAX) {
            if (*count > 12 || !parse_ipv4(group, bytes + *count))
                return false;
            *count += 4;
            return true;
        }
        if (*count > 14 || group.len > 4 || !str_to_u64(group, 16, &value))
            return false;
        bytes[(*count)++] = (uint8_t)(value >> 8);
        bytes[(*count)++] = (uint8_t)(value & 0xff);
    }
    return true;
}

// RFC 4291 section 2.2
static bool
parse_ipv6(struct str text, uint8_t *bytes)
{
    uint8_t left[16] = {0};
    uint8_t right[16] = {0};
    size_t left_count;
    size_t right_count;
    size_t gap = str_find(text, STR("::"));
    if (gap == SIZE_MAX)
        return parse_groups(text, true, bytes, &left_count) && left_count == 16;
    // "::" stands for at least one group of zeros.
    if (!parse_groups(str_part(text, 0, gap), false, left, &left_count) ||
        !parse_groups(str_part(text, gap + 2, SIZE_MAX), true, right, &right_count) || left_count + right_count > 14)
        return false;
    memset(bytes, 0, 16);
    memcpy(bytes, left, left_count);
    memcpy(bytes + 16 - right_count, right, right_count);
    return true;
}

bool
address_parse(struct str text, struct address *out)
{
    struct address address = {.family = FAMILY_IPV4};
    if (str_find_byte(text, ':') == SIZE_MAX) {
        if (!parse_ipv4(text, address.bytes))
            return false;
        *out = address;
        return true;
    }
    address.family = FAMILY_IPV6;
    size_t percent = str_find_byte(text, '%');
    if (percent != SIZE_MAX) {
        uint64_t scope;
        if (!str_to_u64(str_part(text, percent + 1, SIZE_MAX), 10, &scope) || scope == 0 || scope > UINT32_MAX)
            return false;
        address.scope = (uint32_t)scope;
        text = str_part(text, 0, percent);
    }
    if (!parse_ipv6(text, address.bytes))
        return false;
    *out = address;
    return true;
}

static unsigned
group_at(const struct address *address, size_t index)
{
    return (unsigned)address->bytes[index * 2] << 8 | address->bytes[index * 2 + 1];
}

// The first of the longest runs of zero groups, which RFC 5952 section 4.2 shortens; one group alone is left.
static void
find_zeros(const struct address *address, size_t *start, size_t *length)
{
    *start = 8;
    *length = 1;
    for (size_t i = 0; i < 8;) {
        size_t end = i;
        while (end < 8 && group_at(address, end) == 0)
            end++;
        if (end - i > *length) {
            *start = i;
            *length = end - i;
        }
        i = end + 1;
    }
}

static void
add_ipv6(struct buf *buf, const struct address *address)
{
    size_t zeros;
    size_t length;
    find_zeros(address, &zeros, &length);
    for (size_t i = 0; i < 8; i++) {
        if (i == zeros) {
            buf_add(buf, STR("::"));
            i += length - 1;
            continue;
        }
        if (i != 0 && i != zeros + length)
            buf_add_byte(buf, ':');
        buf_addf(buf, "%x", group_at(address, i));
    }
}

struct str
address_format(struct arena *arena, struct address address)
{
    struct buf buf = {.arena = arena};
    struct address inner;
    if (address.family == FAMILY_IPV4)
        buf_addf(&buf, "%u.%u.%u.%u", address.bytes[0], address.bytes[1], address.bytes[2], address.bytes[3]);
    else if (address_is_mapped(address, &inner))
        buf_addf(&buf, "::ffff:%u.%u.%u.%u", inner.bytes[0], inner.bytes[1], inner.bytes[2], inner.bytes[3]);
    else if (address.family == FAMILY_IPV6)
        add_ipv6(&buf, &address);
    if (address.family == FAMILY_IPV6 && address.scope != 0)
        buf_addf(&buf, "%%%lu", (unsigned long)address.scope);
    return buf_str(&buf);
}

struct str
address_format_port(struct arena *arena, struct address address, uint16_t port)
{
    struct str text = address_format(arena, address);
    if (address.family == FAMILY_IPV6)
        return str_printf(arena, "[%.*s]:%u", STR_ARG(text), port);
    return str_printf(arena, "%.*s:%u", STR_ARG(text), port);
}
