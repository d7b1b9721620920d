#include "sys/os.h"

#include <windows.h>

#include "base/buf.h"
#include "sys/bind_probe.h"
#include "sys/container.h"
#include "sys/http_service.h"
#include "sys/neighbour.h"
#include "sys/process_list_win.h"
#include "sys/redirect.h"
#include "sys/reserved.h"
#include "sys/service.h"
#include "sys/socket_table.h"
#include "sys/user.h"

#define DEADLINE_MS 2000

#define ELEVATE STR("moorage doctor --elevate")

static struct ability *
add(struct arena *arena, struct host *host, const char *name)
{
    struct ability *ability = LIST_ADD(arena, &host->abilities);
    ability->name = str_of(name);
    return ability;
}

static void
try_sockets(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "sockets");
    struct host found = {0};
    struct err err = {0};
    struct socket_query query = {.protocols = SOCKET_PROTOCOLS_ALL,
                                 .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
                                 .first = 65535,
                                 .last = 65535};
    ability->good = socket_table_read(arena, &query, &found, &err);
    ability->detail = str_copy(arena, ability->good ? found.socket_source : str_of(err.text));
}

// How many processes let their handles be copied, which finds who keeps a socket that another one opened.
static bool
count_processes(size_t *seen, size_t *refused)
{
    struct err ignored;
    const struct process_list *list = process_list_read(0, &ignored);
    for (size_t i = 0; list && i < list->count; i++) {
        unsigned long code;
        // What raises alarms is not tried.
        if (win_process_is_guarded(list->items[i].name))
            continue;
        HANDLE process =
            process_list_open(list->items[i].pid, PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION, &code);
        if (process) {
            CloseHandle(process);
            ++*seen;
        } else {
            // One that ended meanwhile, and the idle process, can't be asked for.
            *refused += code == ERROR_ACCESS_DENIED;
        }
    }
    return list != NULL;
}

static void
try_holders(struct arena *arena, struct host *host)
{
    struct user_self self = user_self();
    struct ability *ability = add(arena, host, "holders");
    size_t seen = 0;
    size_t refused = 0;
    if (!count_processes(&seen, &refused)) {
        ability->detail = STR("the list of processes can't be read");
        return;
    }
    ability->good = refused == 0 || self.admin;
    if (refused == 0)
        ability->detail = str_printf(arena, "all %zu processes can be looked into", seen);
    else if (self.admin)
        ability->detail =
            str_printf(arena, "%zu processes can be looked into; Windows protects %zu from everybody", seen, refused);
    else
        ability->detail =
            str_printf(arena,
                       "not elevated: %zu processes can be looked into, %zu can't; the tables name them, but "
                       "not what they inherited",
                       seen, refused);
    if (!ability->good)
        ability->fix = ELEVATE;
}

static void
try_namespaces(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "namespaces");
    ability->good = true;
    ability->detail = STR("Windows has one network for all; those of its containers are not looked into");
}

static void
try_redirects(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "redirects");
    struct host found = {0};
    struct err err = {0};
    ability->good = redirect_read(arena, &found, &err);
    ability->detail = ability->good ? str_printf(arena, "%zu port proxy rule%s", found.redirects.count,
                                                 found.redirects.count == 1 ? "" : "s")
                                    : str_copy(arena, str_of(err.text));
    if (!ability->good)
        ability->fix = ELEVATE;
}

static void
try_services(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "services");
    struct service_list services = {0};
    struct err err = {0};
    ability->good = service_of_process(arena, GetCurrentProcessId(), DEADLINE_MS, &services, &err);
    ability->detail = ability->good ? STR("the service control manager answers") : str_copy(arena, str_of(err.text));
}

// The queues of http.sys, and with them the programs behind process 4, need a right; reservations do not.
static void
try_http(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "http");
    struct host found = {0};
    struct err err = {0};
    size_t registered = 0;
    bool read = http_service_read(arena, DEADLINE_MS, &found, &err);
    for (size_t i = 0; i < found.http_urls.count; i++)
        registered += found.http_urls.items[i].registered;
    ability->good = (read && found.http_known == KNOWN_YES) || (!read && err.kind == ERR_UNSUPPORTED);
    if (!read)
        ability->detail = str_copy(arena, str_of(err.text));
    else
        ability->detail = str_printf(arena, "http.sys: %zu URLs in use, %zu reserved%s", registered,
                                     found.http_urls.count - registered,
                                     ability->good ? "" : "; the programs behind them can't be told");
    if (!ability->good)
        ability->fix = ELEVATE;
}

static void
try_containers(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "containers");
    struct container_endpoint_list endpoints = {0};
    struct buf detail = {.arena = arena};
    container_endpoints(arena, &endpoints);
    ability->good = true;
    for (size_t i = 0; i < endpoints.count; i++) {
        struct container_endpoint endpoint = endpoints.items[i];
        struct str answer;
        struct err err = {0};
        if (container_ask(arena, endpoint, STR("/_ping"), DEADLINE_MS, &answer, &err)) {
            buf_addf(&detail, "%s%.*s answers at %.*s", i ? "; " : "", STR_ARG(endpoint.runtime),
                     STR_ARG(endpoint.path));
            continue;
        }
        ability->good = false;
        buf_addf(&detail, "%s%s", i ? "; " : "", err.text);
        ability->fix = err.kind == ERR_NOT_ALLOWED
                           ? STR("moorage doctor --elevate, or join the group docker-users and sign in again")
                           : STR("see whether Docker Desktop is healthy");
    }
    ability->detail = endpoints.count ? buf_str(&detail) : STR("no container service runs here");
}

// Programs of Linux that share the ports of this Windows have no row here.
static void
try_neighbour(struct arena *arena, struct host *host)
{
    struct host found = {0};
    struct err err = {0};
    neighbour_identify(arena, &found);
    bool read = neighbour_read(arena, DEADLINE_MS, &found, &err);
    if (!read && err.kind == ERR_UNSUPPORTED)
        return;
    struct ability *ability = add(arena, host, "neighbour");
    struct str mode = found.wsl_networking.len > 0 ? found.wsl_networking : STR("as WSL sets it");
    ability->good = read;
    ability->detail = read ? str_printf(arena, "WSL, networking: %.*s; %zu ports of running distributions can be seen",
                                        STR_ARG(mode), found.neighbour_ports.count)
                           : str_copy(arena, str_of(err.text));
    if (!read)
        ability->fix = STR("wsl --list --running, to see whether WSL answers");
}

static void
try_bind(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "probe");
    struct probe probe = {0};
    struct host found = {0};
    struct err err = {0};
    size_t excluded = 0;
    struct bind_wish wish = {.protocol = PROTOCOL_TCP, .address = address_loopback(FAMILY_IPV4)};
    bind_probe(arena, &wish, &probe);
    if (!probe.worked) {
        ability->detail = str_printf(arena, "a bind to 127.0.0.1 fails with %.*s", STR_ARG(probe.result));
        ability->fix = STR("netsh winsock show catalog, to see what stands between programs and the network");
        return;
    }
    ability->good = reserved_read(arena, &found, &err);
    for (size_t i = 0; i < found.ranges.count; i++)
        excluded += found.ranges.items[i].kind == RANGE_EXCLUDED;
    ability->detail = ability->good ? str_printf(arena, "every port can be tried; Windows reserves %zu range%s",
                                                 excluded, excluded == 1 ? "" : "s")
                                    : str_copy(arena, str_of(err.text));
}

void
os_read_abilities(struct arena *arena, struct host *host)
{
    try_sockets(arena, host);
    try_holders(arena, host);
    try_namespaces(arena, host);
    try_redirects(arena, host);
    try_services(arena, host);
    try_http(arena, host);
    try_containers(arena, host);
    try_neighbour(arena, host);
    try_bind(arena, host);
}
