#include "decode/host.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct str protocol_names[PROTOCOL_COUNT] = {
    [PROTOCOL_TCP] = STR_INIT("tcp"),
    [PROTOCOL_UDP] = STR_INIT("udp"),
    [PROTOCOL_UDPLITE] = STR_INIT("udplite"),
    [PROTOCOL_MPTCP] = STR_INIT("mptcp"),
};

static const struct str state_names[SOCKET_STATE_COUNT] = {
    [SOCKET_LISTEN] = STR_INIT("LISTEN"),
    [SOCKET_BOUND] = STR_INIT("BOUND"),
    [SOCKET_UNCONN] = STR_INIT("UNCONN"),
    [SOCKET_SYN_SENT] = STR_INIT("SYN_SENT"),
    [SOCKET_SYN_RECEIVED] = STR_INIT("SYN_RECEIVED"),
    [SOCKET_ESTABLISHED] = STR_INIT("ESTABLISHED"),
    [SOCKET_FIN_WAIT_1] = STR_INIT("FIN_WAIT_1"),
    [SOCKET_FIN_WAIT_2] = STR_INIT("FIN_WAIT_2"),
    [SOCKET_CLOSE_WAIT] = STR_INIT("CLOSE_WAIT"),
    [SOCKET_CLOSING] = STR_INIT("CLOSING"),
    [SOCKET_LAST_ACK] = STR_INIT("LAST_ACK"),
    [SOCKET_TIME_WAIT] = STR_INIT("TIME_WAIT"),
    [SOCKET_CLOSED] = STR_INIT("CLOSED"),
};

static const struct str known_names[] = {
    [KNOWN_NOT_ASKED] = STR_INIT(""),
    [KNOWN_YES] = STR_INIT(""),
    [KNOWN_NOT_ALLOWED] = STR_INIT("not-allowed"),
    [KNOWN_GONE] = STR_INIT("gone"),
    [KNOWN_UNSUPPORTED] = STR_INIT("unsupported"),
    [KNOWN_TIMEOUT] = STR_INIT("timeout"),
};

static const struct str tier_names[] = {
    [TIER_NONE] = STR_INIT(""),   [TIER_PROC] = STR_INIT("proc"),       [TIER_OWN] = STR_INIT("own"),
    [TIER_BPF] = STR_INIT("bpf"), [TIER_WINDOWS] = STR_INIT("windows"), [TIER_FAKE] = STR_INIT("fake"),
};

static struct str
name_at(const struct str *names, size_t count, size_t index)
{
    return index < count ? names[index] : STR("");
}

static bool
find_name(const struct str *names, size_t count, struct str name, size_t *index)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].len != 0 && str_equal(names[i], name)) {
            *index = i;
            return true;
        }
    }
    return false;
}

struct str
host_protocol_name(enum protocol protocol)
{
    return name_at(protocol_names, COUNT(protocol_names), (size_t)protocol);
}

bool
host_protocol_parse(struct str name, enum protocol *out)
{
    size_t index;
    if (!find_name(protocol_names, COUNT(protocol_names), name, &index))
        return false;
    *out = (enum protocol)index;
    return true;
}

struct str
host_state_name(enum socket_state state)
{
    return name_at(state_names, COUNT(state_names), (size_t)state);
}

bool
host_state_parse(struct str name, enum socket_state *out)
{
    size_t index;
    if (!find_name(state_names, COUNT(state_names), name, &index))
        return false;
    *out = (enum socket_state)index;
    return true;
}

struct str
host_known_name(enum known known)
{
    return name_at(known_names, COUNT(known_names), (size_t)known);
}

bool
host_known_parse(struct str name, enum known *out)
{
    size_t index;
    if (!find_name(known_names, COUNT(known_names), name, &index))
        return false;
    *out = (enum known)index;
    return true;
}

enum known
host_known_of(enum err_kind kind)
{
    switch (kind) {
    case ERR_NOT_ALLOWED:
        return KNOWN_NOT_ALLOWED;
    case ERR_GONE:
        return KNOWN_GONE;
    case ERR_TIMEOUT:
        return KNOWN_TIMEOUT;
    default:
        return KNOWN_UNSUPPORTED;
    }
}

struct str
host_tier_name(enum tier tier)
{
    return name_at(tier_names, COUNT(tier_names), (size_t)tier);
}

struct str
host_how_format(struct arena *arena, const struct holding *holding)
{
    switch (holding->how) {
    case HOLDING_FD:
        return str_printf(arena, "fd %" PRIu64, holding->fd);
    case HOLDING_THREAD_FD:
        return str_printf(arena, "thread %" PRIu32 " fd %" PRIu64, holding->tid, holding->fd);
    case HOLDING_IN_FLIGHT:
        return STR("in-flight");
    case HOLDING_IO_URING:
        return STR("io_uring");
    case HOLDING_MMAP:
        return STR("mmap");
    case HOLDING_HANDLE:
        return str_printf(arena, "handle 0x%" PRIx64, holding->fd);
    case HOLDING_TABLE:
        return STR("table");
    }
    return STR("");
}

enum protocol
host_port_space(enum protocol protocol)
{
    return protocol == PROTOCOL_MPTCP ? PROTOCOL_TCP : protocol;
}

unsigned
host_port_sharers(enum protocol protocol)
{
    return host_port_space(protocol) == PROTOCOL_TCP ? 1u << PROTOCOL_TCP | 1u << PROTOCOL_MPTCP : 1u << protocol;
}

bool
host_same_ports(enum protocol a, enum protocol b)
{
    return host_port_space(a) == host_port_space(b);
}

bool
host_has_owner(const struct socket_row *row)
{
    return row->inode != 0 || row->owner_pid != 0;
}

bool
host_covers(const struct socket_row *row, struct address address)
{
    struct address plain;

    if (address.family == FAMILY_NONE)
        return host_covers(row, address_loopback(FAMILY_IPV4)) || host_covers(row, address_loopback(FAMILY_IPV6));
    if (address_equal(row->local, address))
        return true;
    if (row->local.family == FAMILY_IPV6 && address.family == FAMILY_IPV4)
        return (address_is_any(row->local) && row->v6only != TRI_YES) ||
               (address_is_mapped(row->local, &plain) && (address_is_any(plain) || address_equal(plain, address)));
    return row->local.family == address.family && address_is_any(row->local);
}

bool
host_could_be_held(const struct socket_row *row)
{
    return host_has_owner(row) || row->state == SOCKET_LISTEN || row->state == SOCKET_BOUND ||
           row->state == SOCKET_UNCONN;
}

const struct lease *
host_lease(const struct host *host, enum protocol protocol, uint16_t port)
{
    for (size_t i = 0; i < host->leases.count; i++)
        if (host->leases.items[i].port == port && host_same_ports(host->leases.items[i].protocol, protocol))
            return &host->leases.items[i];
    return NULL;
}

const struct process *
host_process(const struct host *host, uint32_t pid)
{
    for (size_t i = 0; i < host->processes.count; i++) {
        if (host->processes.items[i].pid == pid)
            return &host->processes.items[i];
    }
    return NULL;
}

bool
host_is_left_over(const struct socket_row *row)
{
    return !host_has_owner(row) &&
           (row->state == SOCKET_TIME_WAIT || row->state == SOCKET_FIN_WAIT_1 || row->state == SOCKET_FIN_WAIT_2 ||
            row->state == SOCKET_CLOSING || row->state == SOCKET_LAST_ACK);
}
