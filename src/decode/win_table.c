#include "decode/win_table.h"

#include <string.h>

#include "decode/little.h"

#define NONE SIZE_MAX

// Where the members of a row stand. Remote members of UDP and times of tables without are NONE.
struct layout {
    size_t first; // of the table's first row
    size_t size;  // of a row
    size_t local;
    size_t local_scope;
    size_t local_port;
    size_t remote;
    size_t remote_scope;
    size_t remote_port;
    size_t state;
    size_t pid;
    size_t created;
    size_t tag; // first word of OwningModuleInfo
};

// By kind, then TCP over IPv4, TCP over IPv6, UDP over IPv4, UDP over IPv6. The tables with modules hold 64-bit numbers and
// so begin at 8. Sizes were seen with the compiler's own structs (docs of tcpmib.h and udpmib.h).
static const struct layout layouts[][4] = {
    [WIN_TABLE_PID] = {{4, 24, 4, NONE, 8, 12, NONE, 16, 0, 20, NONE, NONE},
                       {4, 56, 0, 16, 20, 24, 40, 44, 48, 52, NONE, NONE},
                       {4, 12, 0, NONE, 4, NONE, NONE, NONE, NONE, 8, NONE, NONE},
                       {4, 28, 0, 16, 20, NONE, NONE, NONE, NONE, 24, NONE, NONE}},
    [WIN_TABLE_MODULE] = {{8, 160, 4, NONE, 8, 12, NONE, 16, 0, 20, 24, 32},
                          {8, 192, 0, 16, 20, 24, 40, 44, 48, 52, 56, 64},
                          {8, 160, 0, NONE, 4, NONE, NONE, NONE, NONE, 8, 16, 32},
                          {8, 176, 0, 16, 20, NONE, NONE, NONE, NONE, 24, 32, 48}},
    [WIN_TABLE_BOUND] = {{4, 28, 4, NONE, 8, 12, NONE, 16, NONE, 20, NONE, NONE},
                         {4, 60, 0, 16, 20, 24, 40, 44, NONE, 52, NONE, NONE}},
};

static const struct layout *
layout_of(const struct win_table *table)
{
    return &layouts[table->kind][(table->protocol == PROTOCOL_UDP ? 2 : 0) + (table->family == FAMILY_IPV6 ? 1 : 0)];
}

// MIB_TCP_STATE of tcpmib.h; 12 (DELETE_TCB) is only ever set. 100 is MIB_TCP_STATE_RESERVED, which Windows' own tools show
// as "Bound".
static bool
state_of(uint32_t number, enum socket_state *out)
{
    static const enum socket_state states[] = {
        [1] = SOCKET_CLOSED,      [2] = SOCKET_LISTEN,     [3] = SOCKET_SYN_SENT,   [4] = SOCKET_SYN_RECEIVED,
        [5] = SOCKET_ESTABLISHED, [6] = SOCKET_FIN_WAIT_1, [7] = SOCKET_FIN_WAIT_2, [8] = SOCKET_CLOSE_WAIT,
        [9] = SOCKET_CLOSING,     [10] = SOCKET_LAST_ACK,  [11] = SOCKET_TIME_WAIT, [12] = SOCKET_CLOSED};

    if (number == 100)
        *out = SOCKET_BOUND;
    else if (number > 0 && number < sizeof states / sizeof *states)
        *out = states[number];
    else
        return false;
    return true;
}

// The documentation says network order for scopes, and they are seen in the machine's; an interface's index is small, so
// the smaller reading is right. Only link-local addresses have a scope: for others Wine puts something else there.
static uint32_t
scope_of(uint32_t number, struct address address)
{
    uint32_t swapped = number >> 24 | (number >> 8 & 0xff00) | (number << 8 & 0xff0000) | number << 24;

    if (!address_is_link_local(address))
        return 0;
    return swapped < number ? swapped : number;
}

static struct address
address_at(const struct win_table *table, struct str row, size_t offset, size_t scope)
{
    struct address address = address_any(table->family);

    memcpy(address.bytes, row.ptr + offset, table->family == FAMILY_IPV4 ? 4 : 16);
    if (scope != NONE)
        address.scope = scope_of(little_u32(row, scope), address);
    return address;
}

// The low 16 bits, in network order; the upper ones may hold anything.
static uint16_t
port_at(struct str row, size_t offset)
{
    return (uint16_t)((unsigned char)row.ptr[offset] << 8 | (unsigned char)row.ptr[offset + 1]);
}

static bool
read_row(const struct win_table *table, const struct layout *layout, struct str bytes, struct win_table_row *out)
{
    struct socket_row row = {.protocol = table->protocol, .state = SOCKET_UNCONN};

    if (table->kind == WIN_TABLE_BOUND)
        row.state = SOCKET_BOUND;
    else if (layout->state != NONE && !state_of(little_u32(bytes, layout->state), &row.state))
        return false;
    row.local = address_at(table, bytes, layout->local, layout->local_scope);
    row.local_port = port_at(bytes, layout->local_port);
    if (layout->remote != NONE && row.state != SOCKET_LISTEN && row.state != SOCKET_BOUND) {
        row.remote = address_at(table, bytes, layout->remote, layout->remote_scope);
        row.remote_port = port_at(bytes, layout->remote_port);
        if (row.remote_port == 0 && address_is_any(row.remote))
            row.remote = address_any(FAMILY_NONE);
    }
    row.owner_pid = little_u32(bytes, layout->pid);
    *out = (struct win_table_row){.socket = row, .bytes = bytes};
    if (layout->created != NONE)
        out->socket.created_ms = little_filetime_ms(little_at(bytes, layout->created, 8));
    if (layout->tag != NONE)
        out->tag = little_at(bytes, layout->tag, 8);
    return true;
}

bool
win_table_next(const struct win_table *table, size_t *at, struct win_table_row *out)
{
    const struct layout *layout = layout_of(table);
    uint32_t count = little_u32(table->bytes, 0);

    if (layout->size == 0)
        return false;
    while (*at < count) {
        size_t start = layout->first + *at * layout->size;
        struct str bytes = str_part(table->bytes, start, layout->size);
        if (bytes.len < layout->size)
            return false;
        ++*at;
        if (read_row(table, layout, bytes, out))
            return true;
    }
    return false;
}

struct str
win_table_used(const struct win_table *table)
{
    const struct layout *layout = layout_of(table);
    uint64_t used = layout->first + (uint64_t)little_u32(table->bytes, 0) * layout->size;

    return str_part(table->bytes, 0, used < table->bytes.len ? (size_t)used : table->bytes.len);
}

static const struct str kind_names[] = {
    [WIN_TABLE_PID] = STR_INIT("pid"), [WIN_TABLE_MODULE] = STR_INIT("module"), [WIN_TABLE_BOUND] = STR_INIT("bound")};

struct str
win_table_name(struct arena *arena, const struct win_table *table, bool listeners)
{
    bool tells_states = table->protocol == PROTOCOL_TCP && table->kind != WIN_TABLE_BOUND;

    return str_printf(arena, "%.*s%d %.*s%s", STR_ARG(host_protocol_name(table->protocol)), (int)table->family,
                      STR_ARG(kind_names[table->kind]), tells_states ? listeners ? " listener" : " all" : "");
}

bool
win_table_of_name(struct str name, struct win_table *out)
{
    struct str protocol;
    struct str kind;

    if (!str_word(&name, &protocol) || protocol.len < 2 || !str_word(&name, &kind) ||
        !host_protocol_parse(str_part(protocol, 0, protocol.len - 1), &out->protocol) ||
        (out->protocol != PROTOCOL_TCP && out->protocol != PROTOCOL_UDP))
        return false;
    char family = protocol.ptr[protocol.len - 1];
    out->family = family == '4' ? FAMILY_IPV4 : FAMILY_IPV6;
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
        if (!str_equal(kind_names[i], kind))
            continue;
        out->kind = (enum win_table_kind)i;
        return (family == '4' || family == '6') && (i != WIN_TABLE_BOUND || out->protocol == PROTOCOL_TCP);
    }
    return false;
}
