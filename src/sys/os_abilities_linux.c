#include "sys/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/bind_probe.h"
#include "sys/container.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/neighbour.h"
#include "sys/owner_kernel_linux.h"
#include "sys/proc_view_linux.h"
#include "sys/redirect.h"
#include "sys/reserved.h"
#include "sys/service.h"
#include "sys/socket_table.h"
#include "sys/socket_watch.h"
#include "sys/user.h"

#define DEADLINE_MS 1000

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
    // Port 65535 alone: the tables are asked in earnest, and few rows come back.
    struct socket_query query = {.protocols = SOCKET_PROTOCOLS_ALL,
                                 .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
                                 .first = 65535,
                                 .last = 65535};
    ability->good = socket_table_read(arena, &query, &found, &err);
    ability->detail = ability->good ? found.socket_source : str_copy(arena, str_of(err.text));
    if (ability->good && !str_equal(found.socket_source, STR("netlink"))) {
        ability->good = false;
        ability->detail = str_printf(arena, "%.*s only: ports that are bound and not listening can't be seen",
                                     STR_ARG(found.socket_source));
        ability->fix = STR("allow sockets of family AF_NETLINK (a sandbox or container forbids them)");
    }
}

// Whether the descriptors of the process whose folder this is can be read: listing them takes less right than looking at
// one (proc_pid_fd(5)), so one is looked at. True as well if it ended or has none.
static bool
can_look_into(uint32_t pid)
{
    char path[64];
    char link[16];
    snprintf(path, sizeof path, "/proc/%u/fd", pid);
    DIR *folder = opendir(path);
    if (!folder)
        return errno != EACCES && errno != EPERM;
    bool can = true;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        can = readlinkat(dirfd(folder), entry->d_name, link, sizeof link) >= 0 || (errno != EACCES && errno != EPERM);
        break;
    }
    closedir(folder);
    return can;
}

// How the kernel is asked for holders, or why it is not.
static void
tell_of_kernel(struct arena *arena, struct ability *ability)
{
    struct str why_not;
    bool asked = owner_kernel_try(arena, &why_not);
    ability->detail =
        asked ? str_printf(arena, "%.*s; the kernel itself tells who has a socket (BPF)", STR_ARG(ability->detail))
              : str_printf(arena, "%.*s; the kernel itself can't be asked (BPF): %.*s", STR_ARG(ability->detail),
                           STR_ARG(why_not));
}

static void
try_holders(struct arena *arena, struct host *host)
{
    struct user_self self = user_self();
    struct ability *ability = add(arena, host, "holders");
    size_t seen = 0;
    size_t refused = 0;
    DIR *proc = opendir("/proc");
    if (!proc) {
        ability->detail = STR("/proc can't be read");
        ability->fix = STR("mount -t proc proc /proc");
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(proc))) {
        uint64_t pid;
        if (!str_to_u64(str_of(entry->d_name), 10, &pid))
            continue;
        if (can_look_into((uint32_t)pid))
            seen++;
        else
            refused++;
    }
    closedir(proc);
    if (seen + refused == 0) {
        ability->detail = STR("no process can be seen: /proc is not mounted");
        ability->fix = STR("mount -t proc proc /proc");
        return;
    }
    ability->good = refused == 0;
    ability->detail =
        refused ? str_printf(arena, "%zu process%s can be looked into, %zu can't", seen, seen == 1 ? "" : "es", refused)
        : seen == 1 ? STR("the one process that is here can be looked into")
                    : str_printf(arena, "all %zu processes can be looked into", seen);
    if (refused)
        ability->fix = self.sees_processes
                           ? STR("these processes have rights that moorage lacks: run it with all capabilities")
                           : STR("sudo moorage doctor");
    if (proc_view_hides()) {
        ability->good = false;
        ability->detail = str_printf(arena, "%.*s; /proc hides the processes of others (mount option hidepid)",
                                     STR_ARG(ability->detail));
        ability->fix = STR("sudo moorage doctor");
    }
    if (proc_view_is_inside()) {
        ability->good = false;
        ability->detail = str_printf(arena, "%.*s; this is a container: processes outside of it can't be seen",
                                     STR_ARG(ability->detail));
        ability->fix = STR("run moorage on the host, outside of the container");
    }
    tell_of_kernel(arena, ability);
}

// That the kernel does not tell of new servers is no limit: they are looked for often enough.
static void
try_events(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "events");
    struct str why_not;
    ability->good = true;
    ability->detail =
        socket_watch_try(arena, &why_not)
            ? STR("the kernel tells of new TCP servers (BPF)")
            : str_printf(arena, "new servers are looked for; the kernel can't be asked to tell (BPF): %.*s",
                         STR_ARG(why_not));
}

static void
try_namespaces(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "namespaces");
    struct host found = {0};
    struct err err = {0};
    size_t closed = 0;
    if (!namespace_read(arena, SOCKET_PROTOCOLS_ALL, 65535, 65535, DEADLINE_MS, &found, &err)) {
        ability->detail = STR("networks are told by their processes, and /proc can't be read");
        ability->fix = STR("mount -t proc proc /proc");
        return;
    }
    size_t others = 0;
    for (size_t i = 0; i < found.namespaces.count; i++) {
        const struct netns *netns = &found.namespaces.items[i];
        others += !netns->is_own;
        closed += !netns->is_own && netns->known != KNOWN_YES;
    }
    ability->good = found.namespaces_known == KNOWN_YES && closed == 0;
    ability->detail = str_printf(arena, "%zu other network%s", others, others == 1 ? "" : "s");
    if (closed)
        ability->detail = str_printf(arena, "%.*s, %zu of them can't be entered", STR_ARG(ability->detail), closed);
    if (found.namespaces_known == KNOWN_NOT_ALLOWED)
        ability->detail = STR("networks of other users' processes can't be told");
    if (proc_view_self() == 0) {
        ability->good = false;
        ability->detail = STR("networks are told by their processes, which can't be seen");
        ability->fix = STR("mount -t proc proc /proc");
    } else if (!ability->good)
        ability->fix = user_self().enters_namespaces ? STR("run moorage on the host, outside of the container")
                                                     : STR("sudo moorage doctor");
}

static void
try_redirects(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "redirects");
    struct host found = {0};
    struct err err = {0};
    bool read = redirect_read(arena, &found, &err);
    ability->good = read && (found.redirects_known == KNOWN_YES || found.redirects_known == KNOWN_UNSUPPORTED);
    if (!read)
        ability->detail = str_copy(arena, str_of(err.text));
    else if (found.redirects_known == KNOWN_UNSUPPORTED)
        ability->detail = STR("this kernel has no packet rules");
    else if (ability->good)
        ability->detail =
            str_printf(arena, "packet rules can be read, %zu send a port elsewhere", found.redirects.count);
    else
        ability->detail = user_self().net_admin ? STR("packet rules can't be read (a sandbox or container forbids it)")
                                                : STR("packet rules can't be read (CAP_NET_ADMIN is missing)");
    if (!ability->good && !user_self().net_admin)
        ability->fix = STR("sudo moorage doctor");
}

static void
try_services(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "services");
    struct service_list units = {0};
    struct err err = {0};
    struct stat facts;
    // sd_booted(3): this folder exists where systemd is the service manager.
    bool booted = stat("/run/systemd/system", &facts) == 0;
    bool answers = service_list_sockets(arena, false, 0, DEADLINE_MS, &units, &err);
    ability->good = answers || !booted;
    if (answers)
        ability->detail = str_printf(arena, "systemd answers, %zu socket units", units.count);
    else if (!booted)
        ability->detail = STR("systemd does not run here; units are told from control groups alone");
    else
        ability->detail = str_copy(arena, str_of(err.text));
    if (!ability->good && err.kind == ERR_UNSUPPORTED)
        ability->fix = STR("install libsystemd (Debian: apt-get install libsystemd0)");
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
        ability->fix = err.kind == ERR_NOT_ALLOWED ? STR("sudo moorage doctor, or join the group that owns the socket")
                                                   : STR("see whether the container service is healthy");
    }
    ability->detail = endpoints.count ? buf_str(&detail) : STR("no container service runs here");
}

// Where this Linux shares its ports with Windows, programs of Windows have no row here.
static void
try_neighbour(struct arena *arena, struct host *host)
{
    struct host found = {0};
    struct err err = {0};
    neighbour_identify(arena, &found);
    if (found.wsl.len == 0)
        return;
    struct ability *ability = add(arena, host, "neighbour");
    bool read = neighbour_read(arena, DEADLINE_MS, &found, &err);
    struct str mode = found.wsl_networking.len > 0 ? found.wsl_networking : STR("unknown");
    bool apart = str_equal(mode, STR("nat")) && str_equal(found.wsl, STR("2"));
    ability->good = read || apart;
    ability->detail = str_printf(arena, "WSL %.*s, networking: %.*s; ", STR_ARG(found.wsl), STR_ARG(mode));
    if (read)
        ability->detail = str_printf(arena, "%.*s%zu ports of Windows programs can be seen", STR_ARG(ability->detail),
                                     found.neighbour_ports.count);
    else
        ability->detail = str_printf(arena, "%.*s%s%s", STR_ARG(ability->detail), err.text,
                                     apart ? "; Windows has ports of its own, so that it takes none from here" : "");
    if (!ability->good)
        ability->fix = err.kind == ERR_GONE ? STR("put moorage.exe into a folder of Windows' PATH and start WSL again")
                                            : STR("also run moorage on Windows");
}

static void
try_bind(struct arena *arena, struct host *host)
{
    struct ability *ability = add(arena, host, "probe");
    struct probe probe = {0};
    struct host found = {0};
    struct bind_wish wish = {.protocol = PROTOCOL_TCP, .address = address_loopback(FAMILY_IPV4)};
    bind_probe(arena, &wish, &probe);
    ability->good = probe.worked;
    if (!probe.worked) {
        ability->detail = str_printf(arena, "a bind to 127.0.0.1 fails with %.*s", STR_ARG(probe.result));
        return;
    }
    ability->detail = STR("every port can be tried");
    struct user_self self = user_self();
    if (self.binds_privileged || !reserved_read(arena, &found, NULL))
        return;
    for (size_t i = 0; i < found.ranges.count; i++) {
        const struct port_range *range = &found.ranges.items[i];
        if (range->kind != RANGE_PRIVILEGED)
            continue;
        ability->good = false;
        ability->detail =
            str_printf(arena, "ports up to %u can't be tried by this user; for them the tables answer", range->last);
        ability->fix = STR("sudo moorage PORT, or --as-root to be answered from the tables alone");
    }
}

void
os_read_abilities(struct arena *arena, struct host *host)
{
    try_sockets(arena, host);
    try_holders(arena, host);
    try_events(arena, host);
    try_namespaces(arena, host);
    try_redirects(arena, host);
    try_services(arena, host);
    try_containers(arena, host);
    try_neighbour(arena, host);
    try_bind(arena, host);
}
