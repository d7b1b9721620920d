#include "decode/inet_diag.h"

#include <string.h>

#include "decode/netlink.h"

// linux/sock_diag.h, linux/inet_diag.h
#define SOCK_DIAG_BY_FAMILY 20
#define TCPDIAG_GETSOCK 18
#define SOCK_DESTROY 21
#define REQ_PROTOCOL 3
#define NO_COOKIE 0xffffffffu
#define TIMER_TIME_WAIT 3

// Address families and protocol numbers as Linux numbers them (linux/socket.h, linux/in.h).
#define LINUX_AF_INET 2
#define LINUX_AF_INET6 10
#define LINUX_IPPROTO_TCP 6
#define LINUX_IPPROTO_UDP 17
#define LINUX_IPPROTO_UDPLITE 136
#define LINUX_IPPROTO_MPTCP 262

// MPTCP's number does not fit the byte that a request has for it.
static const uint8_t protocol_numbers[PROTOCOL_COUNT] = {
    [PROTOCOL_TCP] = LINUX_IPPROTO_TCP,
    [PROTOCOL_UDP] = LINUX_IPPROTO_UDP,
    [PROTOCOL_UDPLITE] = LINUX_IPPROTO_UDPLITE,
};

// Where the fields of struct inet_diag_msg stand.
enum {
    AT_FAMILY = 0,
    AT_STATE = 1,
    AT_TIMER = 2,
    AT_LOCAL_PORT = 4,
    AT_REMOTE_PORT = 6,
    AT_LOCAL = 8,
    AT_REMOTE = 24,
    AT_DEVICE = 40,
    AT_COOKIE = 44,
    AT_EXPIRES = 52,
    AT_READ_QUEUE = 56,
    AT_WRITE_QUEUE = 60,
    AT_UID = 64,
    AT_INODE = 68,
    MESSAGE_SIZE = 72,
};

// Attributes of a row that come without being asked for.
enum {
    ATTRIBUTE_V6ONLY = 11,
    ATTRIBUTE_CGROUP = 21,
};

// Kernel state numbers (include/net/tcp_states.h).
enum {
    WIRE_ESTABLISHED = 1,
    WIRE_SYN_SENT = 2,
    WIRE_SYN_RECV = 3,
    WIRE_FIN_WAIT_1 = 4,
    WIRE_FIN_WAIT_2 = 5,
    WIRE_TIME_WAIT = 6,
    WIRE_CLOSE = 7,
    WIRE_CLOSE_WAIT = 8,
    WIRE_LAST_ACK = 9,
    WIRE_LISTEN = 10,
    WIRE_CLOSING = 11,
    WIRE_NEW_SYN_RECV = 12,
    WIRE_BOUND_INACTIVE = 13, // only asked for (kernel 6.8 and later); such a row says CLOSE
};

struct state_pair {
    enum socket_state state;
    uint8_t wire;
};

static const struct state_pair tcp_states[] = {
    {SOCKET_ESTABLISHED, WIRE_ESTABLISHED},
    {SOCKET_SYN_SENT, WIRE_SYN_SENT},
    {SOCKET_SYN_RECEIVED, WIRE_SYN_RECV},
    {SOCKET_FIN_WAIT_1, WIRE_FIN_WAIT_1},
    {SOCKET_FIN_WAIT_2, WIRE_FIN_WAIT_2},
    {SOCKET_TIME_WAIT, WIRE_TIME_WAIT},
    {SOCKET_CLOSED, WIRE_CLOSE},
    {SOCKET_CLOSE_WAIT, WIRE_CLOSE_WAIT},
    {SOCKET_LAST_ACK, WIRE_LAST_ACK},
    {SOCKET_LISTEN, WIRE_LISTEN},
    {SOCKET_CLOSING, WIRE_CLOSING},
    {SOCKET_SYN_RECEIVED, WIRE_NEW_SYN_RECV},
    {SOCKET_BOUND, WIRE_BOUND_INACTIVE},
};

static const struct state_pair udp_states[] = {
    {SOCKET_ESTABLISHED, WIRE_ESTABLISHED},
    {SOCKET_UNCONN, WIRE_CLOSE},
};

static bool
is_datagram(enum protocol protocol)
{
    return protocol == PROTOCOL_UDP || protocol == PROTOCOL_UDPLITE;
}

static const struct state_pair *
states_of(enum protocol protocol, size_t *count)
{
    *count = is_datagram(protocol) ? sizeof udp_states / sizeof *udp_states : sizeof tcp_states / sizeof *tcp_states;
    return is_datagram(protocol) ? udp_states : tcp_states;
}

bool
inet_diag_state(enum protocol protocol, unsigned wire, uint16_t port, enum socket_state *out)
{
    // A TCP socket that has a port and does nothing is CLOSE to the kernel, but its port is taken.
    if (!is_datagram(protocol) && wire == WIRE_CLOSE && port != 0) {
        *out = SOCKET_BOUND;
        return true;
    }
    size_t count;
    const struct state_pair *pairs = states_of(protocol, &count);
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].wire == wire) {
            *out = pairs[i].state;
            return true;
        }
    }
    return false;
}

uint32_t
inet_diag_states(enum protocol protocol, unsigned states)
{
    uint32_t bits = 0;
    size_t count;
    const struct state_pair *pairs = states_of(protocol, &count);
    for (size_t i = 0; i < count; i++) {
        // The kernel keeps MPTCP sockets that are only bound as TCP ones.
        if (states & 1u << pairs[i].state && !(protocol == PROTOCOL_MPTCP && pairs[i].state == SOCKET_BOUND))
            bits |= 1u << pairs[i].wire;
    }
    return bits;
}

static void
add_socket_id(struct buf *out, uint16_t port)
{
    netlink_add_be16(out, port);
    buf_pad(out, '\0', AT_COOKIE - AT_REMOTE_PORT);
    netlink_add_u32(out, NO_COOKIE);
    netlink_add_u32(out, NO_COOKIE);
}

// struct inet_diag_req: the older request, TCP's alone, in which no family means both in one walk of the tables.
static void
add_tcp_request(struct buf *out, const struct inet_diag_ask *ask, uint32_t sequence)
{
    size_t start = netlink_begin(out, TCPDIAG_GETSOCK, NETLINK_REQUEST | NETLINK_DUMP, sequence);
    buf_pad(out, '\0', 4);
    add_socket_id(out, ask->port);
    netlink_add_u32(out, inet_diag_states(ask->protocol, ask->states));
    netlink_add_u32(out, 0);
    netlink_end(out, start);
}

void
inet_diag_request(struct buf *out, const struct inet_diag_ask *ask, uint32_t sequence)
{
    if (ask->family == FAMILY_NONE) {
        add_tcp_request(out, ask, sequence);
        return;
    }
    size_t start = netlink_begin(out, SOCK_DIAG_BY_FAMILY, NETLINK_REQUEST | NETLINK_DUMP, sequence);
    netlink_add_u8(out, ask->family == FAMILY_IPV4 ? LINUX_AF_INET : LINUX_AF_INET6);
    netlink_add_u8(out, protocol_numbers[ask->protocol]);
    buf_pad(out, '\0', 2);
    netlink_add_u32(out, inet_diag_states(ask->protocol, ask->states));
    add_socket_id(out, ask->port);
    if (ask->protocol == PROTOCOL_MPTCP) {
        // Its number does not fit the byte, which stays 0: a kernel that does not know the attribute then has no such
        // protocol, where the low byte would be TCP's number.
        uint32_t number = LINUX_IPPROTO_MPTCP;
        netlink_add_attribute(out, REQ_PROTOCOL, (struct str){(const char *)&number, sizeof number});
    }
    netlink_end(out, start);
}

// struct inet_diag_req_v2 for one socket.
static void
add_row_request(struct buf *out, const struct socket_row *row, uint32_t states)
{
    bool known = row->cookie != 0;
    netlink_add_u8(out, row->local.family == FAMILY_IPV4 ? LINUX_AF_INET : LINUX_AF_INET6);
    netlink_add_u8(out, protocol_numbers[row->protocol]);
    buf_pad(out, '\0', 2);
    netlink_add_u32(out, states);
    netlink_add_be16(out, row->local_port);
    netlink_add_be16(out, row->remote_port);
    buf_add(out, (struct str){(const char *)row->local.bytes, sizeof row->local.bytes});
    buf_add(out, (struct str){(const char *)row->remote.bytes, sizeof row->remote.bytes});
    netlink_add_u32(out, row->device);
    netlink_add_u32(out, known ? (uint32_t)row->cookie : NO_COOKIE);
    netlink_add_u32(out, known ? (uint32_t)(row->cookie >> 32) : NO_COOKIE);
}

void
inet_diag_destroy_request(struct buf *out, const struct socket_row *row, uint32_t sequence)
{
    size_t start = netlink_begin(out, SOCK_DESTROY, NETLINK_REQUEST | NETLINK_ACK, sequence);
    add_row_request(out, row, inet_diag_states(row->protocol, 1u << row->state));
    netlink_end(out, start);
}

void
inet_diag_request_row(struct buf *out, const struct socket_row *row, uint32_t sequence)
{
    size_t start = netlink_begin(out, SOCK_DIAG_BY_FAMILY, NETLINK_REQUEST, sequence);
    add_row_request(out, row, UINT32_MAX);
    netlink_end(out, start);
}

static void
add_address(struct buf *out, struct address address)
{
    buf_add(out, (struct str){(const char *)address.bytes, sizeof address.bytes});
}

void
inet_diag_request_one(struct buf *out, enum protocol protocol, struct address local, uint16_t port, uint32_t sequence)
{
    struct address none = address_any(local.family);
    // Of datagram sockets the kernel takes source and destination as the packet has them, of TCP as the socket has them
    // (udp_dump_one in net/ipv4/udp_diag.c).
    bool datagram = protocol == PROTOCOL_UDP || protocol == PROTOCOL_UDPLITE;
    size_t start = netlink_begin(out, SOCK_DIAG_BY_FAMILY, NETLINK_REQUEST, sequence);

    netlink_add_u8(out, local.family == FAMILY_IPV4 ? LINUX_AF_INET : LINUX_AF_INET6);
    netlink_add_u8(out, protocol_numbers[protocol]);
    buf_pad(out, '\0', 2);
    netlink_add_u32(out, UINT32_MAX);
    netlink_add_be16(out, datagram ? 0 : port);
    netlink_add_be16(out, datagram ? port : 0);
    add_address(out, datagram ? none : local);
    add_address(out, datagram ? local : none);
    netlink_add_u32(out, local.scope);
    netlink_add_u32(out, NO_COOKIE);
    netlink_add_u32(out, NO_COOKIE);
    netlink_end(out, start);
}

static struct address
address_at(struct str payload, size_t at, enum family family, uint32_t device)
{
    struct address address = address_any(family);
    memcpy(address.bytes, payload.ptr + at, family == FAMILY_IPV4 ? 4 : 16);
    if (family == FAMILY_IPV6 && address_is_link_local(address))
        address.scope = device;
    return address;
}

static void
parse_attributes(struct str attributes, struct socket_row *row)
{
    struct netlink_attribute attribute;
    while (netlink_next_attribute(&attributes, &attribute)) {
        uint8_t only;
        if (attribute.type == ATTRIBUTE_V6ONLY && netlink_u8(attribute.value, 0, &only))
            row->v6only = only ? TRI_YES : TRI_NO;
        else if (attribute.type == ATTRIBUTE_CGROUP)
            netlink_u64(attribute.value, 0, &row->cgroup);
    }
}

bool
inet_diag_parse(struct str payload, enum protocol protocol, struct socket_row *out)
{
    struct str attributes = payload;
    uint8_t family;
    uint8_t state;
    uint8_t timer;
    uint32_t inode;
    uint32_t cookie_low;
    uint32_t cookie_high;
    struct socket_row row = {.protocol = protocol};
    if (!netlink_skip(&attributes, MESSAGE_SIZE) || !netlink_u8(payload, AT_FAMILY, &family) ||
        (family != LINUX_AF_INET && family != LINUX_AF_INET6) || !netlink_u8(payload, AT_STATE, &state) ||
        !netlink_u8(payload, AT_TIMER, &timer) || !netlink_be16(payload, AT_LOCAL_PORT, &row.local_port) ||
        !netlink_be16(payload, AT_REMOTE_PORT, &row.remote_port) || !netlink_u32(payload, AT_DEVICE, &row.device) ||
        !netlink_u32(payload, AT_COOKIE, &cookie_low) || !netlink_u32(payload, AT_COOKIE + 4, &cookie_high) ||
        !netlink_u32(payload, AT_UID, &row.uid) || !netlink_u32(payload, AT_INODE, &inode) ||
        !inet_diag_state(protocol, state, row.local_port, &row.state))
        return false;
    row.inode = inode;
    row.cookie = (uint64_t)cookie_high << 32 | cookie_low;
    // A socket without a file (TIME_WAIT, a request, an orphan on older kernels) says 0, which is no statement about root.
    row.uid_known = row.uid != 0 || inode != 0;
    enum family kind = family == LINUX_AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
    row.local = address_at(payload, AT_LOCAL, kind, row.device);
    struct address remote = address_at(payload, AT_REMOTE, kind, row.device);
    if (row.remote_port != 0 || !address_is_any(remote))
        row.remote = remote;
    if (timer != 0)
        netlink_u32(payload, AT_EXPIRES, &row.expires_ms);
    if (row.state == SOCKET_LISTEN) {
        netlink_u32(payload, AT_READ_QUEUE, &row.queue);
        netlink_u32(payload, AT_WRITE_QUEUE, &row.backlog);
    }
    parse_attributes(attributes, &row);
    *out = row;
    return true;
}

void
inet_diag_rows(struct arena *arena, struct str answer, enum protocol protocol, uint16_t first, uint16_t last,
               struct host *host)
{
    enum {
        USUAL_LENGTH = 120, // of a message about one socket, or somewhat longer
    };
    struct netlink_message message;
    if (host->sockets.count == 0)
        LIST_RESERVE(arena, &host->sockets, answer.len / USUAL_LENGTH);
    while (netlink_next(&answer, &message)) {
        struct socket_row row;
        if ((message.type == SOCK_DIAG_BY_FAMILY || message.type == TCPDIAG_GETSOCK) &&
            inet_diag_parse(message.payload, protocol, &row) && row.local_port >= first && row.local_port <= last)
            *LIST_ADD(arena, &host->sockets) = row;
    }
}
