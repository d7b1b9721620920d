#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Under AddressSanitizer what was not handed out is poisoned, with a gap behind each piece: an overflow inside an arena
// is then found as one of the heap is.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#endif
#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
enum {
    ARENA_GAP = 16
};
#define ARENA_HIDE(ptr, size) ASAN_POISON_MEMORY_REGION((ptr), (size))
#define ARENA_SHOW(ptr, size) ASAN_UNPOISON_MEMORY_REGION((ptr), (size))
#else
enum {
    ARENA_GAP = 0
};
#define ARENA_HIDE(ptr, size) ((void)0)
#define ARENA_SHOW(ptr, size) ((void)0)
#endif

enum {
    ARENA_ALIGN = alignof(max_align_t),
    ARENA_FIRST = 32 * 1024,
    ARENA_LARGEST = 1024 * 1024,
};

struct arena_chunk {
    struct arena_chunk *next;
    struct arena *owner; // for leak checkers: whoever keeps a piece keeps the whole arena
    size_t used;
    size_t size;
    bool clean; // zeroed as a whole
    alignas(max_align_t) char bytes[];
};

struct arena {
    // The first one is bumped; the others are full, left behind, or belong to one large piece.
    struct arena_chunk *chunks;
    size_t next_size;
    size_t taken;
};

static _Noreturn void
arena_exhausted(void)
{
    fputs("moorage: out of memory\n", stderr);
    _Exit(3);
}

static void *
arena_take(size_t size, bool clean)
{
    void *memory = clean ? calloc(1, size) : malloc(size);
    if (!memory)
        arena_exhausted();
    return memory;
}

struct arena *
arena_open(void)
{
    struct arena *arena = arena_take(sizeof *arena, true);
    arena->next_size = ARENA_FIRST;
    arena->taken = sizeof *arena;
    return arena;
}

void
arena_close(struct arena *arena)
{
    if (!arena)
        return;
    for (struct arena_chunk *chunk = arena->chunks; chunk;) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(arena);
}

// A chunk with room for `size` bytes. A piece that is large beside a chunk gets one of its own, so that the rest of the
// present chunk stays in use; it comes zeroed from the system. Of other chunks only what is handed out is touched at all.
static struct arena_chunk *
arena_grow(struct arena *arena, size_t size)
{
    bool own = size > arena->next_size / 4;
    size_t room = own ? size : arena->next_size;
    struct arena_chunk *chunk = arena_take(sizeof *chunk + room, own);
    *chunk = (struct arena_chunk){.owner = arena, .size = room, .clean = own};
    arena->taken += sizeof *chunk + room;
    ARENA_HIDE(chunk->bytes, room);
    if (own && arena->chunks) {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
        return chunk;
    }
    if (!own && arena->next_size < ARENA_LARGEST)
        arena->next_size *= 2;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void
arena_ready(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena_take(sizeof *chunk + size, false);
    // Written, not only asked for zeroed: the system gives a page when it is touched first.
    memset(chunk->bytes, 0, size);
    *chunk = (struct arena_chunk){.next = arena->chunks, .owner = arena, .size = size, .clean = true};
    arena->chunks = chunk;
    arena->taken += sizeof *chunk + size;
    ARENA_HIDE(chunk->bytes, size);
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX - sizeof(struct arena_chunk) - ARENA_ALIGN - ARENA_GAP)
        arena_exhausted();
    size_t room = ((size ? size : 1) + ARENA_GAP + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < room)
        chunk = arena_grow(arena, room);
    char *piece = chunk->bytes + chunk->used;
    chunk->used += room;
    ARENA_SHOW(piece, size);
    if (!chunk->clean)
        memset(piece, 0, size);
    return piece;
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        arena_exhausted();
    return arena_alloc(arena, count * size);
}

size_t
arena_size(const struct arena *arena)
{
    return arena->taken;
}
