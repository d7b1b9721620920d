#include "sys/supervisor.h"

#include "container_stub_linux.h"

#define INFO                                                                                                        \
    "<methodResponse><params><param><value><struct><member><name>state</name><value><int>20</int></value></member>" \
    "<member><name>statename</name><value>RUNNING</value></member><member><name>pid</name><value><int>17</int>"     \
    "</value></member></struct></value></param></params></methodResponse>"

static struct supervisor_entry
web_at(struct str place)
{
    return (struct supervisor_entry){{KNOWN_YES, STR("web")}, STR("supervisord"), place};
}

TEST(an_entry_is_asked_for_and_the_answer_comes_in_pieces)
{
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\n", "\r\n", INFO, NULL};
    struct stub stub;
    struct supervisor_state state = {0};
    struct err err = {0};

    open_stub(arena, &stub, pieces, false);
    struct supervisor_entry entry = web_at(stub.path);
    bool good = supervisor_read(arena, &entry, (uint32_t)getuid(), 5000, &state, &err);
    close_stub(&stub);
    CHECK_STR(str_of(err.text), "");
    CHECK(good && state.running && state.pid == 17);
    CHECK(strstr(stub.request, "supervisor.getProcessInfo"));
}

TEST(an_order_is_given)
{
    static const char *const pieces[] = {
        "HTTP/1.1 200 OK\r\n\r\n<methodResponse><params><param><value>1</value></param></params></methodResponse>",
        NULL};
    struct stub stub;
    struct err err = {0};

    open_stub(arena, &stub, pieces, false);
    struct supervisor_entry entry = web_at(stub.path);
    bool good = supervisor_order(arena, &entry, (uint32_t)getuid(), true, 5000, &err);
    close_stub(&stub);
    CHECK(good && strstr(stub.request, "supervisor.startProcess"));
}

TEST(silence_ends_by_the_deadline)
{
    struct stub stub;
    struct supervisor_state state = {0};
    struct err err = {0};

    open_stub(arena, &stub, NULL, false);
    struct supervisor_entry entry = web_at(stub.path);
    int64_t start = clock_mono_us();
    bool good = supervisor_read(arena, &entry, (uint32_t)getuid(), 100, &state, &err);
    int64_t took = clock_mono_us() - start;
    close_stub(&stub);
    CHECK(!good && took < 60000000);
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

TEST(nothing_is_said_to_another_users_socket)
{
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n" INFO, NULL};
    struct stub stub;
    struct supervisor_state state = {0};
    struct err err = {0};

    if (geteuid() != 0)
        SKIP("needs root, to listen as another user");
    // Whose a unix socket is, is settled by who calls listen(2).
    CHECK(seteuid(1234) == 0);
    open_stub(arena, &stub, pieces, false);
    CHECK(seteuid(0) == 0);
    struct supervisor_entry entry = web_at(stub.path);
    bool good = supervisor_read(arena, &entry, 4321, 5000, &state, &err);
    close_stub(&stub);
    CHECK(!good && stub.request[0] == '\0');
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
}

TEST(nobody_there_and_no_place_are_told)
{
    struct supervisor_state state = {0};
    struct err err = {0};
    struct supervisor_entry entry = web_at(STR("/nonexistent/s.sock"));

    CHECK(!supervisor_read(arena, &entry, 0, 1000, &state, &err));
    CHECK_INT(err.kind, ERR_GONE);
    // A closed port of this machine: nothing listens on the first one here.
    entry = web_at(STR("127.0.0.1:1"));
    CHECK(!supervisor_read(arena, &entry, 0, 1000, &state, &err));
    CHECK_INT(err.kind, ERR_GONE);
    entry = web_at(STR("[::1]:1"));
    CHECK(!supervisor_read(arena, &entry, 0, 1000, &state, &err));
    entry = web_at(STR("10.0.0.1:9001"));
    CHECK(!supervisor_read(arena, &entry, 0, 1000, &state, &err));
    CHECK_INT(err.kind, ERR_USAGE);
}

TAP_MAIN
