#include "sys/socket_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/netlink_socket_linux.h"
#include "sys/sock_diag_linux.h"

enum {
    MOST_CPUS = 256, // with more, openings are looked for
    MOST_FILTERED = 60,
    RING_PAGES = 1, // a ring needs one page of data beside its head; what stands there is not read
    WIRE_LISTEN = 10,
};

#define FILES_DEADLINE_US (2 * 1000 * 1000)

struct socket_watch {
    struct arena *arena;
    const struct socket_watch_ask *asks;
    size_t count;
    struct netlink_socket diag; // closed: the tables are read instead
    int closes;                 // what the kernel tells of closed sockets; -1 = nothing
    unsigned told;
    size_t event_count;
    int events[MOST_CPUS];
    struct perf_event_mmap_page *rings[MOST_CPUS];
};

static bool
is_datagram(enum protocol protocol)
{
    return protocol == PROTOCOL_UDP || protocol == PROTOCOL_UDPLITE;
}

// Only what is told of the asked ports wakes us: the port stands behind the message's head and 4 bytes of its own
// (struct inet_diag_msg of linux/inet_diag.h).
static void
filter_ports(int fd, const struct socket_watch *watch)
{
    struct sock_filter code[MOST_FILTERED + 3];
    size_t n = 0;

    if (watch->count > MOST_FILTERED)
        return;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NLMSG_HDRLEN + 4);
    for (size_t i = 0; i < watch->count; i++)
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, watch->asks[i].port,
                                                 (uint8_t)(watch->count - i), 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
    // Without it we wake more often, and that is all.
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void
open_closes(struct socket_watch *watch)
{
    static const int groups[2][2] = {{SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY},
                                     {SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_UDP_DESTROY}};
    struct sockaddr_nl self = {.nl_family = AF_NETLINK};
    bool good = true;

    watch->closes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (watch->closes < 0)
        return;
    filter_ports(watch->closes, watch);
    good = bind(watch->closes, (struct sockaddr *)&self, sizeof self) == 0;
    for (size_t i = 0; i < watch->count && good; i++)
        for (size_t family = 0; family < 2 && good; family++) {
            int group = groups[is_datagram(watch->asks[i].protocol)][family];
            good = setsockopt(watch->closes, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0;
        }
    if (good) {
        watch->told |= SOCKET_WATCH_CLOSES;
    } else {
        close(watch->closes);
        watch->closes = -1;
    }
}

// The tracepoint's number; 0 where it can't be had.
static uint64_t
tracepoint(struct arena *arena)
{
    static const char *const paths[] = {"/sys/kernel/tracing/events/sock/inet_sock_set_state/id",
                                        "/sys/kernel/debug/tracing/events/sock/inet_sock_set_state/id"};
    uint64_t number = 0;

    for (size_t i = 0; i < sizeof paths / sizeof *paths && number == 0; i++) {
        struct str text;
        if (file_read(arena, paths[i], 64, false, &text, NULL))
            (void)str_to_u64(str_trim(text), 10, &number);
    }
    return number;
}

// A ring on one CPU. Some of its readers' wake-ups need a ring, so it has one, which is emptied unread.
static bool
open_event(struct socket_watch *watch, uint64_t number, int cpu, const char *filter)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof attr,
        .config = number,
        .sample_period = 1,
        .wakeup_events = 1,
        .disabled = 1,
    };
    long page = sysconf(_SC_PAGESIZE);
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

    if (fd < 0)
        return false;
    void *ring = MAP_FAILED;
    if (ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) == 0)
        ring = mmap(NULL, (size_t)page * (1 + RING_PAGES), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) != 0) {
        if (ring != MAP_FAILED)
            munmap(ring, (size_t)page * (1 + RING_PAGES));
        close(fd);
        return false;
    }
    watch->events[watch->event_count] = fd;
    watch->rings[watch->event_count++] = ring;
    return true;
}

static void
close_events(struct socket_watch *watch)
{
    long page = sysconf(_SC_PAGESIZE);

    for (size_t i = 0; i < watch->event_count; i++) {
        munmap(watch->rings[i], (size_t)page * (1 + RING_PAGES));
        close(watch->events[i]);
    }
    watch->event_count = 0;
}

// On every CPU or not at all: half of the events would be missed in silence.
static void
open_events(struct socket_watch *watch)
{
    struct buf filter = {.arena = watch->arena};
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    uint64_t number = 0;
    bool good = true;

    for (size_t i = 0; i < watch->count; i++)
        if (is_datagram(watch->asks[i].protocol) || watch->count > MOST_FILTERED)
            return;
    if (cpus < 1 || cpus > MOST_CPUS || (number = tracepoint(watch->arena)) == 0)
        return;
    buf_addf(&filter, "newstate==%d&&(", WIRE_LISTEN);
    for (size_t i = 0; i < watch->count; i++)
        buf_addf(&filter, "%ssport==%u", i ? "||" : "", (unsigned)watch->asks[i].port);
    buf_add_byte(&filter, ')');
    const char *text = str_c(watch->arena, buf_str(&filter));
    for (int cpu = 0; cpu < cpus && good; cpu++)
        // A CPU that is off has no events (ENODEV), and gets none while it is.
        good = open_event(watch, number, cpu, text) || errno == ENODEV;
    if (good && watch->event_count > 0)
        watch->told |= SOCKET_WATCH_OPENS;
    else
        close_events(watch);
}

struct socket_watch *
socket_watch_open(struct arena *arena, const struct socket_watch_ask *asks, size_t count)
{
    struct socket_watch *watch = arena_alloc(arena, sizeof *watch);

    *watch = (struct socket_watch){.arena = arena, .asks = asks, .count = count, .closes = -1};
    (void)netlink_socket_open(&watch->diag, NETLINK_SOCK_DIAG, NULL);
    if (count > 0) {
        open_closes(watch);
        open_events(watch);
    }
    return watch;
}

void
socket_watch_close(struct socket_watch *watch)
{
    if (!watch)
        return;
    netlink_socket_close(&watch->diag);
    close_events(watch);
    if (watch->closes >= 0)
        close(watch->closes);
}

unsigned
socket_watch_told(const struct socket_watch *watch)
{
    return watch->told;
}

static bool
look_into_files(const struct socket_watch_ask *ask, struct address address, struct socket_row *row)
{
    struct arena *arena = arena_open();
    struct netlink_socket closed = {.fd = -1};
    struct socket_query query = {
        .protocols = 1u << ask->protocol,
        .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
        .first = ask->port,
        .last = ask->port,
    };
    struct host host = {0};
    bool found = false;

    (void)sock_diag_read(arena, &closed, &query, clock_mono_us() + FILES_DEADLINE_US, &host, NULL);
    for (size_t i = 0; i < host.sockets.count && !found; i++)
        if (host_covers(&host.sockets.items[i], address)) {
            *row = host.sockets.items[i];
            row->device_name = (struct str){0};
            found = true;
        }
    arena_close(arena);
    return found;
}

static bool
find_at(struct socket_watch *watch, const struct socket_watch_ask *ask, struct address address, struct socket_row *row)
{
    bool found = false;

    if (watch->diag.fd >= 0 && sock_diag_find(&watch->diag, ask->protocol, address, ask->port, &found, row))
        return found;
    return look_into_files(ask, address, row);
}

bool
socket_watch_find(struct socket_watch *watch, size_t index, struct socket_row *row)
{
    const struct socket_watch_ask *ask = &watch->asks[index];

    if (ask->address.family != FAMILY_NONE)
        return find_at(watch, ask, ask->address, row);
    return find_at(watch, ask, address_loopback(FAMILY_IPV4), row) ||
           find_at(watch, ask, address_loopback(FAMILY_IPV6), row);
}

// What woke us is all that counts, not what it says.
static void
drain(struct socket_watch *watch)
{
    char ignored[4096];

    while (watch->closes >= 0 && recv(watch->closes, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
        ;
    for (size_t i = 0; i < watch->event_count; i++) {
        struct perf_event_mmap_page *ring = watch->rings[i];
        __atomic_store_n(&ring->data_tail, __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
    }
}

void
socket_watch_pause(struct socket_watch *watch, unsigned milliseconds)
{
    struct pollfd wanted[MOST_CPUS + 1];
    nfds_t count = 0;

    if (watch->closes >= 0)
        wanted[count++] = (struct pollfd){.fd = watch->closes, .events = POLLIN};
    for (size_t i = 0; i < watch->event_count; i++)
        wanted[count++] = (struct pollfd){.fd = watch->events[i], .events = POLLIN};
    // EINTR and a lost message (ENOBUFS) end the pause early, which does no harm.
    if (poll(wanted, count, (int)milliseconds) > 0)
        drain(watch);
}
