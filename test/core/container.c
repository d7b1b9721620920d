#include "core/container.h"

#include "sys/clock.h"
#include "sys/fake_host.h"
#include "tap.h"

#define HEAD "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"api_answers\": ["
#define GOOD "HTTP/1.1 200 OK\\r\\nServer: Docker/24\\r\\n\\r\\n"

#define WEB                                                                                              \
    "{\\\"Id\\\":\\\"8dfafdbc3a40aaaa\\\",\\\"Names\\\":[\\\"/web\\\"],\\\"State\\\":\\\"running\\\","   \
    "\\\"Ports\\\":[{\\\"IP\\\":\\\"0.0.0.0\\\",\\\"PrivatePort\\\":80,\\\"PublicPort\\\":8080,"         \
    "\\\"Type\\\":\\\"tcp\\\"},{\\\"IP\\\":\\\"127.0.0.1\\\",\\\"PrivatePort\\\":81,\\\"PublicPort\\\":" \
    "8081,\\\"Type\\\":\\\"tcp\\\"},{\\\"IP\\\":\\\"\\\",\\\"PrivatePort\\\":53,\\\"PublicPort\\\":53,"  \
    "\\\"Type\\\":\\\"udp\\\"}]}"
#define OLD                                                                                           \
    "{\\\"Id\\\":\\\"8dfafdbc3a40bbbb\\\",\\\"Names\\\":[\\\"/old\\\"],\\\"State\\\":\\\"exited\\\"," \
    "\\\"Ports\\\":[{\\\"IP\\\":\\\"0.0.0.0\\\",\\\"PrivatePort\\\":80,\\\"PublicPort\\\":9090,"      \
    "\\\"Type\\\":\\\"tcp\\\"}]}"
#define ODD "{\\\"Id\\\":\\\"a b\\\",\\\"Names\\\":[\\\"/odd\\\"],\\\"State\\\":\\\"paused\\\",\\\"Ports\\\":[]}"

#define LIST(path, rest) \
    "{\"runtime\": \"docker\", \"endpoint\": \"" path "\", \"request\": \"/containers/json\", " rest "}"

static void
load(const char *json)
{
    struct err err = {.kind = ERR_NONE};
    fake_host_load(str_of(json), &err);
    CHECK_STR(str_of(err.text), "");
}

static void
load_usual(void)
{
    load(HEAD LIST(
        "/d",
        "\"body\": \"" GOOD "[" WEB "," OLD "," ODD
        "]\"") ","
               "{\"runtime\": \"docker\", \"endpoint\": \"/d\", \"request\": \"/containers/8dfafdbc3a40aaaa/json\","
               " \"body\": \"" GOOD "{\\\"Id\\\":\\\"8dfafdbc3a40aaaa\\\",\\\"State\\\":{\\\"Pid\\\":77},"
               "\\\"HostConfig\\\":{\\\"RestartPolicy\\\":{\\\"Name\\\":\\\"always\\\"}}}\"}]}");
}

TEST(containers_are_asked_for_once)
{
    struct host host = {.uid = 0};
    load_usual();
    container_find(arena, &host, 300);
    CHECK_INT(host.containers.count, 3);
    CHECK_INT(host.api_answers.count, 1);
    CHECK(host.api_answers.items[0].known == KNOWN_YES);
    CHECK(str_starts(host.api_answers.items[0].body, STR("HTTP/1.1 200")));
    container_find(arena, &host, 300);
    CHECK_INT(host.containers.count, 3);
    CHECK_INT(fake_host_calls("container_ask"), 1);
}

TEST(a_container_can_be_asked_for_more)
{
    struct host host = {.uid = 0};
    load_usual();
    container_find(arena, &host, 300);
    CHECK(container_detail(arena, &host, 0, 100));
    CHECK_INT(host.containers.items[0].pid, 77);
    CHECK_STR(host.containers.items[0].restart, "always");
    // The second one is not there any more, and the third one's id is none that may go into a request.
    CHECK(!container_detail(arena, &host, 1, 100));
    CHECK(!container_detail(arena, &host, 2, 100));
    CHECK_INT(fake_host_calls("container_ask"), 3);
    host.containers.items[0].api = STR("");
    CHECK(!container_detail(arena, &host, 0, 100));
}

TEST(silent_apis_take_no_more_than_the_deadline_together)
{
    struct host host = {.uid = 0};
    load(HEAD LIST("/1", "\"known\": \"timeout\"") "," LIST("/2", "\"known\": \"timeout\"") "," LIST(
        "/3", "\"known\": \"timeout\"") "," LIST("/4", "\"body\": \"" GOOD "[" WEB "]\"") "]}");
    int64_t start = clock_mono_us();
    container_find(arena, &host, 300);
    CHECK(clock_mono_us() - start <= 300000);
    CHECK_INT(host.containers.count, 1);
    CHECK_INT(host.api_answers.count, 4);
    CHECK(host.api_answers.items[0].known == KNOWN_TIMEOUT);
    load(HEAD LIST("/1", "\"known\": \"timeout\"") "," LIST("/2", "\"known\": \"timeout\"") "]}");
    start = clock_mono_us();
    struct host other = {.uid = 0};
    container_find(arena, &other, 300);
    CHECK(clock_mono_us() - start <= 300000);
    CHECK_INT(other.containers.count, 0);
}

TEST(an_answer_that_is_none_says_why)
{
    static const struct {
        const char *json;
        enum known known;
    } cases[] = {
        {HEAD LIST("/d", "\"body\": \"garbage\"") "]}", KNOWN_UNSUPPORTED},
        {HEAD LIST("/d", "\"body\": \"HTTP/1.1 403 No\\r\\n\\r\\n\"") "]}", KNOWN_NOT_ALLOWED},
        {HEAD LIST("/d", "\"body\": \"HTTP/1.1 401 No\\r\\n\\r\\n\"") "]}", KNOWN_NOT_ALLOWED},
        {HEAD LIST("/d", "\"body\": \"HTTP/1.1 404 No\\r\\n\\r\\n\"") "]}", KNOWN_GONE},
        {HEAD LIST("/d", "\"body\": \"HTTP/1.1 500 No\\r\\n\\r\\n\"") "]}", KNOWN_UNSUPPORTED},
        {HEAD LIST("/d", "\"known\": \"not-allowed\"") "]}", KNOWN_NOT_ALLOWED},
        {HEAD LIST("/d", "\"known\": \"gone\"") "]}", KNOWN_GONE},
        {HEAD LIST("/d", "\"known\": \"unsupported\"") "]}", KNOWN_UNSUPPORTED},
        {HEAD LIST("/d", "\"body\": \"" GOOD "{}\"") "]}", KNOWN_YES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host host = {.uid = 0};
        load(cases[i].json);
        container_find(arena, &host, 300);
        CHECK_INT(host.containers.count, 0);
        CHECK_INT(host.api_answers.count, 1);
        CHECK_INT(host.api_answers.items[0].known, cases[i].known);
    }
}

TEST(podman_behind_dockers_path_is_podman_and_one_daemon_counts_once)
{
    struct host host = {.uid = 0};
    load(HEAD LIST("/1", "\"body\": \"HTTP/1.1 200 OK\\r\\nServer: Libpod/4.3.1 (linux)\\r\\n\\r\\n[" WEB
                         "]\"") "," LIST("/2", "\"body\": \"" GOOD "[" WEB "]\"") "]}");
    container_find(arena, &host, 300);
    CHECK_INT(host.containers.count, 1);
    CHECK_STR(host.containers.items[0].runtime, "podman");
    CHECK_STR(host.containers.items[0].api, "/1");
}

TEST(a_container_is_found_by_its_id_or_name)
{
    struct host host = {.uid = 0};
    load_usual();
    container_find(arena, &host, 300);
    CHECK_STR(container_by_id(&host, STR("8dfafdbc3a40aaaa"))->name, "web");
    CHECK_STR(container_by_id(&host, STR("8dfafdbc3a40a"))->name, "web");
    CHECK_STR(container_by_id(&host, STR("web"))->name, "web");
    // Two begin like this; this is too short; these are none.
    CHECK(!container_by_id(&host, STR("8dfafdbc3a40")));
    CHECK(!container_by_id(&host, STR("8dfafdbc3a4")));
    CHECK(!container_by_id(&host, STR("")));
    CHECK(!container_by_id(&host, STR("nothing")));
}

TEST(a_container_is_found_by_its_published_port)
{
    struct host host = {.uid = 0};
    load_usual();
    container_find(arena, &host, 300);
    CHECK(container_by_port(&host, PROTOCOL_TCP, address_any(FAMILY_IPV4), 8080));
    CHECK(container_by_port(&host, PROTOCOL_TCP, address_any(FAMILY_IPV6), 8080));
    CHECK(container_by_port(&host, PROTOCOL_TCP, address_ipv4(10, 0, 0, 1), 8080));
    CHECK(container_by_port(&host, PROTOCOL_MPTCP, (struct address){.family = FAMILY_NONE}, 8081));
    CHECK(container_by_port(&host, PROTOCOL_UDP, address_any(FAMILY_IPV6), 53));
    CHECK(!container_by_port(&host, PROTOCOL_TCP, address_ipv4(10, 0, 0, 1), 8081));
    CHECK(!container_by_port(&host, PROTOCOL_UDP, address_any(FAMILY_IPV4), 8080));
    CHECK(!container_by_port(&host, PROTOCOL_TCP, address_any(FAMILY_IPV4), 80));
    // That one ended: its port is not taken by it.
    CHECK(!container_by_port(&host, PROTOCOL_TCP, address_any(FAMILY_IPV4), 9090));
}

static const struct container *
forwarded(struct arena *arena, const struct host *host, const char *line, uint16_t port, bool *is_forwarder)
{
    struct process process = {.pid = 1};
    struct str rest = str_of(line);
    struct str word;
    while (str_word(&rest, &word))
        *LIST_ADD(arena, &process.command) = word;
    return container_by_forwarder(arena, host, &process, PROTOCOL_TCP, address_any(FAMILY_IPV4), port, is_forwarder);
}

TEST(a_forwarder_leads_to_its_container)
{
    struct host host = {.uid = 0};
    bool is_forwarder = false;
    load_usual();
    container_find(arena, &host, 300);
    const struct container *found =
        forwarded(arena, &host, "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080", 8080, &is_forwarder);
    CHECK(is_forwarder && found);
    CHECK_STR(found->name, "web");
    CHECK(forwarded(arena, &host, "conmon -c 8dfafdbc3a40aaaa -n web", 1, NULL) == found);
    CHECK(forwarded(arena, &host, "rootlessport-child", 8080, NULL) == found);
    CHECK(!forwarded(arena, &host, "rootlessport-child", 80, NULL));
    CHECK(!forwarded(arena, &host, "nginx", 8080, &is_forwarder));
    CHECK(!is_forwarder);
}

TEST(a_forwarder_that_was_left_behind_has_no_container)
{
    struct host host = {.uid = 0};
    bool is_forwarder = false;
    load_usual();
    container_find(arena, &host, 300);
    CHECK(!forwarded(arena, &host, "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 7777", 7777, &is_forwarder));
    CHECK(is_forwarder);
    // Its arguments name another port than the socket that it holds.
    CHECK(!forwarded(arena, &host, "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 1", 8080, &is_forwarder));
    CHECK(!forwarded(arena, &host, "conmon -c 0123456789abcdef", 8080, &is_forwarder));
    CHECK(is_forwarder);
}

TAP_MAIN
