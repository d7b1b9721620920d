#include "decode/nft_ruleset.h"

#include "decode/netlink.h"
#include "decode/nftables.h"

#include <stdlib.h>
#include <string.h>

// Size of struct nfgenmsg (linux/netfilter/nfnetlink.h): family, version, resource id.
#define HEADER_SIZE 4

// linux/netfilter/nf_tables.h: enum nft_chain_attributes, nft_hook_attributes, nft_rule_attributes, ...
#define CHAIN_TABLE 1
#define CHAIN_NAME 3
#define CHAIN_HOOK 4
#define CHAIN_TYPE 7
#define HOOK_NUMBER 1
#define RULE_TABLE 1
#define RULE_CHAIN 2
#define RULE_EXPRESSIONS 4
#define SET_TABLE 1
#define SET_NAME 2
#define SET_FLAGS 3
#define SET_FLAG_INTERVAL 0x4u
#define SET_FLAG_CONCAT 0x80u
#define ELEMENTS_LIST 3
#define ELEMENT_KEY 1
#define ELEMENT_DATA 2
#define ELEMENT_FLAGS 3
#define ELEMENT_KEY_END 10
#define ELEMENT_FLAG_INTERVAL_END 0x1u
#define ELEMENT_FLAG_CATCH_ALL 0x2u
#define EXPRESSION_NAME 1
#define EXPRESSION_DATA 2
#define DATA_VALUE 1
#define DATA_VERDICT 2
#define VERDICT_CODE 1
#define VERDICT_CHAIN 2

// NF_INET_PRE_ROUTING and NF_INET_LOCAL_OUT, linux/netfilter.h. The other two nat hooks change sources.
#define HOOK_PREROUTING 0u
#define HOOK_OUTPUT 3u

// Longer keys than an address and a port with all else between do not occur.
#define KEY_LIMIT 64u

// An element as the kernel tells it: a range of a plain interval set is two of them, its start and what lies behind its end.
struct raw_element {
    struct nft_element element;
    bool is_end;
};

struct raw_list {
    LIST_OF(struct raw_element);
};

static struct str
text_attribute(struct str attributes, uint16_t type)
{
    struct str value;
    return netlink_find(attributes, type, &value) ? netlink_text(value) : (struct str){NULL, 0};
}

bool
nft_ruleset_data(struct str data, struct str *value, struct nft_verdict *verdict)
{
    struct str nested;
    uint32_t code;
    *verdict = (struct nft_verdict){.there = false};
    *value = (struct str){NULL, 0};
    if (netlink_find(data, DATA_VERDICT, &nested)) {
        struct str number;
        if (!netlink_find(nested, VERDICT_CODE, &number) || !netlink_be32(number, 0, &code))
            return false;
        verdict->there = true;
        verdict->code = (int32_t)code;
        verdict->chain = text_attribute(nested, VERDICT_CHAIN);
        return true;
    }
    return netlink_find(data, DATA_VALUE, value);
}

bool
nft_ruleset_next_expression(struct str *rest, struct str *name, struct str *attributes)
{
    struct netlink_attribute item;
    if (!netlink_next_attribute(rest, &item))
        return false;
    *name = text_attribute(item.value, EXPRESSION_NAME);
    if (!netlink_find(item.value, EXPRESSION_DATA, attributes))
        *attributes = (struct str){NULL, 0};
    return true;
}

static void
read_chain(struct arena *arena, uint8_t family, struct str attributes, struct nft_ruleset *out)
{
    struct str hook;
    struct str value;
    uint32_t number;
    struct nft_chain chain = {.family = family,
                              .table = text_attribute(attributes, CHAIN_TABLE),
                              .name = text_attribute(attributes, CHAIN_NAME)};
    if (netlink_find(attributes, CHAIN_HOOK, &hook) && netlink_find(hook, HOOK_NUMBER, &value) &&
        netlink_be32(value, 0, &number) && str_equal(text_attribute(attributes, CHAIN_TYPE), STR("nat"))) {
        chain.translates = number == HOOK_PREROUTING || number == HOOK_OUTPUT;
        chain.output = number == HOOK_OUTPUT;
    }
    *LIST_ADD(arena, &out->chains) = chain;
}

static void
read_rule(struct arena *arena, uint8_t family, struct str attributes, struct nft_ruleset *out)
{
    struct nft_rule rule = {.family = family,
                            .table = text_attribute(attributes, RULE_TABLE),
                            .chain = text_attribute(attributes, RULE_CHAIN)};
    if (netlink_find(attributes, RULE_EXPRESSIONS, &rule.expressions))
        *LIST_ADD(arena, &out->rules) = rule;
}

static struct nft_set *
find_set(const struct nft_ruleset *ruleset, uint8_t family, struct str table, struct str name)
{
    for (size_t i = 0; i < ruleset->sets.count; i++) {
        struct nft_set *set = &ruleset->sets.items[i];
        if (set->family == family && str_equal(set->name, name) && str_equal(set->table, table))
            return set;
    }
    return NULL;
}

static void
read_set(struct arena *arena, uint8_t family, struct str attributes, struct nft_ruleset *out)
{
    uint32_t flags = netlink_find_be32(attributes, SET_FLAGS);
    *LIST_ADD(arena, &out->sets) =
        (struct nft_set){.family = family,
                         .table = text_attribute(attributes, SET_TABLE),
                         .name = text_attribute(attributes, SET_NAME),
                         // Ranges of several fields tell their ends themselves.
                         .interval = (flags & SET_FLAG_INTERVAL) != 0 && (flags & SET_FLAG_CONCAT) == 0};
}

static bool
read_element(struct str attributes, struct raw_element *out)
{
    struct str nested;
    struct nft_verdict none;
    uint32_t flags = netlink_find_be32(attributes, ELEMENT_FLAGS);
    *out = (struct raw_element){.is_end = (flags & ELEMENT_FLAG_INTERVAL_END) != 0};
    out->element.catch_all = (flags & ELEMENT_FLAG_CATCH_ALL) != 0;
    if (netlink_find(attributes, ELEMENT_DATA, &nested) &&
        !nft_ruleset_data(nested, &out->element.data, &out->element.verdict))
        return false;
    if (netlink_find(attributes, ELEMENT_KEY_END, &nested) && !nft_ruleset_data(nested, &out->element.key_end, &none))
        return false;
    if (netlink_find(attributes, ELEMENT_KEY, &nested) && !nft_ruleset_data(nested, &out->element.key, &none))
        return false;
    return out->element.catch_all || (out->element.key.len > 0 && out->element.key.len <= KEY_LIMIT);
}

static int
compare_raw(const void *a, const void *b)
{
    const struct raw_element *one = a;
    const struct raw_element *other = b;
    int order = str_compare(one->element.key, other->element.key);
    // One range may end where the next begins: the end comes first.
    return order != 0 ? order : (int)other->is_end - (int)one->is_end;
}

// The key before this one, as the last one of a range that ends there.
static struct str
key_before(struct arena *arena, struct str key)
{
    unsigned char *bytes = arena_alloc(arena, key.len);
    memcpy(bytes, key.ptr, key.len);
    for (size_t i = key.len; i > 0 && bytes[i - 1]-- == 0; i--)
        ;
    return (struct str){(char *)bytes, key.len};
}

static struct str
key_highest(struct arena *arena, size_t len)
{
    char *bytes = arena_alloc(arena, len);
    memset(bytes, 0xff, len);
    return (struct str){bytes, len};
}

// Pairs each start with the next end; without one the range goes up to the highest key.
static void
join_ranges(struct arena *arena, struct raw_list *raw, struct nft_set *set)
{
    if (raw->count > 1)
        qsort(raw->items, raw->count, sizeof *raw->items, compare_raw);
    for (size_t i = 0; i < raw->count; i++) {
        struct nft_element element = raw->items[i].element;
        if (raw->items[i].is_end)
            continue;
        if (!element.catch_all)
            element.key_end = i + 1 < raw->count ? key_before(arena, raw->items[i + 1].element.key)
                                                 : key_highest(arena, element.key.len);
        *LIST_ADD(arena, &set->elements) = element;
    }
}

static void
read_elements(struct arena *arena, uint8_t family, struct str attributes, struct raw_list *pending,
              struct nft_ruleset *out)
{
    struct str list;
    struct netlink_attribute item;
    struct nft_set *set = find_set(out, family, text_attribute(attributes, NFTABLES_ELEMENTS_TABLE),
                                   text_attribute(attributes, NFTABLES_ELEMENTS_SET));
    if (!set)
        return;
    set->known = true;
    if (!netlink_find(attributes, ELEMENTS_LIST, &list))
        return;
    while (netlink_next_attribute(&list, &item)) {
        struct raw_element element;
        if (!read_element(item.value, &element))
            continue;
        if (set->interval)
            *LIST_ADD(arena, &pending[set - out->sets.items]) = element;
        else
            *LIST_ADD(arena, &set->elements) = element.element;
    }
}

static int
compare_chains(const void *a, const void *b)
{
    const struct nft_chain *one = a;
    const struct nft_chain *other = b;
    int order = (int)one->family - (int)other->family;
    if (order == 0)
        order = str_compare(one->table, other->table);
    return order != 0 ? order : str_compare(one->name, other->name);
}

static struct nft_chain *
find_chain(const struct nft_ruleset *ruleset, uint8_t family, struct str table, struct str name)
{
    struct nft_chain wanted = {.family = family, .table = table, .name = name};
    if (ruleset->chains.count == 0)
        return NULL;
    return bsearch(&wanted, ruleset->chains.items, ruleset->chains.count, sizeof wanted, compare_chains);
}

// The kernel tells the rules of a chain in one run; a later run of the same chain (a dump that was interrupted) is left out.
static void
give_rules_to_chains(struct nft_ruleset *ruleset)
{
    if (ruleset->chains.count > 1)
        qsort(ruleset->chains.items, ruleset->chains.count, sizeof *ruleset->chains.items, compare_chains);
    for (size_t i = 0; i < ruleset->rules.count;) {
        const struct nft_rule *rule = &ruleset->rules.items[i];
        struct nft_chain *chain = find_chain(ruleset, rule->family, rule->table, rule->chain);
        size_t end = i + 1;
        while (end < ruleset->rules.count && ruleset->rules.items[end].family == rule->family &&
               str_equal(ruleset->rules.items[end].chain, rule->chain) &&
               str_equal(ruleset->rules.items[end].table, rule->table))
            end++;
        if (chain && chain->count == 0) {
            chain->first = i;
            chain->count = end - i;
        }
        i = end;
    }
}

void
nft_ruleset_read(struct arena *arena, struct str messages, struct nft_ruleset *out)
{
    struct netlink_message message;
    struct str rest = messages;
    uint8_t family;
    *out = (struct nft_ruleset){.chains = {.count = 0}};
    while (netlink_next(&rest, &message)) {
        if (!netlink_u8(message.payload, 0, &family) || !netlink_skip(&message.payload, HEADER_SIZE))
            continue;
        if (message.type == NFTABLES_NEWCHAIN)
            read_chain(arena, family, message.payload, out);
        else if (message.type == NFTABLES_NEWRULE)
            read_rule(arena, family, message.payload, out);
        else if (message.type == NFTABLES_NEWSET)
            read_set(arena, family, message.payload, out);
    }
    give_rules_to_chains(out);
    // A large set comes in several messages, and a range may be torn apart between two of them.
    struct raw_list *pending = arena_array(arena, out->sets.count, sizeof *pending);
    rest = messages;
    while (netlink_next(&rest, &message)) {
        if (message.type == NFTABLES_NEWSETELEM && netlink_u8(message.payload, 0, &family) &&
            netlink_skip(&message.payload, HEADER_SIZE))
            read_elements(arena, family, message.payload, pending, out);
    }
    for (size_t i = 0; i < out->sets.count; i++)
        join_ranges(arena, &pending[i], &out->sets.items[i]);
}

const struct nft_chain *
nft_ruleset_chain(const struct nft_ruleset *ruleset, uint8_t family, struct str table, struct str name)
{
    return find_chain(ruleset, family, table, name);
}

const struct nft_set *
nft_ruleset_set(const struct nft_ruleset *ruleset, uint8_t family, struct str table, struct str name)
{
    return find_set(ruleset, family, table, name);
}
