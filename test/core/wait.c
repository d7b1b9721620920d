#include "core/wait.h"

#include "sys/fake_host.h"
#include "sys/process.h"
#include "tap.h"

#define HEAD                                                                                                           \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"ipv6\": true, \"admin\": true, "                  \
    "\"addresses\": [{\"address\": \"127.0.0.1\", \"device\": 1}, {\"address\": \"192.168.1.20\", \"device\": 2}], "   \
    "\"processes\": [{\"pid\": 40, \"known\": \"yes\", \"ppid\": 30, \"name\": \"node\", \"exe\": \"/usr/bin/node\"}," \
    "{\"pid\": 30, \"known\": \"yes\", \"ppid\": 1, \"name\": \"npm\"}], "
#define LISTENS(local) \
    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"" local "\", \"inode\": 7, \"cookie\": 9}"
#define HELD "\"holdings\": [{\"socket\": 0, \"pid\": 40, \"how\": \"fd\", \"fd\": 3}]"

static void
load(const char *json)
{
    struct err err = {0};

    if (!fake_host_load(str_of(json), &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
}

static struct wait
waiting(struct arena *arena, const char *word, const char *path)
{
    struct wait wait = {.arena = arena, .timeout_ms = 30000};
    struct err err = {0};

    if (!wait_add(&wait, str_of(word), str_of(path), NULL, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    return wait;
}

static enum wait_state
outcome(struct wait *wait)
{
    enum wait_state state = WAIT_GOING;
    struct err err = {0};

    CHECK(wait_start(wait, &err));
    while (state == WAIT_GOING)
        state = wait_step(wait, 500);
    wait_end(wait);
    return state;
}

#define CHECK_REFUSED(word, sentence)                                       \
    do {                                                                    \
        struct wait refused = {.arena = arena};                             \
        struct err err = {0};                                               \
        CHECK(!wait_add(&refused, STR(word), (struct str){0}, NULL, &err)); \
        CHECK_INT(err.kind, ERR_USAGE);                                     \
        if (str_find(str_of(err.text), STR(sentence)) == SIZE_MAX)          \
            printf("# %s\n", err.text);                                     \
        CHECK(str_find(str_of(err.text), STR(sentence)) != SIZE_MAX);       \
    } while (0)

TEST(ports_of_this_machine_and_of_others_are_told_apart)
{
    struct wait wait = {.arena = arena};
    static const char *const words[] = {"8080-8081",      "192.168.1.20:80", "10.9.9.9:80",
                                        "db:5432",        "tcp://db:5432",   "http://shop.example/x",
                                        "localhost:3000", "db:postgresql",   "udp/53"};

    load(HEAD "\"sockets\": []}");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        CHECK(wait_add(&wait, str_of(words[i]), (struct str){0}, NULL, NULL));
    CHECK_INT(wait.targets.count, 10);
    CHECK(wait.targets.items[1].port == 8081 && wait.targets.items[1].host.len == 0);
    CHECK(wait.targets.items[2].host.len == 0);
    CHECK_STR(wait.targets.items[3].host, "10.9.9.9");
    CHECK(wait.targets.items[4].port == 5432);
    CHECK_STR(wait.targets.items[4].host, "db");
    CHECK_STR(wait.targets.items[5].host, "db");
    CHECK(wait.targets.items[6].port == 80);
    CHECK(wait.targets.items[7].host.len == 0);
    CHECK(wait.targets.items[8].port == 5432);
    CHECK_INT(wait.targets.items[9].protocol, PROTOCOL_UDP);
}

TEST(what_can_not_be_waited_for_is_refused)
{
    struct wait wait = {.arena = arena};

    load(HEAD "\"sockets\": []}");
    CHECK_REFUSED("db", "db:5432");
    CHECK_REFUSED("0", "no port");
    CHECK_REFUSED("db:99999", "too high");
    CHECK_REFUSED("12:34", "two ports");
    CHECK_REFUSED("1-1000", "at once");
    CHECK_REFUSED("udp/10.9.9.9:53", "UDP of another machine");
    CHECK(!wait_add(&wait, STR("udp/53"), STR("/x"), NULL, NULL));
}

TEST(http_takes_a_path_with_or_without_its_slash_or_a_url)
{
    struct str path = {0};
    struct err err = {0};
    bool is_url = true;

    CHECK(wait_read_path(arena, STR("health"), &path, &is_url, NULL) && !is_url);
    CHECK_STR(path, "/health");
    CHECK(wait_read_path(arena, STR("/a/b?c"), &path, &is_url, NULL) && !is_url);
    CHECK_STR(path, "/a/b?c");
    CHECK(wait_read_path(arena, STR("http://x:80/a#b"), &path, &is_url, NULL) && is_url);
    CHECK_STR(path, "/a");
    CHECK(wait_read_path(arena, STR("http://x:80"), &path, &is_url, NULL));
    CHECK_STR(path, "/");
    CHECK(!wait_read_path(arena, STR("https://x"), &path, &is_url, NULL));
    CHECK(!wait_read_path(arena, STR("a b"), &path, &is_url, NULL));
    CHECK(!wait_read_path(arena, STR("C:/Program"), &path, &is_url, &err));
    CHECK(str_find(str_of(err.text), STR("write --http Program")) != SIZE_MAX);
}

TEST(who_must_serve_is_a_process_or_a_program)
{
    struct wait_by by = {0};

    CHECK(wait_read_by(STR("41"), &by, NULL) && by.pid == 41);
    CHECK(wait_read_by(STR("pid=42"), &by, NULL) && by.pid == 42);
    CHECK(wait_read_by(STR("exe=node"), &by, NULL));
    CHECK_STR(by.exe, "node");
    CHECK(!wait_read_by(STR("0"), &by, NULL));
    CHECK(!wait_read_by(STR("node"), &by, NULL));
    CHECK(!wait_read_by(STR("exe="), &by, NULL));
}

TEST(it_ends_when_the_port_is_served)
{
    load(HEAD
         "\"sockets\": [], \"script\": [{\"after_ms\": 700, \"add\": {\"sockets\": [" LISTENS("127.0.0.1:80") "]}}]}");
    struct wait wait = waiting(arena, "80", "");
    CHECK_INT(outcome(&wait), WAIT_MET);
    CHECK(wait.targets.items[0].met_us >= 700 * 1000 && wait.targets.items[0].met_us < 705 * 1000);
}

TEST(a_listener_on_another_address_is_found_in_the_table)
{
    load(HEAD "\"sockets\": [], \"script\": [{\"after_ms\": 700, \"add\": {\"sockets\": [" LISTENS(
        "192.168.1.20:80") "]}}]}");
    struct wait wait = waiting(arena, "80", "");
    CHECK_INT(outcome(&wait), WAIT_MET);
    CHECK(wait.targets.items[0].met_us < 725 * 1000);
    struct wait local = waiting(arena, "localhost:80", "");
    local.timeout_ms = 300;
    CHECK_INT(outcome(&local), WAIT_TIMED_OUT);
    struct wait other = waiting(arena, "*%eth0:80", "");
    other.timeout_ms = 300;
    CHECK_INT(outcome(&other), WAIT_TIMED_OUT);
    struct wait named = waiting(arena, "192.168.1.20:80", "");
    CHECK_INT(outcome(&named), WAIT_MET);
}

TEST(after_ten_seconds_it_looks_more_rarely)
{
    load(HEAD "\"sockets\": []}");
    struct wait wait = waiting(arena, "80", "");
    CHECK_INT(outcome(&wait), WAIT_TIMED_OUT);
    // 20,000 looks in the first ten seconds, then fewer and fewer, 50 a second in the end.
    CHECK(fake_host_calls("socket_watch_find") > 20000 && fake_host_calls("socket_watch_find") < 23000);
}

// Told of `early_us` before it can be found. When that was found, and by how many looks.
static int64_t
found_after(struct arena *arena, unsigned early_us, size_t *looks)
{
    load(HEAD "\"sockets\": [], \"script\": [{\"after_ms\": 700, \"add\": {\"sockets\": [" LISTENS(
        "192.168.1.20:80") "]}}]}");
    fake_host_environment("MOORAGE_FAKE_TELLS", str_c(arena, str_printf(arena, "%u", 700000 - early_us)));
    struct wait wait = waiting(arena, "80", "");
    wait.tells_who = true;
    CHECK_INT(outcome(&wait), WAIT_MET);
    *looks = fake_host_calls("socket_watch_find");
    return wait.targets.items[0].met_us - 700 * 1000;
}

TEST(where_it_is_told_of_a_server_it_looks_until_that_can_be_found)
{
    size_t looks = 0;
    CHECK(found_after(arena, 0, &looks) == 0 && looks < 20);
    CHECK(found_after(arena, 30, &looks) <= 1);
    CHECK(found_after(arena, 1500, &looks) <= 20);
    CHECK(found_after(arena, 15000, &looks) <= 500);
    // What it was told of never came; then another one.
    CHECK(found_after(arena, 60000, &looks) <= 100000 && looks < 300);
}

TEST(all_targets_must_be_met_each_once)
{
    load(HEAD "\"sockets\": [" LISTENS(
        "0.0.0.0:80") "], \"script\": ["
                      "{\"after_ms\": 50, \"remove\": [\"tcp 0.0.0.0:80\"], \"add\": {\"sockets\": [" LISTENS(
                          "[::]:81") "]}}]}");
    struct wait wait = waiting(arena, "80,81", "");
    CHECK_INT(outcome(&wait), WAIT_MET);
    CHECK(wait.targets.items[0].met_us == 0 && wait.targets.items[1].met_us >= 50 * 1000);
}

TEST(a_process_or_what_it_started_must_serve)
{
    load(HEAD "\"sockets\": [" LISTENS("0.0.0.0:80") "], " HELD "}");
    static const struct {
        uint32_t pid;
        const char *exe;
        enum wait_state state;
    } cases[] = {
        {40, "", WAIT_MET},
        {30, "", WAIT_MET},
        {41, "", WAIT_TIMED_OUT},
        {0, "node", WAIT_MET},
        {0, "/usr/bin/node", WAIT_MET},
        {0, "/opt/node", WAIT_TIMED_OUT},
        {0, "nod", WAIT_TIMED_OUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wait wait = waiting(arena, "80", "");
        wait.timeout_ms = 300;
        wait.by = (struct wait_by){cases[i].pid, str_of(cases[i].exe)};
        CHECK_INT(outcome(&wait), cases[i].state);
        CHECK(wait.targets.items[0].by_other == (cases[i].state != WAIT_MET));
    }
}

TEST(who_has_the_port_is_told)
{
    struct host host = {0};
    struct holder_list holders = {0};

    load(HEAD "\"sockets\": [" LISTENS("0.0.0.0:80") "], " HELD "}");
    struct wait wait = waiting(arena, "80", "");
    CHECK(wait_who(arena, &wait.targets.items[0], PROCESS_ALL, true, &host, &holders, NULL));
    CHECK(holders.count == 1 && holders.items[0].pid == 40);
    fake_host_fail_each("socket_table_read", ERR_NOT_ALLOWED);
    CHECK(!wait_who(arena, &wait.targets.items[0], PROCESS_ALL, true, &host, &holders, NULL));
    struct err err = {0};
    CHECK(!wait_start(&wait, &err));
    fake_host_fail_each("socket_table_read", ERR_NONE);
    fake_host_fail_each("socket_owner_find", ERR_NOT_ALLOWED);
    CHECK(!wait_who(arena, &wait.targets.items[0], PROCESS_ALL, true, &host, &holders, NULL));
}

TEST(free_is_what_can_be_bound)
{
    load(HEAD "\"sockets\": [" LISTENS("0.0.0.0:80") "], " HELD ", \"script\": ["
                                                     "{\"after_ms\": 400, \"remove\": [\"tcp 0.0.0.0:80\"]}]}");
    struct wait wait = waiting(arena, "80", "");
    wait.free = true;
    CHECK_INT(outcome(&wait), WAIT_MET);
    CHECK(wait.targets.items[0].met_us >= 400 * 1000 && wait.targets.items[0].met_us < 460 * 1000);
    // No bind is tried while somebody is there.
    CHECK_INT(fake_host_calls("bind_probe"), 4);
}

TEST(a_socket_that_does_not_listen_keeps_a_port_from_being_free)
{
    load(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"BOUND\", \"local\": \"0.0.0.0:80\", \"inode\": 7}], "
              "\"script\": [{\"after_ms\": 5000, \"remove\": [\"tcp 0.0.0.0:80\"]}]}");
    struct wait wait = waiting(arena, "80", "");
    wait.free = true;
    CHECK_INT(outcome(&wait), WAIT_MET);
    CHECK(wait.targets.items[0].met_us >= 5000 * 1000 && wait.targets.items[0].met_us < 6100 * 1000);
    CHECK_INT(fake_host_calls("bind_probe"), 4);
    load(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\": \"127.0.0.1:80\", "
              "\"remote\": \"127.0.0.1:9\", \"reuse_addr\": false}]}");
    struct wait lingering = waiting(arena, "127.0.0.1:80", "");
    lingering.free = true;
    lingering.timeout_ms = 3000;
    CHECK_INT(outcome(&lingering), WAIT_TIMED_OUT);
    CHECK(fake_host_calls("bind_probe") < 30);
}

TEST(a_machine_is_called_until_it_answers)
{
    load(HEAD "\"sockets\": [], \"script\": [{\"after_ms\": 900, \"add\": {\"api_answers\": ["
              "{\"runtime\": \"dial\", \"endpoint\": \"db:5432\", \"known\": \"yes\"}]}}]}");
    struct wait wait = waiting(arena, "db:5432", "");
    CHECK_INT(outcome(&wait), WAIT_MET);
    CHECK(wait.targets.items[0].met_us >= 900 * 1000);
    struct wait other = waiting(arena, "db:5433", "");
    other.timeout_ms = 100;
    CHECK_INT(outcome(&other), WAIT_TIMED_OUT);
    CHECK_INT(other.targets.items[0].called.standing, DIAL_REFUSED);
}

TEST(a_server_must_answer_well_where_that_is_asked)
{
    load(HEAD "\"sockets\": [" LISTENS(
        "[::]:80") "], \"api_answers\": [{\"runtime\": \"dial\", "
                   "\"endpoint\": \"127.0.0.1:80\", \"request\": \"/health\", \"known\": \"yes\", "
                   "\"body\": \"HTTP/1.1 503 No\\r\\n\\r\\n\"}], \"script\": [{\"after_ms\": 500, \"add\": "
                   "{\"api_answers\": ["
                   "{\"runtime\": \"dial\", \"endpoint\": \"127.0.0.1:80\", \"request\": \"/health\", \"known\": "
                   "\"yes\", "
                   "\"body\": \"HTTP/1.1 204 Yes\\r\\n\\r\\n\"}]}}]}");
    struct wait wait = waiting(arena, "80", "/health");
    CHECK_INT(outcome(&wait), WAIT_MET);
    CHECK(wait.targets.items[0].met_us >= 500 * 1000);
    CHECK_INT(wait.targets.items[0].called.status, 204);
    struct wait bad = waiting(arena, "80", "/other");
    bad.timeout_ms = 100;
    CHECK_INT(outcome(&bad), WAIT_TIMED_OUT);
}

TEST(a_listener_is_called_at_an_address_that_reaches_it)
{
    static const char *const locals[][2] = {
        {"192.168.1.20:80", "192.168.1.20"}, {"0.0.0.0:80", "127.0.0.1"}, {"[::ffff:127.0.0.1]:80", "127.0.0.1"}};

    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++) {
        struct str json = str_printf(
            arena,
            HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"%s\", \"inode\": 7}], "
                 "\"api_answers\": [{\"runtime\": \"dial\", \"endpoint\": \"%s:80\", \"request\": \"/\", "
                 "\"known\": \"yes\", \"body\": \"HTTP/1.1 200 OK\\r\\n\\r\\n\"}]}",
            locals[i][0], locals[i][1]);
        load(str_c(arena, json));
        struct wait wait = waiting(arena, "80", "/");
        wait.timeout_ms = 100;
        CHECK_INT(outcome(&wait), WAIT_MET);
    }
}

TAP_MAIN
