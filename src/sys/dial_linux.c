#include "sys/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "decode/http.h"
#include "sys/clock.h"
#include "sys/thread_linux.h"

enum {
    CONNECT_MS = 3000, // for one address
    ANSWER_MS = 5000,
    HEAD_LIMIT = 65536,
};

// Two have it, the caller and the thread; who lets go of it last takes it down.
struct dial {
    struct arena *arena; // the thread's own
    struct dial_ask ask;
    struct str request; // empty where a connection is enough
    pthread_mutex_t lock;
    pthread_cond_t stop_asked;
    bool stop;
    int holders;
    struct dial_state state;
};

static void
let_go(struct dial *dial)
{
    pthread_mutex_lock(&dial->lock);
    int left = --dial->holders;
    pthread_mutex_unlock(&dial->lock);
    if (left > 0)
        return;
    pthread_cond_destroy(&dial->stop_asked);
    pthread_mutex_destroy(&dial->lock);
    arena_close(dial->arena);
}

// Waits for the socket; false with errno.
static bool
wait_for(int fd, short events, int64_t deadline_us)
{
    for (;;) {
        int64_t left_us = deadline_us - clock_mono_us();
        struct pollfd wanted = {.fd = fd, .events = events};
        int ready = poll(&wanted, 1, left_us > 0 ? (int)(left_us / 1000 + 1) : 0);
        if (ready > 0)
            return true;
        if (ready == 0 && left_us <= 0)
            errno = ETIMEDOUT;
        if ((ready == 0 && left_us <= 0) || (ready < 0 && errno != EINTR))
            return false;
    }
}

static bool
connect_to(int fd, const struct addrinfo *to)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return true;
    if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, clock_mono_us() + CONNECT_MS * INT64_C(1000)) ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return false;
    errno = error;
    return error == 0;
}

// Sends the request and reads the head of the answer.
static void
ask_http(struct dial *dial, int fd, struct dial_state *state)
{
    int64_t deadline_us = clock_mono_us() + ANSWER_MS * INT64_C(1000);
    char head[HEAD_LIMIT];
    size_t length = 0;
    enum http_state answer = HTTP_MORE;

    state->standing = DIAL_SILENT;
    // A request of some hundred bytes always fits the buffer of a new connection.
    if (send(fd, dial->request.ptr, dial->request.len, MSG_NOSIGNAL) != (ssize_t)dial->request.len)
        return;
    while (answer == HTTP_MORE && length < sizeof head) {
        ssize_t got = recv(fd, head + length, sizeof head - length, 0);
        if (got < 0 && errno == EAGAIN && wait_for(fd, POLLIN, deadline_us))
            continue;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            state->os = (unsigned long)errno;
            return;
        }
        length += (size_t)got;
        answer = got == 0 ? HTTP_BROKEN : http_status((struct str){head, length}, &state->status);
    }
    if (answer != HTTP_DONE)
        state->standing = DIAL_NOT_HTTP;
    else
        state->standing = state->status < 400 ? DIAL_ANSWERED : DIAL_STATUS;
}

static enum dial_standing
standing_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return DIAL_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EHOSTDOWN:
        return DIAL_UNREACHABLE;
    case ETIMEDOUT:
        return DIAL_SILENT;
    default:
        return DIAL_OTHER;
    }
}

static void
call_address(struct dial *dial, const struct addrinfo *to, struct dial_state *state)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *state = (struct dial_state){.standing = DIAL_OTHER};
    if (fd < 0 || !connect_to(fd, to)) {
        state->os = (unsigned long)errno;
        state->standing = standing_of(errno);
    } else if (dial->request.len) {
        // Closed without a farewell, so that no end of the connection lingers on the server's port.
        struct linger at_once = {.l_onoff = 1};
        ask_http(dial, fd, state);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else {
        state->standing = DIAL_ANSWERED;
    }
    if (fd >= 0)
        close(fd);
}

// One call: each address of the name in turn, until one answers.
static struct dial_state
call(struct dial *dial)
{
    struct dial_state state = {.standing = DIAL_NO_NAME};
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[8];
    struct arena *scratch = arena_open();
    const char *host = str_c(scratch, dial->ask.host);
    struct str number = str_printf(scratch, "%u", (unsigned)dial->ask.port);

    memcpy(port, number.ptr, number.len + 1);
    int code = getaddrinfo(host, port, &wanted, &found);
    if (code == 0) {
        for (const struct addrinfo *to = found; to && state.standing != DIAL_ANSWERED; to = to->ai_next)
            call_address(dial, to, &state);
        freeaddrinfo(found);
    } else {
        state.os = code == EAI_SYSTEM ? (unsigned long)errno : 0;
    }
    arena_close(scratch);
    return state;
}

// False when the caller wants no more of it.
static bool
rest(struct dial *dial, unsigned milliseconds)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&dial->lock);
    while (!dial->stop && pthread_cond_timedwait(&dial->stop_asked, &dial->lock, &until) == 0)
        ;
    bool stop = dial->stop;
    pthread_mutex_unlock(&dial->lock);
    return !stop;
}

static void *
go_on_calling(void *argument)
{
    struct dial *dial = argument;
    unsigned pause_ms = dial->ask.pause_ms;
    bool again = true;

    while (again) {
        struct dial_state state = call(dial);
        pthread_mutex_lock(&dial->lock);
        dial->state = state;
        pthread_mutex_unlock(&dial->lock);
        again = state.standing != DIAL_ANSWERED && rest(dial, pause_ms);
        pause_ms = pause_ms * 2 < dial->ask.longest_ms ? pause_ms * 2 : dial->ask.longest_ms;
    }
    let_go(dial);
    return NULL;
}

struct dial *
dial_open(const struct dial_ask *ask)
{
    struct arena *arena = arena_open();
    struct dial *dial = arena_alloc(arena, sizeof *dial);
    pthread_condattr_t clock;
    pthread_t thread;

    *dial = (struct dial){.arena = arena, .ask = *ask, .holders = 2};
    dial->ask.host = str_copy(arena, ask->host);
    dial->request = ask->path.len ? http_get_request(arena, ask->host, ask->port, ask->path) : (struct str){0};
    pthread_mutex_init(&dial->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&dial->stop_asked, &clock);
    pthread_condattr_destroy(&clock);
    if (thread_start(&thread, go_on_calling, dial) != 0) {
        dial->holders = 1;
        let_go(dial);
        return NULL;
    }
    pthread_detach(thread);
    return dial;
}

void
dial_look(struct dial *dial, struct dial_state *out)
{
    pthread_mutex_lock(&dial->lock);
    *out = dial->state;
    pthread_mutex_unlock(&dial->lock);
}

void
dial_close(struct dial *dial)
{
    if (!dial)
        return;
    pthread_mutex_lock(&dial->lock);
    dial->stop = true;
    pthread_cond_signal(&dial->stop_asked);
    pthread_mutex_unlock(&dial->lock);
    let_go(dial);
}
