#ifndef MOORAGE_DECODE_NFT_STATE_H
#define MOORAGE_DECODE_NFT_STATE_H

// What an nftables rule has put into its registers so far and asked of the packet: the machine that runs its simple
// expressions on "any packet" instead of one. A register that holds something else than a destination, a protocol or a
// constant is unknown, and what is asked of it makes the match partial.
// Source: nft_do_chain() and nft_*.c in net/netfilter of the kernel. Only Linux has nftables.

#include "base/arena.h"
#include "base/str.h"
#include "decode/nat.h"

#include <stdbool.h>
#include <stdint.h>

// Registers are counted in fours of bytes (NFT_REG32_00 and up).
#define NFT_SLOTS 20u

enum nft_holds {
    NFT_HOLDS_UNKNOWN,
    NFT_HOLDS_CONSTANT,
    NFT_HOLDS_NETWORK,   // bytes of the IP header
    NFT_HOLDS_TRANSPORT, // bytes of the TCP or UDP header
    NFT_HOLDS_PROTOCOL,  // the transport protocol's number
    NFT_HOLDS_FAMILY,    // NFPROTO_*
    NFT_HOLDS_TYPE,      // type of the destination address (RTN_*)
};

struct nft_slot {
    enum nft_holds holds;
    uint16_t start;  // the slot where what was loaded begins
    uint32_t offset; // in the header, of what was loaded
    uint32_t length; // in bytes, of what was loaded
    uint8_t bytes[4];
    uint8_t mask[4]; // of a header's bytes: what is left of them
};

struct nft_state {
    struct nat_match match;
    struct nft_slot slots[NFT_SLOTS];
};

// Nothing is known of the registers.
void
nft_state_clear(struct nft_state *state);

// Puts a constant into register `number` (as netlink numbers it).
void
nft_state_set(struct nft_state *state, uint32_t number, struct str value);

// Up to `size` bytes of a constant in register `number`; false when it holds none.
bool
nft_state_get(const struct nft_state *state, uint32_t number, uint8_t *out, size_t size);

// Runs one of the expressions payload, meta, fib, cmp, range and bitwise. False for any other.
bool
nft_state_run(struct arena *arena, struct nft_state *state, struct str name, struct str attributes);

// What register `number` holds is a key from `key` to `key_end` (empty: `key` alone), in the fields that were loaded
// side by side from there on.
void
nft_state_ask_key(struct arena *arena, struct nft_state *state, uint32_t number, struct str key, struct str key_end);

// Whether register `number` holds just the destination port.
bool
nft_state_is_port(const struct nft_state *state, uint32_t number);

#endif
