#include "sys/container_act.h"

#include <windows.h>

#include "base/buf.h"
#include "decode/container_api.h"
#include "decode/http.h"
#include "sys/clock.h"
#include "sys/fault_win.h"
#include "sys/wide_win.h"

#define ANSWER_LIMIT (16u << 20)
#define PIECE 65536u

struct container_act {
    struct arena *arena;
    HANDLE pipe;
    OVERLAPPED io;
    bool reading; // a read is under way
    struct str path;
    struct buf bytes;
};

static bool
late(const struct container_act *act, struct err *err)
{
    return err_set(err, ERR_TIMEOUT, 0, "ask %.*s: no answer in time", STR_ARG(act->path));
}

static bool
fail(const struct container_act *act, DWORD code, struct err *err)
{
    return fault_set(err, code, "ask %.*s", STR_ARG(act->path));
}

// Waits for what was begun on the pipe; 0, WAIT_TIMEOUT or why it failed.
static DWORD
finish(struct container_act *act, DWORD ms, DWORD *done)
{
    if (WaitForSingleObject(act->io.hEvent, ms) != WAIT_OBJECT_0)
        return WAIT_TIMEOUT;
    return GetOverlappedResult(act->pipe, &act->io, done, FALSE) ? 0 : GetLastError();
}

static bool
open_pipe(struct container_act *act, unsigned deadline_ms, struct err *err)
{
    const wchar_t *name = wide_from(act->arena, act->path);
    int64_t end = clock_mono_us() + (int64_t)deadline_ms * 1000;
    for (;;) {
        // The server may learn who asks, and no more.
        act->pipe = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
        if (act->pipe != INVALID_HANDLE_VALUE)
            return true;
        DWORD code = GetLastError();
        if (code != ERROR_PIPE_BUSY)
            return fail(act, code, err);
        if (clock_mono_us() >= end)
            return late(act, err);
        WaitNamedPipeW(name, 50);
    }
}

struct container_act *
container_act_begin(struct arena *arena, struct str path, struct str request, unsigned deadline_ms, struct err *err)
{
    struct container_act *act = arena_alloc(arena, sizeof *act);
    DWORD put = 0;
    *act =
        (struct container_act){.arena = arena, .pipe = INVALID_HANDLE_VALUE, .path = path, .bytes = {.arena = arena}};
    struct str text = str_printf(arena,
                                 "POST %.*s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: moorage/" MOORAGE_VERSION
                                 "\r\nAccept: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                                 STR_ARG(request));
    act->io.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    bool good = open_pipe(act, deadline_ms, err);
    if (good) {
        DWORD code = WriteFile(act->pipe, text.ptr, (DWORD)text.len, NULL, &act->io) ? 0 : GetLastError();
        if (code == 0 || code == ERROR_IO_PENDING)
            code = finish(act, deadline_ms, &put);
        good = code == 0 || (code == WAIT_TIMEOUT ? late(act, err) : fail(act, code, err));
    }
    if (good)
        return act;
    container_act_end(act);
    return NULL;
}

// Reads on; what was begun by an earlier call is finished first.
static DWORD
read_piece(struct container_act *act, int64_t end, DWORD *got)
{
    int64_t left = end - clock_mono_us();
    DWORD code = 0;
    if (!act->reading && !ReadFile(act->pipe, buf_room(&act->bytes, PIECE), PIECE, NULL, &act->io))
        code = GetLastError();
    if (code != 0 && code != ERROR_IO_PENDING)
        return code;
    code = finish(act, left > 0 ? (DWORD)(left / 1000 + 1) : 0, got);
    act->reading = code == WAIT_TIMEOUT;
    return code;
}

bool
container_act_wait(struct container_act *act, unsigned ms, struct err *err)
{
    struct http_answer answer;
    enum http_state state = HTTP_MORE;
    int64_t end = clock_mono_us() + (int64_t)ms * 1000;
    while (state == HTTP_MORE) {
        DWORD got = 0;
        if (act->bytes.len >= ANSWER_LIMIT)
            return err_set(err, ERR_FORMAT, 0, "ask %.*s: the answer is too long", STR_ARG(act->path));
        DWORD code = read_piece(act, end, &got);
        if (code == WAIT_TIMEOUT)
            return late(act, err);
        if (code != 0 && code != ERROR_BROKEN_PIPE)
            return fail(act, code, err);
        act->bytes.len += got;
        state = http_parse(act->arena, buf_str(&act->bytes), code == ERROR_BROKEN_PIPE, &answer);
    }
    if (state == HTTP_BROKEN)
        return err_set(err, ERR_FORMAT, 0, "ask %.*s: what came is no whole HTTP answer", STR_ARG(act->path));
    return container_api_judge(act->arena, &answer, err);
}

void
container_act_end(struct container_act *act)
{
    DWORD ignored;
    if (!act)
        return;
    // What was begun must be over before its memory goes.
    if (act->reading && CancelIoEx(act->pipe, &act->io))
        GetOverlappedResult(act->pipe, &act->io, &ignored, TRUE);
    if (act->pipe != INVALID_HANDLE_VALUE)
        CloseHandle(act->pipe);
    if (act->io.hEvent)
        CloseHandle(act->io.hEvent);
}
