// core/conflict against the kernel, cell by cell: every kind of existing socket on one side, every wish on the other, in a
// network namespace of its own, where nothing else takes part.

#include "core/conflict.h"

#include <net/if.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "existing_linux.h"
#include "own_network_linux.h"
#include "sys/bind_probe.h"
#include "tap.h"

enum {
    LEAST_CELLS = 2000,
    CONTROL_PORT = 1999, // nobody is there: shows which wishes work at all
    FIRST_PORT = 2000,
    LAST_PORT = 32000, // below the usual dynamic range, out of which the peers' ports come
    OTHER_UID = 1001,
};

enum {
    PLACE_COUNT = sizeof places / sizeof *places,
    DEVICE_COUNT = 3, // none, lo, a veth
    UID_COUNT = 2,
    MODE_COUNT = 3,
    WISH_COUNT = PLACE_COUNT * DEVICE_COUNT * UID_COUNT * MODE_COUNT,
};

struct cell {
    struct bind_wish wish;
    uint32_t uid;
};

struct matrix {
    struct arena *arena;
    unsigned long checked;
    unsigned long taken;
    unsigned long sockets;
    unsigned long wrong;
    uint32_t devices[DEVICE_COUNT];
    uint32_t uids[UID_COUNT];
    size_t device_count;
    size_t uid_count;
    struct cell cells[PROTOCOL_COUNT][WISH_COUNT];
    size_t cell_count[PROTOCOL_COUNT];
    struct existing_peers peers;
    uint16_t port;
};

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
        answers[i] = conflict_check(&conflict_rules_linux, &cell->wish, cell->uid, &hidden);
    }
    hidden.reuse_addr = TRI_UNKNOWN;
    hidden.reuse_port = TRI_UNKNOWN;
    bool agree = answers[0] == answers[1] && answers[1] == answers[2] && answers[2] == answers[3];
    return conflict_check(&conflict_rules_linux, &cell->wish, cell->uid, &hidden) ==
           (agree ? answers[0] : CONFLICT_UNKNOWN);
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
           answer_name(conflict_check(&conflict_rules_linux, &cell->wish, cell->uid, row)), (int)spec->existing);
}

// A SO_REUSEPORT bind that works leaves its address and user in the port's bucket, and while any socket keeps that bucket,
// the next such bind of the same address and user is let in unchecked, whatever its device and family options
// (sk_reuseport_match() in net/ipv4/inet_connection_sock.c). A plain bind of any address that is still free makes the
// kernel forget it, so that each cell stands alone. Where none is free, all cells of that user share anyway.
static void
forget_last_reuseport(struct matrix *matrix, const struct cell *cell)
{
    static const char *const addresses[] = {"127.0.0.77", "::1", "fe80::1"};
    struct bind_wish wish = {.port = cell->wish.port, .mode = BIND_PLAIN};
    struct probe probe = {.worked = false};

    for (size_t i = 0; i < sizeof addresses / sizeof *addresses && !probe.worked; i++) {
        if (!address_parse(str_of(addresses[i]), &wish.address))
            die("address");
        if (address_is_link_local(wish.address))
            wish.address.scope = matrix->devices[matrix->device_count - 1];
        for (size_t d = 0; d < matrix->device_count && !probe.worked; d++) {
            wish.device = matrix->devices[d];
            bind_probe(matrix->arena, &wish, &probe);
        }
    }
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
    bool right = conflict_check(&conflict_rules_linux, &cell->wish, cell->uid, row) == want &&
                 hidden_is_right(cell, row) && (!taken || conflict_overlaps(&cell->wish, row));

    if (cell->wish.mode == BIND_REUSEPORT && probe.worked)
        forget_last_reuseport(matrix, cell);
    matrix->checked++;
    matrix->taken += taken;
    if (right && !strange)
        return;
    if (matrix->wrong++ < 20)
        complain(matrix, spec, cell, row, &probe);
}

static void
check_spec(struct matrix *matrix, const struct spec *spec)
{
    struct socket_row row;
    int fds[2];

    if (matrix->port > LAST_PORT)
        die("out of ports");
    bool made = existing_make(&matrix->peers, spec, matrix->port, &row, fds);
    matrix->sockets += made;
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

TEST(every_cell_agrees_with_the_kernel)
{
    static struct matrix matrix;
    bool root = geteuid() == 0;

    if (!own_network())
        SKIP("no right to make a network namespace");
    bool veth = root && system("ip link add moorage0 type veth peer name moorage1 2>/dev/null && ip link set moorage0 "
                               "up && ip link set moorage1 up && ip addr add fe80::1/64 dev moorage0 nodad") == 0;
    matrix = (struct matrix){
        .arena = arena,
        .devices = {0, if_nametoindex("lo"), if_nametoindex("moorage0")},
        .uids = {root ? 0 : (uint32_t)getuid(), OTHER_UID},
        .device_count = veth ? 3 : 2,
        .uid_count = root ? 2 : 1,
        .peers = {make_peer("127.0.0.1", AF_INET), make_peer("::1", AF_INET6)},
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
    close(matrix.peers.ipv4);
    close(matrix.peers.ipv6);
    printf("# %lu combinations checked against the kernel, %lu of them taken, with %lu sockets; %s; %s\n",
           matrix.checked, matrix.taken, matrix.sockets, root ? "two users" : "one user only",
           veth ? "two devices" : "one device only");
    CHECK_INT(matrix.wrong, 0);
    CHECK(matrix.taken > 0 && matrix.taken < matrix.checked);
    CHECK(matrix.checked >= LEAST_CELLS);
}

TAP_MAIN
