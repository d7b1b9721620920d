#include "sys/owner_search_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "decode/proc.h"
#include "decode/unix_table.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/proc_view_linux.h"

#define PATH_SIZE 64
#define BUFFER_SIZE (64u << 10)
#define UNIX_LIMIT (64u << 20)
// A ring that is working shows nothing of itself in that moment; asked again a little later it does.
#define RING_TRIES 5

// A process with a unix socket in which descriptors wait.
struct in_flight {
    uint32_t pid;
    uint64_t fd;
    uint64_t inode; // of the unix socket
};

// A process with an io_uring, whether all of its files could be told, and of which protocols sockets are among those that could
// not.
struct ring {
    uint32_t pid;
    bool clear;
    unsigned protocols;
};

struct deep {
    struct owner_search *search;
    char *buffer;
    struct map64 unix_sockets; // those of this program's network namespace
    bool unix_known;           // they could be read
    uint64_t netns;            // that namespace; 0 = unknown
    struct {
        LIST_OF(struct in_flight);
    } in_flight;
    struct {
        LIST_OF(struct ring);
    } rings;
};

static bool
read_fdinfo(struct deep *deep, const struct owner_lead *lead, struct str *out)
{
    char path[PATH_SIZE];
    int error = 0;
    if (lead->tid)
        snprintf(path, sizeof path, "%u/task/%u/fdinfo/%u", lead->pid, lead->tid, lead->fd);
    else
        snprintf(path, sizeof path, "%u/fdinfo/%u", lead->pid, lead->fd);
    return owner_walk_read(deep->search->walk, path, deep->buffer, BUFFER_SIZE, out, &error);
}

static void
add_ring(struct deep *deep, uint32_t pid, bool clear, unsigned protocols)
{
    for (size_t i = 0; i < deep->rings.count; i++) {
        if (deep->rings.items[i].pid == pid) {
            deep->rings.items[i].clear = deep->rings.items[i].clear && clear;
            deep->rings.items[i].protocols |= protocols;
            return;
        }
    }
    *LIST_ADD(deep->search->arena, &deep->rings) = (struct ring){pid, clear, protocols};
}

static void
look_into_ring(struct deep *deep, const struct owner_lead *lead)
{
    struct str text;
    struct str name;
    struct proc_ring ring;
    uint64_t inode;
    bool told = false;
    for (int i = 0; i < RING_TRIES && !told; i++) {
        if (i)
            clock_sleep_ms(1);
        if (!read_fdinfo(deep, lead, &text))
            return;
        told = proc_ring_begin(text, &ring);
    }
    bool clear = told && text.len < BUFFER_SIZE;
    unsigned protocols = 0;
    while (told && proc_ring_next(&ring, &name)) {
        enum protocol protocol;
        // Older kernels tell only the protocol of a socket.
        if (proc_ring_protocol(name, &protocol))
            protocols |= 1u << protocol;
        clear = clear && name.len && !protocols;
        if (proc_parse_link(name, STR("socket"), &inode))
            owner_search_hold(deep->search, inode, (struct holding){.pid = lead->pid, .how = HOLDING_IO_URING});
    }
    add_ring(deep, lead->pid, clear, protocols);
}

static void
look_into_socket(struct deep *deep, const struct owner_lead *lead)
{
    struct str text;
    uint64_t count;
    if (!read_fdinfo(deep, lead, &text) || !proc_parse_in_flight(text, &count) || !count)
        return;
    *LIST_ADD(deep->search->arena, &deep->in_flight) = (struct in_flight){lead->pid, lead->fd, lead->inode};
}

static uint64_t
netns_of(struct deep *deep, uint32_t pid)
{
    char path[PATH_SIZE];
    char link[64];
    uint64_t inode = 0;
    snprintf(path, sizeof path, "%u/ns/net", pid);
    ssize_t length = readlinkat(deep->search->walk->proc, path, link, sizeof link);
    if (length < 0 || !proc_parse_link((struct str){link, (size_t)length}, STR("net"), &inode))
        return 0;
    return inode;
}

// The list of unix sockets shows only those of one network namespace; it saves asking each TCP connection of a busy server
// whether it is one.
static void
read_unix_sockets(struct deep *deep)
{
    struct str text = {0};
    struct unix_row row;
    deep->netns = netns_of(deep, proc_view_self());
    deep->unix_known =
        deep->netns && file_read(deep->search->arena, "/proc/self/net/unix", UNIX_LIMIT, false, &text, NULL);
    while (deep->unix_known && unix_table_next(&text, &row))
        map64_put(deep->search->arena, &deep->unix_sockets, row.inode, 0);
}

static void
follow_leads(struct deep *deep)
{
    uint32_t pid = 0;
    bool same_netns = false;
    for (size_t i = 0; i < deep->search->leads.count; i++) {
        const struct owner_lead *lead = &deep->search->leads.items[i];
        if (lead->ring) {
            look_into_ring(deep, lead);
            continue;
        }
        if (lead->pid != pid) {
            pid = lead->pid;
            same_netns = deep->unix_known && netns_of(deep, pid) == deep->netns;
        }
        if (!same_netns || map64_get(&deep->unix_sockets, lead->inode, NULL))
            look_into_socket(deep, lead);
    }
}

static void
on_map(struct deep *deep, uint32_t pid, struct str line)
{
    struct str name;
    uint64_t inode;
    if (!proc_parse_map(line, &name))
        return;
    if (proc_parse_link(name, STR("socket"), &inode)) {
        owner_search_hold(deep->search, inode, (struct holding){.pid = pid, .how = HOLDING_MMAP});
        return;
    }
    if (!str_equal(name, STR("anon_inode:[io_uring]")))
        return;
    for (size_t i = 0; i < deep->rings.count; i++) {
        if (deep->rings.items[i].pid == pid)
            return;
    }
    // It is used without a descriptor (IORING_REGISTER_RING_FDS): no file tells what is registered in it.
    add_ring(deep, pid, false, 0);
}

// The lines of /proc/PID/maps as they come: the file of a browser has many thousands.
static void
read_maps(struct deep *deep, const struct owner_process *process)
{
    struct owner_walk *walk = deep->search->walk;
    char path[PATH_SIZE];
    size_t length = 0;
    if (process->tid)
        snprintf(path, sizeof path, "%u/task/%u/maps", process->pid, process->tid);
    else
        snprintf(path, sizeof path, "%u/maps", process->pid);
    int fd = openat(walk->proc, path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : 0;
    while (!error) {
        ssize_t got = read(fd, deep->buffer + length, BUFFER_SIZE - length);
        if (got < 0)
            error = errno;
        if (got <= 0)
            break;
        struct str rest = {deep->buffer, length + (size_t)got};
        size_t end;
        while ((end = str_find_byte(rest, '\n')) != SIZE_MAX) {
            on_map(deep, process->pid, str_part(rest, 0, end));
            rest = str_part(rest, end + 1, SIZE_MAX);
        }
        // A line is shorter than the buffer by far (a path has at most 4096 bytes); one that is not is none.
        length = rest.len < BUFFER_SIZE ? rest.len : 0;
        if (length)
            memmove(deep->buffer, rest.ptr, length);
    }
    if (error)
        owner_walk_failed(walk, process->pid, "maps", error);
    if (fd >= 0)
        close(fd);
}

// Gives what nothing else explains to those in whose sockets something waits. Where that can be said of several sockets, or
// where more may wait behind what is explained, it stays open who has it.
static void
judge_in_flight(struct deep *deep)
{
    struct owner_search *search = deep->search;
    size_t open = owner_search_count_open(search);
    bool several = false;
    for (size_t i = 1; i < deep->in_flight.count; i++)
        several = several || deep->in_flight.items[i].inode != deep->in_flight.items[0].inode;
    for (size_t i = 0; i < search->query->count && open; i++) {
        if (!owner_search_is_open(search, i))
            continue;
        uint64_t inode = owner_search_row(search, i)->inode;
        for (size_t k = 0; k < deep->in_flight.count; k++) {
            const struct in_flight *waiting = &deep->in_flight.items[k];
            owner_search_hold(search, inode,
                              (struct holding){.pid = waiting->pid, .how = HOLDING_IN_FLIGHT, .fd = waiting->fd});
        }
    }
    for (size_t k = 0; k < deep->in_flight.count && (several || !open); k++)
        owner_walk_unseen(search->walk, deep->in_flight.items[k].pid, STR(UNSEEN_IN_FLIGHT), KNOWN_UNSUPPORTED);
}

// Gives what nothing else explains to those in whose rings such a socket is.
static void
give_to_rings(struct deep *deep)
{
    struct owner_search *search = deep->search;
    for (size_t i = 0; i < search->query->count; i++) {
        const struct socket_row *row = owner_search_row(search, i);
        if (!owner_search_is_open(search, i))
            continue;
        for (size_t k = 0; k < deep->rings.count; k++)
            if (deep->rings.items[k].protocols >> row->protocol & 1)
                owner_search_hold(search, row->inode,
                                  (struct holding){.pid = deep->rings.items[k].pid, .how = HOLDING_IO_URING});
    }
}

// Requests that are under way in a ring hold files too, and no file tells which.
static void
judge_rings(struct deep *deep)
{
    bool open = owner_search_count_open(deep->search) > 0;
    for (size_t i = 0; i < deep->rings.count; i++) {
        if (open || !deep->rings.items[i].clear)
            owner_walk_unseen(deep->search->walk, deep->rings.items[i].pid, STR(UNSEEN_RING), KNOWN_UNSUPPORTED);
    }
}

void
owner_deep_find(struct owner_search *search)
{
    struct deep deep = {.search = search, .buffer = arena_alloc(search->arena, BUFFER_SIZE)};
    read_unix_sockets(&deep);
    follow_leads(&deep);
    for (size_t i = 0; i < search->processes.count; i++)
        read_maps(&deep, &search->processes.items[i]);
    give_to_rings(&deep);
    judge_in_flight(&deep);
    judge_rings(&deep);
}
