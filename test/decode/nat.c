#include "decode/nat.h"

#include "netfilter.h"
#include "tap.h"

static struct str
lines_of(struct arena *arena, const struct nat_match *match)
{
    struct redirect_list list = {.count = 0};
    struct nat_target target = {.to_port = 1};
    nat_add(arena, match, &target, STR("test"), STR("rule"), &list);
    return netfilter_lines(arena, list.items, list.count);
}

TEST(two_protocols_that_exclude_each_other_let_nothing_pass)
{
    struct nat_match match = {.empty = false};
    nat_match_protocol(&match, 6, true);
    CHECK_STR(lines_of(arena, &match), "tcp rule 1-65535 to port 1\n");
    nat_match_protocol(&match, 17, false);
    CHECK(!match.empty);
    nat_match_protocol(&match, 17, true);
    CHECK(match.empty);
    CHECK_STR(lines_of(arena, &match), "");
    match = (struct nat_match){.empty = false};
    nat_match_protocol(&match, 1, false);
    CHECK_STR(lines_of(arena, &match), "tcp rule 1-65535 to port 1\nudp rule 1-65535 to port 1\n");
    nat_match_protocol(&match, 132, true);
    CHECK(match.empty);
}

TEST(families_that_exclude_each_other_let_nothing_pass)
{
    struct nat_match match = {.no_udp = true};
    nat_match_family(&match, FAMILY_IPV4, false);
    CHECK_STR(lines_of(arena, &match), "tcp rule 1-65535 for IPv6 to port 1\n");
    nat_match_family(&match, FAMILY_IPV4, true);
    CHECK(match.empty);
    match = (struct nat_match){.family = FAMILY_IPV6};
    nat_match_address(&match, address_ipv4(1, 2, 3, 4), 32, true);
    CHECK(match.empty);
}

TEST(ranges_of_ports_are_cut_with_each_other)
{
    struct nat_match match = {.no_udp = true};
    struct nat_range items[] = {{30, 40}, {9, 3}, {10, 20}, {15, 17}, {18, 29}, {100, 200}};
    struct nat_ranges ranges = {.items = items, .count = 6, .capacity = 6};
    nat_match_ports(arena, &match, &ranges, true);
    CHECK_STR(lines_of(arena, &match), "tcp rule 10-40 to port 1\ntcp rule 100-200 to port 1\n");
    nat_match_port_range(arena, &match, 20, 150, true);
    CHECK_STR(lines_of(arena, &match), "tcp rule 20-40 to port 1\ntcp rule 100-150 to port 1\n");
    nat_match_port_range(arena, &match, 30, 120, false);
    CHECK_STR(lines_of(arena, &match), "tcp rule 20-29 to port 1\ntcp rule 121-150 to port 1\n");
    nat_match_port_range(arena, &match, 0, 65535, false);
    CHECK(match.empty);
}

TEST(the_narrower_of_two_addresses_counts)
{
    struct nat_match match = {.no_udp = true};
    nat_match_address(&match, address_ipv4(10, 1, 0, 0), 16, true);
    CHECK_STR(lines_of(arena, &match), "tcp rule 1-65535 for 10.1.0.0/16 to port 1\n");
    nat_match_address(&match, address_ipv4(10, 0, 0, 0), 8, true);
    nat_match_address(&match, address_ipv4(10, 1, 2, 3), 32, true);
    CHECK_STR(lines_of(arena, &match), "tcp rule 1-65535 for 10.1.2.3 to port 1\n");
    nat_match_address(&match, address_ipv4(10, 1, 2, 3), 0, true);
    nat_match_address(&match, address_ipv4(10, 1, 2, 0), 24, true);
    CHECK(!match.empty);
    nat_match_address(&match, address_ipv4(10, 1, 2, 4), 32, true);
    CHECK(match.empty);
}

TEST(an_avoided_prefix_takes_its_addresses_out)
{
    struct nat_match match = {.no_udp = true};
    nat_match_address(&match, address_ipv4(127, 0, 0, 0), 8, false);
    CHECK_STR(lines_of(arena, &match), "tcp rule 1-65535 for IPv4 to port 1 partial\n");
    struct nat_match other = match;
    nat_match_address(&other, address_ipv4(127, 0, 0, 1), 32, true);
    CHECK(other.empty);
    nat_match_address(&match, address_ipv4(10, 0, 0, 1), 32, true);
    CHECK(!match.empty);
    nat_match_address(&match, address_ipv4(10, 0, 0, 0), 8, false);
    CHECK(match.empty);
    match = (struct nat_match){.no_udp = true};
    nat_match_address(&match, address_ipv4(0, 0, 0, 0), 0, false);
    CHECK(match.empty);
}

TEST(one_rule_from_two_hooks_is_told_once)
{
    struct redirect_list list = {.count = 0};
    struct nat_match match = {.no_udp = true};
    struct nat_target target = {.to_port = 1};
    nat_add(arena, &match, &target, STR("test"), STR("rule"), &list);
    match.local_output = true;
    nat_add(arena, &match, &target, STR("test"), STR("rule"), &list);
    CHECK_STR(netfilter_lines(arena, list.items, list.count), "tcp rule 1-65535 to port 1 output\n");
    nat_add(arena, &match, &target, STR("test"), STR("other"), &list);
    CHECK_INT(list.count, 2);
}

TEST(redirects_have_a_limit)
{
    struct redirect_list list = {.count = 0};
    struct nat_match match = {.no_udp = true};
    for (unsigned i = 0; i < 5000; i++) {
        struct nat_target target = {.to_port = (uint16_t)i};
        nat_add(arena, &match, &target, STR("test"), STR("rule"), &list);
    }
    CHECK_INT(list.count, 4096);
}

TEST(port_0_is_none)
{
    struct nat_match match = {.no_udp = true};
    nat_match_port_range(arena, &match, 0, 3, true);
    CHECK_STR(lines_of(arena, &match), "tcp rule 1-3 to port 1\n");
    nat_match_port_range(arena, &match, 0, 0, true);
    CHECK_STR(lines_of(arena, &match), "");
}

TEST(a_mask_with_holes_is_no_prefix)
{
    unsigned prefix;
    CHECK(nat_prefix((const uint8_t *)"\377\360", 2, &prefix));
    CHECK_INT(prefix, 12);
    CHECK(nat_prefix((const uint8_t *)"\0\0", 2, &prefix));
    CHECK_INT(prefix, 0);
    CHECK(nat_prefix((const uint8_t *)"\377\377", 2, &prefix));
    CHECK_INT(prefix, 16);
    CHECK(!nat_prefix((const uint8_t *)"\360\377", 2, &prefix));
}

TAP_MAIN
