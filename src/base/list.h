#ifndef MOORAGE_BASE_LIST_H
#define MOORAGE_BASE_LIST_H

// A growing array in an arena. A list is zeroed memory when empty. Elements move when it grows: keep indexes, not
// pointers, across a LIST_ADD. The systems do not differ.

#include "base/arena.h"

#include <stddef.h>

// Members of a struct that is a list of `type`: struct socket_list { LIST_OF(struct socket_row); };
#define LIST_OF(type) \
    type *items;      \
    size_t count;     \
    size_t capacity

// Adds one zeroed element to the list that `list` points to and gives its address.
#define LIST_ADD(arena, list)                                                                                    \
    ((list)->items = list_room((arena), (list)->items, (list)->count, &(list)->capacity, sizeof *(list)->items), \
     &(list)->items[(list)->count++])

// Room for `more` elements that are about to be added one by one: a long list that grows leaves copies of itself behind.
#define LIST_RESERVE(arena, list, more) \
    ((list)->items =                    \
         list_reserve((arena), (list)->items, (list)->count, &(list)->capacity, sizeof *(list)->items, (more)))

// The same array, moved if it had not that much room.
void *
list_reserve(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size, size_t more);

// The array, moved if it had no room for one more element after `count`; the new element is zeroed.
void *
list_room(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size);

#endif
