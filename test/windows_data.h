#ifndef MOORAGE_TEST_WINDOWS_DATA_H
#define MOORAGE_TEST_WINDOWS_DATA_H

// What Windows tells, as bytes for tests of parsers.

#include "base/buf.h"
#include "tap.h"

#define WINDOWS_DATA "test/data/windows/"

// A file of test/data/windows; a missing one fails the test.
static inline struct str
windows_data(struct arena *arena, const char *name)
{
    struct buf bytes = {.arena = arena};
    FILE *file = fopen(str_printf(arena, WINDOWS_DATA "%s", name).ptr, "rb");
    CHECK(file != NULL);
    for (size_t got = 1; got > 0; bytes.len += got)
        got = fread(buf_room(&bytes, 65536), 1, 65536, file);
    fclose(file);
    return buf_str(&bytes);
}

// ASCII text as UTF-16, low byte first.
static inline struct str
windows_utf16(struct arena *arena, const char *text)
{
    struct buf bytes = {.arena = arena};
    for (; *text; text++) {
        buf_add_byte(&bytes, *text);
        buf_add_byte(&bytes, '\0');
    }
    return buf_str(&bytes);
}

#endif
