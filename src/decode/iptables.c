#include "decode/iptables.h"

#include "decode/netlink.h"
#include "decode/xt.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 32u // XT_TABLE_MAXNAMELEN
#define HOOK_PREROUTING 0u
#define HOOK_OUTPUT 3u

// struct xt_entry_match and xt_entry_target: size, name, revision, then the data
#define PART_NAME_AT 2u
#define PART_NAME_SIZE 29u
#define PART_REVISION_AT 31u
#define PART_DATA_AT 32u

// Flags of struct ipt_ip and ip6t_ip6, which have the same values in both.
#define INVERT_IN 0x01u
#define INVERT_OUT 0x02u
#define INVERT_SOURCE 0x08u
#define INVERT_DESTINATION 0x10u
#define INVERT_FRAGMENT 0x20u
#define INVERT_PROTOCOL 0x40u

// Jumps one behind the other, and rules looked at in all: the kernel refuses loops, bytes from elsewhere may have them.
#define DEPTH_LIMIT 32u
#define STEPS_LIMIT 200000u

// Where things stand in an entry: struct ipt_entry and struct ip6t_entry.
struct layout {
    enum family family;
    const char *tool;
    size_t address_size;
    size_t destination_at;
    size_t source_mask_at;
    size_t destination_mask_at;
    size_t in_at; // names of interfaces, 16 bytes each
    size_t out_at;
    size_t protocol_at;
    size_t inverse_at;
    size_t target_at; // u16: where the target begins
    size_t next_at;   // u16: where the next entry begins
    size_t size;      // where the matches begin
};

static const struct layout ipv4_layout = {.family = FAMILY_IPV4,
                                          .tool = "ip",
                                          .address_size = 4,
                                          .destination_at = 4,
                                          .source_mask_at = 8,
                                          .destination_mask_at = 12,
                                          .in_at = 16,
                                          .out_at = 32,
                                          .protocol_at = 80,
                                          .inverse_at = 83,
                                          .target_at = 88,
                                          .next_at = 90,
                                          .size = 112};

static const struct layout ipv6_layout = {.family = FAMILY_IPV6,
                                          .tool = "ip6",
                                          .address_size = 16,
                                          .destination_at = 16,
                                          .source_mask_at = 32,
                                          .destination_mask_at = 48,
                                          .in_at = 64,
                                          .out_at = 80,
                                          .protocol_at = 128,
                                          .inverse_at = 132,
                                          .target_at = 140,
                                          .next_at = 142,
                                          .size = 168};

// A rule: its fixed part, its matches, its target.
struct entry {
    struct str head;
    struct str matches;
    struct str target_name;
    unsigned target_revision;
    struct str target_data;
    size_t next;
};

// A chain that is no hook's own.
struct chain {
    size_t at; // its first rule
    struct str name;
};

struct walk {
    struct arena *arena;
    const struct layout *layout;
    struct str entries;
    struct {
        LIST_OF(struct chain); // by `at`
    } chains;
    struct redirect_list *out;
    size_t steps;
};

bool
iptables_parse_info(struct str bytes, struct iptables_info *out)
{
    size_t at = NAME_SIZE;
    bool good = netlink_u32(bytes, at, &out->valid_hooks);
    at += 4;
    for (size_t i = 0; i < IPTABLES_HOOKS; i++, at += 4)
        good = good && netlink_u32(bytes, at, &out->entry[i]);
    for (size_t i = 0; i < IPTABLES_HOOKS; i++, at += 4)
        good = good && netlink_u32(bytes, at, &out->underflow[i]);
    return good && netlink_u32(bytes, at, &out->entries) && netlink_u32(bytes, at + 4, &out->size);
}

// A match or target that begins `part`.
static bool
read_part(struct str part, size_t *size, struct str *name, unsigned *revision, struct str *data)
{
    uint16_t length;
    uint8_t number;
    if (!netlink_u16(part, 0, &length) || length < PART_DATA_AT || length > part.len ||
        !netlink_u8(part, PART_REVISION_AT, &number))
        return false;
    *size = length;
    *name = str_part(part, PART_NAME_AT, PART_NAME_SIZE);
    name->len = str_find_byte(*name, '\0') == SIZE_MAX ? name->len : str_find_byte(*name, '\0');
    *revision = number;
    *data = str_part(part, PART_DATA_AT, length - PART_DATA_AT);
    return true;
}

static bool
read_entry(const struct walk *walk, size_t at, struct entry *out)
{
    struct str rest = str_part(walk->entries, at, walk->entries.len);
    uint16_t target;
    uint16_t next;
    size_t size;
    if (!netlink_u16(rest, walk->layout->target_at, &target) || !netlink_u16(rest, walk->layout->next_at, &next))
        return false;
    if (target < walk->layout->size || next < target || next > rest.len)
        return false;
    out->head = str_part(rest, 0, walk->layout->size);
    out->matches = str_part(rest, walk->layout->size, target - walk->layout->size);
    out->next = at + next;
    return read_part(str_part(rest, target, (size_t)next - target), &size, &out->target_name, &out->target_revision,
                     &out->target_data);
}

static bool
is_zero(struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != 0)
            return false;
    }
    return true;
}

static void
take_destination(const struct layout *layout, struct str head, bool equal, struct nat_match *match)
{
    unsigned prefix;
    struct address address = {.family = (uint8_t)layout->family};
    const uint8_t *mask = (const uint8_t *)head.ptr + layout->destination_mask_at;
    if (is_zero(str_part(head, layout->destination_mask_at, layout->address_size)))
        return;
    memcpy(address.bytes, head.ptr + layout->destination_at, layout->address_size);
    if (nat_prefix(mask, layout->address_size, &prefix))
        nat_match_address(match, address, prefix, equal);
    else
        match->partial = true;
}

// What the fixed part of a rule asks for.
static void
take_head(const struct layout *layout, struct str head, struct nat_match *match)
{
    uint16_t protocol = 0;
    uint8_t inverse = 0;
    netlink_u16(head, layout->protocol_at, &protocol);
    netlink_u8(head, layout->inverse_at, &inverse);
    if (protocol != 0)
        nat_match_protocol(match, protocol > 255 ? 0 : (uint8_t)protocol, (inverse & INVERT_PROTOCOL) == 0);
    take_destination(layout, head, (inverse & INVERT_DESTINATION) == 0, match);
    // Masks, since 0.0.0.0/0 is how "any" is written.
    if (!is_zero(str_part(head, layout->source_mask_at, layout->address_size)) ||
        !is_zero(str_part(head, layout->in_at, 16)) || !is_zero(str_part(head, layout->out_at, 16)) ||
        (inverse & (INVERT_IN | INVERT_OUT | INVERT_SOURCE | INVERT_FRAGMENT)) != 0)
        match->partial = true;
}

static void
take_matches(struct walk *walk, struct str matches, struct nat_match *match)
{
    size_t size;
    struct str name;
    unsigned revision;
    struct str data;
    while (matches.len > 0) {
        if (!read_part(matches, &size, &name, &revision, &data)) {
            match->partial = true;
            return;
        }
        xt_match(walk->arena, name, revision, data, match);
        matches = str_part(matches, size, matches.len);
    }
}

static void
walk_rules(struct walk *walk, struct str chain, size_t at, size_t last, const struct nat_match *match, unsigned depth);

// Notes where chains begin: behind an entry with the target ERROR, whose data is the chain's name.
static void
find_chains(struct walk *walk)
{
    struct entry entry;
    for (size_t at = 0; read_entry(walk, at, &entry); at = entry.next) {
        if (str_equal(entry.target_name, STR("ERROR")))
            *LIST_ADD(walk->arena, &walk->chains) = (struct chain){
                .at = entry.next, .name = str_part(entry.target_data, 0, str_find_byte(entry.target_data, '\0'))};
    }
}

static int
compare_chains(const void *a, const void *b)
{
    const struct chain *one = a;
    const struct chain *other = b;
    return one->at < other->at ? -1 : one->at > other->at;
}

// The standard target: a verdict below 0, or where a chain begins.
static void
follow(struct walk *walk, const struct entry *entry, const struct nat_match *match, unsigned depth)
{
    uint32_t verdict;
    if (depth >= DEPTH_LIMIT || !netlink_u32(entry->target_data, 0, &verdict) || verdict > INT32_MAX)
        return;
    // A rule without a target leads to the next rule, which is no chain's first.
    struct chain wanted = {.at = verdict};
    const struct chain *chain = walk->chains.count == 0 ? NULL
                                                        : bsearch(&wanted, walk->chains.items, walk->chains.count,
                                                                  sizeof wanted, compare_chains);
    if (chain)
        walk_rules(walk, chain->name, verdict, SIZE_MAX, match, depth + 1);
}

// Rules from `at` on, up to the one at `last` (a hook's policy) or to the head of the next chain.
static void
walk_rules(struct walk *walk, struct str chain, size_t at, size_t last, const struct nat_match *match, unsigned depth)
{
    struct entry entry;
    struct nat_target target;
    while (walk->steps < STEPS_LIMIT && read_entry(walk, at, &entry) && !str_equal(entry.target_name, STR("ERROR"))) {
        struct nat_match inner = *match;
        walk->steps++;
        take_head(walk->layout, entry.head, &inner);
        take_matches(walk, entry.matches, &inner);
        if (!inner.empty && entry.target_name.len == 0)
            follow(walk, &entry, &inner, depth);
        else if (xt_target(entry.target_name, entry.target_revision, walk->layout->family, entry.target_data, &target))
            nat_add(walk->arena, &inner, &target, STR("iptables"),
                    str_printf(walk->arena, "%s nat %.*s", walk->layout->tool, STR_ARG(chain)), walk->out);
        if (at == last)
            break;
        at = entry.next;
    }
}

bool
iptables_parse(struct arena *arena, enum family family, const struct iptables_info *info, struct str entries,
               struct redirect_list *out)
{
    static const struct {
        unsigned hook;
        struct str chain;
    } starts[] = {{HOOK_PREROUTING, STR_INIT("PREROUTING")}, {HOOK_OUTPUT, STR_INIT("OUTPUT")}};
    struct entry entry;
    struct walk walk = {
        .arena = arena, .layout = family == FAMILY_IPV4 ? &ipv4_layout : &ipv6_layout, .entries = entries, .out = out};
    find_chains(&walk);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        unsigned hook = starts[i].hook;
        struct nat_match match = {.family = family, .local_output = hook == HOOK_OUTPUT};
        if ((info->valid_hooks >> hook & 1) == 0)
            continue;
        if (!read_entry(&walk, info->entry[hook], &entry))
            return false;
        walk_rules(&walk, starts[i].chain, info->entry[hook], info->underflow[hook], &match, 0);
    }
    return true;
}
