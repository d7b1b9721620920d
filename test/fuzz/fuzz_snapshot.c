// Any bytes as a snapshot: what is read can be written, and reads the same again; redacted it can still be read.

#include "decode/snapshot.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct host host;
    struct host again;
    struct script script;
    struct err err;

    if (snapshot_parse(arena, (struct str){(const char *)data, size}, &host, &script, &err)) {
        struct str text = snapshot_write(arena, &host, false);
        assert(snapshot_parse(arena, text, &again, NULL, &err));
        assert(str_equal(snapshot_write(arena, &again, false), text));
        assert(snapshot_parse(arena, snapshot_write(arena, &host, true), &again, NULL, &err));
    }
    arena_close(arena);
    return 0;
}
