#include "decode/address.h"

#include "tap.h"

static struct address
parsed(const char *text)
{
    struct address address = {0};
    CHECK(address_parse(str_of(text), &address));
    return address;
}

static bool
refused(const char *text)
{
    struct address address;
    return !address_parse(str_of(text), &address);
}

TEST(addresses_are_written_as_rfc_5952_says)
{
    static const struct {
        const char *read;
        const char *written;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"0:0:1:1:1:1:0:0", "::1:1:1:1:0:0"},
        {"::ffff:127.0.0.1", "::ffff:127.0.0.1"},
        {"::ffff:7f00:1", "::ffff:127.0.0.1"},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
        {"fe80::1%3", "fe80::1%3"},
        {"fe80::%4294967295", "fe80::%4294967295"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str written = address_format(arena, parsed(cases[i].read));
        CHECK_STR(written, cases[i].written);
        CHECK(address_equal(parsed(str_c(arena, written)), parsed(cases[i].read)));
    }
}

TEST(what_is_no_address_is_refused)
{
    static const char *const cases[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        "+1.2.3.4",
        "1.2.3.1234",
        "localhost",
        ":",
        ":::",
        "1:",
        ":1",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "12345::",
        "g::",
        "1:2:3:4:5:6:7:8:9",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "[::1]",
        "::1%",
        "::1%0",
        "::1%lo",
        "::1%-1",
        "::1%4294967296",
        "1.2.3.4%1",
        "1.2.3.4::",
        "::1.2.3",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1:2:3:4:5:6:1.2.3.4",
        "1::2:",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!refused(cases[i]))
            printf("# taken: «%s»\n", cases[i]);
        CHECK(refused(cases[i]));
    }
    CHECK(!address_parse((struct str){"::1\0", 4}, &(struct address){0}));
}

TEST(a_port_stands_behind_brackets_only_for_ipv6)
{
    CHECK_STR(address_format_port(arena, parsed("0.0.0.0"), 8080), "0.0.0.0:8080");
    CHECK_STR(address_format_port(arena, parsed("::"), 8080), "[::]:8080");
    CHECK_STR(address_format_port(arena, parsed("fe80::1%2"), 65535), "[fe80::1%2]:65535");
    CHECK_STR(address_format_port(arena, parsed("::ffff:10.0.0.1"), 0), "[::ffff:10.0.0.1]:0");
    CHECK_STR(address_format(arena, address_any(FAMILY_NONE)), "");
}

TEST(loopback_any_mapped_and_link_local_are_known)
{
    CHECK(address_is_any(parsed("0.0.0.0")) && address_is_any(parsed("::")));
    CHECK(!address_is_any(parsed("::1")) && !address_is_any(address_any(FAMILY_NONE)));
    CHECK(!address_is_any(parsed("::ffff:0.0.0.0")));
    CHECK(address_is_loopback(parsed("127.0.0.1")) && address_is_loopback(parsed("127.255.0.3")));
    CHECK(address_is_loopback(parsed("::1")) && address_is_loopback(parsed("::ffff:127.0.0.1")));
    CHECK(address_is_loopback(parsed("::1%1")));
    CHECK(!address_is_loopback(parsed("128.0.0.1")) && !address_is_loopback(parsed("::2")));
    CHECK(!address_is_loopback(parsed("::ffff:10.0.0.1")) && !address_is_loopback(address_any(FAMILY_NONE)));
    CHECK(address_is_mapped(parsed("::ffff:10.1.2.3"), NULL));
    struct address inner;
    CHECK(address_is_mapped(parsed("::ffff:10.1.2.3"), &inner));
    CHECK(address_equal(inner, parsed("10.1.2.3")));
    CHECK(!address_is_mapped(parsed("10.1.2.3"), NULL) && !address_is_mapped(parsed("::10.1.2.3"), NULL));
    CHECK(address_is_link_local(parsed("169.254.0.1")) && address_is_link_local(parsed("fe80::1")));
    CHECK(address_is_link_local(parsed("febf::1")) && !address_is_link_local(parsed("fec0::1")));
    CHECK(!address_is_link_local(parsed("10.0.0.1")) && !address_is_link_local(address_any(FAMILY_NONE)));
}

TEST(equal_addresses_have_family_bytes_and_scope_in_common)
{
    CHECK(address_equal(parsed("127.0.0.1"), address_loopback(FAMILY_IPV4)));
    CHECK(address_equal(parsed("::1"), address_loopback(FAMILY_IPV6)));
    CHECK(address_equal(address_any(FAMILY_NONE), address_loopback(FAMILY_NONE)));
    CHECK(!address_equal(parsed("0.0.0.0"), parsed("::")));
    CHECK(!address_equal(parsed("fe80::1%2"), parsed("fe80::1%3")));
    CHECK(!address_equal(parsed("::1"), parsed("::2")));
    struct address dirty = parsed("10.0.0.1");
    dirty.bytes[9] = 1;
    CHECK(address_equal(dirty, address_ipv4(10, 0, 0, 1)));
}

TAP_MAIN
