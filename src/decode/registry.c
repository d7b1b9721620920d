#include "decode/registry.h"

#include "base/buf.h"
#include "base/utf16.h"

// "0.0.0.0/8080", "*/80", "::1/80", "db.example/5432"
static bool
parse_side(struct str text, struct str *place, uint16_t *port)
{
    size_t slash = str_find_last_byte(text, '/');
    uint64_t number;

    if (slash == SIZE_MAX || slash == 0 || !str_to_u64(str_part(text, slash + 1, text.len), 10, &number) ||
        number == 0 || number > UINT16_MAX)
        return false;
    *place = str_part(text, 0, slash);
    *port = (uint16_t)number;
    return true;
}

// "*:80", "10.0.0.5:80", "[::1]:80", "db.example:80"
static struct str
format_side(struct arena *arena, struct str place, uint16_t port)
{
    struct address address;

    if (address_parse(place, &address))
        return address_format_port(arena, address, port);
    return str_printf(arena, "%.*s:%u", STR_ARG(place), port);
}

static void
add_rule(struct arena *arena, struct str key, const struct registry_value *value, struct host *host)
{
    struct str listen;
    struct str target;
    uint16_t port;
    uint16_t to_port;

    if (!parse_side(value->name, &listen, &port) ||
        !parse_side(str_trim(utf16_to_utf8_z(arena, value->data)), &target, &to_port))
        return;
    struct redirect *rule = LIST_ADD(arena, &host->redirects);
    *rule = (struct redirect){
        .source = STR("portproxy"),
        .local_output = true,
        .protocol = PROTOCOL_TCP,
        .family = str_starts(key, STR("v6")) ? FAMILY_IPV6 : FAMILY_IPV4,
        .first = port,
        .last = port,
        .to_port = to_port,
    };
    rule->rule = str_printf(arena, "%.*s %.*s -> %.*s", STR_ARG(key), STR_ARG(format_side(arena, listen, port)),
                            STR_ARG(format_side(arena, target, to_port)));
    if (!address_parse(target, &rule->to))
        rule->to = address_any(FAMILY_NONE);
    // A listening name could be any address of this host.
    if (!str_equal(listen, STR("*")) && !address_parse(listen, &rule->matched))
        rule->partial = true;
    if (address_is_any(rule->matched) || rule->partial)
        rule->matched = address_any(FAMILY_NONE);
}

void
registry_read_portproxy(struct arena *arena, struct str key, const struct registry_values *values, struct host *host)
{
    for (size_t i = 0; i < values->count; i++)
        add_rule(arena, key, &values->items[i], host);
}

struct str
registry_write(struct arena *arena, const struct registry_values *values)
{
    struct buf out = {.arena = arena};

    for (size_t i = 0; i < values->count; i++) {
        const struct registry_value *value = &values->items[i];
        // A name may hold any character; the line must stay one.
        if (str_find_byte(value->name, '\n') != SIZE_MAX || str_find_byte(value->name, '\t') != SIZE_MAX)
            continue;
        buf_add(&out, value->name);
        buf_add_byte(&out, '\t');
        for (size_t k = 0; k < value->data.len; k++)
            buf_addf(&out, "%02x", (unsigned)(unsigned char)value->data.ptr[k]);
        buf_add_byte(&out, '\n');
    }
    return buf_str(&out);
}
