#include "sys/container.h"

#include <windows.h>

#include "sys/clock.h"
#include "sys/container_stream_win.h"
#include "sys/term.h"
#include "sys/wide_win.h"

#define PIPES "\\\\.\\pipe\\"

// A pipe is there only while its server lives, and asking whether it is there does not connect.
static bool
is_there(struct arena *arena, struct str path)
{
    return WaitNamedPipeW(wide_from(arena, path), 1) || GetLastError() == ERROR_SEM_TIMEOUT;
}

static bool
is_podman(struct str path)
{
    return str_find(path, STR("podman")) != SIZE_MAX;
}

// Names of pipes are equal in both cases of letters.
static bool
add(struct arena *arena, struct str path, struct container_endpoint_list *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (str_equal_nocase(out->items[i].path, path))
            return true;
    if (!is_there(arena, path))
        return false;
    *LIST_ADD(arena, out) =
        (struct container_endpoint){.runtime = is_podman(path) ? STR("podman") : STR("docker"), .path = path};
    return true;
}

// "npipe:////./pipe/docker_engine"
static bool
add_named(struct arena *arena, const char *variable, struct container_endpoint_list *out)
{
    struct str value = term_environment(variable, NULL);
    struct str scheme = STR("npipe:////./pipe/");
    return str_starts(value, scheme) &&
           add(arena, str_printf(arena, PIPES "%.*s", STR_ARG(str_part(value, scheme.len, value.len))), out);
}

// Each machine of Podman has a pipe of its name.
static void
add_machines(struct arena *arena, struct container_endpoint_list *out)
{
    WIN32_FIND_DATAW found;
    HANDLE pipes = FindFirstFileW(L"\\\\.\\pipe\\*", &found);
    if (pipes == INVALID_HANDLE_VALUE)
        return;
    do {
        struct str name = wide_to_z(arena, found.cFileName);
        if (str_starts(name, STR("podman-machine-")))
            add(arena, str_printf(arena, PIPES "%.*s", STR_ARG(name)), out);
    } while (FindNextFileW(pipes, &found));
    FindClose(pipes);
}

void
container_endpoints(struct arena *arena, struct container_endpoint_list *out)
{
    bool docker = add_named(arena, "DOCKER_HOST", out) && !is_podman(out->items[0].path);
    add_named(arena, "CONTAINER_HOST", out);
    // Docker Desktop answers at both of these, and would be asked twice.
    if (!add(arena, STR(PIPES "docker_engine"), out) && !docker)
        add(arena, STR(PIPES "dockerDesktopLinuxEngine"), out);
    add(arena, STR(PIPES "podman-machine-default"), out);
    add_machines(arena, out);
}

bool
container_ask(struct arena *arena, struct container_endpoint endpoint, struct str request, unsigned deadline_ms,
              struct str *answer, struct err *err)
{
    struct http_answer parsed;
    struct container_stream stream;
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    bool good = container_stream_open(&stream, arena, endpoint.path, STR("GET"), request, end, err) &&
                container_stream_receive(&stream, end, &parsed, err);
    if (good)
        *answer = buf_str(&stream.bytes);
    container_stream_close(&stream);
    return good;
}
