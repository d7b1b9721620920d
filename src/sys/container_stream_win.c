#include "sys/container_stream_win.h"

#include "sys/clock.h"
#include "sys/fault_win.h"
#include "sys/wide_win.h"

#define ANSWER_LIMIT (16u << 20)
#define PIECE 65536u
#define BUSY_MS 50 // a wait for a pipe whose instances are all in use

static bool
fail(const struct container_stream *stream, DWORD code, struct err *err)
{
    if (code == WAIT_TIMEOUT)
        return err_set(err, ERR_TIMEOUT, 0, "ask %.*s: no answer in time", STR_ARG(stream->path));
    return fault_set(err, code, "ask %.*s", STR_ARG(stream->path));
}

static DWORD
ms_until(int64_t end)
{
    int64_t left = end - clock_mono_us();
    // Rounded up, so that the last part of a millisecond is not spent turning in circles.
    return left > 0 ? (DWORD)((left + 999) / 1000) : 0;
}

// Waits for what was begun on the pipe: 0, WAIT_TIMEOUT, or why it failed.
static DWORD
finish(struct container_stream *stream, int64_t end, DWORD *done)
{
    if (WaitForSingleObject(stream->io.hEvent, ms_until(end)) != WAIT_OBJECT_0)
        return WAIT_TIMEOUT;
    return GetOverlappedResult(stream->pipe, &stream->io, done, FALSE) ? 0 : GetLastError();
}

static bool
connect_to(struct container_stream *stream, struct arena *arena, int64_t end, struct err *err)
{
    const wchar_t *name = wide_from(arena, stream->path);
    for (;;) {
        // The server may learn who asks, and no more: whoever made the pipe could act in our name else.
        HANDLE pipe = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                  FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
        DWORD code = GetLastError();
        if (pipe != INVALID_HANDLE_VALUE) {
            stream->pipe = pipe;
            return true;
        }
        if (code != ERROR_PIPE_BUSY)
            return fail(stream, code, err);
        if (ms_until(end) == 0)
            return fail(stream, WAIT_TIMEOUT, err);
        WaitNamedPipeW(name, BUSY_MS);
    }
}

// What was begun on the pipe must be over before its memory goes.
static void
cancel(struct container_stream *stream)
{
    DWORD ignored;
    if (CancelIoEx(stream->pipe, &stream->io) || GetLastError() != ERROR_NOT_FOUND)
        GetOverlappedResult(stream->pipe, &stream->io, &ignored, TRUE);
}

static bool
send_request(struct container_stream *stream, struct str text, int64_t end, struct err *err)
{
    while (text.len > 0) {
        DWORD put = 0;
        DWORD code = WriteFile(stream->pipe, text.ptr, (DWORD)text.len, NULL, &stream->io) ? 0 : GetLastError();
        if (code == 0 || code == ERROR_IO_PENDING)
            code = finish(stream, end, &put);
        if (code == WAIT_TIMEOUT)
            cancel(stream);
        if (code != 0)
            return fail(stream, code, err);
        text = str_part(text, put, text.len);
    }
    return true;
}

bool
container_stream_open(struct container_stream *out, struct arena *arena, struct str path, struct str method,
                      struct str request, int64_t end, struct err *err)
{
    *out = (struct container_stream){.path = path, .bytes = {.arena = arena}};
    out->io.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!out->io.hEvent)
        return fail(out, GetLastError(), err);
    return connect_to(out, arena, end, err) && send_request(out, http_api_request(arena, method, request), end, err);
}

// Reads on; what an earlier call began is finished first.
static DWORD
read_piece(struct container_stream *stream, int64_t end, DWORD *got)
{
    DWORD code = 0;
    if (!stream->reading && !ReadFile(stream->pipe, buf_room(&stream->bytes, PIECE), PIECE, NULL, &stream->io))
        code = GetLastError();
    if (code == 0 || code == ERROR_IO_PENDING || code == ERROR_MORE_DATA)
        code = finish(stream, end, got);
    stream->reading = code == WAIT_TIMEOUT;
    // Of a message that is longer than the room, the rest comes with the next read.
    return code == ERROR_MORE_DATA ? 0 : code;
}

bool
container_stream_receive(struct container_stream *stream, int64_t end, struct http_answer *out, struct err *err)
{
    enum http_state state = HTTP_MORE;
    while (state == HTTP_MORE) {
        DWORD got = 0;
        if (stream->bytes.len >= ANSWER_LIMIT)
            return err_set(err, ERR_FORMAT, 0, "ask %.*s: the answer is too long", STR_ARG(stream->path));
        DWORD code = read_piece(stream, end, &got);
        bool ended = code == ERROR_BROKEN_PIPE || code == ERROR_PIPE_NOT_CONNECTED || code == ERROR_HANDLE_EOF;
        if (code != 0 && !ended)
            return fail(stream, code, err);
        stream->bytes.len += got;
        // A message of no bytes is how a pipe in message mode says that no more will come.
        state = http_parse(stream->bytes.arena, buf_str(&stream->bytes), ended || got == 0, out);
    }
    if (state == HTTP_BROKEN)
        return err_set(err, ERR_FORMAT, 0, "ask %.*s: what came is no whole HTTP answer", STR_ARG(stream->path));
    return true;
}

void
container_stream_close(struct container_stream *stream)
{
    if (stream->reading)
        cancel(stream);
    if (stream->pipe)
        CloseHandle(stream->pipe);
    if (stream->io.hEvent)
        CloseHandle(stream->io.hEvent);
    *stream = (struct container_stream){.pipe = NULL};
}
