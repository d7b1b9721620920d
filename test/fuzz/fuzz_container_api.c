// Any bytes as what a container runtime tells, and the words of them as the command line of one of its programs.

#include "decode/container_api.h"
#include "decode/forwarder.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_open();
    struct str text = {(const char *)data, size};
    struct container_list list = {.count = 0};
    struct container one = {.pid = 0};
    struct str_list command = {.count = 0};
    struct forwarder forwarder;
    struct str rest = text;
    struct str word;
    struct err err = {.kind = ERR_NONE};
    bool good = container_api_parse_list(arena, text, STR("docker"), STR("/d"), &list, &err);
    assert(good == (err.kind == ERR_NONE));
    for (size_t i = 0; i < list.count; i++) {
        assert(list.items[i].id.len > 0);
        for (size_t j = 0; j < list.items[i].ports.count; j++)
            assert(list.items[i].ports.items[j].host_port != 0);
    }
    if (container_api_parse_one(arena, text, &one, NULL))
        assert(one.id.len > 0);
    while (str_word(&rest, &word))
        *LIST_ADD(arena, &command) = word;
    if (forwarder_parse(arena, &command, &forwarder)) {
        for (size_t i = 0; i < forwarder.ports.count; i++) {
            const struct forwarded_port *port = &forwarder.ports.items[i];
            assert(port->first != 0 && port->first <= port->last);
            assert(forwarder_port(&forwarder, port->protocol, port->host_address, port->last));
        }
    }
    arena_close(arena);
    return 0;
}
