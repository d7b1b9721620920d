// What people type as a port. The first byte chooses whether a table of services stands by, and who reads the rest.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "core/endpoint.h"
#include "core/services.h"

static void
expect(bool promise)
{
    if (!promise)
        abort();
}

static bool
is_same(const struct endpoint *a, const struct endpoint *b)
{
    return a->first == b->first && a->last == b->last && a->any_protocol == b->any_protocol &&
           (a->any_protocol || a->protocol == b->protocol) && a->host == b->host &&
           address_equal(a->address, b->address) && str_equal(a->device, b->device);
}

// What is written shortest is read as the same endpoint again.
static void
check_format(struct arena *arena, const struct endpoint *endpoint)
{
    struct endpoint_list again = {.count = 0};
    struct str text = endpoint_format(arena, endpoint);

    expect(endpoint->first > 0 && endpoint->first <= endpoint->last);
    // A device name may hold any byte that is no separator: only plain ones are written back.
    if (endpoint->device.len > 0)
        return;
    expect(endpoint_parse(arena, text, NULL, &again, NULL) == ENDPOINT_IS_PORT);
    expect(again.count == 1 && is_same(endpoint, &again.items[0]));
}

static void
read_argument(struct arena *arena, struct str text, const struct service_table *services)
{
    struct endpoint_list list = {.count = 0};
    struct err err = {.kind = ERR_NONE};
    enum endpoint_kind kind = endpoint_parse(arena, text, services, &list, &err);

    expect((kind == ENDPOINT_IS_PORT) == (list.count > 0));
    expect((kind == ENDPOINT_IS_WRONG) == (err.kind == ERR_USAGE));
    for (size_t i = 0; i < list.count; i++)
        check_format(arena, &list.items[i]);
    if (kind == ENDPOINT_IS_PORT)
        endpoint_set_address(&list, text, NULL);
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
    struct endpoint_list list = {.count = 0};
    struct service_table services = {.count = 0};
    switch (data[0] % 4) {
    case 0:
        services_parse(arena, text, &services);
        for (size_t i = 0; i < services.count; i++)
            expect(services.items[i].port > 0 && services.items[i].name.len > 0);
        break;
    case 1:
        services_parse(arena, STR("shop 4711/tcp\n"), &services);
        read_argument(arena, text, &services);
        break;
    case 2:
        *LIST_ADD(arena, &list) = (struct endpoint){.first = 80, .last = 80, .any_protocol = true};
        if (endpoint_set_address(&list, text, NULL))
            check_format(arena, &list.items[0]);
        break;
    default:
        read_argument(arena, text, NULL);
    }
    arena_close(arena);
    return 0;
}
