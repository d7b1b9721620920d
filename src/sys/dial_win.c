#include "sys/dial.h"

#include "sys/winsock_win.h"

#include <windows.h>
#include <ws2tcpip.h>

#include "base/arena.h"
#include "base/buf.h"
#include "decode/http.h"
#include "sys/clock.h"
#include "sys/wide_win.h"

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
    CRITICAL_SECTION lock;
    HANDLE stop;
    LONG holders;
    struct dial_state state;
    char head[HEAD_LIMIT];
};

static void
let_go(struct dial *dial)
{
    if (InterlockedDecrement(&dial->holders) > 0)
        return;
    CloseHandle(dial->stop);
    DeleteCriticalSection(&dial->lock);
    arena_close(dial->arena);
}

// 0, or the code why the socket is not ready.
static int
wait_for(SOCKET fd, bool writable, int64_t deadline_us)
{
    int64_t left_us = deadline_us - clock_mono_us();
    WSAPOLLFD wanted = {.fd = fd, .events = writable ? POLLWRNORM : POLLRDNORM};
    int ready = WSAPoll(&wanted, 1, left_us > 0 ? (int)(left_us / 1000 + 1) : 0);

    return ready > 0 ? 0 : ready == 0 ? WSAETIMEDOUT : WSAGetLastError();
}

static int
connect_to(SOCKET fd, const ADDRINFOW *to)
{
    int error = 0;
    int size = sizeof error;

    if (connect(fd, to->ai_addr, (int)to->ai_addrlen) == 0)
        return 0;
    int code = WSAGetLastError();
    if (code == WSAEWOULDBLOCK)
        code = wait_for(fd, true, clock_mono_us() + CONNECT_MS * INT64_C(1000));
    if (code == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, (char *)&error, &size) != 0)
        code = WSAGetLastError();
    return code ? code : error;
}

// Sends the request and reads the head of the answer.
static void
ask_http(struct dial *dial, SOCKET fd, struct dial_state *state)
{
    int64_t deadline_us = clock_mono_us() + ANSWER_MS * INT64_C(1000);
    size_t length = 0;
    enum http_state answer = HTTP_MORE;

    state->standing = DIAL_SILENT;
    // A request of some hundred bytes always fits the buffer of a new connection.
    if (send(fd, dial->request.ptr, (int)dial->request.len, 0) != (int)dial->request.len)
        return;
    while (answer == HTTP_MORE && length < sizeof dial->head) {
        int got = recv(fd, dial->head + length, (int)(sizeof dial->head - length), 0);
        int code = got < 0 ? WSAGetLastError() : 0;
        if (code == WSAEWOULDBLOCK && (code = wait_for(fd, false, deadline_us)) == 0)
            continue;
        if (code) {
            state->os = (unsigned long)code;
            return;
        }
        length += (size_t)got;
        answer = got == 0 ? HTTP_BROKEN : http_status((struct str){dial->head, length}, &state->status);
    }
    if (answer != HTTP_DONE)
        state->standing = DIAL_NOT_HTTP;
    else
        state->standing = state->status < 400 ? DIAL_ANSWERED : DIAL_STATUS;
}

static enum dial_standing
standing_of(int code)
{
    switch (code) {
    case WSAECONNREFUSED:
        return DIAL_REFUSED;
    case WSAENETUNREACH:
    case WSAEHOSTUNREACH:
    case WSAEHOSTDOWN:
        return DIAL_UNREACHABLE;
    case WSAETIMEDOUT:
        return DIAL_SILENT;
    default:
        return DIAL_OTHER;
    }
}

static void
call_address(struct dial *dial, const ADDRINFOW *to, struct dial_state *state)
{
    u_long on = 1;
    int code = 0;
    SOCKET fd = winsock_open(to->ai_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4, PROTOCOL_TCP, &code);

    *state = (struct dial_state){.standing = DIAL_OTHER};
    if (fd != INVALID_SOCKET && ioctlsocket(fd, (long)FIONBIO, &on) != 0)
        code = WSAGetLastError();
    if (code == 0)
        code = connect_to(fd, to);
    if (code) {
        state->os = (unsigned long)code;
        state->standing = standing_of(code);
    } else if (dial->request.len) {
        // Closed without a farewell, so that no end of the connection lingers on the server's port.
        struct linger at_once = {.l_onoff = 1};
        ask_http(dial, fd, state);
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, (const char *)&at_once, sizeof at_once);
    } else {
        state->standing = DIAL_ANSWERED;
    }
    winsock_close(fd);
}

// One call: each address of the name in turn, until one answers.
static struct dial_state
call(struct dial *dial)
{
    struct dial_state state = {.standing = DIAL_NO_NAME};
    ADDRINFOW wanted = {.ai_socktype = SOCK_STREAM};
    ADDRINFOW *found = NULL;
    struct arena *scratch = arena_open();
    wchar_t *host = wide_from(scratch, dial->ask.host);
    wchar_t *port = wide_from(scratch, str_printf(scratch, "%u", (unsigned)dial->ask.port));
    int code = GetAddrInfoW(host, port, &wanted, &found);

    if (code == 0) {
        for (const ADDRINFOW *to = found; to && state.standing != DIAL_ANSWERED; to = to->ai_next)
            call_address(dial, to, &state);
        FreeAddrInfoW(found);
    } else {
        state.os = (unsigned long)code;
    }
    arena_close(scratch);
    return state;
}

static DWORD WINAPI
go_on_calling(void *argument)
{
    struct dial *dial = argument;
    unsigned pause_ms = dial->ask.pause_ms;
    bool again = true;

    while (again) {
        struct dial_state state = call(dial);
        EnterCriticalSection(&dial->lock);
        dial->state = state;
        LeaveCriticalSection(&dial->lock);
        again = state.standing != DIAL_ANSWERED && WaitForSingleObject(dial->stop, pause_ms) == WAIT_TIMEOUT;
        pause_ms = pause_ms * 2 < dial->ask.longest_ms ? pause_ms * 2 : dial->ask.longest_ms;
    }
    let_go(dial);
    return 0;
}

struct dial *
dial_open(const struct dial_ask *ask)
{
    struct arena *arena = arena_open();
    struct dial *dial = arena_alloc(arena, sizeof *dial);
    int code = 0;

    // Winsock is started here, by the one thread that there is yet.
    winsock_close(winsock_open(FAMILY_IPV4, PROTOCOL_TCP, &code));
    dial->arena = arena;
    dial->ask = *ask;
    dial->ask.host = str_copy(arena, ask->host);
    dial->request = ask->path.len ? http_get_request(arena, ask->host, ask->port, ask->path) : (struct str){0};
    dial->holders = 2;
    InitializeCriticalSection(&dial->lock);
    dial->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    HANDLE thread = dial->stop ? CreateThread(NULL, 0, go_on_calling, dial, 0, NULL) : NULL;
    if (!thread) {
        dial->holders = 1;
        let_go(dial);
        return NULL;
    }
    CloseHandle(thread);
    return dial;
}

void
dial_look(struct dial *dial, struct dial_state *out)
{
    EnterCriticalSection(&dial->lock);
    *out = dial->state;
    LeaveCriticalSection(&dial->lock);
}

void
dial_close(struct dial *dial)
{
    if (!dial)
        return;
    SetEvent(dial->stop);
    let_go(dial);
}
