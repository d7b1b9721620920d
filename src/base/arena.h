#ifndef MOORAGE_BASE_ARENA_H
#define MOORAGE_BASE_ARENA_H

// A region of memory that is given back as a whole: one per command run, per request, per snapshot. What a function
// returns lives in the arena that the caller passed, so nothing is freed one by one. An arena is used by one thread.
// Out of memory ends the program here and nowhere else (exit 3, one sentence on stderr): callers never see NULL.
// The systems do not differ.

#include <stddef.h>

struct arena;

// A new, empty arena.
struct arena *
arena_open(void);

// Gives back all memory of the arena. NULL is fine.
void
arena_close(struct arena *arena);

// `size` zeroed bytes, aligned for any type. A size of 0 gives a valid pointer too.
void *
arena_alloc(struct arena *arena, size_t size);

// `count` zeroed elements of `size` bytes; an overflow of the product ends the program as out of memory does.
void *
arena_array(struct arena *arena, size_t count, size_t size);

// Takes so many bytes from the system now, for pieces that are asked for later, large ones too: those are then had without a
// page fault for each of their pages. For who has to wait anyway.
void
arena_ready(struct arena *arena, size_t size);

// Bytes that the arena took from the system, for tests and for `doctor`.
size_t
arena_size(const struct arena *arena);

#endif
