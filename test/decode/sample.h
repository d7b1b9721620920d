#ifndef MOORAGE_TEST_DECODE_SAMPLE_H
#define MOORAGE_TEST_DECODE_SAMPLE_H

// Recorded bytes for tests of parsers.

#include "tap.h"

// A file of the source tree; a missing one fails the test.
static inline struct str
sample_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    size_t capacity = 1 << 20;
    char *bytes = arena_alloc(arena, capacity);
    size_t len = fread(bytes, 1, capacity, file);
    fclose(file);
    CHECK(len > 0 && len < capacity);
    return (struct str){bytes, len};
}

// A file of test/data/sockets.
static inline struct str
sample_read(struct arena *arena, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "test/data/sockets/%s", name);
    return sample_file(arena, path);
}

// A copy of the first `len` bytes that ends where its memory ends, so that a sanitizer sees any read beyond it. The
// caller frees it.
static inline char *
sample_cut(struct str sample, size_t len)
{
    char *cut = malloc(len ? len : 1);
    if (!cut)
        abort();
    if (len)
        memcpy(cut, sample.ptr, len);
    return cut;
}

#endif
