#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

char *
buf_room(struct buf *buf, size_t size)
{
    if (size > SIZE_MAX / 2 - buf->len)
        arena_array(buf->arena, SIZE_MAX, 2); // ends the program as any other allocation that is too large
    // One byte more, for the NUL of buf_str().
    size_t wanted = buf->len + size + 1;
    if (wanted > buf->capacity) {
        size_t capacity = buf->capacity * 2 < 64 ? 64 : buf->capacity * 2;
        if (capacity < wanted)
            capacity = wanted;
        char *moved = arena_alloc(buf->arena, capacity);
        if (buf->len)
            memcpy(moved, buf->ptr, buf->len);
        buf->ptr = moved;
        buf->capacity = capacity;
    }
    return buf->ptr + buf->len;
}

void
buf_add(struct buf *buf, struct str s)
{
    if (!s.len)
        return;
    memcpy(buf_room(buf, s.len), s.ptr, s.len);
    buf->len += s.len;
}

void
buf_add_c(struct buf *buf, const char *text)
{
    buf_add(buf, str_of(text));
}

void
buf_add_byte(struct buf *buf, char c)
{
    *buf_room(buf, 1) = c;
    buf->len++;
}

void
buf_addf(struct buf *buf, const char *format, ...)
{
    assert(format);
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    size_t size = (size_t)len;
    char *room = buf_room(buf, size);
    va_start(args, format);
    vsnprintf(room, size + 1, format, args);
    va_end(args);
    buf->len += size;
}

void
buf_pad(struct buf *buf, char c, size_t count)
{
    if (!count)
        return;
    memset(buf_room(buf, count), c, count);
    buf->len += count;
}

struct str
buf_str(struct buf *buf)
{
    *buf_room(buf, 0) = '\0';
    return (struct str){buf->ptr, buf->len};
}
