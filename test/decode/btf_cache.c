#include "decode/btf_cache.h"

#include "tap.h"

static const struct btf_wish samples[] = {
    {.type = "file", .member = "f_op", .found = true, .offset = 8, .size = 184},
    {.type = "file", .member = "f_count"},
    {.type = "flags", .member = "one", .found = true, .offset = 19, .bit = 4, .bits = 1, .size = 24},
    {.type = "udp_hslot", .found = true, .size = 16},
};

enum {
    COUNT = sizeof samples / sizeof *samples
};

static void
forget(struct btf_wish *wishes)
{
    for (size_t i = 0; i < COUNT; i++)
        wishes[i] = (struct btf_wish){.type = samples[i].type, .member = samples[i].member};
}

static struct str
sample(struct arena *arena)
{
    return btf_cache_write(arena, STR("ab12"), samples, COUNT);
}

TEST(what_was_written_is_read)
{
    struct btf_wish wishes[COUNT];
    forget(wishes);
    CHECK(btf_cache_read(arena, sample(arena), STR("ab12"), wishes, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_INT(wishes[i].found, samples[i].found);
        CHECK_INT(wishes[i].offset, samples[i].offset);
        CHECK_INT(wishes[i].bit, samples[i].bit);
        CHECK_INT(wishes[i].bits, samples[i].bits);
        CHECK_INT(wishes[i].size, samples[i].size);
    }
}

TEST(text_of_another_kernel_is_refused)
{
    struct btf_wish wishes[COUNT];
    forget(wishes);
    CHECK(!btf_cache_read(arena, sample(arena), STR("ab13"), wishes, COUNT));
    CHECK(!btf_cache_read(arena, sample(arena), STR("ab1"), wishes, COUNT));
}

TEST(text_of_other_wishes_is_refused)
{
    struct btf_wish wishes[COUNT];
    forget(wishes);
    wishes[1].member = "f_ref";
    CHECK(!btf_cache_read(arena, sample(arena), STR("ab12"), wishes, COUNT));
    forget(wishes);
    CHECK(!btf_cache_read(arena, sample(arena), STR("ab12"), wishes, COUNT - 1));
    struct btf_wish more[COUNT + 1];
    forget(more);
    more[COUNT] = (struct btf_wish){.type = "x"};
    CHECK(!btf_cache_read(arena, sample(arena), STR("ab12"), more, COUNT + 1));
}

TEST(text_that_was_cut_or_changed_is_refused)
{
    struct btf_wish wishes[COUNT];
    struct str good = sample(arena);
    for (size_t i = 0; i < good.len; i++) {
        forget(wishes);
        char *bytes = str_c(arena, good);
        bytes[i] ^= 1;
        CHECK(!btf_cache_read(arena, (struct str){bytes, good.len}, STR("ab12"), wishes, COUNT));
        CHECK(!btf_cache_read(arena, str_part(good, 0, i), STR("ab12"), wishes, COUNT));
    }
}

TEST(numbers_that_can_not_be_are_refused)
{
    struct btf_wish wishes[COUNT];
    struct btf_wish odd[COUNT];
    memcpy(odd, samples, sizeof odd);
    odd[0].bit = 8;
    forget(wishes);
    CHECK(!btf_cache_read(arena, btf_cache_write(arena, STR("k"), odd, COUNT), STR("k"), wishes, COUNT));
}

TAP_MAIN
