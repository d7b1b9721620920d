#ifndef MOORAGE_TEST_SYS_EXISTING_LINUX_H
#define MOORAGE_TEST_SYS_EXISTING_LINUX_H

// Real sockets of every kind that can be in a bind's way, each with the row that the system's table has of it.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decode/host.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum {
    PEER_PORT = 1998, // where client sockets connect to
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

// Listeners that client sockets connect to.
struct existing_peers {
    int ipv4;
    int ipv6;
};

static void
die(const char *what)
{
    printf("# %s: %s\n", what, strerror(errno));
    fflush(stdout);
    exit(1);
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
static void
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
}

static void
connect_client(const struct existing_peers *peers, const struct spec *spec, int fd)
{
    struct sockaddr_storage to;
    int family = place_family(spec->place);
    socklen_t length = fill_address(&to, family, spec->by_ipv6 ? "::1" : "127.0.0.1", PEER_PORT, 0);

    if (connect(fd, (struct sockaddr *)&to, length) != 0)
        die("connect the client");
    if (spec->protocol != PROTOCOL_TCP)
        return;
    int other = accept4(spec->by_ipv6 ? peers->ipv6 : peers->ipv4, NULL, NULL, SOCK_CLOEXEC);
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
    for (int i = 0; i < 20000; i++) {
        if (has_stand_in("/proc/self/net/tcp", port) || has_stand_in("/proc/self/net/tcp6", port))
            return;
        usleep(1000);
    }
    die("no TIME_WAIT");
}

// Makes the socket and gives its row; `fds` are to be closed after the cells (-1: none).
static bool
existing_make(const struct existing_peers *peers, const struct spec *spec, uint16_t port, struct socket_row *row,
              int fds[2])
{
    bool udp = spec->protocol == PROTOCOL_UDP || spec->protocol == PROTOCOL_UDPLITE;
    int fd = bind_spec(spec, port);
    int child = -1;
    int client = -1;

    fds[0] = fd;
    fds[1] = -1;
    if (fd < 0)
        return false;
    if (spec->existing == EXISTING_LISTEN && listen(fd, 1) != 0)
        die("listen");
    if (spec->existing == EXISTING_CLIENT)
        connect_client(peers, spec, fd);
    if (spec->existing <= EXISTING_LISTEN || spec->existing == EXISTING_CLIENT) {
        static const enum socket_state tcp_states[] = {SOCKET_BOUND, SOCKET_LISTEN, 0, SOCKET_CLOSE_WAIT};
        *row = row_of(fd, spec);
        row->state = !udp ? tcp_states[spec->existing]
                          : (spec->existing == EXISTING_CLIENT ? SOCKET_ESTABLISHED : SOCKET_UNCONN);
        return true;
    }
    accept_one(spec, fd, port, &child, &client);
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
        wait_for_stand_in(port);
    }
    return true;
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

#endif
