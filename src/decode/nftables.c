#include "decode/nftables.h"

#include "decode/netlink.h"
#include "decode/nft_ruleset.h"
#include "decode/nft_state.h"
#include "decode/xt.h"

// Jumps, of which the kernel allows 16 (NFT_JUMP_STACK_SIZE), and look-ups one behind the other in a rule.
#define DEPTH_LIMIT 48u
// Rules and elements of sets looked at in all: a hostile ruleset must not hang us.
#define STEPS_LIMIT 200000u
#define SETS_LIMIT 256u

// linux/netfilter/nf_tables.h: the attributes of each expression.
#define LOOKUP_SET 1
#define LOOKUP_SREG 2
#define LOOKUP_DREG 3
#define LOOKUP_FLAGS 5
#define LOOKUP_FLAG_INVERSE 0x1u
#define IMMEDIATE_DREG 1
#define IMMEDIATE_DATA 2
#define NAT_TYPE 1
#define NAT_TYPE_DESTINATION 1u
#define NAT_FAMILY 2
#define NAT_REG_ADDRESS 3
#define NAT_REG_PORT 5
#define REDIR_REG_PORT 1
#define XT_NAME 1
#define XT_REVISION 2
#define XT_INFO 3

struct walk {
    struct arena *arena;
    const struct nft_ruleset *ruleset;
    struct redirect_list *out;
    size_t steps;
};

// Where in a rule we are, and what is known there.
struct place {
    const struct nft_rule *rule;
    unsigned depth;
    struct nft_state state;
};

static bool
has_attribute(struct str attributes, uint16_t type)
{
    struct str value;
    return netlink_find(attributes, type, &value);
}

static void
walk_chain(struct walk *walk, const struct nft_chain *chain, const struct nat_match *match, unsigned depth);

static void
follow(struct walk *walk, const struct place *place, const struct nft_verdict *verdict)
{
    if (verdict->code != NFT_VERDICT_JUMP && verdict->code != NFT_VERDICT_GOTO)
        return;
    const struct nft_chain *chain =
        nft_ruleset_chain(walk->ruleset, place->rule->family, place->rule->table, verdict->chain);
    if (chain && place->depth < DEPTH_LIMIT)
        walk_chain(walk, chain, &place->state.match, place->depth + 1);
}

static void
add_redirect(struct walk *walk, const struct place *place, const struct nat_target *target)
{
    const struct nft_rule *rule = place->rule;
    const char *family = rule->family == NFT_FAMILY_IPV4 ? "ip" : rule->family == NFT_FAMILY_IPV6 ? "ip6" : "inet";
    struct str name = str_printf(walk->arena, "%s %.*s %.*s", family, STR_ARG(rule->table), STR_ARG(rule->chain));
    nat_add(walk->arena, &place->state.match, target, STR("nftables"), name, walk->out);
}

static void
run_nat(struct walk *walk, struct place *place, struct str attributes)
{
    struct nat_target target = {.to_port = 0};
    uint32_t family = netlink_find_be32(attributes, NAT_FAMILY);
    uint8_t bytes[16];
    if (netlink_find_be32(attributes, NAT_TYPE) != NAT_TYPE_DESTINATION)
        return;
    if (family == NFT_FAMILY_IPV4 || family == NFT_FAMILY_IPV6)
        nat_match_family(&place->state.match, family == NFT_FAMILY_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6, true);
    if (nft_state_get(&place->state, netlink_find_be32(attributes, NAT_REG_ADDRESS), bytes,
                      family == NFT_FAMILY_IPV4 ? 4 : 16)) {
        target.to.family = (uint8_t)(family == NFT_FAMILY_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6);
        for (size_t i = 0; i < (family == NFT_FAMILY_IPV4 ? 4u : 16u); i++)
            target.to.bytes[i] = bytes[i];
    }
    if (nft_state_get(&place->state, netlink_find_be32(attributes, NAT_REG_PORT), bytes, 2))
        target.to_port = (uint16_t)(bytes[0] << 8 | bytes[1]);
    add_redirect(walk, place, &target);
}

static void
run_redir(struct walk *walk, const struct place *place, struct str attributes)
{
    struct nat_target target = {.to_port = 0};
    uint8_t bytes[2];
    if (nft_state_get(&place->state, netlink_find_be32(attributes, REDIR_REG_PORT), bytes, sizeof bytes))
        target.to_port = (uint16_t)(bytes[0] << 8 | bytes[1]);
    add_redirect(walk, place, &target);
}

static void
run_xt(struct walk *walk, struct place *place, bool is_target, struct str attributes)
{
    struct str name = {NULL, 0};
    struct str info = {NULL, 0};
    struct nat_target target;
    unsigned revision = netlink_find_be32(attributes, XT_REVISION);
    enum family family = place->rule->family == NFT_FAMILY_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;
    netlink_find(attributes, XT_NAME, &name);
    netlink_find(attributes, XT_INFO, &info);
    name = netlink_text(name);
    if (!is_target)
        xt_match(walk->arena, name, revision, info, &place->state.match);
    else if (xt_target(name, revision, family, info, &target))
        add_redirect(walk, place, &target);
}

static void
run_rule(struct walk *walk, struct place *place, struct str expressions);

// Whether the packet's port is (not) in a set of ports: kept as one match with many ranges.
static void
ask_set_of_ports(struct walk *walk, struct place *place, const struct nft_set *set, bool inside)
{
    struct nat_ranges ranges = {.count = 0};
    for (size_t i = 0; i < set->elements.count; i++) {
        const struct nft_element *element = &set->elements.items[i];
        struct nat_range range = {.first = 0};
        if (!netlink_be16(element->key, 0, &range.first))
            continue;
        range.last = range.first;
        netlink_be16(element->key_end, 0, &range.last);
        *LIST_ADD(walk->arena, &ranges) = range;
    }
    nat_match_ports(walk->arena, &place->state.match, &ranges, inside);
}

// Looks a key up. What a map gives differs from element to element, and so does what the rest of the rule does with it: the
// rest is run once for each. Gives whether the rule goes on after this for the caller.
static bool
run_lookup(struct walk *walk, struct place *place, struct str attributes, struct str rest)
{
    struct str name = {NULL, 0};
    netlink_find(attributes, LOOKUP_SET, &name);
    const struct nft_set *set =
        nft_ruleset_set(walk->ruleset, place->rule->family, place->rule->table, netlink_text(name));
    uint32_t key = netlink_find_be32(attributes, LOOKUP_SREG);
    bool is_map = has_attribute(attributes, LOOKUP_DREG);
    uint32_t target = netlink_find_be32(attributes, LOOKUP_DREG);
    bool inside = (netlink_find_be32(attributes, LOOKUP_FLAGS) & LOOKUP_FLAG_INVERSE) == 0;
    if (!set || !set->known || place->depth >= DEPTH_LIMIT || (!inside && !nft_state_is_port(&place->state, key))) {
        place->state.match.partial = true;
        // What the map gives is not known either.
        if (is_map)
            nft_state_clear(&place->state);
        return true;
    }
    if (!is_map && nft_state_is_port(&place->state, key)) {
        ask_set_of_ports(walk, place, set, inside);
        return true;
    }
    for (size_t i = 0; i < set->elements.count && walk->steps < STEPS_LIMIT; i++) {
        const struct nft_element *element = &set->elements.items[i];
        struct place branch = *place;
        branch.depth++;
        walk->steps++;
        if (element->catch_all)
            branch.state.match.partial = true;
        else
            nft_state_ask_key(walk->arena, &branch.state, key, element->key, element->key_end);
        if (branch.state.match.empty)
            continue;
        if (element->verdict.there) {
            follow(walk, &branch, &element->verdict);
        } else {
            if (is_map)
                nft_state_set(&branch.state, target, element->data);
            run_rule(walk, &branch, rest);
        }
    }
    return false;
}

// Gives whether the rule goes on.
static bool
run_immediate(struct walk *walk, struct place *place, struct str attributes)
{
    struct str data;
    struct str value;
    struct nft_verdict verdict;
    if (!netlink_find(attributes, IMMEDIATE_DATA, &data) || !nft_ruleset_data(data, &value, &verdict))
        return true;
    if (verdict.there) {
        follow(walk, place, &verdict);
        return false;
    }
    nft_state_set(&place->state, netlink_find_be32(attributes, IMMEDIATE_DREG), value);
    return true;
}

// Expressions that ask nothing of a packet and leave the registers alone.
static bool
is_harmless(struct str name)
{
    static const struct str names[] = {STR_INIT("counter"), STR_INIT("log"), STR_INIT("last"), STR_INIT("objref")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_equal(name, names[i]))
            return true;
    }
    return false;
}

static void
run_rule(struct walk *walk, struct place *place, struct str expressions)
{
    struct str name;
    struct str attributes;
    while (!place->state.match.empty && nft_ruleset_next_expression(&expressions, &name, &attributes)) {
        bool goes_on = true;
        if (nft_state_run(walk->arena, &place->state, name, attributes) || is_harmless(name)) {
            continue;
        } else if (str_equal(name, STR("lookup"))) {
            goes_on = run_lookup(walk, place, attributes, expressions);
        } else if (str_equal(name, STR("immediate"))) {
            goes_on = run_immediate(walk, place, attributes);
        } else if (str_equal(name, STR("nat"))) {
            run_nat(walk, place, attributes);
            goes_on = false;
        } else if (str_equal(name, STR("redir"))) {
            run_redir(walk, place, attributes);
            goes_on = false;
        } else if (str_equal(name, STR("match")) || str_equal(name, STR("target"))) {
            run_xt(walk, place, str_equal(name, STR("target")), attributes);
        } else {
            // It may ask for anything (a limit) and leave anything in any register (a hash).
            place->state.match.partial = true;
            nft_state_clear(&place->state);
        }
        if (!goes_on)
            return;
    }
}

static void
walk_chain(struct walk *walk, const struct nft_chain *chain, const struct nat_match *match, unsigned depth)
{
    for (size_t i = 0; i < chain->count && walk->steps < STEPS_LIMIT; i++) {
        struct place place = {.rule = &walk->ruleset->rules.items[chain->first + i], .depth = depth};
        place.state.match = *match;
        walk->steps++;
        run_rule(walk, &place, place.rule->expressions);
    }
}

bool
nftables_translates(struct arena *arena, struct str chains)
{
    struct nft_ruleset ruleset;
    bool found = false;
    nft_ruleset_read(arena, chains, &ruleset);
    for (size_t i = 0; i < ruleset.chains.count; i++)
        found = found || ruleset.chains.items[i].translates;
    return found;
}

static bool
translates(const struct nft_ruleset *ruleset, uint8_t family, struct str table)
{
    for (size_t i = 0; i < ruleset->chains.count; i++) {
        const struct nft_chain *chain = &ruleset->chains.items[i];
        if (chain->translates && chain->family == family && str_equal(chain->table, table))
            return true;
    }
    return false;
}

static void
add_set(struct arena *arena, const struct nft_rule *rule, struct str name, struct nftables_set_list *out)
{
    for (size_t i = 0; i < out->count; i++) {
        if (out->items[i].family == rule->family && str_equal(out->items[i].name, name) &&
            str_equal(out->items[i].table, rule->table))
            return;
    }
    if (out->count < SETS_LIMIT)
        *LIST_ADD(arena, out) = (struct nftables_set){.family = rule->family, .table = rule->table, .name = name};
}

void
nftables_sets(struct arena *arena, struct str messages, struct nftables_set_list *out)
{
    struct nft_ruleset ruleset;
    nft_ruleset_read(arena, messages, &ruleset);
    for (size_t i = 0; i < ruleset.rules.count; i++) {
        const struct nft_rule *rule = &ruleset.rules.items[i];
        struct str rest = rule->expressions;
        struct str name;
        struct str attributes;
        struct str set;
        while (nft_ruleset_next_expression(&rest, &name, &attributes)) {
            if (str_equal(name, STR("lookup")) && netlink_find(attributes, LOOKUP_SET, &set) &&
                translates(&ruleset, rule->family, rule->table))
                add_set(arena, rule, netlink_text(set), out);
        }
    }
}

void
nftables_parse(struct arena *arena, struct str messages, struct redirect_list *out)
{
    struct nft_ruleset ruleset;
    nft_ruleset_read(arena, messages, &ruleset);
    struct walk walk = {.arena = arena, .ruleset = &ruleset, .out = out};
    for (size_t i = 0; i < ruleset.chains.count; i++) {
        const struct nft_chain *chain = &ruleset.chains.items[i];
        struct nat_match match = {.local_output = chain->output};
        if (!chain->translates)
            continue;
        if (chain->family == NFT_FAMILY_IPV4)
            match.family = FAMILY_IPV4;
        else if (chain->family == NFT_FAMILY_IPV6)
            match.family = FAMILY_IPV6;
        walk_chain(&walk, chain, &match, 0);
    }
}
