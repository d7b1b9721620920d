#include "sys/socket_table.h"

#include <winsock2.h>

#include <windows.h>

#include <iphlpapi.h>

#include "decode/win_table.h"
#include "sys/calls_win.h"
#include "sys/fault_win.h"
#include "sys/handle_scan_win.h"
#include "sys/late_win.h"
#include "sys/process_list_win.h"
#include "sys/wide_win.h"

enum {
    FIRST_ROOM = 256 << 10, // some 1,600 rows with modules, so that one call is enough nearly always
    TRIES = 8,
    SCAN_AGE_MS = 1000, // sockets that are bound and do not listen stay so
    OWNER_ROOM = 4096,
};

#define TCP_STATES_OF_TABLE (SOCKET_STATES_ALL & ~(1u << SOCKET_BOUND | 1u << SOCKET_UNCONN))

struct reading {
    struct arena *arena;
    const struct socket_query *query;
    struct host *host;
    uint16_t last;
};

typedef DWORD(WINAPI *owner_function)(void *row, TCPIP_OWNER_MODULE_INFO_CLASS kind, void *buffer, DWORD *size);
typedef DWORD(WINAPI *bound_function)(void **table, HANDLE heap, ULONG flags);

static ULONG
family_number(enum family family)
{
    return family == FAMILY_IPV4 ? AF_INET : AF_INET6;
}

static bool
wants(const struct reading *reading, const struct socket_row *row)
{
    return (reading->query->states & 1u << row->state) && row->local_port >= reading->query->first &&
           row->local_port <= reading->last;
}

static void
keep(struct reading *reading, struct str name, struct str bytes)
{
    struct raw_bytes *raw = LIST_ADD(reading->arena, &reading->host->raw);

    *raw = (struct raw_bytes){name, str_copy(reading->arena, bytes)};
}

// The name of the service that bound the socket, in a process that many may share. Only rows of services have a tag. Without
// the right to know, Windows answers with empty names.
static struct str
service_name(struct arena *arena, const struct win_table *table, const struct win_table_row *row)
{
    static const char *const names[] = {"GetOwnerModuleFromTcpEntry", "GetOwnerModuleFromTcp6Entry",
                                        "GetOwnerModuleFromUdpEntry", "GetOwnerModuleFromUdp6Entry"};
    owner_function ask = (owner_function)late_find(
        L"iphlpapi.dll", names[(table->protocol == PROTOCOL_UDP ? 2 : 0) + (table->family == FAMILY_IPV6 ? 1 : 0)]);
    union {
        TCPIP_OWNER_MODULE_BASIC_INFO info;
        char room[OWNER_ROOM];
    } answer = {.room = {0}};
    DWORD size = sizeof answer;
    // As large as any row, and aligned like one.
    union {
        MIB_TCP6ROW_OWNER_MODULE row;
        char room[sizeof(MIB_TCP6ROW_OWNER_MODULE)];
    } copy = {.room = {0}};

    if (!ask || row->bytes.len > sizeof copy)
        return STR("");
    CopyMemory(&copy, row->bytes.ptr, row->bytes.len);
    if (ask(&copy, TCPIP_OWNER_MODULE_INFO_BASIC, &answer, &size) != NO_ERROR || !answer.info.pModuleName)
        return STR("");
    return wide_to_z(arena, answer.info.pModuleName);
}

static void
take_rows(struct reading *reading, const struct win_table *table)
{
    struct win_table_row row;
    size_t at = 0;

    while (win_table_next(table, &at, &row)) {
        if (!wants(reading, &row.socket))
            continue;
        if (row.tag != 0 && (row.socket.state == SOCKET_LISTEN || row.socket.state == SOCKET_UNCONN))
            row.socket.owner_service = service_name(reading->arena, table, &row);
        *LIST_ADD(reading->arena, &reading->host->sockets) = row.socket;
    }
}

static DWORD
call_table(const struct win_table *table, bool listeners, void *room, DWORD *size)
{
    ULONG family = family_number(table->family);
    bool module = table->kind == WIN_TABLE_MODULE;

    calls_made.tables++;
    if (table->protocol == PROTOCOL_UDP)
        return GetExtendedUdpTable(room, size, FALSE, family, module ? UDP_TABLE_OWNER_MODULE : UDP_TABLE_OWNER_PID, 0);
    if (listeners)
        return GetExtendedTcpTable(room, size, FALSE, family,
                                   module ? TCP_TABLE_OWNER_MODULE_LISTENER : TCP_TABLE_OWNER_PID_LISTENER, 0);
    return GetExtendedTcpTable(room, size, FALSE, family, module ? TCP_TABLE_OWNER_MODULE_ALL : TCP_TABLE_OWNER_PID_ALL,
                               0);
}

// One table, in `own` memory that is given back soon: it may have many thousand rows that nobody asked for.
static DWORD
read_kind(struct arena *own, struct win_table *table, bool listeners)
{
    DWORD room = FIRST_ROOM;
    DWORD code = ERROR_INSUFFICIENT_BUFFER;

    for (int i = 0; i < TRIES && code == ERROR_INSUFFICIENT_BUFFER; i++) {
        DWORD size = room;
        char *bytes = arena_alloc(own, room);
        code = call_table(table, listeners, bytes, &size);
        if (code == NO_ERROR) {
            table->bytes = (struct str){bytes, size < room ? size : room};
            return NO_ERROR;
        }
        // Rows come while we ask.
        room = size > room ? size + size / 4 : room * 2;
    }
    return code;
}

static bool
read_table(struct reading *reading, enum protocol protocol, enum family family, struct err *err)
{
    struct arena *own = arena_open();
    struct win_table table = {.kind = WIN_TABLE_MODULE, .protocol = protocol, .family = family};
    bool listeners = protocol == PROTOCOL_TCP && (reading->query->states & TCP_STATES_OF_TABLE) == 1u << SOCKET_LISTEN;
    DWORD code = read_kind(own, &table, listeners);

    if (code != NO_ERROR) {
        table.kind = WIN_TABLE_PID;
        code = read_kind(own, &table, listeners);
    }
    if (code == NO_ERROR) {
        take_rows(reading, &table);
        if (reading->query->record)
            keep(reading, win_table_name(reading->arena, &table, listeners), win_table_used(&table));
    }
    arena_close(own);
    // A Windows without IPv6 has no such table.
    if (code == NO_ERROR || (family == FAMILY_IPV6 && code == ERROR_NOT_SUPPORTED))
        return true;
    return fault_set(err, code, "read the %.*s table", STR_ARG(host_protocol_name(protocol)));
}

// The undocumented table that netstat -q shows. False where this Windows has none.
static bool
read_bound(struct reading *reading, enum family family)
{
    bound_function ask =
        (bound_function)late_find(L"iphlpapi.dll", family == FAMILY_IPV4 ? "InternalGetBoundTcpEndpointTable"
                                                                         : "InternalGetBoundTcp6EndpointTable");
    struct win_table table = {.kind = WIN_TABLE_BOUND, .protocol = PROTOCOL_TCP, .family = family};
    void *bytes = NULL;

    if (!ask)
        return false;
    calls_made.tables++;
    if (ask(&bytes, GetProcessHeap(), 0) != NO_ERROR || !bytes)
        return false;
    SIZE_T size = HeapSize(GetProcessHeap(), 0, bytes);
    table.bytes = (struct str){bytes, size != (SIZE_T)-1 ? size : 0};
    take_rows(reading, &table);
    if (reading->query->record)
        keep(reading, win_table_name(reading->arena, &table, false), win_table_used(&table));
    HeapFree(GetProcessHeap(), 0, bytes);
    return true;
}

// A socket that the tables show already (it connects just now), or that another handle led to, is not told again.
static bool
has_row(const struct host *host, size_t first, const struct scanned_socket *scanned)
{
    for (size_t i = first; i < host->sockets.count; i++) {
        const struct socket_row *row = &host->sockets.items[i];
        if (row->protocol == PROTOCOL_TCP && row->state != SOCKET_LISTEN && row->local_port == scanned->local_port &&
            address_equal(row->local, scanned->local))
            return true;
    }
    return false;
}

// The same from the handles that processes have.
static void
scan_bound(struct reading *reading, size_t first, bool ipv4, bool ipv6)
{
    struct err ignored;
    const struct handle_scan *scan = handle_scan_read(SCAN_AGE_MS, false, 0, &ignored);

    for (size_t i = 0; scan && i < scan->count; i++) {
        const struct scanned_socket *scanned = &scan->items[i];
        struct socket_row row = {.protocol = scanned->protocol,
                                 .state = SOCKET_BOUND,
                                 .local = scanned->local,
                                 .local_port = scanned->local_port,
                                 .owner_pid = scanned->pid};
        if (scanned->protocol == PROTOCOL_TCP && scanned->listens == TRI_NO && scanned->remote.family == FAMILY_NONE &&
            (scanned->local.family == FAMILY_IPV4 ? ipv4 : ipv6) && wants(reading, &row) &&
            !has_row(reading->host, first, scanned))
            *LIST_ADD(reading->arena, &reading->host->sockets) = row;
    }
}

// What else the system gave as bytes, so that what is known of their layout can be proved or refuted. The base of the
// process list stands in its name, since it points into itself.
static void
record_lists(struct reading *reading)
{
    struct arena *arena = reading->arena;
    struct err ignored;
    const struct process_list *processes = process_list_read(SCAN_AGE_MS, &ignored);
    const struct handle_scan *scan = handle_scan_read(SCAN_AGE_MS, false, 0, &ignored);

    if (processes)
        keep(reading, str_printf(arena, "processes at 0x%llx", (unsigned long long)processes->base), processes->bytes);
    for (size_t i = 0; scan && i < scan->count; i++) {
        const struct scanned_socket *scanned = &scan->items[i];
        unsigned long pid = scanned->pid;
        unsigned long long handle = scanned->handle;
        keep(reading, str_printf(arena, "afd address of %lu handle 0x%llx", pid, handle), scanned->address_bytes);
        if (scanned->context_bytes.len > 0)
            keep(reading, str_printf(arena, "afd context of %lu handle 0x%llx", pid, handle), scanned->context_bytes);
    }
}

bool
socket_table_read(struct arena *arena, const struct socket_query *query, struct host *host, struct err *err)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    struct reading reading = {arena, query, host, query->first == 0 && query->last == 0 ? UINT16_MAX : query->last};
    bool tcp = (query->protocols & 1u << PROTOCOL_TCP) != 0;
    bool udp = (query->protocols & 1u << PROTOCOL_UDP) && (query->states & 1u << SOCKET_UNCONN);
    size_t first = host->sockets.count;

    host->socket_source = STR("iphlpapi");
    for (size_t i = 0; i < 2; i++) {
        if (tcp && (query->states & TCP_STATES_OF_TABLE) && !read_table(&reading, PROTOCOL_TCP, families[i], err))
            return false;
        if (udp && !read_table(&reading, PROTOCOL_UDP, families[i], err))
            return false;
    }
    if (tcp && (query->states & 1u << SOCKET_BOUND)) {
        bool ipv4 = read_bound(&reading, FAMILY_IPV4);
        bool ipv6 = read_bound(&reading, FAMILY_IPV6);
        if (!ipv4 || !ipv6)
            scan_bound(&reading, first, !ipv4, !ipv6);
    }
    if (query->record)
        record_lists(&reading);
    return true;
}

size_t
socket_table_unused(struct arena *arena, enum protocol protocol, uint16_t first, uint16_t *ports, size_t room)
{
    (void)arena;
    (void)protocol;
    (void)first;
    (void)ports;
    (void)room;
    return 0;
}
