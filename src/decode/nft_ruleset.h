#ifndef MOORAGE_DECODE_NFT_RULESET_H
#define MOORAGE_DECODE_NFT_RULESET_H

// The parts of an nftables ruleset as data, views into the messages they came in. Only Linux has nftables.

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// NFPROTO_* of linux/netfilter.h
enum {
    NFT_FAMILY_INET = 1,
    NFT_FAMILY_IPV4 = 2,
    NFT_FAMILY_IPV6 = 10,
};

// Verdicts that lead to another chain.
enum {
    NFT_VERDICT_JUMP = -3,
    NFT_VERDICT_GOTO = -4,
};

struct nft_chain {
    uint8_t family;
    struct str table;
    struct str name;
    bool translates; // a chain of type nat, hooked where destinations change
    bool output;     // hooked at output rather than prerouting
    size_t first;    // its rules are ruleset.rules.items[first .. first + count)
    size_t count;
};

struct nft_rule {
    uint8_t family;
    struct str table;
    struct str chain;
    struct str expressions;
};

struct nft_verdict {
    bool there;
    int32_t code;
    struct str chain;
};

struct nft_element {
    bool catch_all; // "*": whatever no other element has
    struct str key;
    struct str key_end; // last key of a range; empty = the key alone
    struct str data;    // of a map
    struct nft_verdict verdict;
};

struct nft_set {
    uint8_t family;
    struct str table;
    struct str name;
    bool interval;
    bool known; // its elements were told
    struct {
        LIST_OF(struct nft_element);
    } elements;
};

struct nft_ruleset {
    struct {
        LIST_OF(struct nft_chain); // sorted by family, table and name once read
    } chains;
    struct {
        LIST_OF(struct nft_rule);
    } rules;
    struct {
        LIST_OF(struct nft_set);
    } sets;
};

// Reads the messages; what is broken is left out.
void
nft_ruleset_read(struct arena *arena, struct str messages, struct nft_ruleset *out);

// NULL if there is none of that name.
const struct nft_chain *
nft_ruleset_chain(const struct nft_ruleset *ruleset, uint8_t family, struct str table, struct str name);
const struct nft_set *
nft_ruleset_set(const struct nft_ruleset *ruleset, uint8_t family, struct str table, struct str name);

// The name of the next expression ("payload") in `rest` and its attributes; false at the end.
bool
nft_ruleset_next_expression(struct str *rest, struct str *name, struct str *attributes);

// What stands in an attribute of kind nft_data: a value or a verdict.
bool
nft_ruleset_data(struct str data, struct str *value, struct nft_verdict *verdict);

#endif
