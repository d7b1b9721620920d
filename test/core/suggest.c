#include "core/suggest.h"

#include <stdio.h>

#include "base/buf.h"
#include "sys/fake_host.h"
#include "tap.h"

enum {
    WANTED = 3,
};

static void
add_range(struct arena *arena, struct host *host, enum range_kind kind, uint16_t first, uint16_t last)
{
    struct port_range *range = LIST_ADD(arena, &host->ranges);
    range->kind = kind;
    range->any_protocol = true;
    range->first = first;
    range->last = last;
}

// A Linux host as it usually is.
static struct host
usual_host(struct arena *arena)
{
    struct host host = {.ipv6 = true};
    add_range(arena, &host, RANGE_PRIVILEGED, 1, 1023);
    add_range(arena, &host, RANGE_DYNAMIC, 32768, 60999);
    CHECK(fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"ipv6\": true}"), NULL));
    return host;
}

static void
add_listener(struct arena *arena, struct host *host, enum protocol protocol, uint16_t port)
{
    struct socket_row *row = LIST_ADD(arena, &host->sockets);
    row->protocol = protocol;
    row->local = address_any(FAMILY_IPV4);
    row->local_port = port;
}

// The suggested ports, blank between.
static struct str
suggested(struct arena *arena, const struct host *host, enum protocol protocol, uint16_t port)
{
    struct buf out = {.arena = arena};
    uint16_t ports[WANTED] = {0};
    size_t count = suggest_ports(host, protocol, port, ports, WANTED);

    for (size_t i = 0; i < count; i++)
        buf_addf(&out, i > 0 ? " %u" : "%u", (unsigned)ports[i]);
    return buf_str(&out);
}

TEST(the_next_wise_ports_are_suggested)
{
    struct host host = usual_host(arena);
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "8081 8082 8083");
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 3000), "3001 3002 3003");
    CHECK_STR(suggested(arena, &host, PROTOCOL_UDP, 5353), "5354 5356 5357");
}

TEST(ports_that_the_system_knows_to_be_unused_are_suggested_without_any_row)
{
    struct host host = usual_host(arena);
    uint16_t ports[WANTED];

    CHECK(fake_host_load(
        STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"ipv6\": true, \"sockets\": ["
            "{\"protocol\": \"tcp\", \"local\": \"0.0.0.0:8081\", \"state\": \"LISTEN\"}]}"),
        NULL));
    CHECK_INT(suggest_unused(&host, PROTOCOL_TCP, 8080, ports, WANTED), WANTED);
    CHECK(ports[0] == 8082 && ports[1] == 8083 && ports[2] == 8084);
    CHECK_INT(suggest_unused(&host, PROTOCOL_TCP, 80, ports, 1), 1);
    CHECK_INT(ports[0], 8082);
    // In the dynamic range there is none, behind it there are.
    CHECK_INT(suggest_unused(&host, PROTOCOL_TCP, 40000, ports, 1), 1);
    CHECK_INT(ports[0], 61000);
    CHECK_INT(suggest_unused(&host, PROTOCOL_TCP, 65535, ports, 1), 0);
}

TEST(taken_default_and_blocked_ports_are_passed_over)
{
    struct host host = usual_host(arena);
    add_listener(arena, &host, PROTOCOL_TCP, 8081);
    add_listener(arena, &host, PROTOCOL_MPTCP, 8082);
    add_listener(arena, &host, PROTOCOL_UDP, 8083);
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "8083 8084 8085");
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 5999), "6001 6002 6003");
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 6664), "6670 6671 6672");
}

TEST(other_protocols_ranges_do_not_matter)
{
    struct host host = usual_host(arena);
    add_range(arena, &host, RANGE_EXCLUDED, 8081, 8180);
    host.ranges.items[2].any_protocol = false;
    host.ranges.items[2].protocol = PROTOCOL_TCP;
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "8181 8182 8183");
    CHECK_STR(suggested(arena, &host, PROTOCOL_UDP, 8080), "8081 8082 8083");
}

TEST(privileged_ports_lead_to_their_high_cousins)
{
    struct host host = usual_host(arena);
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 80), "8081 8082 8083");
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 443), "8444 8445 8446");
}

TEST(a_port_of_the_dynamic_range_leads_out_of_it)
{
    struct host host = usual_host(arena);
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 40000), "61000 61001 61002");
}

TEST(behind_the_last_port_the_way_goes_down)
{
    struct host host = usual_host(arena);
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 65534), "65535 65533 65532");
}

TEST(what_cannot_be_bound_is_not_suggested)
{
    struct host host = usual_host(arena);
    CHECK(
        fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"ipv6\": true, \"sockets\": "
                           "[{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:8081\"}]}"),
                       NULL));
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "8082 8083 8084");
}

TEST(no_more_than_32_binds_are_made)
{
    struct host host = usual_host(arena);
    fake_host_fail_each("bind_probe", ERR_NOT_ALLOWED);
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "");
    CHECK_INT(fake_host_calls("bind_probe"), 32);
    fake_host_fail_each("bind_probe", ERR_NONE);
}

TEST(a_host_without_ipv6_is_asked_for_ipv4)
{
    struct host host = usual_host(arena);
    host.ipv6 = false;
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "8081 8082 8083");
}

TEST(where_nothing_is_left_nothing_is_suggested)
{
    struct host host = usual_host(arena);
    add_range(arena, &host, RANGE_RESERVED, 1024, 65535);
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "");
}

TEST(a_dynamic_range_that_begins_low_is_not_avoided)
{
    struct host host = usual_host(arena);
    for (size_t i = 0; i < host.ranges.count; i++)
        if (host.ranges.items[i].kind == RANGE_DYNAMIC) {
            host.ranges.items[i].first = 1024;
            host.ranges.items[i].last = 65535;
        }
    CHECK_STR(suggested(arena, &host, PROTOCOL_TCP, 8080), "8081 8082 8083");
}

TAP_MAIN
