#include "core/run.h"

#include "sys/bind_probe.h"
#include "sys/fake_host.h"
#include "sys/process.h"
#include "tap.h"

#define BASE                                                                                                      \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"ipv6\": true, \"boot_id\": \"b\", \"uid\": " \
    "1000, "                                                                                                      \
    "\"ranges\": [{\"kind\": \"dynamic\", \"any_protocol\": true, \"first\": 32768, \"last\": 60999}], "
// The program itself is among the processes, since leases are tied to it.
#define SELF "{\"pid\": 4194304, \"known\": \"yes\", \"name\": \"moorage\", \"started_ticks\": 9}"
#define HEAD BASE "\"processes\": [" SELF "], "

static void
load(const char *json)
{
    struct err err = {0};

    if (!fake_host_load(str_of(json), &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
}

static struct run_port
take(struct arena *arena, struct run_wish wish)
{
    struct run_port port;
    struct err err = {0};

    wish.project = STR("/home/ann/shop");
    if (!run_take_port(arena, &wish, &port, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    return port;
}

TEST(the_port_stands_for_its_marks)
{
    struct str_list command = {0};
    struct str_list out = {0};

    *LIST_ADD(arena, &command) = STR("vite");
    *LIST_ADD(arena, &command) = STR("--url=http://x:{port}/__PORT__{port");
    *LIST_ADD(arena, &command) = STR("");
    run_fill_in(arena, &command, 8080, &out);
    CHECK_INT(out.count, 3);
    CHECK_STR(out.items[0], "vite");
    CHECK_STR(out.items[1], "--url=http://x:8080/8080{port");
    CHECK_STR(out.items[2], "");
}

TEST(variables_have_names_of_letters)
{
    static const char *const good[] = {"PORT", "_", "a1_B"};
    static const char *const bad[] = {"", "1A", "A B", "A=B", "P\xc3\xb6rt"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(run_is_variable(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!run_is_variable(str_of(bad[i])));
}

TEST(a_run_without_a_name_has_a_port_as_long_as_it_lives)
{
    load(HEAD "\"sockets\": []}");
    struct run_port port = take(arena, (struct run_wish){0});
    CHECK_INT(port.outcome, RUN_PORT_TAKEN);
    CHECK(port.port > 0 && !port.lease.lasting && port.lease.pid == process_self());
    struct run_port asked = take(arena, (struct run_wish){.port = 8085});
    CHECK(asked.outcome == RUN_PORT_NONE || asked.port == 8085);
    run_give_back(arena, &port);
    struct run_port again = take(arena, (struct run_wish){.port = port.port});
    CHECK(again.outcome == RUN_PORT_TAKEN && again.port == port.port);
    run_give_back(arena, &again);
}

TEST(a_name_keeps_its_port)
{
    load(HEAD "\"sockets\": []}");
    struct run_port first = take(arena, (struct run_wish){.name = STR("web")});
    CHECK(first.outcome == RUN_PORT_TAKEN && first.lease.lasting);
    run_give_back(arena, &first);
    struct run_port second = take(arena, (struct run_wish){.name = STR("web")});
    CHECK(second.outcome == RUN_PORT_TAKEN && second.port == first.port);
    struct run_port other = take(arena, (struct run_wish){.name = STR("web"), .port = 8085});
    CHECK(other.outcome == RUN_PORT_NONE && other.sentence.len > 0);
}

TEST(a_taken_port_asks_why)
{
    load(HEAD
         "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:8080\", \"inode\": 7}]}");
    struct run_port port = take(arena, (struct run_wish){.port = 8080});
    CHECK(port.outcome == RUN_PORT_WHY && port.port == 8080);
    struct run_wish wish = {.project = STR("/home/ann/shop")};
    CHECK(run_keep_port(arena, &wish, 8080, &port, NULL));
    CHECK(port.outcome == RUN_PORT_TAKEN && port.port == 8080);
    run_give_back(arena, &port);
    fake_host_fail_each("lease_book_open", ERR_NOT_ALLOWED);
    CHECK(!run_keep_port(arena, &wish, 8080, &port, NULL));
}

TEST(what_is_kept_for_others_is_not_taken)
{
    load(HEAD "\"sockets\": []}");
    struct run_port mine = take(arena, (struct run_wish){.name = STR("web")});
    struct run_port port = take(arena, (struct run_wish){.name = STR("api"), .port = mine.port});
    CHECK(port.outcome == RUN_PORT_NONE);
    CHECK(str_find(port.sentence, STR("kept for somebody else")) != SIZE_MAX);
}

TEST(without_the_addresses_of_the_host_only_an_asked_port_is_given)
{
    struct run_port port;
    struct run_wish wish = {.project = STR("/home/ann/shop")};
    struct err err = {0};

    load(HEAD "\"sockets\": []}");
    fake_host_fail_each("net_read_addresses", ERR_UNSUPPORTED);
    CHECK(!run_take_port(arena, &wish, &port, &err));
    wish.port = 8085;
    err = (struct err){0};
    CHECK(run_take_port(arena, &wish, &port, &err) && port.outcome == RUN_PORT_TAKEN);
}

#define WITH_RUN(words, exe)                                                                                        \
    BASE "\"sockets\": [], \"processes\": [{\"pid\": 700, \"known\": \"yes\", \"ppid\": 1, \"name\": \"moorage\", " \
         "\"exe\": \"" exe "\", \"command\": " words ", \"started_ticks\": 5}]}"

TEST(only_a_run_is_replaced)
{
    struct lease lease = {.pid = 700, .started = 5};
    struct err err = {0};

    load(WITH_RUN("[\"moorage\", \"run\", \"--\", \"node\"]", "/usr/bin/moorage"));
    (void)run_replace(arena, &lease, 100, &err);
    // It was told to end, and hard when it did not.
    CHECK(err.kind == ERR_NONE || err.kind == ERR_TIMEOUT);
    // Another one that has the number now is left alone.
    load(WITH_RUN("[\"moorage\", \"run\", \"--\", \"node\"]", "/usr/bin/moorage"));
    lease.started = 6;
    err = (struct err){0};
    CHECK(!run_replace(arena, &lease, 100, &err) && err.kind == ERR_NOT_ALLOWED);
    lease.pid = 701;
    err = (struct err){0};
    CHECK(run_replace(arena, &lease, 100, &err));
    load(WITH_RUN("[\"moorage\", \"list\"]", "/usr/bin/moorage"));
    lease = (struct lease){.pid = 700, .started = 5};
    CHECK(!run_replace(arena, &lease, 100, &err) && err.kind == ERR_NOT_ALLOWED);
}

TEST(a_run_that_may_not_be_ended_lives_on)
{
    struct lease lease = {.pid = 700, .started = 5};
    struct err err = {0};

    load(WITH_RUN("[\"moorage\", \"run\", \"--\", \"node\"]", "/usr/bin/moorage"));
    fake_host_fail_each("pinned_send", ERR_NOT_ALLOWED);
    CHECK(!run_replace(arena, &lease, 100, &err) && err.kind == ERR_NOT_ALLOWED);
    load(WITH_RUN("[\"moorage\", \"run\", \"--\", \"node\"]", "/usr/bin/moorage"));
    fake_host_fail_each("pinned_open", ERR_UNSUPPORTED);
    err = (struct err){0};
    CHECK(!run_replace(arena, &lease, 100, &err) && err.kind == ERR_UNSUPPORTED);
}

// ---- the watch ----

#define LISTENS(local, inode, more)                                                              \
    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"" local "\", \"inode\": " inode \
    ", \"cookie\": " inode more "}"
#define HELD(socket, by) "{\"socket\": " socket ", \"pid\": " by ", \"how\": \"fd\", \"fd\": 3}"

static struct run_watch
look(struct arena *arena, uint16_t port, uint32_t pid)
{
    struct run_watch watch = {.port = port};
    struct err err = {0};

    CHECK(run_look(arena, &watch, &pid, 1, &err));
    return watch;
}

TEST(who_serves_is_told_by_the_sockets)
{
    load(
        BASE
        "\"sockets\": [" LISTENS("127.0.0.1:80", "7", "") ", " LISTENS("0.0.0.0:81", "8", "") "], \"holdings\": [" HELD(
            "0", "40") ", " HELD("1",
                                 "50") "], \"processes\": [{\"pid\": 50, \"known\": \"yes\", \"name\": \"apache\"}]}");
    struct run_watch watch = look(arena, 80, 40);
    CHECK_INT(watch.seen, RUN_SEEN_OWN);
    CHECK_STR(run_places(arena, &watch), "127.0.0.1:80, only IPv4");
    watch = look(arena, 81, 40);
    CHECK_INT(watch.seen, RUN_SEEN_STRANGER);
    CHECK_STR(watch.stranger, "apache (pid 50)");
    watch = look(arena, 82, 40);
    CHECK_INT(watch.seen, RUN_SEEN_OTHER);
    CHECK_STR(run_places(arena, &watch), "127.0.0.1:80, only IPv4");
    CHECK_INT(look(arena, 82, 60).seen, RUN_SEEN_NOTHING);
}

TEST(a_stranger_may_have_no_name)
{
    load(HEAD "\"sockets\": [" LISTENS("127.0.0.1:80", "7", "") "]}");
    struct run_watch watch = look(arena, 80, 40);
    CHECK(watch.seen == RUN_SEEN_STRANGER && watch.stranger.len == 0);
    fake_host_fail_each("socket_owner_find", ERR_NOT_ALLOWED);
    CHECK(look(arena, 80, 40).stranger.len == 0);
    fake_host_fail_each("socket_table_read", ERR_NOT_ALLOWED);
    struct run_watch none = {.port = 80};
    CHECK(!run_look(arena, &none, NULL, 0, NULL));
}

TEST(places_say_which_family_is_missing)
{
    load(HEAD
         "\"sockets\": [" LISTENS("[::]:80", "7", ", \"v6only\": false") "], \"holdings\": [" HELD("0", "40") "]}");
    struct run_watch watch = look(arena, 80, 40);
    CHECK_STR(run_places(arena, &watch), "*:80");
    load(HEAD "\"sockets\": [" LISTENS("[::1]:80", "7", "") "], \"holdings\": [" HELD("0", "40") "]}");
    watch = look(arena, 80, 40);
    CHECK_STR(run_places(arena, &watch), "[::1]:80, only IPv6");
    load(
        HEAD
        "\"sockets\": [" LISTENS("0.0.0.0:80", "7", "") ", " LISTENS("[::]:80", "8", ", \"v6only\": true") ", " LISTENS(
            "0.0.0.0:80", "9", "") "], \"holdings\": [" HELD("0", "40") ", " HELD("1", "40") ", " HELD("2", "40") "]}");
    watch = look(arena, 80, 40);
    CHECK_STR(run_places(arena, &watch), "0.0.0.0:80 and [::]:80");
}

TEST(nothing_is_searched_while_nothing_changes)
{
    struct run_watch watch = {.port = 82};
    uint32_t pids[] = {40, 41};

    load(HEAD "\"sockets\": [" LISTENS("127.0.0.1:80", "7", "") "], \"holdings\": [" HELD("0", "41") "]}");
    CHECK(run_look(arena, &watch, pids, 1, NULL) && watch.seen == RUN_SEEN_NOTHING);
    size_t searches = fake_host_calls("socket_owner_find");
    CHECK(run_look(arena, &watch, pids, 1, NULL));
    CHECK_INT(fake_host_calls("socket_owner_find"), searches);
    // A program that came may have what was there before.
    CHECK(run_look(arena, &watch, pids, 2, NULL) && watch.seen == RUN_SEEN_OTHER);
}

TAP_MAIN
