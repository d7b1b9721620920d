#include "sys/redirect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "decode/iptables.h"
#include "decode/netlink.h"
#include "decode/nftables.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/netlink_socket_linux.h"

#define DEADLINE_US 200000
#define ENTRIES_LIMIT (64u << 20)
#define NAMES_LIMIT (1u << 20)
// IPv4's and IPv6's level of socket options (IPPROTO_IP, IPPROTO_IPV6 of <netinet/in.h>, which clashes with the above).
#define LEVEL_IPV4 0
#define LEVEL_IPV6 41

static bool
has_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0;
}

static bool
file_has(struct arena *arena, const char *path, struct str needle)
{
    struct str text;
    return file_read(arena, path, NAMES_LIMIT, true, &text, NULL) && str_find(text, needle) != SIZE_MAX;
}

// Whether a symbol of this name is in the running kernel, built in or loaded. The list is long (some 10 MB), so it is
// looked through piece by piece.
static bool
kernel_has(struct str symbol)
{
    char piece[65536];
    size_t kept = 0;
    bool found = false;
    int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && !found) {
        ssize_t got = read(fd, piece + kept, sizeof piece - kept);
        if (got <= 0)
            break;
        struct str text = {piece, kept + (size_t)got};
        found = str_find(text, symbol) != SIZE_MAX;
        // The name may stand across two pieces.
        kept = text.len < symbol.len ? text.len : symbol.len;
        memmove(piece, piece + text.len - kept, kept);
    }
    if (fd >= 0)
        close(fd);
    return found;
}

// Whether nf_tables is in the kernel already. Only then it may be asked: a message to a subsystem that is not there makes
// the kernel load its module (nfnetlink_rcv_msg() in net/netfilter/nfnetlink.c), and so does opening the socket for it. A
// module that is loaded stands in /sys/module, but one that is built in does not, unless it has parameters.
static bool
nftables_runs(struct arena *arena)
{
    struct utsname kernel;
    if (has_file("/sys/module/nf_tables"))
        return true;
    // A kernel that can't load modules at all may be asked for anything.
    if (!has_file("/proc/modules") || file_has(arena, "/proc/sys/kernel/modules_disabled", STR("1")))
        return true;
    if (uname(&kernel) == 0) {
        const char *list = str_printf(arena, "/lib/modules/%s/modules.builtin", kernel.release).ptr;
        if (has_file(list))
            return file_has(arena, list, STR("/nf_tables.ko"));
    }
    // A container or WSL, without the kernel's files.
    return kernel_has(STR(" nf_tables_getrule\n"));
}

static bool
ask(struct arena *arena, struct netlink_socket *netlink, uint16_t type, const struct nftables_set *set, int64_t end,
    struct buf *messages, struct err *err)
{
    struct str answer;
    struct buf request = {.arena = arena};
    size_t start = netlink_begin(&request, type, NETLINK_REQUEST | NETLINK_DUMP, netlink_socket_next(netlink));
    // struct nfgenmsg: family (0 for all), version 0, resource 0
    netlink_add_u8(&request, set ? set->family : 0);
    netlink_add_u8(&request, 0);
    netlink_add_be16(&request, 0);
    if (set) {
        // Names end in NUL there, as str_copy() leaves it behind them.
        struct str table = str_copy(arena, set->table);
        struct str name = str_copy(arena, set->name);
        netlink_add_attribute(&request, NFTABLES_ELEMENTS_TABLE, (struct str){table.ptr, table.len + 1});
        netlink_add_attribute(&request, NFTABLES_ELEMENTS_SET, (struct str){name.ptr, name.len + 1});
    }
    netlink_end(&request, start);
    if (!netlink_socket_ask(arena, netlink, buf_str(&request), end, &answer, err))
        return false;
    buf_add(messages, answer);
    return true;
}

static bool
read_nftables(struct arena *arena, int64_t end, struct redirect_list *out, struct err *err)
{
    bool good = false;
    struct netlink_socket netlink = {.fd = -1};
    struct buf messages = {.arena = arena};
    struct nftables_set_list sets = {.count = 0};
    if (!netlink_socket_open(&netlink, NETLINK_NETFILTER, err) ||
        !ask(arena, &netlink, NFTABLES_GETCHAIN, NULL, end, &messages, err))
        goto out;
    good = true;
    if (!nftables_translates(arena, buf_str(&messages)))
        goto out;
    good = ask(arena, &netlink, NFTABLES_GETRULE, NULL, end, &messages, err) &&
           ask(arena, &netlink, NFTABLES_GETSET, NULL, end, &messages, err);
    if (!good)
        goto out;
    nftables_sets(arena, buf_str(&messages), &sets);
    for (size_t i = 0; good && i < sets.count; i++) {
        struct err why = {.kind = ERR_NONE};
        // A set that went away meanwhile leaves its rules partial.
        good = ask(arena, &netlink, NFTABLES_GETSETELEM, &sets.items[i], end, &messages, &why) ||
               why.kind == ERR_UNSUPPORTED;
        if (!good && err)
            *err = why;
    }
    if (good)
        nftables_parse(arena, buf_str(&messages), out);
out:
    netlink_socket_close(&netlink);
    return good;
}

// What legacy iptables and ip6tables differ in.
struct legacy {
    enum family family;
    const char *names; // the tables that exist in this network namespace
    int domain;
    int level;
    int get_info;
    int get_entries;
};

static bool
refuse(struct err *err, const struct legacy *legacy)
{
    int error = errno;
    return err_set(err, error == EPERM || error == EACCES ? ERR_NOT_ALLOWED : ERR_SYSTEM, (unsigned long)error,
                   "read the table that stands in %s: %s", legacy->names, strerror(error));
}

// The kernel gives a table out as a whole, or says EAGAIN when it changed since its size was asked for.
static bool
read_table(struct arena *arena, int fd, const struct legacy *legacy, struct redirect_list *out, struct err *err)
{
    struct iptables_info info;
    for (unsigned tries = 0;; tries++) {
        struct ipt_getinfo query = {.name = "nat"};
        socklen_t size = sizeof query;
        if (getsockopt(fd, legacy->level, legacy->get_info, &query, &size) < 0)
            return refuse(err, legacy);
        if (!iptables_parse_info((struct str){(const char *)&query, size}, &info) || info.size > ENTRIES_LIMIT)
            return err_set(err, ERR_FORMAT, 0, "the kernel's table of %s is none", legacy->names);
        size = (socklen_t)(sizeof(struct ipt_get_entries) + info.size);
        struct ipt_get_entries *entries = arena_alloc(arena, size);
        memcpy(entries->name, "nat", sizeof "nat");
        entries->size = info.size;
        if (getsockopt(fd, legacy->level, legacy->get_entries, entries, &size) == 0)
            return iptables_parse(arena, legacy->family, &info,
                                  (struct str){(const char *)entries->entrytable, info.size}, out) ||
                   err_set(err, ERR_FORMAT, 0, "the kernel's table of %s is none", legacy->names);
        if (errno != EAGAIN || tries >= 3)
            return refuse(err, legacy);
    }
}

// Asking for a table makes it where it is not there yet, so it must stand among the names first.
static bool
read_legacy(struct arena *arena, const struct legacy *legacy, struct redirect_list *out, struct err *err)
{
    struct str names;
    struct str name;
    struct err why = {.kind = ERR_NONE};
    bool there = false;
    if (!file_read(arena, legacy->names, NAMES_LIMIT, true, &names, &why)) {
        if (why.kind == ERR_GONE)
            return true;
        if (err)
            *err = why;
        return false;
    }
    while (str_cut(&names, '\n', &name))
        there = there || str_equal(name, STR("nat"));
    if (!there)
        return true;
    // Any socket of the family will do; one for datagrams needs no right.
    int fd = socket(legacy->domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refuse(err, legacy);
    bool good = read_table(arena, fd, legacy, out, err);
    close(fd);
    return good;
}

bool
redirect_read(struct arena *arena, struct host *host, struct err *err)
{
    static const struct legacy tables[] = {{.family = FAMILY_IPV4,
                                            .names = "/proc/net/ip_tables_names",
                                            .domain = AF_INET,
                                            .level = LEVEL_IPV4,
                                            .get_info = IPT_SO_GET_INFO,
                                            .get_entries = IPT_SO_GET_ENTRIES},
                                           {.family = FAMILY_IPV6,
                                            .names = "/proc/net/ip6_tables_names",
                                            .domain = AF_INET6,
                                            .level = LEVEL_IPV6,
                                            .get_info = IP6T_SO_GET_INFO,
                                            .get_entries = IP6T_SO_GET_ENTRIES}};
    struct redirect_list found = {.count = 0};
    struct err why = {.kind = ERR_NONE};
    int64_t end = clock_mono_us() + DEADLINE_US;
    // A kernel that does not know what is asked has no such rules.
    bool good = !nftables_runs(arena) || read_nftables(arena, end, &found, &why) || why.kind == ERR_UNSUPPORTED;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct err other = {.kind = ERR_NONE};
        if (read_legacy(arena, &tables[i], &found, &other))
            continue;
        if (good)
            why = other;
        good = false;
    }
    // What was found counts, also where another part could not be read.
    for (size_t i = 0; i < found.count; i++)
        *LIST_ADD(arena, &host->redirects) = found.items[i];
    host->redirects_known = good ? KNOWN_YES : host_known_of(why.kind);
    // Only what is no matter of rights is an error.
    if (good || why.kind == ERR_NOT_ALLOWED)
        return true;
    if (err)
        *err = why;
    return false;
}
