#include "core/lookup.h"

enum {
    FIRST_BUCKETS = 64 // a power of two, as all later counts are
};

uint64_t
lookup_mix(uint64_t hash, uint64_t value)
{
    // The multiplier of Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4).
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

static size_t *
bucket_of(const struct lookup *lookup, uint64_t key)
{
    return &lookup->buckets[lookup_mix(0, key) & (lookup->bucket_count - 1)];
}

static void
grow(struct lookup *lookup)
{
    lookup->bucket_count = lookup->bucket_count ? 4 * lookup->bucket_count : FIRST_BUCKETS;
    lookup->buckets = arena_array(lookup->arena, lookup->bucket_count, sizeof *lookup->buckets);
    for (size_t i = 0; i < lookup->count; i++) {
        size_t *bucket = bucket_of(lookup, lookup->items[i].key);
        lookup->items[i].next = *bucket;
        *bucket = i + 1;
    }
}

void
lookup_add(struct lookup *lookup, uint64_t key, size_t value)
{
    if (lookup->count >= lookup->bucket_count)
        grow(lookup);
    lookup->least = lookup->count == 0 || key < lookup->least ? key : lookup->least;
    lookup->most = lookup->count == 0 || key > lookup->most ? key : lookup->most;
    size_t *bucket = bucket_of(lookup, key);
    *LIST_ADD(lookup->arena, lookup) = (struct lookup_entry){key, value, *bucket};
    *bucket = lookup->count;
}

bool
lookup_next(const struct lookup *lookup, uint64_t key, size_t *cursor, size_t *value)
{
    if (lookup->count == 0)
        return false;
    size_t at = *cursor ? lookup->items[*cursor - 1].next : *bucket_of(lookup, key);
    while (at != 0 && lookup->items[at - 1].key != key)
        at = lookup->items[at - 1].next;
    if (at == 0)
        return false;
    *cursor = at;
    *value = lookup->items[at - 1].value;
    return true;
}

size_t
lookup_search(const struct lookup *lookup, uint64_t key)
{
    size_t cursor = 0;
    size_t value;

    return lookup_next(lookup, key, &cursor, &value) ? value : SIZE_MAX;
}
