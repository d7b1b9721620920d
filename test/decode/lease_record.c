#include "decode/lease_record.h"

#include "base/buf.h"
#include "tap.h"

static bool
parses(const char *name, struct lease_key *out)
{
    return lease_record_parse_name(str_of(name), out);
}

TEST(names_of_entries_are_read_and_written_alike)
{
    static const char *const names[] = {
        "21340-tcp-b3ce41f0aa0d7712", "1-udp-0000000000000001", "65535-tcp-0-51a8e6d2-90233411",
        "80-udp-0-00000000-0",        "fence-1764190000123",    "fence-18446744073709551615",
    };
    struct lease_key key;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(parses(names[i], &key));
        CHECK_STR(lease_record_format_name(arena, &key), names[i]);
    }
    CHECK(parses(names[0], &key));
    CHECK_INT(key.port, 21340);
    CHECK_INT(key.protocol, PROTOCOL_TCP);
    CHECK(key.key == 0xb3ce41f0aa0d7712);
    CHECK(parses(names[2], &key));
    CHECK_INT(key.boot, 0x51a8e6d2);
    CHECK_INT(key.ends, 90233411);
}

TEST(other_names_are_no_entries)
{
    static const char *const names[] = {
        "",
        "unfinished",
        "fence-",
        "fence-0",
        "fence-x",
        "21340",
        "21340-tcp",
        "21340-tcp-",
        "21340-tcp-0",
        "21340-tcp-0-51a8e6d2",
        "21340-tcp-0-51a8e6d2-",
        "21340-tcp-0-51a8e6d-1",
        "21340-tcp-0-51a8e6d2-1-2",
        "21340-tcp-0000000000000000",
        "21340-tcp-b3ce41f0aa0d771",
        "21340-tcp-b3ce41f0aa0d7712-1",
        "21340-sctp-b3ce41f0aa0d7712",
        "0-tcp-b3ce41f0aa0d7712",
        "65536-tcp-b3ce41f0aa0d7712",
        "-1-tcp-b3ce41f0aa0d7712",
    };
    struct lease_key key;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (parses(names[i], &key))
            printf("# %s\n", names[i]);
        CHECK(!parses(names[i], &key));
    }
}

TEST(keys_differ_by_project_and_name)
{
    uint64_t key = lease_record_key(STR("/src/shop"), STR("web"));

    CHECK(key != 0);
    CHECK(key == lease_record_key(STR("/src/shop"), STR("web")));
    CHECK(key != lease_record_key(STR("/src/shop2"), STR("web")));
    CHECK(key != lease_record_key(STR("/src/sho"), STR("pweb")));
    CHECK(key != lease_record_key(STR("/src/shop"), STR("api")));
    CHECK_INT(lease_record_boot(STR("")), 0);
    CHECK(lease_record_boot(STR("a")) != lease_record_boot(STR("b")));
}

static const struct lease sample = {
    .protocol = PROTOCOL_UDP,
    .port = 21340,
    .name = STR_INIT("web"),
    .project = STR_INIT("/home/ann/src/sh\xffp"),
    .lasting = true,
    .pid = 4711,
    .started = 123456789,
    .space = 4026531836,
    .ttl_ms = 30000,
    .taken_ms = 1764190000123,
    .taken_up = 90203411,
    .boot = STR_INIT("4c2f"),
    .token = STR_INIT("00ff"),
    .fence = UINT64_MAX,
};

TEST(a_lease_comes_back_as_it_was_written)
{
    struct lease lease = {0};

    CHECK(lease_record_parse(arena, lease_record_format(arena, &sample), &lease, NULL));
    CHECK_INT(lease.protocol, PROTOCOL_UDP);
    CHECK_INT(lease.port, 21340);
    CHECK_STR(lease.name, "web");
    CHECK_STR(lease.project, "/home/ann/src/sh\xffp");
    CHECK(lease.lasting);
    CHECK_INT(lease.pid, 4711);
    CHECK_INT(lease.started, 123456789);
    CHECK_INT(lease.space, 4026531836);
    CHECK_INT(lease.ttl_ms, 30000);
    CHECK_INT(lease.taken_ms, 1764190000123);
    CHECK_INT(lease.taken_up, 90203411);
    CHECK_STR(lease.boot, "4c2f");
    CHECK_STR(lease.token, "00ff");
    CHECK(lease.fence == UINT64_MAX);
}

TEST(a_lease_that_was_cut_or_changed_is_none)
{
    struct str good = lease_record_format(arena, &sample);
    struct lease lease;
    struct err err;

    for (size_t length = 0; length + 1 < good.len; length++)
        CHECK(!lease_record_parse(arena, str_part(good, 0, length), &lease, NULL));
    CHECK(!lease_record_parse(arena, STR("{}"), &lease, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(!lease_record_parse(arena, STR("[1]"), &lease, NULL));
    CHECK(!lease_record_parse(arena, STR(""), &lease, NULL));
}

// The good one with a part of it changed.
static bool
parses_with(struct arena *arena, const char *from, const char *to)
{
    struct str text = lease_record_format(arena, &sample);
    size_t at = str_find(text, str_of(from));
    struct buf out = {.arena = arena};
    struct lease lease;

    CHECK(at != SIZE_MAX);
    buf_add(&out, str_part(text, 0, at));
    buf_add_c(&out, to);
    buf_add(&out, str_part(text, at + strlen(from), SIZE_MAX));
    return lease_record_parse(arena, buf_str(&out), &lease, NULL);
}

TEST(numbers_outside_of_their_range_are_refused)
{
    CHECK(parses_with(arena, "\"port\":21340", "\"port\":1"));
    CHECK(!parses_with(arena, "\"port\":21340", "\"port\":0"));
    CHECK(!parses_with(arena, "\"port\":21340", "\"port\":65536"));
    CHECK(!parses_with(arena, "\"port\":21340", "\"port\":-1"));
    CHECK(!parses_with(arena, "\"pid\":4711", "\"pid\":4294967296"));
    CHECK(!parses_with(arena, "\"ttl_ms\":30000", "\"ttl_ms\":-1"));
    CHECK(!parses_with(arena, "\"ttl_ms\":30000", "\"ttl_ms\":\"9223372036854775807\""));
    CHECK(!parses_with(arena, "\"taken_up\":90203411", "\"taken_up\":\"-9223372036854775808\""));
    CHECK(!parses_with(arena, "\"protocol\":\"udp\"", "\"protocol\":\"sctp\""));
    CHECK(!parses_with(arena, "lease-record/1", "lease-record/2"));
    CHECK(!parses_with(arena, "\"lasting\":true", "\"lasting\":1"));
}

TAP_MAIN
