#ifndef MOORAGE_TEST_NETFILTER_H
#define MOORAGE_TEST_NETFILTER_H

// What was recorded of packet rules (test/data/netfilter), and redirects as text to compare with.

#include "base/buf.h"
#include "decode/host.h"

#include <stdio.h>

#define NETFILTER "test/data/netfilter/"

// The whole file; empty when it can't be read.
static inline struct str
netfilter_file(struct arena *arena, const char *name)
{
    struct buf bytes = {.arena = arena};
    FILE *file = fopen(str_printf(arena, NETFILTER "%s", name).ptr, "rb");
    if (!file)
        return (struct str){NULL, 0};
    for (size_t got = 1; got > 0; bytes.len += got)
        got = fread(buf_room(&bytes, 65536), 1, 65536, file);
    fclose(file);
    return buf_str(&bytes);
}

// A line for each: "tcp ip nat DOCKER 8080-8080 to 172.17.0.2:80 output partial".
static inline struct str
netfilter_lines(struct arena *arena, const struct redirect *items, size_t count)
{
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < count; i++) {
        const struct redirect *item = &items[i];
        struct str protocol = host_protocol_name(item->protocol);
        buf_addf(&out, "%.*s %.*s %u-%u", STR_ARG(protocol), STR_ARG(item->rule), item->first, item->last);
        if (item->matched.family != FAMILY_NONE) {
            struct str matched = address_format(arena, item->matched);
            buf_addf(&out, " for %.*s", STR_ARG(matched));
            if (item->matched_prefix)
                buf_addf(&out, "/%u", item->matched_prefix);
        } else if (item->family != FAMILY_NONE) {
            buf_addf(&out, " for IPv%d", (int)item->family);
        }
        if (item->to.family != FAMILY_NONE) {
            struct str to = address_format_port(arena, item->to, item->to_port);
            buf_addf(&out, " to %.*s", STR_ARG(to));
        } else {
            buf_addf(&out, " to port %u", item->to_port);
        }
        buf_add_c(&out, item->local_output ? " output" : "");
        buf_add_c(&out, item->partial ? " partial\n" : "\n");
    }
    return buf_str(&out);
}

#endif
