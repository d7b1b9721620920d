#include "core/endpoint.h"

#include "base/buf.h"

struct str
endpoint_format(struct arena *arena, const struct endpoint *endpoint)
{
    struct buf out = {.arena = arena};
    bool device = endpoint->device.len > 0;
    bool v6 = endpoint->host == ENDPOINT_ADDRESS && endpoint->address.family == FAMILY_IPV6;

    if (!endpoint->any_protocol) {
        buf_add(&out, host_protocol_name(endpoint->protocol));
        buf_add_byte(&out, '/');
    }
    if (v6)
        buf_add_byte(&out, '[');
    if (endpoint->host == ENDPOINT_ADDRESS)
        buf_add(&out, address_format(arena, endpoint->address));
    else if (endpoint->host == ENDPOINT_LOCALHOST)
        buf_add_c(&out, "localhost");
    else if (device)
        buf_add_byte(&out, '*');
    if (device)
        buf_addf(&out, "%%%.*s", STR_ARG(endpoint->device));
    if (v6)
        buf_add_byte(&out, ']');
    if (out.len > 0 && out.ptr[out.len - 1] != '/')
        buf_add_byte(&out, ':');
    buf_addf(&out, "%u", (unsigned)endpoint->first);
    if (endpoint->last != endpoint->first)
        buf_addf(&out, "-%u", (unsigned)endpoint->last);
    return buf_str(&out);
}
