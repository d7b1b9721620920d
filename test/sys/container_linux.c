#include "sys/container.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container_stub_linux.h"
#include "decode/http.h"
#include "sys/clock.h"
#include "tap.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define SILENT NULL

struct result {
    bool good;
    struct str answer;
    struct err err;
    int64_t took_ms;
    struct str request;
};

static struct result
ask(struct arena *arena, const char *const *pieces, bool keep_open, unsigned deadline_ms)
{
    struct stub stub;
    struct result result = {.good = false};
    open_stub(arena, &stub, pieces, keep_open);
    struct container_endpoint endpoint = {.runtime = STR("docker"), .path = stub.path};
    int64_t start = clock_mono_us();
    result.good = container_ask(arena, endpoint, STR("/containers/json"), deadline_ms, &result.answer, &result.err);
    result.took_ms = (clock_mono_us() - start) / 1000;
    close_stub(&stub);
    result.request = str_copy(arena, str_of(stub.request));
    return result;
}

TEST(an_answer_comes_whole_though_the_connection_stays_open)
{
    static const char *const pieces[] = {HEAD "Content-Le", "ngth: 2\r\n", "\r\n[", "]", NULL};
    struct result result = ask(arena, pieces, true, 60000);
    CHECK(result.good);
    CHECK_STR(result.answer, HEAD "Content-Length: 2\r\n\r\n[]");
    CHECK(str_starts(result.request, STR("GET /containers/json HTTP/1.1\r\nHost: localhost\r\n")));
    CHECK(str_find(result.request, STR("\r\nConnection: close\r\n")) != SIZE_MAX);
    CHECK(str_ends(result.request, STR("\r\n\r\n")));
    CHECK(result.took_ms < 30000);
}

TEST(an_answer_in_chunks_comes_whole)
{
    static const char *const pieces[] = {HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n", "1\r", "\n]\r\n0\r\n\r\n",
                                         NULL};
    struct http_answer http;
    struct result result = ask(arena, pieces, true, 60000);
    CHECK(result.good);
    CHECK_INT(http_parse(arena, result.answer, true, &http), HTTP_DONE);
    CHECK_STR(http.body, "[]");
}

TEST(an_answer_may_end_with_the_connection)
{
    static const char *const pieces[] = {HEAD "\r\n", "[]", NULL};
    struct result result = ask(arena, pieces, false, 60000);
    CHECK(result.good);
    CHECK_STR(result.answer, HEAD "\r\n[]");
}

TEST(a_daemon_that_never_answers_costs_the_deadline)
{
    struct result result = ask(arena, SILENT, true, 100);
    CHECK(!result.good);
    CHECK_INT(result.err.kind, ERR_TIMEOUT);
    CHECK(result.took_ms >= 99 && result.took_ms < 30000);
}

TEST(a_daemon_that_stops_in_the_middle_costs_the_deadline)
{
    static const char *const pieces[] = {HEAD "Content-Length: 100\r\n\r\n[", NULL};
    struct result result = ask(arena, pieces, true, 100);
    CHECK(!result.good);
    CHECK_INT(result.err.kind, ERR_TIMEOUT);
}

TEST(garbage_and_cut_answers_are_refused)
{
    static const char *const garbage[] = {"SSH-2.0-OpenSSH_9.2\r\n", NULL};
    static const char *const cut[] = {HEAD "Content-Length: 100\r\n\r\n[", NULL};
    static const char *const nothing[] = {NULL};
    CHECK_INT(ask(arena, garbage, true, 60000).err.kind, ERR_FORMAT);
    CHECK_INT(ask(arena, cut, false, 60000).err.kind, ERR_FORMAT);
    CHECK_INT(ask(arena, nothing, false, 60000).err.kind, ERR_FORMAT);
}

TEST(nobody_there_is_gone_at_once)
{
    struct str answer;
    struct err err;
    struct container_endpoint endpoint = {.runtime = STR("docker"), .path = STR("/tmp/moorage-no-such.sock")};
    CHECK(!container_ask(arena, endpoint, STR("/"), 60000, &answer, &err));
    CHECK_INT(err.kind, ERR_GONE);
    endpoint.path = str_printf(arena, "/tmp/%0200d", 1);
    CHECK(!container_ask(arena, endpoint, STR("/"), 60000, &answer, &err));
    CHECK_INT(err.kind, ERR_SYSTEM);
}

TEST(a_full_queue_costs_the_deadline)
{
    char folder[] = "/tmp/moorage-api-XXXXXX";
    CHECK(mkdtemp(folder));
    struct str path = str_printf(arena, "%s/s", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path.ptr, path.len);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 0) == 0);
    CHECK(connect(first, (struct sockaddr *)&address, sizeof address) == 0);
    struct str answer;
    struct err err;
    struct container_endpoint endpoint = {.runtime = STR("docker"), .path = path};
    int64_t start = clock_mono_us();
    bool good = container_ask(arena, endpoint, STR("/"), 60, &answer, &err);
    int64_t took_ms = (clock_mono_us() - start) / 1000;
    close(first);
    close(listener);
    unlink(path.ptr);
    rmdir(folder);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK(took_ms < 30000);
}

// The endpoints that are found when the environment is only this. `daemon`: a child by this name runs meanwhile.
static struct str
endpoints(struct arena *arena, const char *variable, struct str value, const char *daemon)
{
    static const char *const names[] = {"DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR", "HOME"};
    struct container_endpoint_list list = {.count = 0};
    struct str out = STR("");
    int ready[2];
    pid_t child = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv(variable, value.ptr, 1);
    if (daemon) {
        CHECK(pipe(ready) == 0);
        child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            prctl(PR_SET_NAME, daemon);
            if (write(ready[1], "", 1) == 1)
                pause();
            _exit(0);
        }
        char byte;
        CHECK(read(ready[0], &byte, 1) == 1);
        close(ready[0]);
        close(ready[1]);
    }
    container_endpoints(arena, &list);
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    unsetenv(variable);
    for (size_t i = 0; i < list.count; i++) {
        // Only those of this test: the host may have some of its own.
        if (str_starts(list.items[i].path, STR("/tmp/moorage-api-")))
            out = str_printf(arena, "%.*s%.*s %.*s\n", STR_ARG(out), STR_ARG(list.items[i].runtime),
                             STR_ARG(list.items[i].path));
    }
    return out;
}

TEST(a_socket_that_nobody_listens_on_is_none)
{
    char folder[] = "/tmp/moorage-api-XXXXXX";
    CHECK(mkdtemp(folder));
    struct str path = str_printf(arena, "%s/docker.sock", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path.ptr, path.len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK_STR(endpoints(arena, "DOCKER_HOST", str_printf(arena, "unix://%s", path.ptr), NULL), "");
    close(fd);
    CHECK_STR(endpoints(arena, "DOCKER_HOST", str_printf(arena, "unix://%s", path.ptr), NULL), "");
    unlink(path.ptr);
    rmdir(folder);
}

TEST(what_the_user_named_is_asked)
{
    struct stub stub;
    open_stub(arena, &stub, SILENT, true);
    struct str named = str_printf(arena, "unix://%s", stub.path.ptr);
    struct str wanted = str_printf(arena, "docker %s\n", stub.path.ptr);
    struct str found[] = {endpoints(arena, "DOCKER_HOST", named, NULL), endpoints(arena, "CONTAINER_HOST", named, NULL),
                          endpoints(arena, "DOCKER_HOST", STR("tcp://127.0.0.1:2375"), NULL),
                          endpoints(arena, "DOCKER_HOST", STR("unix:///tmp/moorage-no-such"), NULL)};
    close_stub(&stub);
    CHECK_STR(found[0], wanted.ptr);
    CHECK_STR(found[1], wanted.ptr);
    CHECK_STR(found[2], "");
    CHECK_STR(found[3], "");
}

TEST(a_socket_that_a_service_manager_may_hold_waits_for_its_daemon)
{
    struct stub stub;
    open_stub(arena, &stub, SILENT, true);
    struct str folder = str_of(stub.folder);
    struct str without = endpoints(arena, "XDG_RUNTIME_DIR", folder, NULL);
    struct str with = endpoints(arena, "XDG_RUNTIME_DIR", folder, "dockerd");
    struct str other = endpoints(arena, "XDG_RUNTIME_DIR", folder, "podman");
    // A connection that was accepted shows the daemon, too; one that waits does not.
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, stub.path.ptr, stub.path.len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    struct str accepted = STR("");
    for (int i = 0; i < 4000 && accepted.len == 0; i++) {
        clock_sleep_ms(5);
        accepted = endpoints(arena, "XDG_RUNTIME_DIR", folder, NULL);
    }
    close(fd);
    struct str wanted = str_printf(arena, "docker %s\n", stub.path.ptr);
    close_stub(&stub);
    CHECK_STR(without, "");
    CHECK_STR(with, wanted.ptr);
    CHECK_STR(other, "");
    CHECK_STR(accepted, wanted.ptr);
}

TEST(a_connection_that_waits_does_not_show_a_daemon)
{
    char folder[] = "/tmp/moorage-api-XXXXXX";
    CHECK(mkdtemp(folder));
    struct str path = str_printf(arena, "%s/docker.sock", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path.ptr, path.len);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 4) == 0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    struct str found = endpoints(arena, "XDG_RUNTIME_DIR", str_of(folder), NULL);
    close(fd);
    close(listener);
    unlink(path.ptr);
    rmdir(folder);
    CHECK_STR(found, "");
}

TEST(docker_desktop_listens_itself)
{
    char folder[] = "/tmp/moorage-api-XXXXXX";
    CHECK(mkdtemp(folder));
    struct str docker = str_printf(arena, "%s/.docker", folder);
    struct str run = str_printf(arena, "%s/run", docker.ptr);
    struct str path = str_printf(arena, "%s/docker.sock", run.ptr);
    CHECK(mkdir(docker.ptr, 0700) == 0 && mkdir(run.ptr, 0700) == 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path.ptr, path.len);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 4) == 0);
    struct str found = endpoints(arena, "HOME", str_of(folder), NULL);
    struct str wanted = str_printf(arena, "docker %s\n", path.ptr);
    close(listener);
    unlink(path.ptr);
    rmdir(run.ptr);
    rmdir(docker.ptr);
    rmdir(folder);
    CHECK_STR(found, wanted.ptr);
}

TAP_MAIN
