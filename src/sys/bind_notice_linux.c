#include "sys/bind_notice_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decode/proc.h"
#include "decode/sockaddr.h"
#include "sys/clock.h"
#include "sys/netlink_socket_linux.h"
#include "sys/sock_diag_linux.h"

// Older headers lack these (include/uapi/linux/in.h, in6.h, sockios.h, pidfd.h).
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define OPTION_IPV6_TRANSPARENT 75
#define OPTION_IPV6_FREEBIND 78
#define OPTION_BIND_NO_PORT 24
#define FLAG_PIDFD_THREAD O_EXCL
#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif
#define CAPABILITY_BIND 10 // CAP_NET_BIND_SERVICE

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv)
#define OWN_ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#define OWN_ARCHITECTURE 0 // none: no bind is seen
#endif

enum {
    FIRST_LOOK_US = 60,
    LAST_LOOK_US = 2 * 1000 * 1000, // nobody needs that long for a bind
    ENOUGH_NS = 300 * 1000,         // with so much processor time since, it is done
    MOST_DOUBLINGS = 4,             // of the time between two looks: a millisecond at most
    ENOUGH_LOOKS = 3,               // of a thread that ran, and nothing came of it
    LONGEST_NAME = 128,             // struct sockaddr_storage: the kernel takes no more
};

static int
install(unsigned flags)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};

    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

// WAIT_KILLABLE_RECV (since 5.19): a signal that comes while a bind waits for us does not break it off.
static int
install_best(void)
{
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    int listener = install(flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

    return listener < 0 && errno == EINVAL ? install(flags) : listener;
}

int
bind_notice_install(bool no_loss)
{
    int listener = install_best();

    if (listener >= 0 || errno != EACCES || no_loss)
        return listener;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? install_best() : -1;
}

bool
bind_notice_supported(void)
{
    unsigned action = SECCOMP_RET_USER_NOTIF;

    // Notices that may go on came with 5.5, descriptors of others with 5.6.
    return OWN_ARCHITECTURE != 0 && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 &&
           syscall(SYS_pidfd_getfd, -1, 0, 0) < 0 && errno == EBADF;
}

static bool
read_proc(pid_t tid, const char *name, char *buffer, size_t size, struct str *out)
{
    char path[48];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, buffer, size);
    close(fd);
    *out = (struct str){buffer, got > 0 ? (size_t)got : 0};
    return got > 0;
}

// A copy of a descriptor of another program, which must be closed at once: as long as it is open, so is its socket.
static int
borrow(pid_t tid, pid_t tgid, int fd)
{
    // A thread may have descriptors of its own; older kernels name processes only.
    int pidfd = (int)syscall(SYS_pidfd_open, tid, tid == tgid ? 0 : FLAG_PIDFD_THREAD);
    if (pidfd < 0 && tid != tgid)
        pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
    if (pidfd < 0)
        return -1;
    int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    close(pidfd);
    return copy;
}

static int
option(int fd, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;

    return getsockopt(fd, level, name, &value, &size) == 0 ? value : 0;
}

static uint64_t
cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;

    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

// The port that a socket has, 0 = none.
static uint16_t
port_of(int fd, struct address *address)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    uint16_t port = 0;

    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
        return 0;
    return sockaddr_parse((struct str){(const char *)&name, size}, address, &port) ? port : 0;
}

static bool
protocol_of(int fd, enum protocol *out)
{
    static const struct {
        int type;
        int number;
        enum protocol protocol;
    } known[] = {
        {SOCK_STREAM, IPPROTO_TCP, PROTOCOL_TCP},
        {SOCK_DGRAM, IPPROTO_UDP, PROTOCOL_UDP},
        {SOCK_DGRAM, IPPROTO_UDPLITE, PROTOCOL_UDPLITE},
        {SOCK_STREAM, IPPROTO_MPTCP, PROTOCOL_MPTCP},
    };
    int type = option(fd, SOL_SOCKET, SO_TYPE);
    int number = option(fd, SOL_SOCKET, SO_PROTOCOL);

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == type && known[i].number == number) {
            *out = known[i].protocol;
            return true;
        }
    return false;
}

// A socket like another one: what it is and the options that count for a bind.
static int
make_like(int fd, int family)
{
    static const struct {
        int level;
        int name;
    } options[] = {
        {SOL_SOCKET, SO_REUSEADDR},
        {SOL_SOCKET, SO_REUSEPORT},
        {IPPROTO_IP, IP_FREEBIND},
        {IPPROTO_IP, IP_TRANSPARENT},
        {IPPROTO_IP, OPTION_BIND_NO_PORT},
        {IPPROTO_IPV6, IPV6_V6ONLY},
        {IPPROTO_IPV6, OPTION_IPV6_FREEBIND},
        {IPPROTO_IPV6, OPTION_IPV6_TRANSPARENT},
    };
    int made = socket(family, option(fd, SOL_SOCKET, SO_TYPE) | SOCK_CLOEXEC, option(fd, SOL_SOCKET, SO_PROTOCOL));
    char device[IF_NAMESIZE] = "";
    socklen_t size = sizeof device;

    if (made < 0)
        return -1;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int value = option(fd, options[i].level, options[i].name);
        if (value || options[i].name == IPV6_V6ONLY)
            (void)setsockopt(made, options[i].level, options[i].name, &value, sizeof value);
    }
    if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size) == 0 && size > 1)
        (void)setsockopt(made, SOL_SOCKET, SO_BINDTODEVICE, device, size);
    return made;
}

// Why the same bind fails when we try it now; 0: it works. Ours is gone before the program's own is done.
static int
try_same(int fd, int family, const struct sockaddr_storage *name, socklen_t size)
{
    int made = make_like(fd, family);
    int error = made < 0 || bind(made, (const struct sockaddr *)name, size) == 0 ? 0 : errno;

    if (made >= 0)
        close(made);
    return error;
}

// Rights are the program's own: what we may do, it may not, or the other way round.
static unsigned long
with_its_rights(int error, uint16_t port, const struct proc_status *status)
{
    char buffer[16];
    struct str text = {0};
    uint64_t first = 1024;
    bool may = status->capabilities >> CAPABILITY_BIND & 1;
    int fd = port && error != EADDRNOTAVAIL
                 ? open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY | O_CLOEXEC)
                 : -1;

    if (fd < 0)
        return (unsigned long)error;
    ssize_t got = read(fd, buffer, sizeof buffer);
    close(fd);
    text = (struct str){buffer, got > 0 ? (size_t)got : 0};
    (void)str_to_u64(str_trim(text), 10, &first);
    if (port >= first)
        return (unsigned long)error;
    if (!may)
        return EACCES;
    return error == EACCES ? 0 : (unsigned long)error;
}

// A socket keeps the network namespace that it was made in; what may not be told is taken for ours.
static bool
in_own_namespace(int fd, pid_t tid)
{
    char path[32];
    struct stat theirs;
    struct stat ours;
    int namespace = ioctl(fd, SIOCGSKNS);
    bool told = namespace >= 0 && fstat(namespace, &theirs) == 0;

    if (namespace >= 0)
        close(namespace);
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)tid);
    return (!told && stat(path, &theirs) != 0) || stat("/proc/self/ns/net", &ours) != 0 || theirs.st_ino == ours.st_ino;
}

// The same bind where the socket is, for who may go there (CAP_SYS_ADMIN).
static int
try_elsewhere(int fd, int family, const struct sockaddr_storage *name, socklen_t size)
{
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int there = ioctl(fd, SIOCGSKNS);
    int error = 0;

    if (home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
        error = try_same(fd, family, name, size);
        // We came from there, so the way back is open.
        if (setns(home, CLONE_NEWNET) != 0)
            abort();
    }
    if (home >= 0)
        close(home);
    if (there >= 0)
        close(there);
    return error;
}

static void
read_program(struct bind_notice *notice)
{
    char buffer[32];
    struct str name;

    if (read_proc(notice->tgid, "comm", buffer, sizeof buffer, &name)) {
        name = str_part(name, 0, str_find_byte(name, '\n'));
        memcpy(notice->bind.program, name.ptr, name.len < 15 ? name.len : 15);
    }
}

// Whether somebody else listens there: then nobody can by a second socket, but with SO_REUSEPORT.
static bool
is_served(const struct bind_try *bind, uint64_t cookie)
{
    struct address places[] = {bind->address, address_loopback((enum family)bind->address.family)};
    size_t count = address_is_any(bind->address) ? 2 : 1;
    struct netlink_socket netlink;
    struct socket_row row;
    bool other = false;

    if (bind->reuse_port || !netlink_socket_open(&netlink, NETLINK_SOCK_DIAG, NULL))
        return false;
    for (size_t i = 0; i < count && !other; i++) {
        bool found = false;
        (void)sock_diag_find(&netlink, PROTOCOL_TCP, places[i], bind->port, &found, &row);
        other = found && row.state == SOCKET_LISTEN && row.cookie != cookie;
    }
    netlink_socket_close(&netlink);
    return other;
}

// What the socket is, and what would come of the bind. A listen can't be tried, since somebody could connect: the tables tell.
static bool
read_socket(struct bind_notice *notice, const struct sockaddr_storage *name, socklen_t size,
            const struct proc_status *status)
{
    struct bind_try *bind = &notice->bind;
    struct address own = {0};
    int fd = borrow(notice->tid, notice->tgid, notice->fd);

    if (fd < 0)
        return false;
    int family = option(fd, SOL_SOCKET, SO_DOMAIN);
    uint16_t port = port_of(fd, &own);
    bool good =
        (family == AF_INET || family == AF_INET6) && protocol_of(fd, &bind->protocol) && (port != 0) == bind->is_listen;
    if (good && bind->is_listen) {
        bind->address = own;
        bind->port = port;
    }
    if (good) {
        notice->cookie = cookie_of(fd);
        bind->reuse_addr = option(fd, SOL_SOCKET, SO_REUSEADDR) != 0;
        bind->reuse_port = option(fd, SOL_SOCKET, SO_REUSEPORT) != 0;
        bind->v6only = family == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
        bind->device = (uint32_t)option(fd, SOL_SOCKET, SO_BINDTOIFINDEX);
        bind->elsewhere = !in_own_namespace(fd, notice->tid);
        if (bind->is_listen)
            bind->code = !bind->elsewhere && is_served(bind, notice->cookie) ? EADDRINUSE : 0;
        else if (bind->elsewhere)
            bind->code = (unsigned long)try_elsewhere(fd, family, name, size);
        else
            bind->code = with_its_rights(try_same(fd, family, name, size), bind->port, status);
        bind->outcome = bind->code ? BIND_WILL_FAIL : BIND_WORKED;
    }
    close(fd);
    return good;
}

// The address stands in the program's memory; that it is still this program's is checked after it was read.
static bool
read_name(int listener, const struct seccomp_notif *request, struct sockaddr_storage *name, socklen_t *size)
{
    char path[32];
    uint64_t length = request->data.args[2];
    uint64_t id = request->id;

    snprintf(path, sizeof path, "/proc/%u/mem", request->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    *size = length < LONGEST_NAME ? (socklen_t)length : LONGEST_NAME;
    ssize_t got = pread(fd, name, *size, (off_t)request->data.args[1]);
    close(fd);
    return got == (ssize_t)*size && ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static bool
look_at(int listener, const struct seccomp_notif *request, struct bind_notice *out)
{
    struct sockaddr_storage name = {0};
    socklen_t size = 0;
    char buffer[4096];
    struct str text;
    struct proc_status status;

    out->bind.is_listen = request->data.nr == SYS_listen;
    if (request->pid == 0 || !read_proc(out->tid, "status", buffer, sizeof buffer, &text) ||
        !proc_parse_status(text, &status))
        return false;
    if (!out->bind.is_listen &&
        (!read_name(listener, request, &name, &size) ||
         !sockaddr_parse((struct str){(const char *)&name, size}, &out->bind.address, &out->bind.port)))
        return false;
    out->tgid = (pid_t)status.tgid;
    out->bind.pid = status.tgid;
    read_program(out);
    return read_socket(out, &name, size, &status);
}

static bool
receive(int listener, struct bind_notice_slot *slot)
{
    // The kernel wants it empty.
    memset(slot->room, 0, sizeof slot->room);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, slot->room) == 0)
        return true;
    memset(slot->room, 0, sizeof slot->room);
    return false;
}

static void
let_go(int listener, struct bind_notice_slot *slot, uint64_t id)
{
    // Newer kernels may read more than these headers know (SECCOMP_GET_NOTIF_SIZES).
    union {
        struct seccomp_notif_resp response;
        char room[sizeof slot->room];
    } answer;

    memset(&answer, 0, sizeof answer);
    answer.response.id = id;
    answer.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    // It fails when the program was ended meanwhile, which changes nothing.
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer.response);
    memset(slot->room, 0, sizeof slot->room);
}

enum bind_notice_kind
bind_notice_receive(int listener, struct bind_notice_slot *slot, struct bind_notice *out)
{
    struct seccomp_notif request;

    if (!receive(listener, slot))
        return BIND_NOTICE_NONE;
    memcpy(&request, slot->room, sizeof request);
    *out = (struct bind_notice){
        .id = request.id,
        .tid = (pid_t)request.pid,
        .fd = (int)request.data.args[0],
    };
    return look_at(listener, &request, out) ? BIND_NOTICE_BIND : BIND_NOTICE_OTHER;
}

void
bind_notice_let_all_go(int listener, struct bind_notice_slot *slot)
{
    struct seccomp_notif request;
    struct pollfd wanted = {.fd = listener, .events = POLLIN};

    memcpy(&request, slot->room, sizeof request);
    if (request.id)
        let_go(listener, slot, request.id);
    // Its end is told when the last program with the filter is gone (since 5.9).
    while (poll(&wanted, 1, -1) < 0 || !(wanted.revents & (POLLHUP | POLLERR | POLLNVAL)))
        if (wanted.revents & POLLIN && receive(listener, slot)) {
            memcpy(&request, slot->room, sizeof request);
            let_go(listener, slot, request.id);
        }
}

static uint64_t
processor_time(const struct bind_notice *notice)
{
    char buffer[64];
    struct str text;
    struct str word;
    uint64_t ran = 0;

    if (read_proc(notice->tid, "schedstat", buffer, sizeof buffer, &text) && str_word(&text, &word))
        (void)str_to_u64(word, 10, &ran);
    return ran;
}

void
bind_notice_let_go(int listener, struct bind_notice_slot *slot, struct bind_notice *notice)
{
    notice->ran_ns = notice->cookie ? processor_time(notice) : 0;
    let_go(listener, slot, notice->id);
    notice->let_go_us = clock_mono_us();
    notice->look_us = notice->let_go_us + FIRST_LOOK_US;
}

// What the thread does now: whether it waits in another call, which it came to after this one.
static bool
is_past(const struct bind_notice *notice)
{
    char buffer[256];
    struct str text;
    struct str word;
    uint64_t number;

    return read_proc(notice->tid, "syscall", buffer, sizeof buffer, &text) && str_word(&text, &word) &&
           str_to_u64(word, 10, &number) && number != (notice->bind.is_listen ? SYS_listen : SYS_bind);
}

bool
bind_notice_is_done(struct bind_notice *notice, bool ended)
{
    struct bind_try *bind = &notice->bind;
    bool past = ended || notice->past || is_past(notice);
    int fd = ended ? -1 : borrow(notice->tid, notice->tgid, notice->fd);
    bool same = fd >= 0 && cookie_of(fd) == notice->cookie;
    struct address ignored;
    uint16_t port = same ? port_of(fd, &ignored) : 0;
    bool listens = same && option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 0;

    if (fd >= 0)
        close(fd);
    if (bind->is_listen ? listens : port != 0 && (bind->port == 0 || port == bind->port)) {
        bind->outcome = BIND_WORKED;
        bind->got = port;
        bind->code = 0;
        return true;
    }
    int64_t passed_us = clock_mono_us() - notice->let_go_us;
    bool other_port = port != 0 && !bind->is_listen;
    uint64_t ran_ns = processor_time(notice);
    bool done =
        past || (!same && !ended) || other_port || passed_us > LAST_LOOK_US || ran_ns > notice->ran_ns + ENOUGH_NS;
    if (!done) {
        notice->looks++;
        // A thread that waits for a processor has not come to it: that is no sign of anything.
        notice->looks_running += ran_ns > notice->ran_ns;
        notice->look_us =
            clock_mono_us() + (FIRST_LOOK_US << (notice->looks < MOST_DOUBLINGS ? notice->looks : MOST_DOUBLINGS));
        return false;
    }
    // A socket that is there and has no port was refused one; of one that is gone our own try tells, and what was seen before. Not
    // of one that had its port and is to listen: that hardly ever fails.
    bool failed = same || bind->code != 0 || (!bind->is_listen && notice->looks_running >= ENOUGH_LOOKS);
    bind->outcome = failed ? BIND_FAILED : BIND_WORKED;
    // Who has a port can only be refused to listen because another one got there first.
    if (failed && bind->is_listen)
        bind->code = EADDRINUSE;
    bind->got = bind->outcome == BIND_WORKED ? bind->port : 0;
    return true;
}
