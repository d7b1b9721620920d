// Type information of a kernel: whatever it is, the search for members ends, and what it finds lies in the bytes.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "decode/btf.h"

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
    arena_close(arena);
    return 0;
}
