#include "base/map64.h"

#include <string.h>

// The slot of the key, or the empty one where it would go.
static struct map64_slot *
slot_of(const struct map64 *map, uint64_t key)
{
    // Fibonacci hashing (Knuth, TAOCP 6.4): inodes come in runs, and its high bits spread them.
    size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (map->capacity - 1);
    while (map->slots[at].above && map->slots[at].key != key)
        at = (at + 1) & (map->capacity - 1);
    return &map->slots[at];
}

// Empty slots. They are written in a row: a page of fresh memory that is read first, as the slot of a key is, comes twice.
static struct map64_slot *
make_slots(struct arena *arena, size_t capacity)
{
    struct map64_slot *slots = arena_array(arena, capacity, sizeof *slots);
    memset(slots, 0, capacity * sizeof *slots);
    return slots;
}

static void
grow(struct arena *arena, struct map64 *map)
{
    struct map64 larger = {.capacity = map->capacity ? map->capacity * 2 : 16, .count = map->count};
    larger.slots = make_slots(arena, larger.capacity);
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].above)
            *slot_of(&larger, map->slots[i].key) = map->slots[i];
    }
    *map = larger;
}

void
map64_reserve(struct arena *arena, struct map64 *map, size_t count)
{
    *map = (struct map64){.capacity = 16};
    while (map->capacity / 2 < count)
        map->capacity *= 2;
    map->slots = make_slots(arena, map->capacity);
}

void
map64_put(struct arena *arena, struct map64 *map, uint64_t key, size_t value)
{
    if (map->count * 2 >= map->capacity)
        grow(arena, map);
    struct map64_slot *slot = slot_of(map, key);
    map->count += !slot->above;
    *slot = (struct map64_slot){.key = key, .above = value + 1};
}

bool
map64_get(const struct map64 *map, uint64_t key, size_t *value)
{
    if (!map->count)
        return false;
    const struct map64_slot *slot = slot_of(map, key);
    if (slot->above && value)
        *value = slot->above - 1;
    return slot->above != 0;
}
