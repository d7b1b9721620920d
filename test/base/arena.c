#include "base/arena.h"

#include "tap.h"

#include <stdalign.h>
#include <stdint.h>

TEST(memory_is_zeroed_and_aligned)
{
    for (size_t size = 0; size < 300; size++) {
        unsigned char *piece = arena_alloc(arena, size);
        CHECK((uintptr_t)piece % alignof(max_align_t) == 0);
        for (size_t i = 0; i < size; i++)
            CHECK(piece[i] == 0);
        memset(piece, 0xff, size);
    }
}

TEST(pieces_do_not_overlap)
{
    enum {
        COUNT = 20000
    };
    uint32_t **pieces = arena_array(arena, COUNT, sizeof *pieces);
    for (uint32_t i = 0; i < COUNT; i++) {
        pieces[i] = arena_alloc(arena, sizeof(uint32_t) * (1 + i % 7));
        for (size_t k = 0; k < 1 + i % 7; k++)
            pieces[i][k] = i;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < 1 + i % 7; k++)
            CHECK(pieces[i][k] == i);
}

TEST(a_size_of_zero_gives_different_pieces)
{
    CHECK(arena_alloc(arena, 0) != arena_alloc(arena, 0));
}

TEST(a_large_piece_leaves_the_present_chunk_in_use)
{
    arena_alloc(arena, 16);
    size_t before = arena_size(arena);
    char *large = arena_alloc(arena, 4 * 1024 * 1024);
    large[4 * 1024 * 1024 - 1] = 1;
    size_t after = arena_size(arena);
    CHECK(after - before >= 4 * 1024 * 1024);
    CHECK(after - before < 4 * 1024 * 1024 + 256);
    arena_alloc(arena, 16);
    CHECK(arena_size(arena) == after);
}

TEST(a_first_piece_may_be_large)
{
    char *large = arena_array(arena, 1000, 1000);
    large[999999] = 1;
    char *small = arena_alloc(arena, 100);
    small[99] = 1;
    CHECK(large[999999] == 1);
}

TEST(what_was_made_ready_is_handed_out_whatever_the_size)
{
    enum {
        SIZE = 256 * 1024
    };
    memset(arena_alloc(arena, 100), 0xff, 100);
    arena_ready(arena, SIZE);
    size_t taken = arena_size(arena);
    for (size_t size = SIZE / 2; size >= 1024; size /= 2) {
        unsigned char *piece = arena_alloc(arena, size - 64);
        for (size_t i = 0; i < size - 64; i++)
            CHECK(piece[i] == 0);
        memset(piece, 0xff, size - 64);
    }
    CHECK_INT(arena_size(arena), taken);
    unsigned char *more = arena_alloc(arena, SIZE);
    CHECK(more[0] == 0 && more[SIZE - 1] == 0 && arena_size(arena) > taken);
}

TEST(closing_nothing_is_fine)
{
    arena_close(NULL);
}

TAP_MAIN
