#include "core/snapshot.h"
#include "core/why.h"
#include "sys/fake_host.h"
#include "tap.h"

// A Windows host with one socket on port 8080 that node.exe holds. There a row names a process instead of a file, and
// sometimes nobody.
static struct answer
ask(struct arena *arena, struct host *host, const char *socket, const char *how)
{
    struct err err = {0};
    struct answer answer;
    struct why_question question = {
        .protocol = PROTOCOL_TCP, .endpoint = {.first = 8080, .last = 8080}, .deadline_ms = 300};
    struct snapshot_ask rows = {
        .protocols = 1u << PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN, .first = 8080, .last = 8080};
    struct str json = str_printf(arena,
                                 "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"windows\", \"complete\": true,"
                                 "\"sockets\": [{\"protocol\": \"tcp\", \"local\": \"0.0.0.0:8080\", %s}],"
                                 "\"processes\": [{\"pid\": 8124, \"ppid\": 77, \"name\": \"node.exe\"}],"
                                 "\"holdings\": [{\"socket\": 0, \"pid\": 8124, %s}],"
                                 "\"probes\": [{\"protocol\": \"tcp\", \"address\": \"0.0.0.0\", \"port\": 8080,"
                                 "\"bind\": \"plain\", \"code\": 10048, \"result\": \"EADDRINUSE\"}]}",
                                 socket, how);

    CHECK(fake_host_load(json, &err));
    CHECK(snapshot_read(arena, &rows, host, &err));
    CHECK(why_answer(arena, host, &question, &answer, &err));
    CHECK(answer.causes.count > 0);
    return answer;
}

TEST(listener_that_the_table_names_nobody_for_is_searched_for)
{
    struct host host;
    struct answer answer = ask(arena, &host, "\"state\": \"LISTEN\"", "\"how\": \"handle\", \"fd\": 452");
    CHECK_INT(answer.causes.items[0].holders.count, 1);
    CHECK_STR(answer.causes.items[0].holders.items[0].how.items[0], "handle 0x1c4");
}

TEST(connection_with_an_owner_is_neither_lingering_nor_unaccepted)
{
    struct host host;
    struct answer answer =
        ask(arena, &host, "\"state\": \"FIN_WAIT_2\", \"remote\": \"10.0.0.1:9\", \"owner_pid\": 8124",
            "\"how\": \"table\"");
    CHECK_INT(answer.causes.items[0].kind, CAUSE_CONNECTION);
    CHECK_INT(answer.causes.items[0].holders.items[0].pid, 8124);
}

TAP_MAIN
