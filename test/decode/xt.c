#include "decode/xt.h"

#include "netfilter.h"
#include "tap.h"

static struct nat_match
match_of(struct arena *arena, const char *name, unsigned revision, struct str info)
{
    struct nat_match match = {.empty = false};
    xt_match(arena, str_of(name), revision, info, &match);
    return match;
}

TEST(a_match_that_is_too_short_is_partial)
{
    CHECK(match_of(arena, "tcp", 0, STR("12345678901")).partial);
    CHECK(match_of(arena, "udp", 0, STR("123456789")).partial);
    CHECK(match_of(arena, "multiport", 1, STR("1")).partial);
    CHECK(match_of(arena, "addrtype", 1, STR("1234567")).partial);
}

TEST(a_match_that_is_not_known_is_partial)
{
    CHECK(match_of(arena, "statistic", 0, STR("")).partial);
    CHECK(!match_of(arena, "comment", 0, STR("")).partial);
}

TEST(a_list_of_ports_of_an_unknown_form_is_partial)
{
    char info[48] = {1, 16};
    CHECK(match_of(arena, "multiport", 1, (struct str){info, sizeof info}).partial);
    info[1] = 1;
    CHECK(match_of(arena, "multiport", 0, (struct str){info, sizeof info}).partial);
    info[0] = 2;
    CHECK(match_of(arena, "multiport", 1, (struct str){info, sizeof info}).partial);
}

TEST(a_range_that_begins_at_the_last_port_is_one_port)
{
    char info[48] = {1, 1};
    memcpy(info + 2, &(uint16_t){77}, 2);
    info[32] = 1;
    struct nat_match match = match_of(arena, "multiport", 1, (struct str){info, sizeof info});
    CHECK_INT(match.ports.count, 1);
    CHECK_INT(match.ports.items[0].first, 77);
    CHECK_INT(match.ports.items[0].last, 77);
}

TEST(the_type_of_an_address_has_two_forms)
{
    uint16_t types[6] = {0, 4};
    struct str info = {(const char *)types, sizeof types};
    CHECK(!match_of(arena, "addrtype", 0, info).empty);
    CHECK(!match_of(arena, "addrtype", 1, info).empty);
    types[2] = 2;
    CHECK(match_of(arena, "addrtype", 1, info).empty);
    types[2] = 0;
    types[4] = 1;
    CHECK(match_of(arena, "addrtype", 0, info).empty);
    types[1] = 8;
    CHECK(!match_of(arena, "addrtype", 0, info).empty);
    types[0] = 4;
    types[2] = 1;
    CHECK(match_of(arena, "addrtype", 0, info).partial);
}

TEST(targets_have_an_old_and_a_new_form)
{
    struct nat_target target;
    char info[44] = {1, 0, 0, 0, 3, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 1, 0, 80, 0, 80};
    CHECK(xt_target(STR("DNAT"), 0, FAMILY_IPV4, (struct str){info, 20}, &target));
    CHECK(address_equal(target.to, address_ipv4(10, 0, 0, 1)));
    CHECK_INT(target.to_port, 80);
    CHECK(!xt_target(STR("DNAT"), 0, FAMILY_IPV4, (struct str){info, 19}, &target));
    CHECK(!xt_target(STR("DNAT"), 2, FAMILY_IPV4, (struct str){info, 39}, &target));
    CHECK(!xt_target(STR("MASQUERADE"), 0, FAMILY_IPV4, (struct str){info, 20}, &target));
    info[0] = 0;
    CHECK(!xt_target(STR("REDIRECT"), 0, FAMILY_IPV4, (struct str){info, 20}, &target));
    CHECK(xt_target(STR("DNAT"), 2, FAMILY_IPV4, (struct str){info, 44}, &target));
    CHECK_INT(target.to.family, FAMILY_NONE);
}

TAP_MAIN
