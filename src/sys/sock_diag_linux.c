#include "sys/sock_diag_linux.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "decode/inet_diag.h"
#include "decode/netlink.h"
#include "decode/proc_net.h"
#include "sys/file.h"
#include "sys/net.h"
#include "sys/proc_net_linux.h"

#define PROTOCOLS_LIMIT ((size_t)64 << 10)

enum {
    SHORTEST_ROW = 72, // bytes of a message about one socket
    MANY_ROWS = 16 << 10,
    MESSAGE_SIZE = 4096, // and more than a row has
};

static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};

// Whether the namespace of the calling thread has a socket of MPTCP, or may have one. The kernel counts them since Linux 6.3
// (mptcp_listen of net/mptcp/protocol.c, net/mptcp/token.c); this file is there since 6.6. To look for each takes it as long
// as to look for all of TCP, once for each family.
static bool
may_have_mptcp(struct arena *arena)
{
    struct str text;
    uint64_t v4;
    uint64_t v6 = 0;
    if (access("/proc/sys/net/mptcp/scheduler", F_OK) != 0 ||
        !file_read(arena, PROC_NET_OWN "/protocols", PROTOCOLS_LIMIT, false, &text, NULL) ||
        !proc_net_count(text, STR("MPTCP"), &v4))
        return true;
    (void)proc_net_count(text, STR("MPTCPv6"), &v6); // without IPv6 there is no such line
    return v4 + v6 != 0;
}

// Where a kernel that has the protocol shows it. To ask for a protocol that is missing would make the kernel look for a
// module to load; where even TCP does not show, /proc can't tell.
static bool
is_present(struct arena *arena, enum protocol protocol)
{
    if (access("/proc/net/tcp", F_OK) != 0)
        return true;
    if (protocol == PROTOCOL_UDPLITE)
        return access("/proc/net/udplite", F_OK) == 0;
    return protocol != PROTOCOL_MPTCP || (access("/proc/sys/net/mptcp", F_OK) == 0 && may_have_mptcp(arena));
}

// What takes the rows of one answer.
struct row_taker {
    struct arena *arena;
    const struct socket_query *query;
    enum protocol protocol;
    struct host *host;
    size_t before; // rows that were there before
};

static void
begin_rows(void *data)
{
    struct row_taker *rows = data;
    rows->host->sockets.count = rows->before;
}

static void
take_rows(void *data, struct str messages)
{
    struct row_taker *rows = data;
    size_t left = rows->host->sockets.capacity - rows->host->sockets.count;
    // Where more than one datagram comes there may be very many. Pages that no row gets to are never had, and a list that grows
    // leaves copies of itself behind.
    if (rows->host->sockets.count > rows->before && left < messages.len / SHORTEST_ROW)
        LIST_RESERVE(rows->arena, &rows->host->sockets, MANY_ROWS + rows->host->sockets.count);
    inet_diag_rows(rows->arena, messages, rows->protocol, rows->query->first, rows->query->last, rows->host);
}

static bool
ask(struct arena *arena, struct netlink_socket *netlink, const struct socket_query *query, enum protocol protocol,
    enum family family, int64_t deadline_us, struct host *host, struct err *err)
{
    struct buf request = {.arena = arena};
    struct str answer;
    struct inet_diag_ask question = {.protocol = protocol, .family = family, .states = query->states};
    struct row_taker rows = {arena, query, protocol, host, host->sockets.count};
    struct netlink_taker taker = {begin_rows, take_rows, &rows};
    if (query->first == query->last)
        question.port = query->first;
    inet_diag_request(&request, &question, netlink_socket_next(netlink));
    if (!query->record)
        return netlink_socket_take(netlink, buf_str(&request), deadline_us, &taker, err);
    if (!netlink_socket_ask(arena, netlink, buf_str(&request), deadline_us, &answer, err))
        return false;
    take_rows(&rows, answer);
    *LIST_ADD(arena, &host->raw) =
        (struct raw_bytes){str_printf(arena, "sock_diag %.*s %s", STR_ARG(host_protocol_name(protocol)),
                                      family == FAMILY_NONE   ? "ipv4 ipv6"
                                      : family == FAMILY_IPV4 ? "ipv4"
                                                              : "ipv6"),
                           answer};
    return true;
}

static bool
read_by_netlink(struct arena *arena, struct netlink_socket *netlink, const struct socket_query *query,
                enum protocol protocol, int64_t deadline_us, struct host *host, struct err *err)
{
    if (inet_diag_states(protocol, query->states) == 0)
        return true;
    if (netlink->fd < 0)
        return err_set(err, ERR_NOT_ALLOWED, 0, "netlink is refused");
    // One walk through TCP's tables gives both families.
    if (protocol == PROTOCOL_TCP)
        return ask(arena, netlink, query, protocol, FAMILY_NONE, deadline_us, host, err);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (!ask(arena, netlink, query, protocol, families[i], deadline_us, host, err))
            return false;
    }
    return true;
}

// Few sockets are bound to a device, and most of these to the same.
void
sock_diag_name_devices(struct arena *arena, struct host *host, size_t start)
{
    struct socket_row *rows = host->sockets.items;
    const struct socket_row *known = NULL;
    for (size_t i = start; i < host->sockets.count; i++) {
        if (rows[i].device == 0)
            continue;
        rows[i].device_name =
            known && known->device == rows[i].device ? known->device_name : net_device_name(arena, rows[i].device);
        known = &rows[i];
    }
}

// What takes the port for an MPTCP socket is a TCP socket, its subflow: on a port without any of TCP there is none, and the
// kernel need not walk all connections once more for each family.
static bool
has_no_subflow(const struct socket_query *query, const struct host *host, size_t start)
{
    return query->first == query->last && query->protocols & 1u << PROTOCOL_TCP && host->sockets.count == start;
}

bool
sock_diag_read(struct arena *arena, struct netlink_socket *netlink, const struct socket_query *query,
               int64_t deadline_us, struct host *host, struct err *err)
{
    size_t start = host->sockets.count;
    host->socket_source = STR("netlink");
    for (enum protocol protocol = PROTOCOL_TCP; protocol < PROTOCOL_COUNT; protocol++) {
        size_t before = host->sockets.count;
        struct err why = {0};
        if (!(query->protocols & 1u << protocol) ||
            (protocol == PROTOCOL_MPTCP && has_no_subflow(query, host, start)) || !is_present(arena, protocol) ||
            read_by_netlink(arena, netlink, query, protocol, deadline_us, host, &why))
            continue;
        host->sockets.count = before;
        if (!proc_net_read_table(arena, PROC_NET_OWN, query, protocol, host, err))
            return err_prefix(err, "%s", why.text);
        if (protocol != PROTOCOL_MPTCP)
            host->socket_source = STR("/proc/net");
    }
    sock_diag_name_devices(arena, host, start);
    return true;
}

// Asks for one socket, and takes its row or an error. The kernel answers with one message while the request is being sent, so
// nothing is waited for.
static bool
ask_for_one(struct netlink_socket *netlink, struct str request, char answer[MESSAGE_SIZE], struct netlink_message *out)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t got;
    if (netlink->fd < 0 ||
        sendto(netlink->fd, request.ptr, request.len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
        return false;
    while ((got = recv(netlink->fd, answer, MESSAGE_SIZE, MSG_DONTWAIT)) > 0) {
        struct str rest = {answer, (size_t)got};
        while (netlink_next(&rest, out)) {
            if (out->sequence == netlink->sequence)
                return true;
        }
    }
    return false;
}

bool
sock_diag_find(struct netlink_socket *netlink, enum protocol protocol, struct address address, uint16_t port,
               bool *found, struct socket_row *row)
{
    struct arena *arena = arena_open();
    struct buf request = {.arena = arena};
    struct netlink_message message;
    char answer[MESSAGE_SIZE];

    inet_diag_request_one(&request, protocol, address, port, netlink_socket_next(netlink));
    bool good = ask_for_one(netlink, buf_str(&request), answer, &message);
    bool refused = good && message.type == NETLINK_ERROR;
    *found = good && !refused && inet_diag_parse(message.payload, protocol, row);
    if (refused)
        good = netlink_error(&message) == ENOENT;
    arena_close(arena);
    return good;
}

bool
sock_diag_find_row(struct netlink_socket *netlink, const struct socket_row *wanted, struct socket_row *out)
{
    struct arena *arena = arena_open();
    struct buf request = {.arena = arena};
    struct netlink_message message;
    char answer[MESSAGE_SIZE];

    inet_diag_request_row(&request, wanted, netlink_socket_next(netlink));
    bool good = ask_for_one(netlink, buf_str(&request), answer, &message) && message.type != NETLINK_ERROR &&
                inet_diag_parse(message.payload, wanted->protocol, out);
    arena_close(arena);
    return good;
}
