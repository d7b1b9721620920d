#ifndef MOORAGE_BASE_BUF_H
#define MOORAGE_BASE_BUF_H

// Text or bytes being built in an arena. Zeroed but for `arena`, it is empty. The systems do not differ.

#include "base/arena.h"
#include "base/str.h"

#include <stddef.h>

struct buf {
    struct arena *arena;
    char *ptr;
    size_t len;
    size_t capacity;
};

void
buf_add(struct buf *buf, struct str s);
void
buf_add_c(struct buf *buf, const char *text);
void
buf_add_byte(struct buf *buf, char c);
void
buf_addf(struct buf *buf, const char *format, ...) STR_PRINTF(2, 3);
// `count` times the byte `c`.
void
buf_pad(struct buf *buf, char c, size_t count);

// Room for `size` more bytes behind `len`, not counted yet: read() writes there, then the caller adds to `len`.
char *
buf_room(struct buf *buf, size_t size);

// What was built, followed by a NUL that does not count. Valid until the next change.
struct str
buf_str(struct buf *buf);

#endif
