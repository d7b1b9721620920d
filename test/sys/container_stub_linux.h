#ifndef MOORAGE_TEST_SYS_CONTAINER_STUB_LINUX_H
#define MOORAGE_TEST_SYS_CONTAINER_STUB_LINUX_H

// A stand-in for the API of a container runtime, at a unix socket of its own.

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/clock.h"
#include "tap.h"

// A container runtime's API: accepts one connection, notes the request, answers in pieces, and closes at the end.
struct stub {
    char folder[64];
    struct str path;
    int listener;
    const char *const *pieces; // ends with NULL; none: accepts and says nothing
    bool keep_open;
    char request[512];
    int stop[2];
    pthread_t thread;
};

static inline void *
serve(void *argument)
{
    struct stub *stub = argument;
    struct pollfd ready[2] = {{.fd = stub->listener, .events = POLLIN}, {.fd = stub->stop[0], .events = POLLIN}};
    if (poll(ready, 2, 120000) <= 0 || ready[1].revents)
        return NULL;
    int fd = accept(stub->listener, NULL, NULL);
    if (stub->pieces && fd >= 0) {
        ssize_t got = recv(fd, stub->request, sizeof stub->request - 1, 0);
        stub->request[got > 0 ? got : 0] = '\0';
        for (const char *const *piece = stub->pieces; *piece; piece++) {
            send(fd, *piece, strlen(*piece), MSG_NOSIGNAL);
            clock_sleep_ms(2);
        }
    }
    if (!stub->pieces || stub->keep_open)
        poll(&ready[1], 1, 120000);
    close(fd);
    return NULL;
}

static inline void
open_stub(struct arena *arena, struct stub *stub, const char *const *pieces, bool keep_open)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *stub = (struct stub){.pieces = pieces, .keep_open = keep_open};
    memcpy(stub->folder, "/tmp/moorage-api-XXXXXX", sizeof "/tmp/moorage-api-XXXXXX");
    CHECK(mkdtemp(stub->folder));
    stub->path = str_printf(arena, "%s/docker.sock", stub->folder);
    memcpy(address.sun_path, stub->path.ptr, stub->path.len);
    stub->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(stub->listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(stub->listener, 1) == 0);
    CHECK(pipe(stub->stop) == 0);
    CHECK(pthread_create(&stub->thread, NULL, serve, stub) == 0);
}

static inline void
close_stub(struct stub *stub)
{
    close(stub->stop[1]);
    pthread_join(stub->thread, NULL);
    close(stub->stop[0]);
    close(stub->listener);
    unlink(stub->path.ptr);
    rmdir(stub->folder);
}

#endif
