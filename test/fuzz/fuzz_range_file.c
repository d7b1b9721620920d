// Any bytes as a list of ports or as the file of settings: what is read is written alike.

#include "decode/range_file.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct str text = {(const char *)data, size};
    struct range_file file;
    bool *ports = arena_array(arena, RANGE_FILE_PORTS, sizeof *ports);
    bool *again = arena_array(arena, RANGE_FILE_PORTS, sizeof *again);

    range_file_mark(text, ports);
    range_file_mark(range_file_list(arena, ports), again);
    for (uint32_t port = 1; port < RANGE_FILE_PORTS; port++)
        assert(ports[port] == again[port]);
    range_file_parse(text, &file);
    assert(file.dynamic_first <= file.dynamic_last);
    (void)range_file_format(arena, &file, STR("80"));
    arena_close(arena);
    return 0;
}
