#ifndef MOORAGE_TEST_WIN_BYTES_H
#define MOORAGE_TEST_WIN_BYTES_H

// Builds bytes as Windows lays them out: zeroed, with numbers put in where they belong.

#include "base/arena.h"
#include "base/str.h"

#include <stdint.h>
#include <string.h>

static inline char *
win_bytes(struct arena *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static inline void
win_put(char *bytes, size_t offset, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++)
        bytes[offset + i] = (char)(number >> (8 * i) & 0xff);
}

// ASCII as UTF-16.
static inline void
win_put_text(char *bytes, size_t offset, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        win_put(bytes, offset + 2 * i, 2, (unsigned char)text[i]);
}

// Exactly as large as the bytes, so that a sanitizer sees a read behind their end.
static inline struct str
win_exact(struct arena *arena, const char *bytes, size_t size)
{
    return str_copy(arena, (struct str){bytes, size});
}

#endif
