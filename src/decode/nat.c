#include "decode/nat.h"

#include <stdlib.h>

#define REDIRECTS_LIMIT 4096u
// Internet protocol numbers (IANA registry "Protocol Numbers").
#define NUMBER_TCP 6
#define NUMBER_UDP 17

void
nat_match_protocol(struct nat_match *match, uint8_t number, bool equal)
{
    match->no_tcp = match->no_tcp || equal != (number == NUMBER_TCP);
    match->no_udp = match->no_udp || equal != (number == NUMBER_UDP);
    match->empty = match->empty || (match->no_tcp && match->no_udp);
}

void
nat_match_family(struct nat_match *match, enum family family, bool equal)
{
    enum family wanted = equal ? family : family == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4;
    if (match->family != FAMILY_NONE && match->family != wanted)
        match->empty = true;
    match->family = wanted;
}

static int
compare_ranges(const void *a, const void *b)
{
    const struct nat_range *one = a;
    const struct nat_range *other = b;
    return one->first < other->first ? -1 : one->first > other->first;
}

// Sorted, and made one where they touch.
static struct nat_ranges
tidy(struct arena *arena, const struct nat_ranges *ranges)
{
    struct nat_ranges sorted = {.count = 0};
    struct nat_ranges out = {.count = 0};
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].first <= ranges->items[i].last)
            *LIST_ADD(arena, &sorted) = ranges->items[i];
    }
    if (sorted.count > 1)
        qsort(sorted.items, sorted.count, sizeof *sorted.items, compare_ranges);
    for (size_t i = 0; i < sorted.count; i++) {
        struct nat_range *last = out.count > 0 ? &out.items[out.count - 1] : NULL;
        if (last && sorted.items[i].first <= (uint32_t)last->last + 1)
            last->last = sorted.items[i].last > last->last ? sorted.items[i].last : last->last;
        else
            *LIST_ADD(arena, &out) = sorted.items[i];
    }
    return out;
}

static struct nat_ranges
complement(struct arena *arena, const struct nat_ranges *ranges)
{
    struct nat_ranges out = {.count = 0};
    uint32_t next = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].first > next)
            *LIST_ADD(arena, &out) =
                (struct nat_range){.first = (uint16_t)next, .last = (uint16_t)(ranges->items[i].first - 1)};
        next = (uint32_t)ranges->items[i].last + 1;
    }
    if (next <= 65535)
        *LIST_ADD(arena, &out) = (struct nat_range){.first = (uint16_t)next, .last = 65535};
    return out;
}

static struct nat_ranges
intersect(struct arena *arena, const struct nat_ranges *a, const struct nat_ranges *b)
{
    struct nat_ranges out = {.count = 0};
    size_t i = 0;
    size_t j = 0;
    while (i < a->count && j < b->count) {
        uint16_t first = a->items[i].first > b->items[j].first ? a->items[i].first : b->items[j].first;
        uint16_t last = a->items[i].last < b->items[j].last ? a->items[i].last : b->items[j].last;
        if (first <= last)
            *LIST_ADD(arena, &out) = (struct nat_range){.first = first, .last = last};
        if (a->items[i].last < b->items[j].last)
            i++;
        else
            j++;
    }
    return out;
}

void
nat_match_ports(struct arena *arena, struct nat_match *match, const struct nat_ranges *ranges, bool inside)
{
    struct nat_ranges wanted = tidy(arena, ranges);
    if (!inside)
        wanted = complement(arena, &wanted);
    match->ports = match->by_port ? intersect(arena, &match->ports, &wanted) : wanted;
    match->by_port = true;
    match->empty = match->empty || match->ports.count == 0;
}

void
nat_match_port_range(struct arena *arena, struct nat_match *match, uint16_t first, uint16_t last, bool inside)
{
    struct nat_range range = {.first = first, .last = last};
    struct nat_ranges ranges = {.items = &range, .count = 1, .capacity = 1};
    nat_match_ports(arena, match, &ranges, inside);
}

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    for (unsigned i = 0; i < bits; i += 8) {
        unsigned left = bits - i < 8 ? bits - i : 8;
        unsigned mask = 0xffu << (8 - left) & 0xffu;
        if ((a[i / 8] & mask) != (b[i / 8] & mask))
            return false;
    }
    return true;
}

// Docker leaves 127.0.0.0/8 out on the way to rules of which some are for 127.0.0.1.
static void
check_avoided(struct nat_match *match)
{
    unsigned whole = match->matched.family == FAMILY_IPV4 ? 32 : 128;
    unsigned prefix = match->matched_prefix ? match->matched_prefix : whole;
    if (match->matched.family != FAMILY_NONE && match->avoided.family == match->matched.family &&
        prefix >= match->avoided_prefix && same_bits(match->avoided.bytes, match->matched.bytes, match->avoided_prefix))
        match->empty = true;
}

void
nat_match_address(struct nat_match *match, struct address address, unsigned prefix, bool equal)
{
    unsigned whole = address.family == FAMILY_IPV4 ? 32 : 128;
    if (match->family != FAMILY_NONE && match->family != (enum family)address.family) {
        match->empty = true;
        return;
    }
    match->family = address.family;
    if (prefix == 0) {
        match->empty = match->empty || !equal;
        return;
    }
    if (!equal) {
        match->partial = true;
        match->avoided = address;
        match->avoided_prefix = (uint8_t)prefix;
        check_avoided(match);
        return;
    }
    unsigned before = match->matched.family == FAMILY_NONE ? 0 : match->matched_prefix ? match->matched_prefix : whole;
    if (!same_bits(match->matched.bytes, address.bytes, before < prefix ? before : prefix)) {
        match->empty = true;
        return;
    }
    if (prefix > before) {
        match->matched = address;
        match->matched_prefix = prefix >= whole ? 0 : (uint8_t)prefix;
    }
    check_avoided(match);
}

static bool
same_rule(const struct redirect *a, const struct redirect *b)
{
    return a->protocol == b->protocol && a->family == b->family && a->first == b->first && a->last == b->last &&
           a->to_port == b->to_port && a->matched_prefix == b->matched_prefix && a->partial == b->partial &&
           address_equal(a->to, b->to) && address_equal(a->matched, b->matched) && str_equal(a->source, b->source) &&
           str_equal(a->rule, b->rule);
}

static void
add_one(struct arena *arena, const struct redirect *redirect, struct redirect_list *out)
{
    for (size_t i = 0; i < out->count; i++) {
        if (same_rule(&out->items[i], redirect)) {
            out->items[i].local_output = out->items[i].local_output || redirect->local_output;
            return;
        }
    }
    if (out->count < REDIRECTS_LIMIT)
        *LIST_ADD(arena, out) = *redirect;
}

void
nat_add(struct arena *arena, const struct nat_match *match, const struct nat_target *target, struct str source,
        struct str rule, struct redirect_list *out)
{
    struct nat_range every = {.first = 1, .last = 65535};
    struct redirect redirect = {.source = source,
                                .rule = rule,
                                .local_output = match->local_output,
                                .family = match->family,
                                .to = target->to,
                                .to_port = target->to_port,
                                .matched = match->matched,
                                .matched_prefix = match->matched_prefix,
                                .partial = match->partial};
    const struct nat_range *ranges = match->by_port ? match->ports.items : &every;
    size_t count = match->by_port ? match->ports.count : 1;
    for (size_t i = 0; !match->empty && i < count; i++) {
        // No packet is for port 0.
        redirect.first = ranges[i].first > 0 ? ranges[i].first : 1;
        redirect.last = ranges[i].last;
        if (redirect.last == 0)
            continue;
        redirect.protocol = PROTOCOL_TCP;
        if (!match->no_tcp)
            add_one(arena, &redirect, out);
        redirect.protocol = PROTOCOL_UDP;
        if (!match->no_udp)
            add_one(arena, &redirect, out);
    }
}

bool
nat_prefix(const uint8_t *mask, size_t size, unsigned *prefix)
{
    unsigned bits = 0;
    while (bits < size * 8 && (mask[bits / 8] >> (7 - bits % 8) & 1) != 0)
        bits++;
    for (size_t i = bits; i < size * 8; i++) {
        if ((mask[i / 8] >> (7 - i % 8) & 1) != 0)
            return false;
    }
    *prefix = bits;
    return true;
}
