#include "base/list.h"

#include <string.h>

static void *
list_move(struct arena *arena, const void *items, size_t count, size_t *capacity, size_t size, size_t wanted)
{
    void *moved = arena_array(arena, wanted, size);
    if (count)
        memcpy(moved, items, count * size);
    *capacity = wanted;
    return moved;
}

void *
list_reserve(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size, size_t more)
{
    return *capacity - count < more ? list_move(arena, items, count, capacity, size, count + more) : items;
}

void *
list_room(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count == *capacity)
        return list_move(arena, items, count, capacity, size, count < 8 ? 8 : count * 2);
    memset((char *)items + count * size, 0, size);
    return items;
}
