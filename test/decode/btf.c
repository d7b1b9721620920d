#include "decode/btf.h"

#include "tap.h"

#include "base/buf.h"
#include "decode/sample.h"

// Type information of a make-believe kernel; types are numbered from 1 in the order in which they are added.
struct kernel {
    struct buf types;
    struct buf names;
};

enum {
    INT = 1,
    PTR = 2,
    ARRAY = 3,
    STRUCT = 4,
    UNION = 5,
    FUNC_PROTO = 13,
    FLAG = 32
};

static void
add_u32(struct buf *out, uint32_t number)
{
    buf_add(out, (struct str){(const char *)&number, sizeof number});
}

static uint32_t
add_name(struct kernel *kernel, const char *name)
{
    uint32_t at = name[0] ? (uint32_t)kernel->names.len : 0;
    if (name[0])
        buf_add(&kernel->names, (struct str){name, strlen(name) + 1});
    return at;
}

static void
add_type(struct kernel *kernel, const char *name, unsigned kind, unsigned elements, uint32_t size)
{
    add_u32(&kernel->types, add_name(kernel, name));
    add_u32(&kernel->types, (kind & 31) << 24 | (uint32_t)(kind & FLAG ? 1u << 31 : 0) | elements);
    add_u32(&kernel->types, size);
}

static void
add_member(struct kernel *kernel, const char *name, uint32_t type, uint32_t bits)
{
    add_u32(&kernel->types, add_name(kernel, name));
    add_u32(&kernel->types, type);
    add_u32(&kernel->types, bits);
}

static struct kernel
begin(struct arena *arena)
{
    struct kernel kernel = {.types.arena = arena, .names.arena = arena};
    buf_add_byte(&kernel.names, '\0');
    return kernel;
}

static struct str
end(struct arena *arena, struct kernel *kernel)
{
    struct buf out = {.arena = arena};
    add_u32(&out, 0x0001EB9F);
    add_u32(&out, 24);
    add_u32(&out, 0);
    add_u32(&out, (uint32_t)kernel->types.len);
    add_u32(&out, (uint32_t)kernel->types.len);
    add_u32(&out, (uint32_t)kernel->names.len);
    buf_add(&out, buf_str(&kernel->types));
    buf_add(&out, buf_str(&kernel->names));
    return buf_str(&out);
}

// A file with a pointer, an unnamed union with an unnamed structure in it, and bit fields.
static struct str
small(struct arena *arena)
{
    struct kernel kernel = begin(arena);
    add_type(&kernel, "long", INT, 0, 8);
    add_u32(&kernel.types, 64);
    add_type(&kernel, "", PTR, 0, 0);
    add_type(&kernel, "", STRUCT, 2, 16);
    add_member(&kernel, "inner_a", 1, 0);
    add_member(&kernel, "inner_b", 1, 64);
    add_type(&kernel, "", UNION, 2, 16);
    add_member(&kernel, "either", 1, 0);
    add_member(&kernel, "", 3, 0);
    add_type(&kernel, "file", STRUCT, 3, 32);
    add_member(&kernel, "f_op", 2, 0);
    add_member(&kernel, "", 4, 64);
    add_member(&kernel, "f_inode", 2, 192);
    add_type(&kernel, "flags", STRUCT | FLAG, 3, 8);
    add_member(&kernel, "plain", 1, 0);
    add_member(&kernel, "four", 1, 4u << 24 | 35);
    add_member(&kernel, "one", 1, 1u << 24 | 39);
    return end(arena, &kernel);
}

static struct btf_wish
wish_of(struct arena *arena, struct str bytes, const char *type, const char *member)
{
    struct btf_wish wish = {.type = type, .member = member};
    CHECK(btf_find(arena, bytes, &wish, 1));
    return wish;
}

TEST(member_is_found_with_its_offset)
{
    struct btf_wish wish = wish_of(arena, small(arena), "file", "f_inode");
    CHECK(wish.found);
    CHECK_INT(wish.offset, 24);
    CHECK_INT(wish.size, 32);
    CHECK_INT(wish.bits, 0);
}

TEST(structure_alone_gives_its_size)
{
    struct btf_wish wish = wish_of(arena, small(arena), "file", NULL);
    CHECK(wish.found);
    CHECK_INT(wish.size, 32);
}

TEST(members_of_unnamed_structures_count_as_the_outer_ones)
{
    CHECK_INT(wish_of(arena, small(arena), "file", "either").offset, 8);
    CHECK_INT(wish_of(arena, small(arena), "file", "inner_a").offset, 8);
    CHECK_INT(wish_of(arena, small(arena), "file", "inner_b").offset, 16);
}

TEST(bit_fields_are_told_to_the_bit)
{
    struct btf_wish four = wish_of(arena, small(arena), "flags", "four");
    struct btf_wish one = wish_of(arena, small(arena), "flags", "one");
    CHECK_INT(four.offset, 4);
    CHECK_INT(four.bit, 3);
    CHECK_INT(four.bits, 4);
    CHECK_INT(one.offset, 4);
    CHECK_INT(one.bit, 7);
    CHECK_INT(one.bits, 1);
}

TEST(what_is_not_there_stays_not_found)
{
    CHECK(!wish_of(arena, small(arena), "file", "f_count").found);
    CHECK(!wish_of(arena, small(arena), "fil", NULL).found);
    CHECK(!wish_of(arena, small(arena), "file_lock", NULL).found);
    CHECK(!wish_of(arena, small(arena), "long", NULL).found);
}

TEST(several_wishes_are_looked_up_at_once)
{
    struct btf_wish wishes[] = {
        {.type = "flags", .member = "plain"}, {.type = "file", .member = "f_op"}, {.type = "none", .member = "f_op"}};
    CHECK(btf_find(arena, small(arena), wishes, 3));
    CHECK(wishes[0].found && wishes[1].found && !wishes[2].found);
}

TEST(of_two_structures_with_one_name_the_one_that_has_the_member_counts)
{
    struct kernel kernel = begin(arena);
    add_type(&kernel, "long", INT, 0, 8);
    add_u32(&kernel.types, 64);
    add_type(&kernel, "net", STRUCT, 1, 8);
    add_member(&kernel, "other", 1, 0);
    add_type(&kernel, "net", STRUCT, 2, 16);
    add_member(&kernel, "other", 1, 0);
    add_member(&kernel, "ns", 1, 64);
    struct str bytes = end(arena, &kernel);
    CHECK_INT(wish_of(arena, bytes, "net", "ns").offset, 8);
    CHECK_INT(wish_of(arena, bytes, "net", "ns").size, 16);
}

TEST(types_with_high_numbers_are_found)
{
    struct kernel kernel = begin(arena);
    for (int i = 0; i < 300; i++) {
        add_type(&kernel, "", FUNC_PROTO, 1, 0);
        add_u32(&kernel.types, 0);
        add_u32(&kernel.types, 0);
    }
    add_type(&kernel, "", UNION, 1, 8);
    add_member(&kernel, "deep", 1, 0);
    add_type(&kernel, "outer", STRUCT, 1, 24);
    add_member(&kernel, "", 301, 128);
    CHECK_INT(wish_of(arena, end(arena, &kernel), "outer", "deep").offset, 16);
}

TEST(structure_that_holds_itself_ends)
{
    struct kernel kernel = begin(arena);
    add_type(&kernel, "loop", STRUCT, 3, 8);
    add_member(&kernel, "", 1, 0);
    add_member(&kernel, "", 1, 0);
    add_member(&kernel, "", 77, 0);
    CHECK(!wish_of(arena, end(arena, &kernel), "loop", "x").found);
}

TEST(nest_that_explodes_is_given_up)
{
    struct kernel kernel = begin(arena);
    struct btf_wish wish = {.type = "loop", .member = "x"};
    add_type(&kernel, "loop", STRUCT, 40, 8);
    for (int i = 0; i < 40; i++)
        add_member(&kernel, "", 1, 0);
    CHECK(!btf_find(arena, end(arena, &kernel), &wish, 1));
    CHECK(!wish.found);
}

TEST(bytes_that_are_cut_short_are_refused)
{
    struct str bytes = small(arena);
    for (size_t len = 0; len < bytes.len; len++) {
        struct btf_wish wish = {.type = "file", .member = "f_inode"};
        char *cut = sample_cut(bytes, len);
        bool good = btf_find(arena, (struct str){cut, len}, &wish, 1);
        free(cut);
        CHECK(!good);
    }
}

TEST(headers_of_other_things_are_refused)
{
    struct btf_wish wish = {.type = "file", .member = "f_inode"};
    static const size_t places[] = {0, 1, 2, 4, 8, 9, 12, 16, 17, 20, 21};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct str bytes = small(arena);
        char *changed = arena_alloc(arena, bytes.len);
        memcpy(changed, bytes.ptr, bytes.len);
        changed[places[i]] ^= 3;
        bool good = btf_find(arena, (struct str){changed, bytes.len}, &wish, 1) && wish.found;
        CHECK(!good || places[i] == 16 || places[i] == 8);
    }
}

TEST(kinds_that_are_not_known_are_refused)
{
    for (unsigned kind = 0; kind < 32; kind++) {
        struct kernel kernel = begin(arena);
        struct btf_wish wish = {.type = "x", .member = "y"};
        add_type(&kernel, "", kind, 0, 0);
        for (int i = 0; i < 3; i++)
            add_u32(&kernel.types, 0x01000000);
        bool good = btf_find(arena, end(arena, &kernel), &wish, 1);
        CHECK(!good || (kind > 0 && kind < 20));
    }
}

TAP_MAIN
