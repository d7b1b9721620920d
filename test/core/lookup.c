#include "core/lookup.h"

#include "tap.h"

TEST(empty_lookup_finds_nothing)
{
    struct lookup lookup = {.arena = arena};
    CHECK_INT(lookup_find(&lookup, 0), (long long)SIZE_MAX);
}

TEST(many_keys_are_found_again)
{
    struct lookup lookup = {.arena = arena};
    for (size_t i = 0; i < 5000; i++)
        lookup_add(&lookup, (uint64_t)i << 40, i);
    for (size_t i = 0; i < 5000; i++)
        CHECK_INT(lookup_find(&lookup, (uint64_t)i << 40), i);
    CHECK(lookup_find(&lookup, 1) == SIZE_MAX);
}

TEST(key_gives_all_its_values_newest_first)
{
    struct lookup lookup = {.arena = arena};
    size_t cursor = 0;
    size_t value = 0;
    for (size_t i = 0; i < 300; i++)
        lookup_add(&lookup, i % 3, i);
    for (size_t i = 0; i < 100; i++) {
        CHECK(lookup_next(&lookup, 1, &cursor, &value));
        CHECK_INT(value % 3, 1);
    }
    CHECK(!lookup_next(&lookup, 1, &cursor, &value));
}

TAP_MAIN
