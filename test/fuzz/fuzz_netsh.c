// What netsh prints, and what the registry keeps of port rules. The first byte chooses who reads the rest.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/utf16.h"
#include "base/utf8.h"
#include "decode/http_url.h"
#include "decode/netsh.h"
#include "decode/registry.h"
#include "decode/security.h"

static void
expect(bool promise)
{
    if (!promise)
        abort();
}

static void
read_ranges(struct str text)
{
    struct netsh_exclusion range;
    uint16_t first;
    uint16_t last;

    if (netsh_parse_dynamic(text, &first, &last))
        expect(first > 0 && first <= last);
    while (netsh_next_exclusion(&text, &range))
        expect(range.first <= range.last);
}

static void
read_queues(struct arena *arena, struct str text)
{
    struct host host = {0};

    http_url_read_queues(arena, text, &host);
    for (size_t i = 0; i < host.http_urls.count; i++) {
        const struct http_url *url = &host.http_urls.items[i];
        expect(url->registered && url->port != 0 && utf8_valid(url->owner));
        for (size_t k = 0; k < url->pids.count; k++)
            expect(url->pids.items[k] != 0);
    }
}

// A name up to the first line end, and the data behind it.
static void
read_values(struct arena *arena, struct str text)
{
    struct registry_values values = {0};
    struct host host = {0};
    struct str name;

    str_cut(&text, '\n', &name);
    *LIST_ADD(arena, &values) = (struct registry_value){name, text};
    *LIST_ADD(arena, &values) = (struct registry_value){utf16_to_utf8(arena, text), name};
    registry_read_portproxy(arena, STR("v6tov4"), &values, &host);
    for (size_t i = 0; i < host.redirects.count; i++)
        expect(host.redirects.items[i].first != 0 && host.redirects.items[i].to_port != 0);
    struct str lines = registry_write(arena, &values);
    expect(lines.len == 0 || lines.ptr[lines.len - 1] == '\n');
    expect(utf8_valid(utf16_to_utf8(arena, text)));
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
    struct str_list who = {0};
    switch (data[0] % 5) {
    case 0:
        read_ranges(text);
        break;
    case 1:
        read_queues(arena, text);
        break;
    case 2:
        read_values(arena, text);
        break;
    case 3:
        security_parse_text(arena, text, &who);
        break;
    default:
        security_parse_bytes(arena, text, &who);
        for (size_t i = 0; i < who.count; i++)
            expect(str_starts(who.items[i], STR("S-1-")));
    }
    arena_close(arena);
    return 0;
}
