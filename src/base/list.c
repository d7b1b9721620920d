#include "base/list.h"

#include <string.h>

void *
list_room(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count == *capacity) {
        size_t wanted = count < 8 ? 8 : count * 2;
        void *moved = arena_array(arena, wanted, size);
        if (count)
            memcpy(moved, items, count * size);
        *capacity = wanted;
        return moved;
    }
    memset((char *)items + count * size, 0, size);
    return items;
}
