// Error texts of other programs, and command lines with secrets in them. The first byte chooses who reads the rest.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "core/endpoint.h"
#include "core/redact.h"

static void
expect(bool promise)
{
    if (!promise)
        abort();
}

static void
find(struct arena *arena, struct str text)
{
    struct endpoint_list list = {.count = 0};

    expect(endpoint_find(arena, text, &list) == (list.count > 0));
    expect(list.count <= 16);
    for (size_t i = 0; i < list.count; i++) {
        expect(list.items[i].first > 0 && list.items[i].first <= list.items[i].last);
        for (size_t k = 0; k < i; k++)
            expect(list.items[i].first != list.items[k].first || list.items[i].last != list.items[k].last ||
                   list.items[i].any_protocol || list.items[k].any_protocol ||
                   list.items[i].protocol != list.items[k].protocol);
        endpoint_format(arena, &list.items[i]);
    }
}

static void
redact(struct arena *arena, struct str text)
{
    struct str_list command = {.count = 0};
    struct str arg;

    *LIST_ADD(arena, &command) = STR("mysql");
    while (str_cut(&text, '\n', &arg))
        *LIST_ADD(arena, &command) = arg;
    struct str_list shown = redact_command(arena, &command);
    expect(shown.count == command.count);
    redact_path(arena, command.items[command.count - 1], command.items[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena *arena = arena_open();
    struct str text = {(const char *)data + 1, size - 1};
    if (data[0] % 4 == 0)
        redact(arena, text);
    else
        find(arena, text);
    arena_close(arena);
    return 0;
}
