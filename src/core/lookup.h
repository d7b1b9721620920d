#ifndef MOORAGE_CORE_LOOKUP_H
#define MOORAGE_CORE_LOOKUP_H

// Finds indexes by a number: processes by pid, rows by a hash. A host may have many thousand sockets and processes, and
// each of them is looked for more than once. Zeroed but for `arena`, it is empty. A key may stand for several values.
// The systems do not differ.

#include "base/arena.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lookup_entry {
    uint64_t key;
    size_t value;
    size_t next; // entry in the same bucket: index + 1, 0 = none
};

struct lookup {
    struct arena *arena;
    size_t *buckets; // index + 1 of the first entry
    size_t bucket_count;
    uint64_t least; // no key lies outside of these two, which tells most keys that are not in it
    uint64_t most;
    LIST_OF(struct lookup_entry);
};

void
lookup_add(struct lookup *lookup, uint64_t key, size_t value);

// The next value of the key; `cursor` starts as 0. False when there is none left. Newest first.
bool
lookup_next(const struct lookup *lookup, uint64_t key, size_t *cursor, size_t *value);

// The newest value of a key between `least` and `most`, or SIZE_MAX.
size_t
lookup_search(const struct lookup *lookup, uint64_t key);

// The newest value of the key, or SIZE_MAX. Made to be asked for all rows of a host while few of them are in it.
static inline size_t
lookup_find(const struct lookup *lookup, uint64_t key)
{
    return key < lookup->least || key > lookup->most ? SIZE_MAX : lookup_search(lookup, key);
}

// A hash that also takes in `value`; start with 0.
uint64_t
lookup_mix(uint64_t hash, uint64_t value);

#endif
