#include "core/caught.h"

#include "sys/fake_host.h"
#include "tap.h"

static struct bind_try
tried(uint32_t pid, uint16_t port, enum bind_outcome outcome)
{
    return (struct bind_try){
        .pid = pid,
        .program = "node",
        .address = address_any(FAMILY_IPV4),
        .port = port,
        .got = outcome == BIND_WORKED ? port : 0,
        .outcome = outcome,
        .code = outcome == BIND_WORKED ? 0 : 98,
    };
}

TEST(a_bind_that_fails_again_and_again_is_explained_once)
{
    struct caught caught = {.arena = arena};
    struct bind_try bind = tried(40, 3000, BIND_WILL_FAIL);
    struct endpoint endpoint;
    enum bind_mode mode;

    CHECK(caught_wants(&caught, &bind, &endpoint, &mode));
    CHECK(endpoint.first == 3000 && endpoint.host == ENDPOINT_ADDRESS && !endpoint.any_protocol);
    CHECK_STR(endpoint.text, "0.0.0.0:3000");
    CHECK_INT(mode, BIND_PLAIN);
    bind.outcome = BIND_FAILED;
    caught_note(&caught, &bind);
    bind = tried(41, 3000, BIND_WILL_FAIL);
    CHECK(!caught_wants(&caught, &bind, &endpoint, &mode));
    bind.outcome = BIND_FAILED;
    caught_note(&caught, &bind);
    CHECK(caught.count == 1 && caught.items[0].times == 2 && caught.items[0].explained);
    CHECK_INT(caught_failures(&caught), 1);
}

TEST(another_way_of_binding_is_another_bind)
{
    struct caught caught = {.arena = arena};
    struct bind_try bind = tried(40, 3000, BIND_WILL_FAIL);
    struct endpoint endpoint;
    enum bind_mode mode;

    CHECK(caught_wants(&caught, &bind, &endpoint, &mode));
    bind.reuse_addr = true;
    CHECK(caught_wants(&caught, &bind, &endpoint, &mode));
    CHECK_INT(mode, BIND_REUSE);
    bind.reuse_port = true;
    CHECK(caught_wants(&caught, &bind, &endpoint, &mode));
    CHECK_INT(mode, BIND_REUSEPORT);
    CHECK_STR(caught_options(arena, &bind), "SO_REUSEADDR, SO_REUSEPORT");
    bind.v6only = true;
    bind.device = 7;
    CHECK_STR(caught_options(arena, &bind), "SO_REUSEADDR, SO_REUSEPORT, IPV6_V6ONLY, SO_BINDTODEVICE");
    CHECK(caught_wants(&caught, &bind, &endpoint, &mode));
    CHECK_INT(caught.items[3].asked, 3);
}

TEST(what_can_not_be_explained_is_not_asked_about)
{
    struct caught caught = {.arena = arena};
    struct bind_try bind = tried(40, 0, BIND_WILL_FAIL);
    struct endpoint endpoint;
    enum bind_mode mode;

    CHECK(!caught_wants(&caught, &bind, &endpoint, &mode));
    bind = tried(40, 80, BIND_WILL_FAIL);
    bind.elsewhere = true;
    CHECK(!caught_wants(&caught, &bind, &endpoint, &mode));
    bind.outcome = BIND_FAILED;
    caught_note(&caught, &bind);
    CHECK(caught.count == 1 && !caught.items[0].explained);
    CHECK_INT(caught_failures(&caught), 1);
}

TEST(what_works_stands_once_for_each_program)
{
    struct caught caught = {.arena = arena};
    struct bind_try bind = tried(40, 3000, BIND_WORKED);

    caught_note(&caught, &bind);
    caught_note(&caught, &bind);
    bind.pid = 41;
    caught_note(&caught, &bind);
    bind.is_listen = true;
    caught_note(&caught, &bind);
    CHECK(caught.count == 2 && caught.items[0].times == 2 && !caught.items[0].listens && caught.items[1].listens);
    bind.pid = 42;
    caught_note(&caught, &bind);
    CHECK(caught.count == 3 && caught.items[2].listens && caught.items[2].times == 1);
    CHECK_INT(caught_failures(&caught), 0);
    struct bind_try failed = tried(50, 3000, BIND_FAILED);
    CHECK(caught_own(&caught, &failed)->pid == 40);
    failed.port = 3001;
    CHECK(!caught_own(&caught, &failed));
}

TEST(any_port_has_the_one_it_got)
{
    struct caught caught = {.arena = arena};
    struct bind_try bind = tried(40, 0, BIND_WORKED);

    bind.got = 40001;
    caught_note(&caught, &bind);
    bind.got = 40002;
    caught_note(&caught, &bind);
    CHECK_INT(caught.count, 2);
}

TEST(a_flood_of_binds_is_counted_not_kept)
{
    struct caught caught = {.arena = arena};
    struct endpoint endpoint;
    enum bind_mode mode;

    for (uint16_t port = 1; port <= 1000; port++) {
        struct bind_try bind = tried(40, port, BIND_WILL_FAIL);
        CHECK(caught_wants(&caught, &bind, &endpoint, &mode) == (port <= CAUGHT_EXPLAINED_MOST));
        bind.outcome = BIND_FAILED;
        caught_note(&caught, &bind);
    }
    CHECK(caught.count == CAUGHT_KEPT_MOST && caught.dropped == 1000 - CAUGHT_KEPT_MOST);
}

TEST(a_device_has_its_name)
{
    struct caught caught = {.arena = arena};
    struct bind_try bind = tried(40, 3000, BIND_WILL_FAIL);
    struct endpoint endpoint;
    enum bind_mode mode;
    struct err err;

    CHECK(fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"addresses\": [{\"address\": \"10.0.0.1\", "
                             "\"device\": 7, \"device_name\": \"eth7\"}]}"),
                         &err));
    bind.device = 7;
    CHECK(caught_wants(&caught, &bind, &endpoint, &mode));
    CHECK_STR(endpoint.device, "eth7");
}

TAP_MAIN
