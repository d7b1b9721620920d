#include "core/pick.h"

#include <stdio.h>

#include "base/buf.h"
#include "core/known.h"
#include "decode/lease_record.h"
#include "sys/bind_probe.h"
#include "sys/clock.h"
#include "sys/fake_host.h"
#include "tap.h"

// A Linux host as it usually is.
#define HEAD                                                                                                        \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"uid\": 1000, \"boot_id\": \"one\", \"ipv6\": " \
    "true,"                                                                                                         \
    "\"time_ms\": 1700000000000, \"processes\": [{\"pid\": 7, \"started_ticks\": 70}, {\"pid\": 8, "                \
    "\"started_ticks\": 80}], \"ranges\": [{\"kind\": \"dynamic\", \"any_protocol\": true, \"first\": 32768, "      \
    "\"last\": 60999}, {\"kind\": \"privileged\", \"any_protocol\": true, \"first\": 1, \"last\": 1023}"

static void
load(const char *more)
{
    struct arena *arena = arena_open();
    struct err err = {0};
    if (!fake_host_load(str_printf(arena, HEAD "%s}", more), &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    arena_close(arena);
}

static const struct pick_wish nobody = {.lease = {.ttl_ms = LEASE_BRIEF_MS}};

static struct pick_wish
named(const char *name)
{
    return (struct pick_wish){.lease = {.name = str_of(name), .project = STR("/src/shop"), .lasting = true}};
}

static enum pick_outcome
pick(struct arena *arena, const struct pick_wish *wish, struct pick_result *result)
{
    struct host host;
    enum pick_outcome outcome;
    struct err err = {0};
    if (!pick_read_host(arena, &host, &err) || !pick_ports(arena, &host, wish, &outcome, result, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    return outcome;
}

// The port that was picked, 0 where none was.
static uint16_t
port_for(struct arena *arena, const struct pick_wish *wish)
{
    struct pick_result result;
    return pick(arena, wish, &result) == PICK_DONE ? result.leases.items[0].port : 0;
}

TEST(a_port_is_wise)
{
    load("]");
    for (int i = 0; i < 500; i++) {
        uint16_t port = port_for(arena, &nobody);
        CHECK(port >= 10000 && port <= 32767);
        CHECK(!known_is_blocked_by_browsers(port) && !known_is_default_port(PROTOCOL_TCP, port));
    }
}

TEST(no_port_is_picked_twice)
{
    bool seen[LEASE_PORTS] = {false};
    load("]");
    for (int i = 0; i < 300; i++) {
        uint16_t port = port_for(arena, &nobody);
        CHECK(port != 0 && !seen[port]);
        seen[port] = true;
    }
    // Half a minute later they may come again.
    struct pick_wish few = nobody;
    few.first = 61000;
    few.last = 61001;
    CHECK(port_for(arena, &few) && port_for(arena, &few));
    CHECK_INT(port_for(arena, &few), 0);
    clock_sleep_ms(LEASE_BRIEF_MS);
    CHECK(port_for(arena, &few));
}

TEST(a_name_gets_the_same_port_again)
{
    struct pick_wish web = named("web");
    struct pick_wish api = named("api");
    struct pick_wish other = named("web");
    struct pick_result result;
    other.lease.project = STR("/src/shop2");
    load("]");
    CHECK_INT(pick(arena, &web, &result), PICK_DONE);
    CHECK(!result.already);
    uint16_t port = result.leases.items[0].port;
    CHECK_INT(pick(arena, &web, &result), PICK_DONE);
    CHECK(result.already);
    CHECK_INT(result.leases.items[0].port, port);
    CHECK(port_for(arena, &api) != port);
    CHECK(port_for(arena, &other) != port);
    // The hash leads there without a book too.
    load("]");
    CHECK_INT(port_for(arena, &web), port);
    CHECK_INT(port % PICK_BLOCK, 0);
}

TEST(where_the_block_is_taken_the_next_port_is_it)
{
    struct pick_wish web = named("web");
    load("]");
    uint16_t port = port_for(arena, &web);
    load(str_printf(arena,
                    "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:%u\"},"
                    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::1]:%u\"},"
                    "{\"protocol\": \"udp\", \"state\": \"UNCONN\", \"local\": \"0.0.0.0:%u\"}]",
                    port, port + 1, port + 2)
             .ptr);
    CHECK_INT(port_for(arena, &web), port + 2);
}

TEST(several_at_once_are_all_or_none)
{
    struct pick_wish web = named("web");
    struct pick_result result;
    load("]");
    web.count = 3;
    CHECK_INT(pick(arena, &web, &result), PICK_DONE);
    CHECK_INT(result.leases.count, 3);
    CHECK_STR(result.leases.items[2].name, "web-3");
    CHECK_INT(result.leases.items[2].port, result.leases.items[0].port + 2);
    struct pick_wish many = nobody;
    many.count = 11;
    many.first = 20000;
    many.last = 20009;
    CHECK_INT(pick(arena, &many, &result), PICK_NONE);
    CHECK_INT(result.leases.count, 0);
    many.count = 10;
    CHECK_INT(pick(arena, &many, &result), PICK_DONE);
}

TEST(a_range_is_kept_to)
{
    struct pick_wish wish = nobody;
    struct pick_result result;
    load("]");
    wish.first = 3000;
    wish.last = 3010;
    uint16_t port = port_for(arena, &wish);
    CHECK(port >= 3001 && port <= 3010); // 3000 is what many take
    wish.first = 61234;
    wish.last = 61234;
    CHECK_INT(port_for(arena, &wish), 61234);
    CHECK_INT(pick(arena, &wish, &result), PICK_NONE);
    CHECK_STR(result.sentence, "no port of 61234-61234 is free and wise to use: 1 are kept by leases");
    wish.first = 40000;
    wish.last = 40009;
    CHECK_INT(pick(arena, &wish, &result), PICK_NONE);
    CHECK_STR(result.sentence,
              "no port of 40000-40009 is free and wise to use: 10 are dynamic (any client may be given them)");
    wish.first = 1;
    wish.last = 100;
    CHECK_INT(pick(arena, &wish, &result), PICK_NONE);
}

TEST(near_means_above_first)
{
    struct pick_wish wish = nobody;
    load("]");
    wish.beside = 8080;
    CHECK_INT(port_for(arena, &wish), 8081); // 8080 is what many take
    CHECK_INT(port_for(arena, &wish), 8082);
    wish.beside = 32767;
    CHECK_INT(port_for(arena, &wish), 32767);
    CHECK_INT(port_for(arena, &wish), 61000);
    wish.beside = 65535;
    CHECK_INT(port_for(arena, &wish), 65535);
    CHECK_INT(port_for(arena, &wish), 65534);
    wish.beside = 500;
    wish.first = 400;
    wish.last = 600;
    CHECK_INT(port_for(arena, &wish), 0);
}

TEST(other_systems_have_other_dynamic_ranges)
{
    struct pick_wish wish = nobody;
    struct pick_result result;
    load("]");
    wish.beside = 61000;
    CHECK_INT(port_for(arena, &wish), 61000);
    wish.targets = PICK_TARGET_WINDOWS | PICK_TARGET_MACOS;
    CHECK_INT(port_for(arena, &wish), 32767);
    wish.targets = PICK_TARGET_LINUX;
    CHECK(port_for(arena, &wish) > 61000);
    wish.targets = PICK_TARGET_MACOS;
    wish.beside = 0;
    wish.first = 61000;
    wish.last = 61009;
    CHECK_INT(pick(arena, &wish, &result), PICK_NONE);
    CHECK(str_find(result.sentence, STR("on a system they are wanted for")) != SIZE_MAX);
}

TEST(ranges_of_the_protocol_count)
{
    struct pick_wish tcp = nobody;
    struct pick_wish udp = nobody;
    udp.lease.protocol = PROTOCOL_UDP;
    tcp.first = udp.first = 20000;
    tcp.last = udp.last = 20009;
    load(", {\"kind\": \"excluded\", \"protocol\": \"tcp\", \"first\": 20000, \"last\": 20008}, {\"kind\": "
         "\"reserved\", \"protocol\": \"udp\", \"first\": 20001, \"last\": 20009}]");
    CHECK_INT(port_for(arena, &tcp), 20009);
    CHECK_INT(port_for(arena, &udp), 20000);
}

TEST(a_crowded_host_is_read_once)
{
    struct buf rows = {.arena = arena};
    struct pick_wish wish = nobody;
    for (int port = 20000; port < 20095; port++)
        buf_addf(&rows, "%s{\"protocol\": \"tcp\", \"state\": \"%s\", \"local\": \"127.0.0.1:%d\"}",
                 port > 20000 ? "," : "", port % 2 ? "BOUND" : "LISTEN", port);
    load(str_printf(arena, "], \"sockets\": [%s]", buf_str(&rows).ptr).ptr);
    wish.first = 20000;
    wish.last = 20099;
    for (int i = 0; i < 5; i++) {
        size_t tables = fake_host_calls("socket_table_read");
        size_t binds = fake_host_calls("bind_probe");
        uint16_t port = port_for(arena, &wish);
        CHECK(port >= 20095 && port <= 20099);
        CHECK(fake_host_calls("socket_table_read") - tables <= 1);
        CHECK(fake_host_calls("bind_probe") - binds <= PICK_TRIALS + 2);
    }
    CHECK_INT(port_for(arena, &wish), 0);
    // On an empty one no table is read.
    load("]");
    CHECK(port_for(arena, &wish) != 0);
    CHECK_INT(fake_host_calls("socket_table_read"), 0);
}

TEST(where_no_bind_is_allowed_it_does_not_try_for_ever)
{
    struct pick_result result;
    load("]");
    fake_host_fail_each("bind_probe", ERR_NOT_ALLOWED);
    size_t binds = fake_host_calls("bind_probe");
    CHECK_INT(pick(arena, &nobody, &result), PICK_NONE);
    CHECK_INT(fake_host_calls("bind_probe") - binds, PICK_BINDS);
    CHECK(str_find(result.sentence, STR("64 could not be bound (")) != SIZE_MAX);
}

TEST(a_host_without_ipv6_is_asked_for_ipv4)
{
    struct host host;
    struct str result;
    CHECK(fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\"}"), NULL));
    CHECK(pick_read_host(arena, &host, NULL));
    size_t binds = fake_host_calls("bind_probe");
    CHECK(pick_is_free(arena, &host, PROTOCOL_TCP, 20000, &result));
    CHECK_STR(result, "ok");
    CHECK_INT(fake_host_calls("bind_probe") - binds, 1);
}

TEST(the_port_of_a_name_that_is_taken_is_told)
{
    struct pick_wish web = named("web");
    struct pick_result result;
    load("]");
    uint16_t port = port_for(arena, &web);
    load(str_printf(arena,
                    "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:%u\"}], "
                    "\"leases\": [{\"protocol\": \"tcp\", \"port\": %u, \"name\": \"web\", \"project\": \"/src/shop\", "
                    "\"owner\": 1000, \"lasting\": true, \"boot\": \"one\"}]",
                    port, port)
             .ptr);
    CHECK_INT(pick(arena, &web, &result), PICK_TAKEN);
    CHECK_INT(result.held.port, port);
    CHECK_STR(result.held.name, "web");
    CHECK_INT(result.leases.count, 0);
}

TEST(a_name_in_use_by_a_process_is_busy)
{
    struct pick_wish first = named("web");
    struct pick_wish second = named("web");
    struct pick_result result;
    load("]");
    first.lease.lasting = second.lease.lasting = false;
    first.lease.pid = 7;
    second.lease.pid = 8;
    uint16_t port = port_for(arena, &first);
    CHECK(port != 0);
    CHECK_INT(port_for(arena, &first), port);
    CHECK_INT(pick(arena, &second, &result), PICK_BUSY);
    CHECK_INT(result.held.pid, 7);
    second.lease.pid = 0;
    second.lease.ttl_ms = 1000;
    CHECK_INT(pick(arena, &second, &result), PICK_BUSY);
    // Whoever only wants to know the port of the name gets it, and it lasts from then on.
    struct pick_wish lasting = named("web");
    CHECK_INT(port_for(arena, &lasting), port);
    CHECK_INT(pick(arena, &second, &result), PICK_DONE);
    CHECK_INT(result.leases.items[0].port, port);
}

TEST(a_port_that_is_asked_for_is_kept_or_it_is_told_why_not)
{
    struct pick_wish wish = named("web");
    struct pick_wish other = named("api");
    struct pick_result result;
    load("], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:8081\"}]");
    wish.port = 8080;
    CHECK_INT(port_for(arena, &wish), 8080);
    CHECK_INT(port_for(arena, &wish), 8080);
    other.port = 8080;
    CHECK_INT(pick(arena, &other, &result), PICK_FOREIGN);
    CHECK_STR(result.held.name, "web");
    other.port = 8081;
    CHECK_INT(pick(arena, &other, &result), PICK_TAKEN);
    CHECK_INT(result.held.port, 8081);
    CHECK_INT(result.held.name.len, 0);
    // A name has one port.
    wish.port = 8090;
    CHECK_INT(pick(arena, &wish, &result), PICK_NONE);
    CHECK_STR(result.sentence, "web has port 8080 already; moorage lease release web ends that");
    wish.port = 0;
    wish.first = 9000;
    wish.last = 9099;
    CHECK_INT(pick(arena, &wish, &result), PICK_NONE);
}

TEST(where_nothing_can_be_written_down_it_is_said)
{
    struct pick_wish wish = nobody;
    struct pick_wish web = named("web");
    struct pick_result result;
    struct host host;
    enum pick_outcome outcome;
    struct err err = {0};
    load("]");
    fake_host_fail_each("lease_book_open", ERR_NOT_ALLOWED);
    wish.unkept = true;
    CHECK_INT(pick(arena, &wish, &result), PICK_DONE);
    CHECK(result.not_kept.len > 0);
    CHECK(pick_read_host(arena, &host, NULL));
    CHECK(!pick_ports(arena, &host, &web, &outcome, &result, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    fake_host_fail_each("lease_book_open", ERR_NONE);
    // A book that is locked for long is no reason to hand out what may be promised.
    fake_host_fail_each("lease_book_lock", ERR_TIMEOUT);
    CHECK(!pick_ports(arena, &host, &wish, &outcome, &result, &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
    fake_host_fail_each("lease_book_lock", ERR_NONE);
    // A full disk.
    fake_host_fail_each("lease_book_write", ERR_SYSTEM);
    CHECK(!pick_ports(arena, &host, &web, &outcome, &result, &err));
    CHECK_INT(err.kind, ERR_SYSTEM);
    // A folder that is taken away again and again.
    fake_host_fail_each("lease_book_write", ERR_GONE);
    size_t opened = fake_host_calls("lease_book_lock");
    CHECK(!pick_ports(arena, &host, &web, &outcome, &result, NULL));
    CHECK_INT(fake_host_calls("lease_book_lock") - opened, 3);
}

TEST(a_damaged_lease_of_the_name_is_made_anew)
{
    struct pick_wish web = named("web");
    struct pick_result result;
    load("], \"leases\": [{\"protocol\": \"tcp\", \"port\": 12340, \"name\": \"web\", \"project\": \"/src/shop\", "
         "\"owner\": 1000, \"damaged\": true}]");
    CHECK_INT(pick(arena, &web, &result), PICK_DONE);
    CHECK_INT(result.leases.items[0].port, 12340);
    CHECK(!result.leases.items[0].damaged);
    CHECK_INT(pick(arena, &web, &result), PICK_DONE);
    CHECK_INT(result.leases.items[0].port, 12340);
}

TEST(tables_that_cannot_be_read_are_an_error)
{
    struct host host;
    struct pick_result result;
    enum pick_outcome outcome;
    load("]");
    CHECK(pick_read_host(arena, &host, NULL));
    fake_host_fail_each("socket_table_read", ERR_NOT_ALLOWED);
    fake_host_fail_each("bind_probe", ERR_NOT_ALLOWED);
    CHECK(!pick_ports(arena, &host, &nobody, &outcome, &result, NULL));
    fake_host_fail_each("socket_table_read", ERR_NONE);
    fake_host_fail_each("net_read_addresses", ERR_NOT_ALLOWED);
    CHECK(!pick_read_host(arena, &host, NULL));
}

TEST(where_the_ranges_are_not_told_the_usual_ones_are_avoided)
{
    struct pick_wish wish = nobody;
    load("]");
    fake_host_fail_each("reserved_read", ERR_FORMAT);
    for (int i = 0; i < 50; i++)
        CHECK(port_for(arena, &wish) <= 32767);
    wish.first = 32768;
    wish.last = 65535;
    CHECK_INT(port_for(arena, &wish), 0);
}

TAP_MAIN
