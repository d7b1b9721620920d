#ifndef MOORAGE_SYS_CONTAINER_STREAM_LINUX_H
#define MOORAGE_SYS_CONTAINER_STREAM_LINUX_H

// One request to the API of a container runtime, over its unix socket, and the answer as it comes. Linux only; for
// sys/container and sys/container_act.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/http.h"
#include "sys/local_stream_linux.h"

#include <stdbool.h>
#include <stdint.h>

// Connects and sends the request ("GET", "/containers/json"); `end` is a time of clock_mono_us. ERR_TIMEOUT,
// ERR_NOT_ALLOWED, ERR_GONE when nobody listens.
bool
container_stream_open(struct local_stream *out, struct arena *arena, struct str path, struct str method,
                      struct str request, int64_t end, struct err *err);

// Waits for the whole answer. After ERR_TIMEOUT it may be called again and goes on where it stopped.
bool
container_stream_receive(struct local_stream *stream, int64_t end, struct http_answer *out, struct err *err);

#endif
