#include "decode/registry.h"

#include "windows_data.h"

static void
add(struct arena *arena, struct registry_values *values, const char *name, const char *data)
{
    *LIST_ADD(arena, values) = (struct registry_value){str_of(name), windows_utf16(arena, data)};
}

TEST(rules_of_the_port_proxy_become_redirects)
{
    struct registry_values values = {0};
    struct host host = {0};

    add(arena, &values, "0.0.0.0/8080", "192.168.1.5/80");
    add(arena, &values, "*/81", "db.example/5432");
    add(arena, &values, "127.0.0.1/82", "::1/83");
    registry_read_portproxy(arena, STR("v4tov4"), &values, &host);
    values.count = 0;
    add(arena, &values, "fe80::1/84", "10.0.0.1/85");
    add(arena, &values, "host.example/86", "10.0.0.1/86");
    registry_read_portproxy(arena, STR("v6tov4"), &values, &host);
    CHECK_INT(host.redirects.count, 5);
    const struct redirect *rule = host.redirects.items;
    CHECK_STR(rule[0].rule, "v4tov4 0.0.0.0:8080 -> 192.168.1.5:80");
    CHECK(rule[0].first == 8080 && rule[0].last == 8080 && rule[0].to_port == 80 && rule[0].local_output);
    CHECK(rule[0].family == FAMILY_IPV4 && rule[0].protocol == PROTOCOL_TCP && !rule[0].partial);
    CHECK(rule[0].matched.family == FAMILY_NONE && address_equal(rule[0].to, address_ipv4(192, 168, 1, 5)));
    CHECK_STR(rule[0].source, "portproxy");
    CHECK_STR(rule[1].rule, "v4tov4 *:81 -> db.example:5432");
    CHECK(rule[1].to.family == FAMILY_NONE && rule[1].to_port == 5432 && rule[1].matched.family == FAMILY_NONE);
    CHECK_STR(rule[2].rule, "v4tov4 127.0.0.1:82 -> [::1]:83");
    CHECK(address_equal(rule[2].matched, address_ipv4(127, 0, 0, 1)));
    CHECK(rule[3].family == FAMILY_IPV6 && rule[3].matched.family == FAMILY_IPV6);
    CHECK(rule[4].partial && rule[4].matched.family == FAMILY_NONE);
}

TEST(values_that_are_no_rule_are_passed_over)
{
    static const char *const wrong[] = {"", "8080", "/8080", "0.0.0.0/", "0.0.0.0/x", "0.0.0.0/0", "0.0.0.0/65536"};
    struct registry_values values = {0};
    struct host host = {0};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        add(arena, &values, wrong[i], "10.0.0.1/80");
        add(arena, &values, "0.0.0.0/80", wrong[i]);
    }
    registry_read_portproxy(arena, STR("v4tov4"), &values, &host);
    CHECK_INT(host.redirects.count, 0);
}

TEST(values_are_kept_as_lines)
{
    struct registry_values values = {0};

    add(arena, &values, "http://+:80/", "a");
    add(arena, &values, "two\nlines", "a");
    add(arena, &values, "a\ttab", "a");
    *LIST_ADD(arena, &values) = (struct registry_value){STR("x"), {"\x01\xff", 2}};
    CHECK_STR(registry_write(arena, &values), "http://+:80/\t6100\nx\t01ff\n");
}

TAP_MAIN
