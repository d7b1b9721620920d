// How long after a server began to listen that is known: wait ROUNDS (look | end COMMAND [ARG...] | pipe COMMAND [ARG...])
//
// One line a round on stdout, in microseconds. "look": from listen()'s return in another process to wait_step()'s return
// in this one. "end": to the end of the command, whose last argument is the port. "pipe": from a byte in its standard input to the end
// of a command that waits for one, which is the least that any program takes to end.

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/wait.h"

enum {
    LEAST_US = 200 * 1000, // by then the command waits
    SPREAD_US = 20 * 1000,
    ARGS = 16,
};

static int64_t
now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void
fail(const char *what)
{
    fprintf(stderr, "wait: %s: %s\n", what, strerror(errno));
    exit(2);
}

// A socket at the port, not listening yet; port 0: any that is free.
static int
bound(uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t size = sizeof name;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || getsockname(fd, (struct sockaddr *)&name, &size) != 0)
        fail("bind");
    *port = ntohs(name.sin_port);
    return fd;
}

// Not in step with what looks at fixed times.
static void
pass_time(void)
{
    usleep((useconds_t)(LEAST_US + now_ns() % SPREAD_US));
}

// In nanoseconds.
static int64_t
look(_Atomic int64_t *listened_ns)
{
    struct arena *arena = arena_open();
    struct wait wait = {.arena = arena, .timeout_ms = 10 * 1000};
    char word[32];
    uint16_t port = 0;
    int fd = bound(&port);
    struct err err = {0};

    snprintf(word, sizeof word, "tcp/%u", (unsigned)port);
    atomic_store(listened_ns, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pass_time();
        if (listen(fd, 1) != 0)
            fail("listen");
        atomic_store(listened_ns, now_ns());
        pause();
    }
    close(fd);
    if (child < 0 || !wait_add(&wait, str_of(word), (struct str){0}, NULL, &err) || !wait_start(&wait, &err))
        fail("start");
    bool met = wait_step(&wait, 10 * 1000) == WAIT_MET;
    int64_t end_ns = now_ns();
    while (met && atomic_load(listened_ns) == 0)
        ;
    wait_end(&wait);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    arena_close(arena);
    if (!met)
        fail("no server came");
    return end_ns - atomic_load(listened_ns);
}

static int64_t
end_of(char **command, bool by_pipe)
{
    char *args[ARGS + 2] = {0};
    char number[8];
    uint16_t port = 0;
    int input[2];
    int status;
    int fd = bound(&port);

    for (int i = 0; i < ARGS && command[i]; i++)
        args[i] = command[i];
    for (int i = 0; i < ARGS && !by_pipe; i++)
        if (!args[i]) {
            snprintf(number, sizeof number, "%u", (unsigned)port);
            args[i] = number;
            break;
        }
    fflush(stdout);
    if (!command[0] || pipe(input) != 0)
        fail("pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(input[0], STDIN_FILENO);
        close(input[1]);
        if (!freopen("/dev/null", "w", stdout))
            _exit(127);
        execvp(command[0], args);
        _exit(127);
    }
    pass_time();
    bool good = by_pipe ? write(input[1], "x", 1) == 1 : listen(fd, 1) == 0;
    int64_t start_ns = now_ns();
    if (child < 0 || !good || waitpid(child, &status, 0) != child || status != 0)
        fail(command[0]);
    int64_t end_ns = now_ns();
    close(fd);
    close(input[0]);
    close(input[1]);
    return end_ns - start_ns;
}

int
main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[1]) : 0;
    bool looks = rounds > 0 && strcmp(argv[2], "look") == 0;
    _Atomic int64_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED || rounds <= 0 || (!looks && argc < 4))
        return 2;
    for (int i = 0; i < rounds; i++) {
        int64_t took_ns = looks ? look(shared) : end_of(argv + 3, strcmp(argv[2], "pipe") == 0);
        printf("%.1f\n", (double)took_ns / 1000);
    }
    return 0;
}
