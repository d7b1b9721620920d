#include "sys/container_act.h"

#include "container_stub_linux.h"

struct result {
    bool begun;
    bool good;
    struct err err;
    int64_t took_ms;
    struct str request;
};

static struct result
order(struct arena *arena, const char *const *pieces, unsigned ms)
{
    struct stub stub;
    struct result result = {.begun = false};
    open_stub(arena, &stub, pieces, true);
    int64_t start = clock_mono_us();
    struct container_act *act = container_act_begin(arena, stub.path, STR("/containers/4f5a/stop"), 60000, &result.err);
    result.begun = act != NULL;
    // Piece by piece, as a countdown is shown meanwhile.
    for (unsigned waited = 0; act && waited < ms; waited += 10) {
        result.good = container_act_wait(act, 10, &result.err);
        if (result.good || result.err.kind != ERR_TIMEOUT)
            break;
    }
    result.took_ms = (clock_mono_us() - start) / 1000;
    container_act_end(act);
    close_stub(&stub);
    result.request = str_copy(arena, str_of(stub.request));
    return result;
}

TEST(an_order_is_carried_out)
{
    static const char *const pieces[] = {"HTTP/1.1 204 No Con", "tent\r\n\r\n", NULL};
    struct result result = order(arena, pieces, 60000);
    CHECK(result.begun && result.good);
    CHECK(str_starts(result.request, STR("POST /containers/4f5a/stop HTTP/1.1\r\nHost: localhost\r\n")));
    CHECK(str_find(result.request, STR("\r\nContent-Length: 0\r\n")) != SIZE_MAX);
}

TEST(what_stands_so_already_is_good)
{
    static const char *const pieces[] = {"HTTP/1.1 304 Not Modified\r\n\r\n", NULL};
    CHECK(order(arena, pieces, 60000).good);
}

TEST(a_runtime_that_fails_is_quoted)
{
    static const char *const pieces[] = {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 31\r\n\r\n",
                                         "{\"message\":\"cannot kill: no way\"}", NULL};
    struct result result = order(arena, pieces, 60000);
    CHECK(result.begun && !result.good);
    CHECK_INT(result.err.kind, ERR_SYSTEM);
    CHECK(str_find(str_of(result.err.text), STR("500")) != SIZE_MAX);
}

TEST(a_runtime_that_hangs_is_waited_for_no_longer_than_asked)
{
    struct result result = order(arena, NULL, 60);
    CHECK(result.begun && !result.good);
    CHECK_INT(result.err.kind, ERR_TIMEOUT);
    CHECK(result.took_ms >= 50 && result.took_ms < 30000);
}

TEST(where_nobody_listens_no_order_is_given)
{
    struct err err = {0};
    CHECK(!container_act_begin(arena, STR("/nonexistent/docker.sock"), STR("/containers/a/stop"), 100, &err));
    CHECK_INT(err.kind, ERR_GONE);
    container_act_end(NULL);
}

TAP_MAIN
