#include "core/snapshot.h"
#include "core/why.h"
#include "sys/fake_host.h"
#include "tap.h"

#define ROW \
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::1]:8080\", \"owner_pid\": 70}], "
#define HELD_BY(name)                                                    \
    "\"holdings\": [{\"socket\": 0, \"pid\": 70, \"how\": \"table\"}], " \
    "\"processes\": [{\"pid\": 70, \"name\": \"" name "\"}], "
#define PROBES(code, result)                                                                               \
    "\"probes\": [{\"protocol\": \"tcp\", \"address\": \"0.0.0.0\", \"port\": 8080, \"bind\": \"plain\", " \
    "\"code\":" code ", \"result\": \"" result                                                             \
    "\"}, {\"protocol\": \"tcp\", \"address\": \"0.0.0.0\", \"port\": 8080,"                               \
    "\"bind\": \"reuse\", \"code\":" code ", \"result\": \"" result "\"}], "

// Asks for port 8080 of a host of this platform, with these members in its document.
static void
ask(struct arena *arena, const char *platform, const char *members, bool all)
{
    struct err err = {0};
    struct host host;
    struct answer answer;
    struct why_question question = {
        .protocol = PROTOCOL_TCP, .endpoint = {.first = 8080, .last = 8080}, .deadline_ms = 300, .all = all};
    struct snapshot_ask rows = {
        .protocols = 1u << PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN, .first = 8080, .last = 8080};
    struct str json = str_printf(
        arena, "{\"schema\": \"moorage.snapshot/1\", %s\"complete\": true, \"platform\": \"%s\"}", members, platform);

    CHECK(fake_host_load(json, &err));
    CHECK(snapshot_read(arena, &rows, &host, &err));
    CHECK(why_answer(arena, &host, &question, &answer, &err));
}

TEST(refused_bind_asks_for_the_urls_of_the_system)
{
    ask(arena, "windows", PROBES("10013", "EACCES"), false);
    CHECK_INT(fake_host_calls("http_service_read"), 1);
    CHECK_INT(fake_host_calls("neighbour_read"), 0);
    ask(arena, "windows", "", false);
    CHECK_INT(fake_host_calls("http_service_read"), 0);
}

TEST(relay_asks_for_who_listens_on_the_other_side)
{
    ask(arena, "windows", ROW HELD_BY("wslrelay") PROBES("10048", "EADDRINUSE"), false);
    CHECK_INT(fake_host_calls("neighbour_read"), 1);
    ask(arena, "windows", ROW HELD_BY("node") PROBES("10048", "EADDRINUSE"), false);
    CHECK_INT(fake_host_calls("neighbour_read"), 0);
}

TEST(inside_of_wsl_a_bind_that_nothing_explains_asks_windows)
{
    ask(arena, "linux", "\"wsl\": \"2\", " PROBES("98", "EADDRINUSE"), false);
    CHECK_INT(fake_host_calls("neighbour_read"), 1);
    ask(arena, "linux", "\"wsl\": \"2\", " ROW HELD_BY("socat") PROBES("98", "EADDRINUSE"), false);
    CHECK_INT(fake_host_calls("neighbour_read"), 0);
    // On a free port localhost of Windows may lead to somebody else.
    ask(arena, "linux", "\"wsl\": \"2\", ", false);
    CHECK_INT(fake_host_calls("neighbour_read"), 1);
    ask(arena, "linux", "\"wsl\": \"2\", ", true);
    CHECK_INT(fake_host_calls("neighbour_read"), 1);
    ask(arena, "linux", PROBES("98", "EADDRINUSE"), true);
    CHECK_INT(fake_host_calls("neighbour_read"), 0);
}

TEST(windows_asks_linux_where_they_share_their_addresses)
{
    ask(arena, "windows", "\"wsl_networking\": \"mirrored\", " PROBES("10048", "EADDRINUSE"), false);
    CHECK_INT(fake_host_calls("neighbour_read"), 1);
    ask(arena, "windows", "\"wsl_networking\": \"nat\", " PROBES("10048", "EADDRINUSE"), false);
    CHECK_INT(fake_host_calls("neighbour_read"), 0);
}

TAP_MAIN
