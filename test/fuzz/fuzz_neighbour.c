// What the other side of WSL tells: its listeners, its distributions, its settings. The first byte chooses who reads the
// rest.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "decode/neighbour_list.h"
#include "decode/wsl.h"

static void
expect(bool promise)
{
    if (!promise)
        abort();
}

static void
read_list(struct arena *arena, struct str text)
{
    struct host host = {0};
    struct err err = {0};

    json_use(arena);
    bool good = neighbour_list_parse(arena, text, STR("WSL x"), &host, &err);
    expect(good || err.kind == ERR_FORMAT);
    for (size_t i = 0; i < host.neighbour_ports.count; i++) {
        const struct neighbour_port *port = &host.neighbour_ports.items[i];
        expect(port->port != 0 && port->address.family != FAMILY_NONE && port->system.len > 0);
    }
}

static void
read_names(struct arena *arena, struct str text)
{
    struct str_list installed = {0};
    struct str_list running = {0};

    *LIST_ADD(arena, &installed) = STR("Debian");
    wsl_parse_running(arena, text, &installed, &running);
    for (size_t i = 0; i < running.count; i++)
        expect(str_equal(running.items[i], STR("Debian")));
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
    struct wsl_settings settings;
    switch (data[0] % 3) {
    case 0:
        read_list(arena, text);
        break;
    case 1:
        read_names(arena, text);
        break;
    default:
        wsl_parse_settings(arena, text, &settings);
        for (size_t i = 0; i < settings.ignored.count; i++)
            expect(settings.ignored.items[i] != 0);
    }
    arena_close(arena);
    return 0;
}
