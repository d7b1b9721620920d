#ifndef MOORAGE_SYS_LOCAL_STREAM_LINUX_H
#define MOORAGE_SYS_LOCAL_STREAM_LINUX_H

// One request to a server of this machine and the bytes that come back, each wait with a deadline. Linux only; for what
// speaks over unix sockets or the loopback address: container runtimes, supervisors.

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct local_stream {
    int fd; // -1 = closed
    struct str place;
    struct buf bytes; // that came so far
    bool ended;       // no more will come
};

// Connects to `place`: the path of a unix socket, "127.0.0.1:9001" or "[::1]:9001". `end` is a time of clock_mono_us.
// ERR_TIMEOUT, ERR_NOT_ALLOWED, ERR_GONE when nobody listens.
bool
local_stream_open(struct local_stream *out, struct arena *arena, struct str place, int64_t end, struct err *err);

bool
local_stream_send(struct local_stream *stream, struct str bytes, int64_t end, struct err *err);

// Waits for more bytes, at most 16 MiB in all, or for their end. After ERR_TIMEOUT it may be called again.
bool
local_stream_receive(struct local_stream *stream, int64_t end, struct err *err);

// Whose the server is: who called listen(2) on its unix socket. False where that can't be told.
bool
local_stream_owner(const struct local_stream *stream, uint32_t *uid);

// Calm about one that is closed.
void
local_stream_close(struct local_stream *stream);

#endif
