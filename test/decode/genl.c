#include "decode/genl.h"

#include "decode/netlink.h"
#include "decode/sample.h"

static void
add_u16(struct buf *out, uint16_t type, uint16_t number)
{
    netlink_add_attribute(out, type, (struct str){(const char *)&number, sizeof number});
}

static struct buf
payload(struct arena *arena)
{
    struct buf buf = {.arena = arena};
    netlink_add_u32(&buf, 0);
    return buf;
}

TEST(families_of_a_recorded_list_are_found)
{
    struct str answer = sample_read(arena, "families.bin");
    uint16_t type = 0;
    CHECK(genl_find_family(answer, STR("nlctrl"), &type));
    CHECK_INT(type, 16);
    CHECK(genl_find_family(answer, STR("ethtool"), &type) && type > 16);
    CHECK(!genl_find_family(answer, STR("wireguard"), &type));
    CHECK(!genl_find_family(answer, STR(""), &type));
    for (size_t len = 0; len <= answer.len; len++) {
        char *cut = sample_cut(answer, len);
        genl_find_family((struct str){cut, len}, STR("none of these"), &type);
        free(cut);
    }
}

TEST(a_wireguard_device_tells_its_port)
{
    uint16_t port;
    struct buf buf = payload(arena);
    netlink_add_attribute(&buf, 2, STR("wg0"));
    CHECK(!genl_parse_wireguard(buf_str(&buf), &port));
    add_u16(&buf, 6, 51820);
    CHECK(genl_parse_wireguard(buf_str(&buf), &port) && port == 51820);
    buf = payload(arena);
    add_u16(&buf, 6, 0);
    CHECK(!genl_parse_wireguard(buf_str(&buf), &port));
    CHECK(!genl_parse_wireguard(STR(""), &port));
}

TEST(a_fou_port_is_read_with_its_family)
{
    uint16_t port;
    enum family family;
    struct buf buf = payload(arena);
    netlink_add_attribute(&buf, 1, (struct str){"\x15\xb3", 2});
    CHECK(!genl_parse_fou(buf_str(&buf), &family, &port));
    netlink_add_attribute(&buf, 2, (struct str){"\x0a", 1});
    CHECK(genl_parse_fou(buf_str(&buf), &family, &port) && port == 5555 && family == FAMILY_IPV6);
    buf = payload(arena);
    netlink_add_attribute(&buf, 1, (struct str){"\x15\xb3", 2});
    netlink_add_attribute(&buf, 2, (struct str){"\x02", 1});
    CHECK(genl_parse_fou(buf_str(&buf), &family, &port) && family == FAMILY_IPV4);
    buf = payload(arena);
    netlink_add_attribute(&buf, 1, (struct str){"\x15\xb3", 2});
    netlink_add_attribute(&buf, 2, (struct str){"\x01", 1});
    CHECK(!genl_parse_fou(buf_str(&buf), &family, &port));
}

TEST(only_l2tp_tunnels_over_udp_have_a_port)
{
    uint16_t port;
    enum family family;
    struct buf buf = payload(arena);
    add_u16(&buf, 2, 0);
    add_u16(&buf, 26, 1701);
    CHECK(genl_parse_l2tp(buf_str(&buf), &family, &port) && port == 1701 && family == FAMILY_IPV4);
    netlink_add_attribute(&buf, 31, STR("0123456789abcdef"));
    CHECK(genl_parse_l2tp(buf_str(&buf), &family, &port) && family == FAMILY_IPV6);
    buf = payload(arena);
    add_u16(&buf, 2, 1);
    add_u16(&buf, 26, 1701);
    CHECK(!genl_parse_l2tp(buf_str(&buf), &family, &port));
}

TEST(requests_carry_command_and_device)
{
    struct buf buf = {.arena = arena};
    struct netlink_message message;
    struct str attributes;
    struct str value;
    uint8_t command;
    uint32_t device;
    genl_request_families(&buf, 1);
    genl_request_wireguard(&buf, 30, 9, 2);
    genl_request_fou(&buf, 31, 3);
    genl_request_l2tp(&buf, 32, 4);
    struct str rest = buf_str(&buf);
    CHECK(netlink_next(&rest, &message) && message.type == 16 && message.flags == 0x301);
    CHECK(netlink_u8(message.payload, 0, &command) && command == 3);
    CHECK(netlink_next(&rest, &message) && message.type == 30);
    attributes = message.payload;
    CHECK(netlink_skip(&attributes, 4) && netlink_find(attributes, 1, &value));
    CHECK(netlink_u32(value, 0, &device) && device == 9);
    CHECK(netlink_next(&rest, &message) && message.type == 31);
    CHECK(netlink_u8(message.payload, 0, &command) && command == 3);
    CHECK(netlink_next(&rest, &message) && message.type == 32 && message.sequence == 4);
    CHECK(netlink_u8(message.payload, 0, &command) && command == 4);
    CHECK(!netlink_next(&rest, &message));
}

TAP_MAIN
