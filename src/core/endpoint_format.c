#include "core/endpoint.h"

#include "base/buf.h"
#include "sys/net.h"

struct str
endpoint_address(struct arena *arena, struct address address)
{
    struct address bare = address;
    struct str device = address.scope ? net_device_name(arena, address.scope) : (struct str){0};

    if (device.len == 0)
        return address_format(arena, address);
    bare.scope = 0;
    return str_printf(arena, "%.*s%%%.*s", STR_ARG(address_format(arena, bare)), STR_ARG(device));
}

struct str
endpoint_address_port(struct arena *arena, struct address address, uint16_t port)
{
    struct str text = endpoint_address(arena, address);

    return address.family == FAMILY_IPV6 ? str_printf(arena, "[%.*s]:%u", STR_ARG(text), port)
                                         : str_printf(arena, "%.*s:%u", STR_ARG(text), port);
}

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
        buf_add(&out, endpoint_address(arena, endpoint->address));
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
