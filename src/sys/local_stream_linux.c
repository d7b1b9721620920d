#include "sys/local_stream_linux.h"

#include <arpa/inet.h>
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
fail(struct err *err, int error, struct str place)
{
    enum err_kind kind = error == EACCES || error == EPERM          ? ERR_NOT_ALLOWED
                         : error == ENOENT || error == ECONNREFUSED ? ERR_GONE
                                                                    : ERR_SYSTEM;
    return err_set(err, kind, (unsigned long)error, "ask %.*s: %s", STR_ARG(place), strerror(error));
}

static bool
late(struct err *err, struct str place)
{
    return err_set(err, ERR_TIMEOUT, 0, "ask %.*s: no answer in time", STR_ARG(place));
}

// Until the stream can be read (written) or the time is up.
static bool
wait_for(const struct local_stream *stream, short events, int64_t end, struct err *err)
{
    for (;;) {
        int64_t left = end - clock_mono_us();
        if (left <= 0)
            return late(err, stream->place);
        struct pollfd item = {.fd = stream->fd, .events = events};
        // Rounded up, so that the last part of a millisecond is not spent turning in circles.
        int ready = poll(&item, 1, (int)((left + 999) / 1000));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return fail(err, errno, stream->place);
    }
}

// The loopback address in its two families; false for anything else.
static bool
parse_loopback(struct str place, struct sockaddr_storage *out, socklen_t *size)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    size_t colon = str_find_last_byte(place, ':');
    uint64_t port;

    *out = (struct sockaddr_storage){0};
    if (colon == SIZE_MAX || !str_to_u64(str_part(place, colon + 1, SIZE_MAX), 10, &port) || port > UINT16_MAX)
        return false;
    if (str_equal(str_part(place, 0, colon), STR("127.0.0.1"))) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *size = sizeof *four;
        return true;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    six->sin6_addr = in6addr_loopback;
    *size = sizeof *six;
    return str_equal(str_part(place, 0, colon), STR("[::1]"));
}

static bool
parse_place(struct str place, struct sockaddr_storage *out, socklen_t *size)
{
    struct sockaddr_un *path = (struct sockaddr_un *)out;

    if (!str_starts(place, STR("/")))
        return parse_loopback(place, out, size);
    *out = (struct sockaddr_storage){.ss_family = AF_UNIX};
    *size = sizeof *path;
    if (place.len >= sizeof path->sun_path)
        return false;
    memcpy(path->sun_path, place.ptr, place.len);
    return true;
}

static bool
connect_to(struct local_stream *stream, const struct sockaddr_storage *address, socklen_t size, int64_t end,
           struct err *err)
{
    int error = 0;
    socklen_t length = sizeof error;

    // A full queue is EAGAIN at once, and no event tells when there is room (unix(7)).
    while (connect(stream->fd, (const struct sockaddr *)address, size) < 0) {
        if (errno == EINPROGRESS)
            return wait_for(stream, POLLOUT, end, err) &&
                   ((getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0) ||
                    fail(err, error, stream->place));
        if (errno != EAGAIN && errno != EINTR)
            return fail(err, errno, stream->place);
        if (clock_mono_us() >= end)
            return late(err, stream->place);
        clock_sleep_ms(5);
    }
    return true;
}

bool
local_stream_open(struct local_stream *out, struct arena *arena, struct str place, int64_t end, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t size = 0;

    *out = (struct local_stream){.fd = -1, .place = place, .bytes = {.arena = arena}};
    if (!parse_place(place, &address, &size))
        return fail(err, str_starts(place, STR("/")) ? ENAMETOOLONG : EINVAL, place);
    out->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return fail(err, errno, place);
    return connect_to(out, &address, size, end, err);
}

bool
local_stream_send(struct local_stream *stream, struct str bytes, int64_t end, struct err *err)
{
    while (bytes.len > 0) {
        ssize_t sent = send(stream->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = str_part(bytes, (size_t)sent, bytes.len);
        } else if (errno == EAGAIN) {
            if (!wait_for(stream, POLLOUT, end, err))
                return false;
        } else if (errno != EINTR) {
            return fail(err, errno, stream->place);
        }
    }
    return true;
}

bool
local_stream_receive(struct local_stream *stream, int64_t end, struct err *err)
{
    for (;;) {
        if (stream->bytes.len >= ANSWER_LIMIT)
            return err_set(err, ERR_FORMAT, 0, "ask %.*s: the answer is too long", STR_ARG(stream->place));
        if (!wait_for(stream, POLLIN, end, err))
            return false;
        ssize_t got = recv(stream->fd, buf_room(&stream->bytes, PIECE), PIECE, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0)
            return fail(err, errno, stream->place);
        stream->bytes.len += (size_t)got;
        stream->ended = got == 0;
        return true;
    }
}

bool
local_stream_owner(const struct local_stream *stream, uint32_t *uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (!str_starts(stream->place, STR("/")) || getsockopt(stream->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    *uid = peer.uid;
    return true;
}

void
local_stream_close(struct local_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}
