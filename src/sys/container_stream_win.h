#ifndef MOORAGE_SYS_CONTAINER_STREAM_WIN_H
#define MOORAGE_SYS_CONTAINER_STREAM_WIN_H

// One request to the API of a container runtime, over its named pipe, and the answer as it comes. Windows only; for
// sys/container and sys/container_act.

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/http.h"

#include <windows.h>

#include <stdbool.h>
#include <stdint.h>

struct container_stream {
    HANDLE pipe; // NULL = closed
    OVERLAPPED io;
    bool reading; // a read is under way
    struct str path;
    struct buf bytes; // of the answer, as far as they came
};

// Connects and sends the request ("GET", "/containers/json"); `end` is a time of clock_mono_us. ERR_TIMEOUT,
// ERR_NOT_ALLOWED, ERR_GONE when there is no such pipe. The stream must stay where it is until it is closed.
bool
container_stream_open(struct container_stream *out, struct arena *arena, struct str path, struct str method,
                      struct str request, int64_t end, struct err *err);

// Waits for the whole answer (at most 16 MiB). After ERR_TIMEOUT it may be called again and goes on where it stopped.
bool
container_stream_receive(struct container_stream *stream, int64_t end, struct http_answer *out, struct err *err);

// Calm about one that is closed.
void
container_stream_close(struct container_stream *stream);

#endif
