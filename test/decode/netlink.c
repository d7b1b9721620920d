#include "decode/netlink.h"

#include "decode/sample.h"

static struct str
one_message(struct arena *arena, uint16_t type, uint32_t code)
{
    struct buf buf = {.arena = arena};
    size_t start = netlink_begin(&buf, type, NETLINK_MULTI, 7);
    netlink_add_u32(&buf, code);
    netlink_end(&buf, start);
    return buf_str(&buf);
}

TEST(what_was_built_is_read_back)
{
    struct buf buf = {.arena = arena};
    size_t start = netlink_begin(&buf, 20, NETLINK_REQUEST | NETLINK_DUMP, 99);
    netlink_add_u8(&buf, 1);
    netlink_add_u8(&buf, 2);
    netlink_add_u16(&buf, 0x1234);
    netlink_add_attribute(&buf, 3, STR("abc"));
    netlink_add_attribute(&buf, 4 | 0x8000, STR("four"));
    netlink_add_attribute(&buf, 5, STR(""));
    netlink_end(&buf, start);
    start = netlink_begin(&buf, 21, 0, 100);
    netlink_add_be16(&buf, 8080);
    netlink_end(&buf, start);

    struct str rest = buf_str(&buf);
    struct netlink_message message;
    CHECK(netlink_next(&rest, &message));
    CHECK_INT(message.type, 20);
    CHECK_INT(message.flags, 0x301);
    CHECK_INT(message.sequence, 99);
    uint16_t number;
    CHECK(netlink_u16(message.payload, 2, &number) && number == 0x1234);
    struct str attributes = message.payload;
    CHECK(netlink_skip(&attributes, 4));
    struct str value;
    CHECK(netlink_find(attributes, 4, &value));
    CHECK_STR(value, "four");
    CHECK(netlink_find(attributes, 3, &value));
    CHECK_STR(value, "abc");
    CHECK(netlink_find(attributes, 5, &value) && value.len == 0);
    CHECK(!netlink_find(attributes, 6, &value));
    CHECK(netlink_next(&rest, &message));
    CHECK(netlink_be16(message.payload, 0, &number) && number == 8080);
    CHECK(!netlink_next(&rest, &message));
}

TEST(lengths_that_lie_end_the_reading)
{
    struct str message = one_message(arena, 20, 0);
    static const uint32_t lengths[] = {0, 1, 15, 21, 0xffffffff};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *cut = sample_cut(message, message.len);
        memcpy(cut, &lengths[i], sizeof lengths[i]);
        struct str rest = {cut, message.len};
        struct netlink_message read;
        bool more = netlink_next(&rest, &read);
        free(cut);
        CHECK(!more);
    }
    static const uint16_t attribute_lengths[] = {0, 3, 9, 0xffff};
    for (size_t i = 0; i < sizeof attribute_lengths / sizeof *attribute_lengths; i++) {
        char bytes[8] = {0};
        memcpy(bytes, &attribute_lengths[i], sizeof attribute_lengths[i]);
        struct str rest = {bytes, sizeof bytes};
        struct netlink_attribute attribute;
        CHECK(!netlink_next_attribute(&rest, &attribute));
    }
}

TEST(a_message_cut_short_anywhere_is_none)
{
    struct str message = one_message(arena, 20, 5);
    for (size_t len = 0; len <= message.len; len++) {
        char *cut = sample_cut(message, len);
        struct str rest = {cut, len};
        struct netlink_message read;
        bool more = netlink_next(&rest, &read);
        free(cut);
        CHECK_INT(more, len == message.len);
    }
}

TEST(the_last_message_needs_no_padding)
{
    char bytes[17] = {17};
    struct str rest = {bytes, sizeof bytes};
    struct netlink_message message;
    CHECK(netlink_next(&rest, &message) && message.payload.len == 1);
    CHECK(!netlink_next(&rest, &message));
}

TEST(error_codes_are_told)
{
    struct netlink_message message;
    struct str rest = one_message(arena, NETLINK_ERROR, (uint32_t)-2);
    CHECK(netlink_next(&rest, &message) && netlink_error(&message) == 2);
    rest = one_message(arena, NETLINK_DONE, (uint32_t)-22);
    CHECK(netlink_next(&rest, &message) && netlink_error(&message) == 22);
    rest = one_message(arena, NETLINK_DONE, 0);
    CHECK(netlink_next(&rest, &message) && netlink_error(&message) == 0);
    rest = one_message(arena, 20, (uint32_t)-2);
    CHECK(netlink_next(&rest, &message) && netlink_error(&message) == 0);
    message = (struct netlink_message){.type = NETLINK_ERROR};
    CHECK_INT(netlink_error(&message), 0);
}

TEST(numbers_behind_the_end_are_none)
{
    struct str three = {"\x01\x02\x03", 3};
    uint8_t u8 = 9;
    uint16_t u16 = 9;
    uint32_t u32 = 9;
    uint64_t u64 = 9;
    CHECK(netlink_u8(three, 2, &u8) && u8 == 3);
    CHECK(!netlink_u8(three, 3, &u8) && !netlink_u8(three, SIZE_MAX, &u8));
    CHECK(netlink_be16(three, 1, &u16) && u16 == 0x0203);
    CHECK(!netlink_u16(three, 2, &u16) && !netlink_be16(three, 2, &u16) && u16 == 0x0203);
    CHECK(!netlink_u32(three, 0, &u32) && !netlink_be32(three, 0, &u32) && u32 == 9);
    CHECK(!netlink_u64(three, 0, &u64) && u64 == 9);
    CHECK(netlink_be32((struct str){"\x01\x02\x03\xff", 4}, 0, &u32) && u32 == 0x010203ff);
    CHECK(!netlink_skip(&three, 4));
    CHECK(netlink_skip(&three, 3) && three.len == 0);
}

TEST(text_ends_at_its_nul)
{
    CHECK_STR(netlink_text((struct str){"lo\0x", 4}), "lo");
    CHECK_STR(netlink_text(STR("eth0")), "eth0");
    CHECK_STR(netlink_text(STR("")), "");
}

TAP_MAIN
