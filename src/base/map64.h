#ifndef MOORAGE_BASE_MAP64_H
#define MOORAGE_BASE_MAP64_H

// From a number (an inode, a pid) to an index, by hashing. Zeroed memory is an empty map; it lives in an arena and never
// shrinks. The systems do not differ.

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map64_slot {
    uint64_t key;
    size_t above; // the value + 1; 0: the slot is empty
};

struct map64 {
    struct map64_slot *slots;
    size_t capacity; // a power of two, at most half full
    size_t count;
};

// Makes an empty map with room for so many keys: what grows leaves copies of itself behind.
void
map64_reserve(struct arena *arena, struct map64 *map, size_t count);

// Sets the value of a key, whether or not it is there.
void
map64_put(struct arena *arena, struct map64 *map, uint64_t key, size_t value);

// False if the key is not there; `value` may be NULL.
bool
map64_get(const struct map64 *map, uint64_t key, size_t *value);

#endif
