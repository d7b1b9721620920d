// A machine that is busy: processes with open files, listeners and connections, for other programs to be measured on.
//
//     load PROCESSES FDS LISTENERS CONNECTIONS USERS NAMESPACES FIRST_PORT
//
// The numbers are totals, shared out evenly over the processes. Each process listens on ports of its own from FIRST_PORT
// on, connects to itself, and fills up with what servers have open: files, pipes, sockets. As root the processes belong to
// USERS users, and the first NAMESPACES of them have a network of their own each, as containers do. Prints "PORT PID" for
// each listener of the network that it was started in, then "ready", and ends with all its processes when its input does.

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FIRST_USER = 20000
};

struct share {
    unsigned fds, listeners, connections, user, first_port;
    bool alone; // in a network of its own
};

// Where a process tells that it is as it should be ('+'), or that it could not ('-').
static int told = -1;

static void
fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    if (write(told, "-", 1) < 0)
        perror("load");
    // Not exit(): what stands in the buffer is the first process's to print.
    _exit(1);
}

// The part of the total that is the nth of so many.
static unsigned
part(unsigned total, unsigned n, unsigned count)
{
    return total / count + (n < total % count);
}

// A network with nothing in it but its loopback interface, which a new one has down.
static void
leave_network(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int asked;

    if (unshare(CLONE_NEWNET) != 0 || (asked = socket(AF_INET, SOCK_DGRAM, 0)) < 0 ||
        ioctl(asked, SIOCSIFFLAGS, &loopback) != 0)
        fail("network");
    close(asked);
}

static int
listen_on(unsigned port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int made = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;

    if (made < 0 || setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(made, (struct sockaddr *)&here, sizeof here) != 0 || listen(made, 4096) != 0)
        fail("listen");
    return made;
}

// Both ends stay here: two open files, two rows in the tables.
static void
connect_to(int listener, unsigned port)
{
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, SOCK_STREAM, 0);

    if (made < 0 || connect(made, (struct sockaddr *)&there, sizeof there) != 0 || accept(listener, NULL, NULL) < 0)
        fail("connect");
}

// What servers have open besides: files, sockets, pipes, in turn.
static void
fill(unsigned fds)
{
    unsigned have = 0;

    while (have < fds) {
        int pair[2];
        if (open("/dev/null", O_RDONLY) < 0 || socket(AF_UNIX, SOCK_STREAM, 0) < 0 || pipe(pair) != 0)
            fail("open");
        have += 4;
    }
}

static void
serve(const struct share *share, pid_t parent)
{
    unsigned used = share->listeners + 2 * share->connections;
    int first = -1;

    close(STDOUT_FILENO);
    if (share->alone)
        leave_network();
    for (unsigned i = 0; i < share->listeners; i++) {
        int made = listen_on(share->first_port + i);
        first = first < 0 ? made : first;
    }
    for (unsigned i = 0; i < share->connections && first >= 0; i++)
        connect_to(first, share->first_port);
    fill(share->fds > used ? share->fds - used : 0);
    if (share->user && (setgid(share->user) != 0 || setuid(share->user) != 0))
        fail("setuid");
    // After setuid(), which clears it: who kills the first process is rid of all.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        fail("end with its parent");
    if (write(told, "+", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static unsigned
number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end || end == text || value > 10000000) {
        fprintf(stderr, "load: %s is no number of things\n", text);
        exit(2);
    }
    return (unsigned)value;
}

// Starts all processes, says who has which port, and waits until all stand.
static bool
build(char **argv, pid_t *pids, unsigned processes, int ready)
{
    pid_t parent = getpid();
    unsigned fds = number(argv[2]), listeners = number(argv[3]), connections = number(argv[4]);
    unsigned users = number(argv[5]), namespaces = number(argv[6]), port = number(argv[7]);

    for (unsigned i = 0; i < processes; i++) {
        struct share share = {
            .fds = part(fds, i, processes),
            .listeners = part(listeners, i, processes),
            .connections = part(connections, i, processes),
            .user = geteuid() == 0 && users > 0 ? FIRST_USER + i % users : 0,
            .first_port = port,
            .alone = i < namespaces,
        };
        pids[i] = fork();
        if (pids[i] < 0)
            return false;
        if (pids[i] == 0)
            serve(&share, parent);
        for (unsigned k = 0; k < share.listeners && !share.alone; k++)
            printf("%u %d\n", port + k, (int)pids[i]);
        port += share.listeners;
    }
    for (unsigned i = 0; i < processes; i++) {
        char byte = '-';
        if (read(ready, &byte, 1) != 1 || byte != '+')
            return false;
    }
    puts("ready");
    fflush(stdout);
    return true;
}

int
main(int argc, char **argv)
{
    if (argc != 8 || number(argv[1]) == 0) {
        fputs("load PROCESSES FDS LISTENERS CONNECTIONS USERS NAMESPACES FIRST_PORT\n", stderr);
        return 2;
    }
    unsigned processes = number(argv[1]);
    pid_t *pids = calloc(processes, sizeof *pids);
    struct rlimit limit;
    int ready[2];

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (!pids || setrlimit(RLIMIT_NOFILE, &limit) != 0 || pipe(ready) != 0)
        fail("set up");
    told = ready[1];
    bool good = build(argv, pids, processes, ready[0]);
    for (char byte; good && read(STDIN_FILENO, &byte, 1) > 0;)
        continue;
    for (unsigned i = 0; i < processes && pids[i] > 0; i++)
        kill(pids[i], SIGKILL);
    for (unsigned i = 0; i < processes && pids[i] > 0; i++)
        waitpid(pids[i], NULL, 0);
    return good ? 0 : 1;
}
