#include "tap.h"

#include "base/map64.h"

TEST(empty_map_has_nothing)
{
    struct map64 map = {0};
    CHECK(!map64_get(&map, 0, NULL));
}

TEST(what_was_put_is_got_and_nothing_else)
{
    struct map64 map = {0};
    size_t value = 99;
    for (uint64_t key = 0; key < 1000; key++)
        map64_put(arena, &map, key * 4096, (size_t)key);
    CHECK_INT(map.count, 1000);
    for (uint64_t key = 0; key < 1000; key++) {
        CHECK(map64_get(&map, key * 4096, &value));
        CHECK_INT(value, key);
        CHECK(!map64_get(&map, key * 4096 + 1, NULL));
    }
}

TEST(second_value_of_a_key_replaces_the_first)
{
    struct map64 map = {0};
    size_t value = 0;
    map64_put(arena, &map, UINT64_MAX, 1);
    map64_put(arena, &map, UINT64_MAX, 2);
    CHECK_INT(map.count, 1);
    CHECK(map64_get(&map, UINT64_MAX, &value));
    CHECK_INT(value, 2);
}

TEST(reserved_map_holds_that_many_without_growing)
{
    struct map64 map;
    size_t value;
    map64_reserve(arena, &map, 1000);
    CHECK(!map64_get(&map, 1, NULL));
    const struct map64_slot *slots = map.slots;
    for (size_t i = 0; i < 1000; i++)
        map64_put(arena, &map, i, i + 1);
    CHECK(map.slots == slots);
    CHECK(map64_get(&map, 999, &value));
    CHECK_INT(value, 1000);
}

TAP_MAIN
