#include "sys/container.h"

#include "tap.h"

#include <windows.h>

#include "sys/clock.h"
#include "sys/late_win.h"
#include "sys/wide_win.h"

// A runtime that answers one connection on a pipe of this test, in pieces, after it has read a whole request.
struct stub {
    char name[64];
    const char *pieces[4]; // NULL ends them
    bool silent;           // reads the request and says nothing
    HANDLE pipe;
    HANDLE over; // set when nobody asks any more
    HANDLE thread;
    char request[1024];
};

static DWORD WINAPI
play(void *data)
{
    struct stub *stub = data;
    DWORD len = 0;
    DWORD got;
    ConnectNamedPipe(stub->pipe, NULL);
    while (!strstr(stub->request, "\r\n\r\n") && len < sizeof stub->request - 1 &&
           ReadFile(stub->pipe, stub->request + len, (DWORD)(sizeof stub->request - 1 - len), &got, NULL))
        len += got;
    for (size_t i = 0; i < 4 && stub->pieces[i]; i++) {
        WriteFile(stub->pipe, stub->pieces[i], (DWORD)strlen(stub->pieces[i]), &got, NULL);
        FlushFileBuffers(stub->pipe);
    }
    if (stub->silent)
        WaitForSingleObject(stub->over, 60000);
    DisconnectNamedPipe(stub->pipe);
    CloseHandle(stub->pipe);
    return 0;
}

static void
stub_start(struct stub *stub, const char *name, DWORD mode)
{
    snprintf(stub->name, sizeof stub->name, "\\\\.\\pipe\\%s-%lu", name, GetCurrentProcessId());
    stub->pipe = CreateNamedPipeA(stub->name, PIPE_ACCESS_DUPLEX, mode, 1, 65536, 65536, 0, NULL);
    CHECK(stub->pipe != INVALID_HANDLE_VALUE);
    stub->over = CreateEventW(NULL, TRUE, FALSE, NULL);
    stub->thread = CreateThread(NULL, 0, play, stub, 0, NULL);
    CHECK(stub->thread != NULL);
}

static void
stub_stop(struct stub *stub)
{
    SetEvent(stub->over);
    WaitForSingleObject(stub->thread, 60000);
    CloseHandle(stub->thread);
    CloseHandle(stub->over);
}

TEST(runtime_answers_over_its_pipe)
{
    struct stub stub = {.pieces = {"HTTP/1.1 200 OK\r\nContent-", "Length: 4\r\n\r\n", "[1]\n"}};
    struct str answer;
    struct err err = {0};
    stub_start(&stub, "moorage-stub", PIPE_TYPE_BYTE);
    struct container_endpoint endpoint = {STR("docker"), str_of(stub.name)};
    bool good = container_ask(arena, endpoint, STR("/containers/json"), 60000, &answer, &err);
    stub_stop(&stub);
    CHECK(good);
    CHECK(str_ends(answer, STR("\r\n\r\n[1]\n")));
    CHECK(strncmp(stub.request, "GET /containers/json HTTP/1.1\r\n", 31) == 0);
}

TEST(answer_that_ends_with_the_connection_is_whole)
{
    struct stub stub = {.pieces = {"HTTP/1.0 200 OK\r\n\r\n", "{}"}};
    struct str answer;
    stub_start(&stub, "moorage-stub", PIPE_TYPE_MESSAGE);
    struct container_endpoint endpoint = {STR("docker"), str_of(stub.name)};
    bool good = container_ask(arena, endpoint, STR("/x"), 60000, &answer, NULL);
    stub_stop(&stub);
    CHECK(good);
    CHECK(str_ends(answer, STR("{}")));
}

TEST(silent_runtime_costs_its_time_and_no_more)
{
    struct stub stub = {.silent = true};
    struct str answer;
    struct err err = {0};
    stub_start(&stub, "moorage-stub", PIPE_TYPE_BYTE);
    struct container_endpoint endpoint = {STR("docker"), str_of(stub.name)};
    int64_t before = clock_mono_us();
    bool good = container_ask(arena, endpoint, STR("/x"), 400, &answer, &err);
    int64_t spent = clock_mono_us() - before;
    stub_stop(&stub);
    CHECK(!good);
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK(spent >= 390000 && spent < 30000000);
}

TEST(cut_answer_and_missing_pipe_are_told_apart)
{
    struct stub stub = {.pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "ab"}};
    struct str answer;
    struct err err = {0};
    stub_start(&stub, "moorage-stub", PIPE_TYPE_BYTE);
    struct container_endpoint endpoint = {STR("docker"), str_of(stub.name)};
    CHECK(!container_ask(arena, endpoint, STR("/x"), 60000, &answer, &err));
    stub_stop(&stub);
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(!container_ask(arena, endpoint, STR("/x"), 60000, &answer, &err));
    CHECK_INT(err.kind, ERR_GONE);
}

TEST(pipe_that_the_environment_names_is_found)
{
    struct container_endpoint_list list = {0};
    struct stub stub = {.pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}};
    struct str answer;
    stub_start(&stub, "moorage-stub", PIPE_TYPE_BYTE);
    struct str value = str_printf(arena, "npipe:////./pipe/moorage-stub-%lu", GetCurrentProcessId());
    SetEnvironmentVariableW(L"DOCKER_HOST", wide_from(arena, value));
    container_endpoints(arena, &list);
    SetEnvironmentVariableW(L"DOCKER_HOST", L"tcp://127.0.0.1:2375");
    // To look whether it is there did not use it up.
    bool good = list.count > 0 && container_ask(arena, list.items[0], STR("/_ping"), 60000, &answer, NULL);
    if (!good) {
        CloseHandle(stub.pipe);
    }
    stub_stop(&stub);
    CHECK(list.count > 0);
    CHECK_STR(list.items[0].path, stub.name);
    CHECK_STR(list.items[0].runtime, "docker");
    CHECK(good);
    list.count = 0;
    container_endpoints(arena, &list);
    for (size_t i = 0; i < list.count; i++)
        CHECK(!str_equal(list.items[i].path, str_of(stub.name)));
    SetEnvironmentVariableW(L"DOCKER_HOST", NULL);
}

TEST(machine_of_podman_is_found_by_its_name)
{
    struct container_endpoint_list list = {0};
    struct stub stub = {.pieces = {"x"}};
    if (late_is_wine())
        SKIP("Wine 8 lists no pipes");
    stub_start(&stub, "podman-machine-moorage", PIPE_TYPE_BYTE);
    container_endpoints(arena, &list);
    HANDLE client = CreateFileA(stub.name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    DWORD put;
    WriteFile(client, "\r\n\r\n", 4, &put, NULL);
    char byte;
    ReadFile(client, &byte, 1, &put, NULL);
    CloseHandle(client);
    stub_stop(&stub);
    bool found = false;
    for (size_t i = 0; i < list.count; i++)
        found = found ||
                (str_equal(list.items[i].path, str_of(stub.name)) && str_equal(list.items[i].runtime, STR("podman")));
    CHECK(found);
}

TAP_MAIN
