#include "sys/container_stream_linux.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/clock.h"

#define ANSWER_LIMIT (16u << 20)
#define PIECE 65536u

static bool
fail(struct err *err, int error, struct str path)
{
    enum err_kind kind = error == EACCES || error == EPERM          ? ERR_NOT_ALLOWED
                         : error == ENOENT || error == ECONNREFUSED ? ERR_GONE
                                                                    : ERR_SYSTEM;
    return err_set(err, kind, (unsigned long)error, "ask %.*s: %s", STR_ARG(path), strerror(error));
}

static bool
late(struct err *err, struct str path)
{
    return err_set(err, ERR_TIMEOUT, 0, "ask %.*s: no answer in time", STR_ARG(path));
}

// Until `fd` can be read (written) or the time is up.
static bool
wait_for(int fd, short events, int64_t end, struct str path, struct err *err)
{
    for (;;) {
        int64_t left = end - clock_mono_us();
        if (left <= 0)
            return late(err, path);
        struct pollfd item = {.fd = fd, .events = events};
        // Rounded up, so that the last part of a millisecond is not spent turning in circles.
        int ready = poll(&item, 1, (int)((left + 999) / 1000));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return fail(err, errno, path);
    }
}

static bool
connect_to(int fd, struct str path, int64_t end, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.len >= sizeof address.sun_path)
        return fail(err, ENAMETOOLONG, path);
    memcpy(address.sun_path, path.ptr, path.len);
    // A full queue is EAGAIN at once, and no event tells when there is room (unix(7)).
    while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return fail(err, errno, path);
        if (clock_mono_us() >= end)
            return late(err, path);
        clock_sleep_ms(5);
    }
    return true;
}

static bool
send_request(int fd, struct str bytes, int64_t end, struct str path, struct err *err)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = str_part(bytes, (size_t)sent, bytes.len);
        } else if (errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, end, path, err))
                return false;
        } else if (errno != EINTR) {
            return fail(err, errno, path);
        }
    }
    return true;
}

bool
container_stream_receive(struct container_stream *stream, int64_t end, struct http_answer *out, struct err *err)
{
    enum http_state state = HTTP_MORE;
    while (state == HTTP_MORE) {
        if (stream->bytes.len >= ANSWER_LIMIT)
            return err_set(err, ERR_FORMAT, 0, "ask %.*s: the answer is too long", STR_ARG(stream->path));
        if (!wait_for(stream->fd, POLLIN, end, stream->path, err))
            return false;
        ssize_t got = recv(stream->fd, buf_room(&stream->bytes, PIECE), PIECE, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0)
            return fail(err, errno, stream->path);
        stream->bytes.len += (size_t)got;
        state = http_parse(stream->bytes.arena, buf_str(&stream->bytes), got == 0, out);
    }
    if (state == HTTP_BROKEN)
        return err_set(err, ERR_FORMAT, 0, "ask %.*s: what came is no whole HTTP answer", STR_ARG(stream->path));
    return true;
}

bool
container_stream_open(struct container_stream *out, struct arena *arena, struct str path, struct str method,
                      struct str request, int64_t end, struct err *err)
{
    *out = (struct container_stream){.path = path, .bytes = {.arena = arena}};
    out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return fail(err, errno, path);
    return connect_to(out->fd, path, end, err) &&
           send_request(out->fd, http_api_request(arena, method, request), end, path, err);
}

void
container_stream_close(struct container_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}
