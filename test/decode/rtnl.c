#include "decode/rtnl.h"

#include "decode/netlink.h"
#include "decode/sample.h"

static bool
find_link(struct str answer, const char *name, struct rtnl_link *out)
{
    while (rtnl_next_link(&answer, out)) {
        if (str_equal(out->name, str_of(name)))
            return true;
    }
    return false;
}

TEST(recorded_addresses_are_read)
{
    struct str answer = sample_read(arena, "addresses.bin");
    struct local_address local;
    struct buf found = {.arena = arena};
    size_t count = 0;
    while (rtnl_next_address(&answer, &local)) {
        struct str text = address_format(arena, local.address);
        buf_addf(&found, " %.*s/%u on %u;", STR_ARG(text), local.prefix, (unsigned)local.device);
        count++;
    }
    struct str all = buf_str(&found);
    CHECK_INT(count, 7);
    CHECK(str_find(all, STR(" 127.0.0.1/8 on 1;")) != SIZE_MAX);
    CHECK(str_find(all, STR(" ::1/128 on 1;")) != SIZE_MAX);
    CHECK(str_find(all, STR(" fe80::7%2/64 on 2;")) != SIZE_MAX);
    // Of a link between two ends, this end.
    CHECK(str_find(all, STR(" 10.1.1.1/32 on 4;")) != SIZE_MAX);
}

TEST(ports_of_recorded_tunnels_are_read)
{
    struct str answer = sample_read(arena, "links.bin");
    struct rtnl_link link;
    CHECK(find_link(answer, "lo", &link));
    CHECK(link.index == 1 && link.up && link.kind.len == 0 && link.port == 0);
    CHECK(find_link(answer, "vx0", &link));
    CHECK_STR(link.kind, "vxlan");
    CHECK(link.up && link.port == 4789 && link.family == FAMILY_IPV4);
    CHECK(find_link(answer, "vx6", &link));
    CHECK(link.port == 4790 && link.family == FAMILY_IPV6);
    CHECK(find_link(answer, "vxm", &link));
    CHECK(link.port == 4791 && link.family == FAMILY_NONE);
    CHECK(find_link(answer, "vxd", &link));
    CHECK(!link.up && link.port == 4792);
    CHECK(!find_link(answer, "vx", &link));
}

static void
add_be16(struct buf *out, uint16_t type, uint16_t number)
{
    char bytes[2] = {(char)(number >> 8), (char)(number & 0xff)};
    netlink_add_attribute(out, type, (struct str){bytes, 2});
}

static struct str
made_link(struct arena *arena, const char *kind, struct str data)
{
    struct buf info = {.arena = arena};
    struct buf link = {.arena = arena};
    netlink_add_attribute(&info, 1, str_of(kind));
    if (data.len)
        netlink_add_attribute(&info, 2, data);
    netlink_add_u32(&link, 0);
    netlink_add_u32(&link, 7);
    netlink_add_u32(&link, 1);
    netlink_add_u32(&link, 0);
    netlink_add_attribute(&link, 3, STR("tun"));
    netlink_add_attribute(&link, 18, buf_str(&info));
    return buf_str(&link);
}

TEST(kinds_that_were_not_recorded_are_read)
{
    struct buf data = {.arena = arena};
    struct rtnl_link link;
    add_be16(&data, 5, 6081);
    netlink_add_attribute(&data, 6, STR(""));
    CHECK(rtnl_parse_link(made_link(arena, "geneve", buf_str(&data)), &link));
    CHECK(link.index == 7 && link.port == 6081 && link.family == FAMILY_NONE);
    data.len = 0;
    add_be16(&data, 5, 6082);
    netlink_add_attribute(&data, 7, STR("0123456789abcdef"));
    CHECK(rtnl_parse_link(made_link(arena, "geneve", buf_str(&data)), &link));
    CHECK(link.port == 6082 && link.family == FAMILY_IPV6);
    data.len = 0;
    add_be16(&data, 5, 6083);
    CHECK(rtnl_parse_link(made_link(arena, "geneve", buf_str(&data)), &link));
    CHECK(link.port == 6083 && link.family == FAMILY_IPV4);
    data.len = 0;
    add_be16(&data, 1, 6635);
    CHECK(rtnl_parse_link(made_link(arena, "bareudp", buf_str(&data)), &link));
    CHECK(link.port == 6635 && link.family == FAMILY_NONE);
    CHECK(rtnl_parse_link(made_link(arena, "wireguard", STR("")), &link));
    CHECK_STR(link.kind, "wireguard");
    CHECK_INT(link.port, 0);
    // A port of one byte, and none.
    data.len = 0;
    netlink_add_attribute(&data, 5, STR("x"));
    CHECK(rtnl_parse_link(made_link(arena, "geneve", buf_str(&data)), &link) && link.port == 0);
    data.len = 0;
    netlink_add_attribute(&data, 99, STR("x"));
    CHECK(rtnl_parse_link(made_link(arena, "geneve", buf_str(&data)), &link) && link.port == 0);
}

TEST(bytes_cut_short_anywhere_are_harmless)
{
    struct str answer = sample_read(arena, "links.bin");
    struct rtnl_link link;
    struct local_address local;
    for (size_t len = 0; len <= answer.len; len++) {
        char *cut = sample_cut(answer, len);
        struct str rest = {cut, len};
        while (rtnl_next_link(&rest, &link))
            CHECK(link.name.len > 0);
        free(cut);
    }
    answer = sample_read(arena, "addresses.bin");
    struct netlink_message message;
    CHECK(netlink_next(&answer, &message));
    for (size_t len = 0; len <= message.payload.len; len++) {
        char *cut = sample_cut(message.payload, len);
        bool read = rtnl_parse_address((struct str){cut, len}, &local);
        free(cut);
        CHECK(!read || len >= 16);
    }
    CHECK(rtnl_parse_address(message.payload, &local));
}

TEST(an_address_of_the_wrong_size_or_family_is_none)
{
    struct buf buf = {.arena = arena};
    struct local_address local;
    netlink_add_u32(&buf, 2);
    netlink_add_u32(&buf, 1);
    netlink_add_attribute(&buf, 1, STR("sixteen bytes ..."));
    CHECK(!rtnl_parse_address(buf_str(&buf), &local));
    buf.len = 0;
    netlink_add_u32(&buf, 7);
    netlink_add_u32(&buf, 1);
    netlink_add_attribute(&buf, 1, STR("four"));
    CHECK(!rtnl_parse_address(buf_str(&buf), &local));
}

TEST(requests_ask_for_everything)
{
    struct buf buf = {.arena = arena};
    struct netlink_message message;
    rtnl_request_addresses(&buf, 3);
    rtnl_request_links(&buf, 4);
    struct str rest = buf_str(&buf);
    CHECK(netlink_next(&rest, &message) && message.type == 22 && message.flags == 0x301 && message.sequence == 3);
    CHECK_INT(message.payload.len, 8);
    CHECK(netlink_next(&rest, &message) && message.type == 18 && message.payload.len == 16);
}

TAP_MAIN
