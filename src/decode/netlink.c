#include "decode/netlink.h"

#include <string.h>

#define HEADER_SIZE 16
#define ATTRIBUTE_SIZE 4
// NLA_F_NESTED and NLA_F_NET_BYTEORDER (linux/netlink.h)
#define ATTRIBUTE_FLAGS 0xc000u

static size_t
align(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

bool
netlink_skip(struct str *rest, size_t size)
{
    if (size > rest->len)
        return false;
    *rest = str_part(*rest, align(size), SIZE_MAX);
    return true;
}

static bool
number_at(struct str value, size_t at, void *out, size_t size)
{
    if (at > value.len || value.len - at < size)
        return false;
    memcpy(out, value.ptr + at, size);
    return true;
}

bool
netlink_u8(struct str value, size_t at, uint8_t *out)
{
    return number_at(value, at, out, sizeof *out);
}

bool
netlink_u16(struct str value, size_t at, uint16_t *out)
{
    return number_at(value, at, out, sizeof *out);
}

bool
netlink_u32(struct str value, size_t at, uint32_t *out)
{
    return number_at(value, at, out, sizeof *out);
}

bool
netlink_u64(struct str value, size_t at, uint64_t *out)
{
    return number_at(value, at, out, sizeof *out);
}

bool
netlink_be16(struct str value, size_t at, uint16_t *out)
{
    uint8_t bytes[2];
    if (!number_at(value, at, bytes, sizeof bytes))
        return false;
    *out = (uint16_t)(bytes[0] << 8 | bytes[1]);
    return true;
}

bool
netlink_be32(struct str value, size_t at, uint32_t *out)
{
    uint8_t bytes[4];
    if (!number_at(value, at, bytes, sizeof bytes))
        return false;
    *out = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return true;
}

bool
netlink_next(struct str *rest, struct netlink_message *out)
{
    uint32_t length;
    if (rest->len < HEADER_SIZE || !netlink_u32(*rest, 0, &length) || length < HEADER_SIZE || length > rest->len)
        return false;
    *out = (struct netlink_message){.payload = str_part(*rest, HEADER_SIZE, length - HEADER_SIZE)};
    netlink_u16(*rest, 4, &out->type);
    netlink_u16(*rest, 6, &out->flags);
    netlink_u32(*rest, 8, &out->sequence);
    return netlink_skip(rest, length);
}

bool
netlink_next_attribute(struct str *rest, struct netlink_attribute *out)
{
    uint16_t length;
    uint16_t type;
    if (!netlink_u16(*rest, 0, &length) || !netlink_u16(*rest, 2, &type) || length < ATTRIBUTE_SIZE ||
        length > rest->len)
        return false;
    out->type = (uint16_t)(type & ~ATTRIBUTE_FLAGS);
    out->value = str_part(*rest, ATTRIBUTE_SIZE, length - ATTRIBUTE_SIZE);
    return netlink_skip(rest, length);
}

bool
netlink_find(struct str attributes, uint16_t type, struct str *value)
{
    struct netlink_attribute attribute;
    while (netlink_next_attribute(&attributes, &attribute)) {
        if (attribute.type == type) {
            *value = attribute.value;
            return true;
        }
    }
    return false;
}

uint32_t
netlink_find_be32(struct str attributes, uint16_t type)
{
    struct str value;
    uint32_t number = 0;
    if (netlink_find(attributes, type, &value))
        netlink_be32(value, 0, &number);
    return number;
}

unsigned
netlink_error(const struct netlink_message *message)
{
    uint32_t code;
    if ((message->type != NETLINK_ERROR && message->type != NETLINK_DONE) || !netlink_u32(message->payload, 0, &code) ||
        code <= INT32_MAX)
        return 0;
    return 0 - code;
}

struct str
netlink_text(struct str value)
{
    size_t end = str_find_byte(value, '\0');
    return str_part(value, 0, end);
}

size_t
netlink_begin(struct buf *out, uint16_t type, uint16_t flags, uint32_t sequence)
{
    size_t start = out->len;
    netlink_add_u32(out, 0);
    netlink_add_u16(out, type);
    netlink_add_u16(out, flags);
    netlink_add_u32(out, sequence);
    // The port of the sender, which the kernel fills in.
    netlink_add_u32(out, 0);
    return start;
}

void
netlink_end(struct buf *out, size_t start)
{
    uint32_t length = (uint32_t)(out->len - start);
    memcpy(out->ptr + start, &length, sizeof length);
}

static void
add_number(struct buf *out, const void *value, size_t size)
{
    buf_add(out, (struct str){value, size});
}

void
netlink_add_u8(struct buf *out, uint8_t value)
{
    add_number(out, &value, sizeof value);
}

void
netlink_add_u16(struct buf *out, uint16_t value)
{
    add_number(out, &value, sizeof value);
}

void
netlink_add_u32(struct buf *out, uint32_t value)
{
    add_number(out, &value, sizeof value);
}

void
netlink_add_be16(struct buf *out, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)(value & 0xff)};
    add_number(out, bytes, sizeof bytes);
}

void
netlink_add_attribute(struct buf *out, uint16_t type, struct str value)
{
    netlink_add_u16(out, (uint16_t)(ATTRIBUTE_SIZE + value.len));
    netlink_add_u16(out, type);
    buf_add(out, value);
    buf_pad(out, '\0', align(value.len) - value.len);
}
