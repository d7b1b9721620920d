// Type information of a kernel: whatever it is, the search for members ends; what is found can be kept as text.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "decode/btf.h"
#include "decode/btf_cache.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct btf_wish wishes[] = {
        {.type = "file", .member = "f_op"},
        {.type = "file", .member = "inner_b"},
        {.type = "flags", .member = "one"},
        {.type = "flags", .member = "absent"},
        {.type = "file"},
    };
    size_t count = sizeof wishes / sizeof *wishes;
    btf_find(arena, (struct str){(const char *)data, size}, wishes, count);
    for (size_t i = 0; i < count; i++) {
        if (wishes[i].bit > 7)
            abort();
    }
    // What is kept of it comes back as it was; of any other text nothing does.
    struct str kept = btf_cache_write(arena, STR("key"), wishes, count);
    if (!btf_cache_read(arena, kept, STR("key"), wishes, count))
        abort();
    btf_cache_read(arena, (struct str){(const char *)data, size}, STR("key"), wishes, count);
    arena_close(arena);
    return 0;
}
