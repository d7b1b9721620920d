// core/conflict against the kernel, cell by cell: every kind of existing socket on one side, every wish on the other, in a
// network namespace of its own, where nothing else takes part.

#include "core/conflict.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/bind_probe.h"
#include "tap.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum {
    LEAST_CELLS = 2000,
    CONTROL_PORT = 1999, // nobody is there: shows which wishes work at all
    PEER_PORT = 1998,    // where client sockets connect to
    FIRST_PORT = 2000,
    LAST_PORT = 32000, // below the usual dynamic range, out of which the peers' ports come
    OTHER_UID = 1001,
};

enum existing {
    EXISTING_BOUND,
    EXISTING_LISTEN,
    EXISTING_ACCEPTED,
    EXISTING_CLIENT,
    EXISTING_CLOSE_WAIT,
    EXISTING_FIN_WAIT_2,
    EXISTING_TIME_WAIT,
    EXISTING_COUNT,
};

static const struct place {
    const char *text;
    bool v6only;
    bool link_local;
    const char *peer4; // how a client reaches it; NULL: not at all
    const char *peer6;
} places[] = {
    {"0.0.0.0", false, false, "127.0.0.1", NULL},
    {"127.0.0.1", false, false, "127.0.0.1", NULL},
    {"127.0.0.2", false, false, "127.0.0.2", NULL},
    {"127.0.0.6", false, false, "127.0.0.6", NULL}, // the kernel's stand-in for "no IPv4 address" (LOOPBACK4_IPV6)
    {"::", false, false, "127.0.0.1", "::1"},
    {"::", true, false, NULL, "::1"},
    {"::1", false, false, NULL, "::1"},
    {"::1", true, false, NULL, "::1"},
    {"::ffff:127.0.0.1", false, false, "127.0.0.1", NULL},
    {"::ffff:0.0.0.0", false, false, "127.0.0.1", NULL},
    {"fe80::1", false, true, NULL, NULL},
};

enum {
    PLACE_COUNT = sizeof places / sizeof *places,
    DEVICE_COUNT = 3, // none, lo, a veth
    UID_COUNT = 2,
    MODE_COUNT = 3,
    WISH_COUNT = PLACE_COUNT * DEVICE_COUNT * UID_COUNT * MODE_COUNT,
};

// What an existing socket is made of.
struct spec {
    enum protocol protocol;
    enum existing existing;
    const struct place *place;
    bool reuse_addr;
    bool reuse_port;
    uint32_t device;
    uint32_t uid;
    bool by_ipv6; // the peer's family, for a place that both reach
};

struct cell {
    struct bind_wish wish;
    uint32_t uid;
};

// Shared with the child that lives in the namespace.
struct outcome {
    bool skipped;
    bool done;
    bool with_uids;
    bool with_device;
    unsigned long cells;
    unsigned long taken;
    unsigned long holders;
    unsigned long wrong;
};

struct matrix {
    struct arena *arena;
    struct outcome *outcome;
    uint32_t devices[DEVICE_COUNT];
    uint32_t uids[UID_COUNT];
    size_t device_count;
    size_t uid_count;
    struct cell cells[PROTOCOL_COUNT][WISH_COUNT];
    size_t cell_count[PROTOCOL_COUNT];
    int peer4;
    int peer6;
    uint16_t port;
};

static void
die(const char *what)
{
    printf("# %s: %s\n", what, strerror(errno));
    fflush(stdout);
    _exit(2);
}

static int
make_socket(enum protocol protocol, int family)
{
    bool stream = protocol == PROTOCOL_TCP || protocol == PROTOCOL_MPTCP;
    int number = protocol == PROTOCOL_MPTCP ? IPPROTO_MPTCP : protocol == PROTOCOL_UDPLITE ? IPPROTO_UDPLITE : 0;
    return socket(family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, number);
}

static socklen_t
fill_address(struct sockaddr_storage *out, int family, const char *text, uint16_t port, uint32_t scope)
{
    memset(out, 0, sizeof *out);
    if (family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        inet_pton(AF_INET, text, &v4->sin_addr);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    char mapped[64];
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    v6->sin6_scope_id = scope;
    snprintf(mapped, sizeof mapped, "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
    inet_pton(AF_INET6, mapped, &v6->sin6_addr);
    return sizeof *v6;
}

static int
place_family(const struct place *place)
{
    return strchr(place->text, ':') ? AF_INET6 : AF_INET;
}

// The socket of the spec, bound; -1 where the kernel refuses such a socket by itself (::1 on a device without it).
static int
bind_spec(const struct spec *spec, uint16_t port)
{
    int on = 1;
    int v6only = spec->place->v6only;
    int family = place_family(spec->place);
    int device = (int)spec->device;
    struct sockaddr_storage address;

    setfsuid(spec->uid);
    int fd = make_socket(spec->protocol, family);
    setfsuid(0);
    if (fd < 0)
        return -1;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
    if (spec->reuse_addr)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (spec->reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (device && setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, sizeof device) != 0)
        die("bind to device");
    socklen_t length =
        fill_address(&address, family, spec->place->text, port, spec->place->link_local ? spec->device : 0);
    if (bind(fd, (struct sockaddr *)&address, length) == 0)
        return fd;
    close(fd);
    return -1;
}

// The row that the system's table would show of this socket.
static struct socket_row
row_of(int fd, const struct spec *spec)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int v6only = 0;
    socklen_t size = sizeof v6only;
    struct socket_row row = {.protocol = spec->protocol, .inode = 1, .uid_known = true, .uid = spec->uid};

    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
        die("getsockname");
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
        row.local.family = FAMILY_IPV4;
        memcpy(row.local.bytes, &v4->sin_addr, 4);
        row.local_port = ntohs(v4->sin_port);
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
        row.local.family = FAMILY_IPV6;
        memcpy(row.local.bytes, &v6->sin6_addr, 16);
        row.local.scope = v6->sin6_scope_id;
        row.local_port = ntohs(v6->sin6_port);
        if (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size) != 0)
            die("getsockopt V6ONLY");
        row.v6only = v6only ? TRI_YES : TRI_NO;
    }
    row.reuse_addr = spec->reuse_addr ? TRI_YES : TRI_NO;
    row.reuse_port = spec->reuse_port ? TRI_YES : TRI_NO;
    row.device = spec->device;
    return row;
}

// A listener that accepts one connection and goes away: `child` is the server's end, `client` the other.
static bool
accept_one(const struct spec *spec, int listener, uint16_t port, int *child, int *client)
{
    struct sockaddr_storage to;
    const char *peer = spec->by_ipv6 ? spec->place->peer6 : spec->place->peer4;
    int family = spec->by_ipv6 ? AF_INET6 : AF_INET;
    socklen_t length = fill_address(&to, family, peer, port, 0);

    *client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listen(listener, 1) != 0 || *client < 0)
        die("listen");
    if (connect(*client, (struct sockaddr *)&to, length) != 0)
        die("connect");
    setfsuid(spec->uid); // an accepted socket belongs to who accepts it
    *child = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    setfsuid(0);
    if (*child < 0)
        die("accept");
    return true;
}

static void
connect_client(const struct matrix *matrix, const struct spec *spec, int fd)
{
    struct sockaddr_storage to;
    int family = place_family(spec->place);
    socklen_t length = fill_address(&to, family, spec->by_ipv6 ? "::1" : "127.0.0.1", PEER_PORT, 0);

    if (connect(fd, (struct sockaddr *)&to, length) != 0)
        die("connect the client");
    if (spec->protocol != PROTOCOL_TCP)
        return;
    int other = accept4(spec->by_ipv6 ? matrix->peer6 : matrix->peer4, NULL, NULL, SOCK_CLOEXEC);
    if (other < 0)
        die("accept the client");
    close(other);
}

// Whether the kernel keeps its TIME_WAIT stand-in for the port: timer 3 in proc_net_tcp (kernel documentation).
static bool
has_stand_in(const char *path, uint16_t port)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "re");

    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned local = 0;
        unsigned timer = 0;
        found = sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %*x %*x:%*x %x", &local, &timer) == 2 &&
                local == port && timer == 3;
    }
    if (file)
        fclose(file);
    return found;
}

// The last segments may be handled a little later, on another processor.
static void
wait_for_stand_in(uint16_t port)
{
    for (int i = 0; i < 2000; i++) {
        if (has_stand_in("/proc/self/net/tcp", port) || has_stand_in("/proc/self/net/tcp6", port))
            return;
        usleep(1000);
    }
    die("no TIME_WAIT");
}

// Makes the socket and gives its row; `fds` are to be closed after the cells (-1: none).
static bool
make_existing(struct matrix *matrix, const struct spec *spec, struct socket_row *row, int fds[2])
{
    bool udp = spec->protocol == PROTOCOL_UDP || spec->protocol == PROTOCOL_UDPLITE;
    int fd = bind_spec(spec, matrix->port);
    int child = -1;
    int client = -1;

    fds[0] = fd;
    fds[1] = -1;
    if (fd < 0)
        return false;
    if (spec->existing == EXISTING_LISTEN && listen(fd, 1) != 0)
        die("listen");
    if (spec->existing == EXISTING_CLIENT)
        connect_client(matrix, spec, fd);
    if (spec->existing <= EXISTING_LISTEN || spec->existing == EXISTING_CLIENT) {
        static const enum socket_state tcp_states[] = {SOCKET_BOUND, SOCKET_LISTEN, 0, SOCKET_CLOSE_WAIT};
        *row = row_of(fd, spec);
        row->state = !udp ? tcp_states[spec->existing]
                          : (spec->existing == EXISTING_CLIENT ? SOCKET_ESTABLISHED : SOCKET_UNCONN);
        return true;
    }
    accept_one(spec, fd, matrix->port, &child, &client);
    *row = row_of(child, spec);
    row->state = SOCKET_ESTABLISHED;
    close(fd);
    fds[0] = child;
    fds[1] = client;
    if (spec->existing == EXISTING_CLOSE_WAIT) {
        row->state = SOCKET_CLOSE_WAIT;
        close(client);
        fds[1] = -1;
    }
    if (spec->existing == EXISTING_FIN_WAIT_2 || spec->existing == EXISTING_TIME_WAIT) {
        int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on); // or it stays in FIN_WAIT_1 for a while
        row->state = spec->existing == EXISTING_FIN_WAIT_2 ? SOCKET_FIN_WAIT_2 : SOCKET_TIME_WAIT;
        row->inode = 0;
        row->uid = 0; // such a row names no user (inet_twsk_diag_fill)
        close(child);
        fds[0] = -1;
        if (spec->existing == EXISTING_TIME_WAIT) {
            close(client);
            fds[1] = -1;
        }
        wait_for_stand_in(matrix->port);
    }
    return true;
}

static const char *
answer_name(enum conflict answer)
{
    return answer == CONFLICT_NO ? "no" : answer == CONFLICT_YES ? "yes" : "unknown";
}

// With hidden options the answer must be the one that all possible options agree on, else unknown.
static bool
hidden_is_right(const struct cell *cell, const struct socket_row *row)
{
    struct socket_row hidden = *row;
    enum conflict answers[4];

    for (unsigned i = 0; i < 4; i++) {
        hidden.reuse_addr = i & 1 ? TRI_YES : TRI_NO;
        hidden.reuse_port = i & 2 ? TRI_YES : TRI_NO;
        answers[i] = conflict_check(&cell->wish, cell->uid, &hidden);
    }
    hidden.reuse_addr = TRI_UNKNOWN;
    hidden.reuse_port = TRI_UNKNOWN;
    bool agree = answers[0] == answers[1] && answers[1] == answers[2] && answers[2] == answers[3];
    return conflict_check(&cell->wish, cell->uid, &hidden) == (agree ? answers[0] : CONFLICT_UNKNOWN);
}

static void
complain(const struct matrix *matrix, const struct spec *spec, const struct cell *cell, const struct socket_row *row,
         const struct probe *probe)
{
    struct str held = address_format(matrix->arena, row->local);
    struct str wanted = address_format(matrix->arena, cell->wish.address);
    printf("# wrong: held %.*s %.*s v6only %d addr %d port %d dev %u uid %u; wanted %.*s v6only %d %.*s dev %u uid %u: "
           "kernel %.*s, conflict %s (kind %d)\n",
           STR_ARG(host_state_name(row->state)), STR_ARG(held), row->v6only == TRI_YES, spec->reuse_addr,
           spec->reuse_port, row->device, row->uid, STR_ARG(wanted), cell->wish.v6only,
           STR_ARG(bind_mode_name(cell->wish.mode)), cell->wish.device, cell->uid, STR_ARG(probe->result),
           answer_name(conflict_check(&cell->wish, cell->uid, row)), (int)spec->existing);
}

// A SO_REUSEPORT bind that works leaves its address and user in the port's bucket, and while any socket keeps that bucket,
// the next such bind of the same address and user is let in unchecked, whatever its device and family options
// (sk_reuseport_match() in net/ipv4/inet_connection_sock.c). A plain bind of any address that is still free makes the
// kernel forget it, so that each cell stands alone. Where none is free, all cells of that user share anyway.
static void
forget_last_reuseport(struct matrix *matrix, const struct cell *cell)
{
    uint32_t veth = matrix->devices[matrix->device_count - 1];
    struct bind_wish wish = {.port = cell->wish.port, .mode = BIND_PLAIN};
    struct probe probe = {.worked = false};

    for (size_t i = 0; i < matrix->device_count && !probe.worked; i++) {
        wish.address = address_ipv4(127, 0, 0, 77);
        wish.device = matrix->devices[i];
        bind_probe(matrix->arena, &wish, &probe);
    }
    if (probe.worked || !address_parse(STR("fe80::1"), &wish.address))
        return;
    wish.address.scope = veth;
    wish.device = 0;
    bind_probe(matrix->arena, &wish, &probe);
}

static void
check_cell(struct matrix *matrix, const struct spec *spec, const struct cell *cell, const struct socket_row *row)
{
    struct probe probe;

    setfsuid(cell->uid);
    bind_probe(matrix->arena, &cell->wish, &probe);
    setfsuid(0);
    bool taken = !probe.worked;
    bool strange = taken && probe.code != EADDRINUSE;
    enum conflict want = taken ? CONFLICT_YES : CONFLICT_NO;
    bool right = conflict_check(&cell->wish, cell->uid, row) == want && hidden_is_right(cell, row) &&
                 (!taken || conflict_overlaps(&cell->wish, row));

    if (cell->wish.mode == BIND_REUSEPORT && probe.worked)
        forget_last_reuseport(matrix, cell);
    matrix->outcome->cells++;
    matrix->outcome->taken += taken;
    if (right && !strange)
        return;
    if (matrix->outcome->wrong++ < 20)
        complain(matrix, spec, cell, row, &probe);
}

static void
check_spec(struct matrix *matrix, const struct spec *spec)
{
    struct socket_row row;
    int fds[2];

    if (matrix->port > LAST_PORT)
        die("out of ports");
    bool made = make_existing(matrix, spec, &row, fds);
    matrix->outcome->holders += made;
    // UDP wishes against a TCP socket and so on are one cell each: never in each other's way.
    for (enum protocol wanted = 0; made && wanted < PROTOCOL_COUNT; wanted++) {
        bool same = wanted == spec->protocol;
        for (size_t i = 0; i < (same ? matrix->cell_count[wanted] : matrix->cell_count[wanted] > 0); i++) {
            struct cell cell = matrix->cells[wanted][i];
            cell.wish.port = matrix->port;
            check_cell(matrix, spec, &cell, &row);
        }
    }
    for (size_t i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    matrix->port++;
}

static bool
is_reachable(const struct spec *spec, uint32_t lo)
{
    const struct place *place = spec->place;

    if (spec->existing <= EXISTING_LISTEN)
        return !spec->by_ipv6;
    if (spec->device != 0 && spec->device != lo)
        return false;
    return (spec->by_ipv6 ? place->peer6 : place->peer4) != NULL;
}

static void
check_places(struct matrix *matrix, struct spec spec)
{
    for (size_t i = 0; i < (size_t)PLACE_COUNT * 4 * 2; i++) {
        spec.place = &places[i / 8];
        spec.reuse_addr = i & 1;
        spec.reuse_port = i & 2;
        spec.by_ipv6 = i & 4;
        for (size_t d = 0; d < matrix->device_count; d++) {
            spec.device = matrix->devices[d];
            for (size_t u = 0; u < matrix->uid_count; u++) {
                spec.uid = matrix->uids[u];
                if (is_reachable(&spec, matrix->devices[1]))
                    check_spec(matrix, &spec);
            }
        }
    }
}

// Keeps those wishes that work where nobody is.
static void
make_cells(struct matrix *matrix, enum protocol protocol)
{
    static const enum bind_mode modes[MODE_COUNT] = {BIND_PLAIN, BIND_REUSE, BIND_REUSEPORT};

    for (size_t i = 0; i < WISH_COUNT; i++) {
        const struct place *place = &places[i % PLACE_COUNT];
        size_t device = i / PLACE_COUNT % DEVICE_COUNT;
        size_t uid = i / PLACE_COUNT / DEVICE_COUNT % UID_COUNT;
        struct cell cell = {.wish = {.protocol = protocol, .port = CONTROL_PORT, .v6only = place->v6only}};
        struct probe probe;
        if (device >= matrix->device_count || uid >= matrix->uid_count)
            continue;
        cell.wish.mode = modes[i / PLACE_COUNT / DEVICE_COUNT / UID_COUNT];
        cell.wish.device = matrix->devices[device];
        cell.uid = matrix->uids[uid];
        if (!address_parse(str_of(place->text), &cell.wish.address))
            die("address");
        if (place->link_local)
            cell.wish.address.scope = matrix->devices[matrix->device_count - 1];
        bind_probe(matrix->arena, &cell.wish, &probe);
        if (probe.worked)
            matrix->cells[protocol][matrix->cell_count[protocol]++] = cell;
    }
}

static int
make_peer(const char *address, int family)
{
    struct sockaddr_storage name;
    socklen_t length = fill_address(&name, family, address, PEER_PORT, 0);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, length) != 0 || listen(fd, 16) != 0)
        die("peer");
    return fd;
}

static void
loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        die("loopback");
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        die("loopback up");
    close(fd);
}

static void
run_matrix(struct arena *arena, struct outcome *outcome)
{
    static struct matrix matrix;
    bool root = geteuid() == 0;

    if (unshare(root ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        outcome->skipped = true;
        _exit(0);
    }
    loopback_up();
    if (root && system("ip link add moorage0 type veth peer name moorage1 2>/dev/null && ip link set moorage0 up && "
                       "ip link set moorage1 up && ip addr add fe80::1/64 dev moorage0 nodad") == 0)
        outcome->with_device = true;
    outcome->with_uids = root;
    matrix = (struct matrix){
        .arena = arena,
        .outcome = outcome,
        .devices = {0, if_nametoindex("lo"), if_nametoindex("moorage0")},
        .uids = {root ? 0 : (uint32_t)getuid(), OTHER_UID},
        .device_count = outcome->with_device ? 3 : 2,
        .uid_count = outcome->with_uids ? 2 : 1,
        .peer4 = make_peer("127.0.0.1", AF_INET),
        .peer6 = make_peer("::1", AF_INET6),
        .port = FIRST_PORT,
    };
    for (enum protocol protocol = 0; protocol < PROTOCOL_COUNT; protocol++)
        make_cells(&matrix, protocol);
    for (enum existing existing = 0; existing < EXISTING_COUNT; existing++)
        check_places(&matrix, (struct spec){.protocol = PROTOCOL_TCP, .existing = existing});
    for (enum existing existing = EXISTING_BOUND; existing <= EXISTING_LISTEN; existing++)
        check_places(&matrix, (struct spec){.protocol = PROTOCOL_MPTCP, .existing = existing});
    check_places(&matrix, (struct spec){.protocol = PROTOCOL_UDP, .existing = EXISTING_BOUND});
    check_places(&matrix, (struct spec){.protocol = PROTOCOL_UDP, .existing = EXISTING_CLIENT});
    check_places(&matrix, (struct spec){.protocol = PROTOCOL_UDPLITE, .existing = EXISTING_BOUND});
    outcome->done = true;
    fflush(stdout);
    _exit(0);
}

TEST(every_cell_agrees_with_the_kernel)
{
    struct outcome *outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;

    CHECK(outcome != MAP_FAILED);
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        run_matrix(arena, outcome);
    CHECK(waitpid(child, &status, 0) == child);
    if (outcome->skipped)
        SKIP("no right to make a network namespace");
    printf("# %lu cells checked, %lu of them taken, against %lu sockets; %s; %s\n", outcome->cells, outcome->taken,
           outcome->holders, outcome->with_uids ? "two users" : "one user only",
           outcome->with_device ? "two devices" : "one device only");
    CHECK_INT(status, 0);
    CHECK(outcome->done);
    CHECK_INT(outcome->wrong, 0);
    CHECK(outcome->taken > 0 && outcome->taken < outcome->cells);
    CHECK(outcome->cells >= LEAST_CELLS);
}

TAP_MAIN
