#include "core/lease.h"

#include <stdio.h>

#include "decode/lease_record.h"
#include "sys/clock.h"
#include "sys/fake_host.h"
#include "sys/lease_book.h"
#include "tap.h"

#define HEAD                                                                                                           \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"uid\": 1000, \"boot_id\": \"one\", \"time_ms\": " \
    "1700000000000, \"processes\": [{\"pid\": 7, \"started_ticks\": 70}]"

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

static struct lease_set *
open_set(struct arena *arena, enum lease_access access)
{
    struct lease_set *set;
    struct err err = {0};
    if (!lease_open(arena, access, &set, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    return set;
}

static struct lease_wish
wish_for(const char *name)
{
    return (struct lease_wish){.name = str_of(name), .project = STR("/src/shop"), .lasting = true};
}

static struct lease
grant(struct arena *arena, const struct lease_wish *wish, uint16_t port)
{
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    struct lease lease;
    struct err err = {0};
    if (!lease_grant(set, wish, port, &lease, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    lease_close(set);
    return lease;
}

static struct lease_list
list_all(struct arena *arena, enum lease_access access)
{
    struct lease_set *set = open_set(arena, access);
    struct lease_list list = {0};
    CHECK(lease_list(set, true, &list, NULL));
    lease_close(set);
    return list;
}

TEST(names_are_words)
{
    static const char *const good[] = {"web", "a", "Web-2", "x.y_z", "2nd"};
    static const char *const bad[] = {"", "80", "-x", ".x", "a b", "a/b", "a\n", "\xc3\xa9"};
    char longest[66] = "";
    struct err err;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(lease_check_name(str_of(good[i]), NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!lease_check_name(str_of(bad[i]), &err));
        CHECK_INT(err.kind, ERR_USAGE);
    }
    memset(longest, 'a', 65);
    CHECK(!lease_check_name(str_of(longest), NULL));
    CHECK(lease_check_name((struct str){longest, 64}, NULL));
}

TEST(a_grant_is_found_by_its_name_and_by_its_port)
{
    struct lease_wish wish = wish_for("web");
    struct lease found;
    bool ports[LEASE_PORTS] = {false};

    load("");
    struct lease lease = grant(arena, &wish, 21340);
    CHECK_INT(lease.port, 21340);
    CHECK_INT(lease.token.len, 32);
    CHECK_INT(lease.fence, 1700000000000);
    CHECK_INT(lease.taken_ms, 1700000000000);
    CHECK(lease.lasting && lease.own);
    struct lease_set *set = open_set(arena, LEASE_READ);
    CHECK(lease_find(set, PROTOCOL_TCP, STR("/src/shop"), STR("web"), &found));
    CHECK(lease_is_same(&found, &lease));
    CHECK(lease_at(set, PROTOCOL_MPTCP, 21340, &found));
    CHECK_STR(found.user, "1000");
    CHECK(!lease_at(set, PROTOCOL_UDP, 21340, &found));
    CHECK(!lease_find(set, PROTOCOL_UDP, STR("/src/shop"), STR("web"), &found));
    CHECK(!lease_find(set, PROTOCOL_TCP, STR("/src/other"), STR("web"), &found));
    CHECK(!lease_find(set, PROTOCOL_TCP, STR("/src/shop"), STR("api"), &found));
    lease_mark(set, PROTOCOL_TCP, ports);
    CHECK(ports[21340] && !ports[21341]);
    lease_close(set);
}

TEST(a_port_is_not_granted_to_a_second_one)
{
    struct lease_wish web = wish_for("web");
    struct lease_wish api = wish_for("api");
    struct lease_wish nobody = {.ttl_ms = LEASE_BRIEF_MS};
    struct lease lease;
    struct err err;

    load("");
    (void)grant(arena, &web, 21340);
    (void)grant(arena, &nobody, 21341);
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    CHECK(!lease_grant(set, &api, 21340, &lease, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(!lease_grant(set, &api, 21341, &lease, NULL));
    CHECK(!lease_grant(set, &nobody, 21340, &lease, NULL));
    CHECK(!lease_grant(set, &nobody, 21341, &lease, NULL));
    // A name has one port.
    CHECK(!lease_grant(set, &web, 21342, &lease, &err));
    CHECK_INT(err.kind, ERR_GONE);
    lease_close(set);
}

TEST(fences_rise_also_when_the_clock_goes_back)
{
    struct lease_wish web = wish_for("web");
    struct lease_wish api = wish_for("api");

    load("");
    struct lease first = grant(arena, &web, 21340);
    struct lease second = grant(arena, &api, 21341);
    CHECK(second.fence > first.fence);
    clock_sleep_ms(5000);
    struct lease third = grant(arena, &web, 21340);
    CHECK(third.fence >= first.fence + 5000);
    CHECK(!str_equal(third.token, first.token));
    CHECK(!lease_is_same(&third, &first));
    // Of a user whose clock is ahead.
    load(", \"leases\": []");
    struct lease_book *book;
    CHECK(lease_book_open(arena, STR("/var/fake/moorage"), LEASE_BOOK_PRIVATE, &book, NULL));
    CHECK(lease_book_rename(book, STR(""), STR("fence-1800000000000"), NULL));
    CHECK_INT(grant(arena, &web, 21340).fence, 1800000000001);
    // A number that was only written down to leave none above it does not count.
    load("");
    CHECK(lease_book_open(arena, STR("/var/fake/moorage"), LEASE_BOOK_PRIVATE, &book, NULL));
    CHECK(lease_book_rename(book, STR(""), STR("fence-18446744073709551615"), NULL));
    CHECK_INT(grant(arena, &web, 21340).fence, 1700000000000);
}

TEST(time_ends_a_lease)
{
    struct lease_wish wish = {.name = STR("web"), .project = STR("/src/shop"), .ttl_ms = 60000};
    struct lease_wish nobody = {.ttl_ms = LEASE_BRIEF_MS};

    load("");
    struct lease lease = grant(arena, &wish, 21340);
    CHECK_INT(lease.ends_ms, 1700000060000);
    (void)grant(arena, &nobody, 21341);
    CHECK_INT(list_all(arena, LEASE_READ).count, 2);
    clock_sleep_ms(29999);
    struct lease_list list = list_all(arena, LEASE_READ);
    CHECK_INT(list.count, 2);
    CHECK_INT(list.items[0].ends_ms, 1700000060000);
    clock_sleep_ms(1);
    CHECK_INT(list_all(arena, LEASE_READ).count, 1);
    clock_sleep_ms(30000);
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
    // What has ended is removed, and its port is free for others.
    CHECK_INT(list_all(arena, LEASE_WRITE).count, 0);
    (void)grant(arena, &nobody, 21340);
}

TEST(renewing_begins_the_time_anew)
{
    struct lease_wish wish = {.name = STR("web"), .project = STR("/src/shop"), .ttl_ms = 60000};
    struct lease_wish nobody = {.ttl_ms = LEASE_BRIEF_MS};

    load("");
    struct lease lease = grant(arena, &wish, 21340);
    struct lease brief = grant(arena, &nobody, 21341);
    struct str token = lease.token;
    clock_sleep_ms(20000);
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    CHECK(lease_renew(set, &lease, 0, NULL));
    CHECK(lease_renew(set, &brief, 60000, NULL));
    lease_close(set);
    CHECK_INT(lease.ends_ms, 1700000080000);
    CHECK_STR(lease.token, token.ptr);
    clock_sleep_ms(59999);
    CHECK_INT(list_all(arena, LEASE_READ).count, 2);
    clock_sleep_ms(1);
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
    set = open_set(arena, LEASE_WRITE);
    struct err err;
    CHECK(!lease_renew(set, &lease, 0, &err));
    CHECK_INT(err.kind, ERR_GONE);
    lease_close(set);
}

TEST(a_process_ends_a_lease)
{
    struct lease_wish wish = {.name = STR("web"), .project = STR("/src/shop"), .pid = 7};
    struct lease lease;
    struct err err;

    load("");
    lease = grant(arena, &wish, 21340);
    CHECK_INT(lease.pid, 7);
    CHECK_INT(lease.started, 70);
    CHECK_INT(list_all(arena, LEASE_READ).count, 1);
    fake_host_fail_each("life_lasts", ERR_GONE);
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
    // What can't be told is held to live.
    fake_host_fail_each("life_lasts", ERR_NOT_ALLOWED);
    CHECK_INT(list_all(arena, LEASE_READ).count, 1);
    wish.pid = 8;
    wish.name = STR("api");
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    CHECK(!lease_grant(set, &wish, 21341, &lease, &err));
    CHECK_INT(err.kind, ERR_GONE);
    lease_close(set);
}

TEST(another_process_by_the_same_number_ends_it_too)
{
    load(", \"leases\": [{\"protocol\": \"tcp\", \"port\": 21340, \"name\": \"web\", \"project\": \"/src/shop\", "
         "\"owner\": 1000, \"pid\": 7, \"started\": 69, \"boot\": \"one\"},"
         "{\"protocol\": \"tcp\", \"port\": 21341, \"name\": \"api\", \"project\": \"/src/shop\", "
         "\"owner\": 1000, \"pid\": 7, \"started\": 70, \"boot\": \"two\"},"
         "{\"protocol\": \"tcp\", \"port\": 21342, \"name\": \"db\", \"project\": \"/src/shop\", \"lasting\": true, "
         "\"owner\": 1000, \"pid\": 7, \"started\": 69, \"boot\": \"one\"},"
         "{\"protocol\": \"tcp\", \"port\": 21343, \"name\": \"ok\", \"project\": \"/src/shop\", "
         "\"owner\": 1000, \"pid\": 7, \"started\": 70, \"boot\": \"one\"}]");
    struct lease_list list = list_all(arena, LEASE_READ);
    CHECK_INT(list.count, 2);
    // A lasting one only loses who uses it.
    CHECK_INT(list.items[0].port, 21342);
    CHECK_INT(list.items[0].pid, 0);
    CHECK_INT(list.items[1].port, 21343);
    CHECK_INT(list.items[1].pid, 7);
}

TEST(over_a_restart_the_date_counts)
{
    load(", \"leases\": [{\"protocol\": \"tcp\", \"port\": 21340, \"name\": \"a\", \"project\": \"/src/shop\", "
         "\"owner\": 1000, \"ttl_ms\": 60000, \"taken_ms\": 1699999940000, \"taken_up\": 5, \"boot\": \"two\"},"
         "{\"protocol\": \"tcp\", \"port\": 21341, \"name\": \"b\", \"project\": \"/src/shop\", "
         "\"owner\": 1000, \"ttl_ms\": 60000, \"taken_ms\": 1699999940001, \"taken_up\": 5, \"boot\": \"two\"},"
         // The clock went back: it can't be told how long it has lasted.
         "{\"protocol\": \"tcp\", \"port\": 21342, \"name\": \"c\", \"project\": \"/src/shop\", "
         "\"owner\": 1000, \"ttl_ms\": 60000, \"taken_ms\": 1800000000000, \"taken_up\": 5, \"boot\": \"two\"}]");
    struct lease_list list = list_all(arena, LEASE_WRITE);
    CHECK_INT(list.count, 2);
    CHECK_INT(list.items[0].port, 21341);
    CHECK_INT(list.items[0].ends_ms, 1700000000001);
    CHECK_INT(list.items[1].port, 21342);
}

TEST(what_is_nobodys_does_not_outlast_a_restart)
{
    struct lease_book *book;
    load("");
    CHECK(lease_book_open(arena, STR("/var/fake/moorage"), LEASE_BOOK_PRIVATE, &book, NULL));
    struct lease_key key = {.port = 21340, .boot = lease_record_boot(STR("two")), .ends = 99999999};
    CHECK(lease_book_write(book, lease_record_format_name(arena, &key), STR("{}"), false, NULL));
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    bool ports[LEASE_PORTS] = {false};
    lease_mark(set, PROTOCOL_TCP, ports);
    CHECK(!ports[21340]);
    lease_close(set);
    struct lease_entry_list entries = {0};
    CHECK(lease_book_list(arena, book, &entries, NULL));
    CHECK_INT(entries.count, 0);
}

TEST(a_project_that_is_gone_ends_its_leases)
{
    struct lease_wish wish = wish_for("web");
    load("");
    (void)grant(arena, &wish, 21340);
    fake_host_fail_each("folder_look", ERR_NOT_ALLOWED);
    CHECK_INT(list_all(arena, LEASE_READ).count, 1);
    fake_host_fail_each("folder_look", ERR_GONE);
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
    // Of another user's project only he is believed that.
    load(", \"leases\": [{\"protocol\": \"tcp\", \"port\": 21340, \"name\": \"web\", \"project\": \"/src/shop\", "
         "\"owner\": 1001, \"lasting\": true}]");
    fake_host_fail_each("folder_look", ERR_GONE);
    CHECK_INT(list_all(arena, LEASE_READ).count, 1);
}

TEST(a_lasting_lease_stays_when_a_process_uses_it)
{
    struct lease_wish wish = wish_for("web");
    struct lease_wish run = {.name = STR("web"), .project = STR("/src/shop"), .pid = 7, .ttl_ms = 1000};
    load("");
    (void)grant(arena, &wish, 21340);
    struct lease lease = grant(arena, &run, 21340);
    CHECK(lease.lasting);
    CHECK_INT(lease.pid, 7);
    CHECK_INT(lease.ttl_ms, 0);
    // And who makes a lease lasting does not take it from its process.
    lease = grant(arena, &wish, 21340);
    CHECK_INT(lease.pid, 7);
    CHECK_INT(lease.started, 70);
}

TEST(a_release_ends_it_at_once)
{
    struct lease_wish wish = wish_for("web");
    load("");
    struct lease lease = grant(arena, &wish, 21340);
    struct lease later = grant(arena, &wish, 21340);
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    struct err err;
    // An earlier grant of the same port is none any more.
    CHECK(!lease_release(set, &lease, &err));
    CHECK_INT(err.kind, ERR_GONE);
    fake_host_fail_each("lease_book_remove", ERR_SYSTEM);
    CHECK(!lease_release(set, &later, &err));
    CHECK_INT(err.kind, ERR_SYSTEM);
    fake_host_fail_each("lease_book_remove", ERR_NONE);
    CHECK(lease_release(set, &later, NULL));
    CHECK(!lease_find(set, PROTOCOL_TCP, STR("/src/shop"), STR("web"), &lease));
    lease_close(set);
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
}

TEST(a_damaged_one_keeps_its_port_and_can_be_mended_or_released)
{
    struct lease_wish web = wish_for("web");
    struct lease_wish api = wish_for("api");
    struct lease_key key = {.port = 21340, .key = lease_record_key(STR("/src/shop"), STR("web"))};
    struct lease lease;
    struct lease_book *book;
    load("");
    CHECK(lease_book_open(arena, STR("/var/fake/moorage"), LEASE_BOOK_PRIVATE, &book, NULL));
    CHECK(lease_book_write(book, lease_record_format_name(arena, &key), STR("{\"sche"), false, NULL));
    struct lease_list list = list_all(arena, LEASE_READ);
    CHECK_INT(list.count, 1);
    CHECK(list.items[0].damaged);
    CHECK_INT(list.items[0].port, 21340);
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    CHECK(!lease_grant(set, &api, 21340, &lease, NULL));
    CHECK(lease_find(set, PROTOCOL_TCP, STR("/src/shop"), STR("web"), &lease));
    CHECK(lease.damaged);
    CHECK_STR(lease.name, "web");
    CHECK(!lease_renew(set, &lease, 0, NULL));
    CHECK(lease_grant(set, &web, 21340, &lease, NULL));
    CHECK(!lease.damaged);
    lease_close(set);
    CHECK(lease_book_write(book, lease_record_format_name(arena, &key), STR(""), false, NULL));
    set = open_set(arena, LEASE_WRITE);
    CHECK(lease_at(set, PROTOCOL_TCP, 21340, &lease));
    CHECK(lease_release(set, &lease, NULL));
    lease_close(set);
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
}

TEST(what_belongs_to_another_name_than_its_entry_is_damaged)
{
    struct lease_wish web = wish_for("web");
    struct lease_key key = {.port = 21341, .key = lease_record_key(STR("/src/shop"), STR("web"))};
    struct lease_book *book;
    load("");
    struct lease lease = grant(arena, &web, 21340);
    CHECK(lease_book_open(arena, STR("/var/fake/moorage"), LEASE_BOOK_PRIVATE, &book, NULL));
    CHECK(
        lease_book_write(book, lease_record_format_name(arena, &key), lease_record_format(arena, &lease), false, NULL));
    struct lease_list list = list_all(arena, LEASE_READ);
    CHECK_INT(list.count, 2);
    CHECK(!list.items[0].damaged);
    CHECK(list.items[1].damaged);
}

TEST(others_leases_can_be_seen_and_not_be_touched)
{
    struct lease_wish web = wish_for("web");
    struct lease lease;
    struct err err;
    load(", \"leases\": [{\"protocol\": \"tcp\", \"port\": 21340, \"name\": \"web\", \"project\": \"/src/shop\", "
         "\"owner\": 1001, \"lasting\": true, \"token\": \"t\"}]");
    struct lease_set *set = open_set(arena, LEASE_WRITE);
    struct lease_list own = {0};
    CHECK(lease_list(set, false, &own, NULL));
    CHECK_INT(own.count, 0);
    CHECK(!lease_find(set, PROTOCOL_TCP, STR("/src/shop"), STR("web"), &lease));
    CHECK(!lease_grant(set, &web, 21340, &lease, NULL));
    CHECK(lease_at(set, PROTOCOL_TCP, 21340, &lease));
    CHECK(!lease.own);
    CHECK(!lease_renew(set, &lease, 0, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    lease_close(set);
}

TEST(the_machines_book_is_used_where_it_is)
{
    struct lease_wish web = wish_for("web");
    struct lease_book *book;
    struct lease_entry_list entries = {0};
    load("");
    CHECK(lease_book_open(arena, STR("/var/lib/moorage"), LEASE_BOOK_SHARED, &book, NULL));
    (void)grant(arena, &web, 21340);
    CHECK(lease_book_list(arena, book, &entries, NULL));
    CHECK_INT(entries.count, 2); // the lease and its fence
    // Where it can't be written, the user's own takes the lease, and both are looked at.
    struct lease_wish api = wish_for("api");
    struct lease lease;
    fake_host_fail_each("lease_book_is_writable", ERR_NOT_ALLOWED);
    struct err err;
    struct lease_set *set;
    CHECK(!lease_open(arena, LEASE_WRITE, &set, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    lease_close(set);
    fake_host_fail_each("lease_book_is_writable", ERR_NONE);
    set = open_set(arena, LEASE_WRITE);
    CHECK(!lease_grant(set, &api, 21340, &lease, NULL));
    lease_close(set);
}

TEST(root_makes_the_machines_book)
{
    struct lease_wish web = wish_for("web");
    CHECK(fake_host_load(STR(HEAD ", \"admin\": true}"), NULL));
    (void)grant(arena, &web, 21340);
    struct lease_book *book;
    CHECK(lease_book_open(arena, STR("/var/lib/moorage"), LEASE_BOOK_AS_IS, &book, NULL));
    CHECK(!lease_book_open(arena, STR("/var/fake/moorage"), LEASE_BOOK_AS_IS, &book, NULL));
}

TEST(without_any_book_nothing_is_known_and_nothing_granted)
{
    struct lease_set *set;
    struct err err;
    load("");
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
    fake_host_fail_each("state_dir_path", ERR_UNSUPPORTED);
    CHECK_INT(list_all(arena, LEASE_READ).count, 0);
    CHECK(!lease_open(arena, LEASE_WRITE, &set, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    lease_close(set);
    fake_host_fail_each("state_dir_path", ERR_NONE);
    fake_host_fail_each("lease_book_lock", ERR_TIMEOUT);
    CHECK(!lease_open(arena, LEASE_WRITE, &set, &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
    lease_close(set);
    lease_close(NULL);
}

TEST(a_failure_at_any_step_grants_nothing)
{
    struct lease_wish web = wish_for("web");
    size_t steps = 0;
    load("");
    size_t before = fake_host_calls(NULL);
    (void)grant(arena, &web, 21340);
    steps = fake_host_calls(NULL) - before;
    CHECK(steps > 5);
    for (size_t nth = 1; nth <= steps; nth++) {
        struct lease_set *set;
        struct lease lease;
        struct err err = {0};
        load("");
        fake_host_fail(nth, ERR_SYSTEM);
        bool good = lease_open(arena, LEASE_WRITE, &set, &err) && lease_grant(set, &web, 21340, &lease, &err);
        lease_close(set);
        fake_host_fail(0, ERR_NONE);
        CHECK(good || err.text[0]);
        CHECK_INT(list_all(arena, LEASE_READ).count, good ? 1 : 0);
    }
}

TEST(leases_are_a_part_of_the_host)
{
    struct lease_wish web = wish_for("web");
    struct host host = {0};
    load("");
    (void)grant(arena, &web, 21340);
    lease_read_host(arena, &host);
    CHECK_INT(host.leases.count, 1);
    CHECK_STR(host.leases.items[0].name, "web");
    struct host none = {0};
    fake_host_fail_each("lease_book_list", ERR_NOT_ALLOWED);
    lease_read_host(arena, &none);
    CHECK_INT(none.leases.count, 0);
}

TAP_MAIN
