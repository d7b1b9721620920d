#include "sys/netlink_socket_linux.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decode/netlink.h"
#include "sys/clock.h"

// The kernel sends at most 32 KiB at once (netlink_dump of net/netlink/af_netlink.c).
#define CHUNK_SIZE (32u << 10)
#define RECEIVE_BUFFER (256 << 10)
#define TRIES_INTERRUPTED 3

static enum err_kind
kind_of(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return ERR_NOT_ALLOWED;
    case ENOENT:
    case EINVAL:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case ENODEV:
        return ERR_UNSUPPORTED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_SYSTEM;
    }
}

static bool
refuse(struct err *err, int error, const char *doing)
{
    return err_set(err, kind_of(error), (unsigned long)error, "%s: %s", doing, strerror(error));
}

bool
netlink_socket_open(struct netlink_socket *out, int family, struct err *err)
{
    int size = RECEIVE_BUFFER;
    *out = (struct netlink_socket){.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, family)};
    if (out->fd < 0)
        return refuse(err, errno, "open a netlink socket");
    // Only a matter of speed, so a refusal does not count.
    (void)setsockopt(out->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return true;
}

void
netlink_socket_close(struct netlink_socket *netlink)
{
    if (netlink->fd >= 0)
        close(netlink->fd);
    netlink->fd = -1;
}

uint32_t
netlink_socket_next(struct netlink_socket *netlink)
{
    return ++netlink->sequence;
}

// Waits until something can be read. False when the deadline passed or the wait failed, with errno.
static bool
wait_readable(int fd, int64_t deadline_us)
{
    for (;;) {
        int64_t left_us = deadline_us - clock_mono_us();
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        int ready = poll(&wanted, 1, left_us > 0 ? (int)(left_us / 1000 + 1) : 0);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready == 0 && left_us <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}

// Receives what the kernel sends next, behind what `out` holds. False with errno. Bytes of another sender are dropped:
// they give a length of 0.
static bool
receive(int fd, int64_t deadline_us, struct buf *out, size_t *length)
{
    for (;;) {
        struct sockaddr_nl sender = {0};
        struct iovec place = {.iov_base = buf_room(out, CHUNK_SIZE), .iov_len = CHUNK_SIZE};
        struct msghdr message = {.msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &place, .msg_iovlen = 1};
        ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            if (!wait_readable(fd, deadline_us))
                return false;
            continue;
        }
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (message.msg_flags & MSG_TRUNC) {
            errno = EMSGSIZE;
            return false;
        }
        *length = sender.nl_pid == 0 ? (size_t)got : 0;
        return true;
    }
}

enum progress {
    PROGRESS_MORE,
    PROGRESS_WHOLE,
    PROGRESS_INTERRUPTED,
    PROGRESS_REFUSED, // with errno
};

// Takes over the messages that stand in `length` bytes behind what `out` holds.
static enum progress
take(struct buf *out, size_t length, uint32_t sequence, bool *interrupted)
{
    struct str chunk = {out->ptr + out->len, length};
    struct netlink_message message;
    for (const char *start = chunk.ptr; netlink_next(&chunk, &message); start = chunk.ptr) {
        size_t size = (size_t)(message.payload.ptr + message.payload.len - start);
        // The rest of an earlier answer that was given up.
        if (message.sequence != sequence)
            continue;
        *interrupted |= (message.flags & NETLINK_INTERRUPTED) != 0;
        if (message.type == NETLINK_ERROR || message.type == NETLINK_DONE) {
            errno = (int)netlink_error(&message);
            if (errno != 0)
                return PROGRESS_REFUSED;
            return *interrupted ? PROGRESS_INTERRUPTED : PROGRESS_WHOLE;
        }
        memmove(out->ptr + out->len, start, size);
        out->len += size;
        buf_pad(out, '\0', (4 - size % 4) % 4);
    }
    return PROGRESS_MORE;
}

static enum progress
ask_once(struct netlink_socket *netlink, struct str request, uint32_t sequence, int64_t deadline_us,
         const struct netlink_taker *taker, struct buf *out)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    bool interrupted = false;
    ssize_t sent;
    do
        sent = sendto(netlink->fd, request.ptr, request.len, 0, (struct sockaddr *)&kernel, sizeof kernel);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return PROGRESS_REFUSED;
    while (clock_mono_us() < deadline_us) {
        size_t length;
        if (!receive(netlink->fd, deadline_us, out, &length))
            return PROGRESS_REFUSED;
        enum progress progress = take(out, length, sequence, &interrupted);
        if (taker && progress != PROGRESS_REFUSED) {
            taker->take(taker->data, (struct str){out->ptr, out->len});
            out->len = 0;
        }
        if (progress != PROGRESS_MORE)
            return progress;
    }
    errno = ETIMEDOUT;
    return PROGRESS_REFUSED;
}

static bool
ask(struct netlink_socket *netlink, struct str request, int64_t deadline_us, const struct netlink_taker *taker,
    struct buf *out, struct err *err)
{
    uint32_t sequence = 0;
    netlink_u32(request, 8, &sequence);
    for (unsigned tries = 0;; tries++) {
        out->len = 0;
        if (taker)
            taker->begin(taker->data);
        enum progress progress = ask_once(netlink, request, sequence, deadline_us, taker, out);
        if (progress == PROGRESS_REFUSED)
            return refuse(err, errno, "ask over netlink");
        if (progress == PROGRESS_INTERRUPTED && tries < TRIES_INTERRUPTED && clock_mono_us() < deadline_us)
            continue;
        return true;
    }
}

bool
netlink_socket_ask(struct arena *arena, struct netlink_socket *netlink, struct str request, int64_t deadline_us,
                   struct str *answer, struct err *err)
{
    struct buf out = {.arena = arena};
    if (!ask(netlink, request, deadline_us, NULL, &out, err))
        return false;
    *answer = buf_str(&out);
    return true;
}

bool
netlink_socket_take(struct netlink_socket *netlink, struct str request, int64_t deadline_us,
                    const struct netlink_taker *taker, struct err *err)
{
    struct buf out = {.arena = arena_open()};
    bool good = ask(netlink, request, deadline_us, taker, &out, err);
    arena_close(out.arena);
    return good;
}
