#include "sys/namespace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "decode/netns_mount.h"
#include "decode/proc.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/netlink_socket_linux.h"
#include "sys/port_view_linux.h"
#include "sys/proc_net_linux.h"
#include "sys/proc_view_linux.h"
#include "sys/sock_diag_linux.h"
#include "sys/thread_linux.h"

#define MOST 1000
#define MANY 256 // processes: more than one thread asks them
#define MOUNTINFO_LIMIT ((size_t)16 << 20)
#define STAT_LIMIT 4096
#define PATH_SIZE 64

// A namespace and the way to it.
struct place {
    struct netns netns;
    uint32_t tid;    // the thread to look at instead of the process, whose first thread has ended; 0 = none
    uint64_t table;  // inode of its /proc/PID/net/tcp, which tells namespaces apart when their own files can't be seen
    struct str path; // where it is mounted; empty = only by its process
};

struct reading {
    struct arena *arena;
    struct host *host;
    struct socket_query query;
    int64_t deadline_us;
    struct {
        LIST_OF(struct place);
    } places;
    uint64_t own;
    uint64_t own_table;
    bool blind; // there may be processes whose namespace can't be told
    bool late;  // the deadline passed, or there are too many
};

static uint64_t
inode_of(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? facts.st_ino : 0;
}

uint64_t
namespace_own(void)
{
    return inode_of("/proc/self/ns/net");
}

static struct place *
find_place(struct reading *reading, uint64_t id, uint64_t table)
{
    for (size_t i = 0; i < reading->places.count; i++) {
        struct place *place = &reading->places.items[i];
        if (place->netns.id == id || (table != 0 && place->table == table))
            return place;
    }
    return NULL;
}

static struct place *
add_place(struct reading *reading, uint64_t id, uint64_t table)
{
    if (reading->places.count == MOST) {
        reading->late = true;
        return NULL;
    }
    struct place *place = LIST_ADD(reading->arena, &reading->places);
    place->netns.id = id;
    place->table = table;
    return place;
}

// "/proc/17/net/tcp", "/proc/17/task/18/net/tcp"
static const char *
path_of(char path[PATH_SIZE], uint32_t pid, uint32_t tid, const char *name)
{
    if (tid)
        snprintf(path, PATH_SIZE, "/proc/%u/task/%u/%s", pid, tid, name);
    else
        snprintf(path, PATH_SIZE, "/proc/%u/%s", pid, name);
    return path;
}

static uint64_t
table_of(uint32_t pid, uint32_t tid)
{
    char path[PATH_SIZE];
    return inode_of(path_of(path, pid, tid, "net/tcp"));
}

enum look {
    LOOK_TOLD,    // which namespace it lives in
    LOOK_NONE,    // in none: it ended
    LOOK_REFUSED, // or it may be in none
};

// Looks at a process, or at one thread of it.
static enum look
look_at(struct reading *reading, uint32_t pid, uint32_t tid)
{
    char path[PATH_SIZE];
    char link[64];
    uint64_t id;
    ssize_t length = readlink(path_of(path, pid, tid, "ns/net"), link, sizeof link);
    bool refused = length < 0 && (errno == EACCES || errno == EPERM);
    bool told = length >= 0 && proc_parse_link((struct str){link, (size_t)length}, STR("net"), &id);
    if (!refused && !told)
        return LOOK_NONE;
    if (told && (id == reading->own || find_place(reading, id, 0)))
        return LOOK_TOLD;
    uint64_t table = table_of(pid, tid);
    if (refused && (table == 0 || reading->own_table == 0))
        return LOOK_REFUSED;
    if (refused && (table == reading->own_table || find_place(reading, table, table)))
        return LOOK_TOLD;
    if (refused)
        id = table;
    // Perhaps known by its table, from a process that was closed to us.
    struct place *place = find_place(reading, id, table);
    if (!place)
        place = add_place(reading, id, table);
    if (place) {
        place->netns.id = id;
        place->netns.pid = pid;
        place->tid = tid;
    }
    return LOOK_TOLD;
}

static bool
has_ended(struct reading *reading, uint32_t pid)
{
    char path[PATH_SIZE];
    struct str text;
    struct proc_stat stat;
    struct err err = {0};
    if (!file_read(reading->arena, path_of(path, pid, 0, "stat"), STAT_LIMIT, false, &text, &err))
        return err.kind == ERR_GONE;
    return proc_parse_stat(text, &stat) && proc_has_ended(&stat);
}

// Processes come by rising number, so that a namespace gets the oldest of its own.
static void
look_at_process(struct reading *reading, uint32_t pid)
{
    char path[PATH_SIZE];
    enum look look = look_at(reading, pid, 0);
    bool told = look == LOOK_TOLD;
    // A thread leaves its namespace when it ends, and that may be the first of several.
    DIR *tasks = told ? NULL : opendir(path_of(path, pid, 0, "task"));
    struct dirent *entry;
    while (tasks && !told && (entry = readdir(tasks))) {
        uint64_t tid;
        told = str_to_u64(str_of(entry->d_name), 10, &tid) && tid != pid && tid <= UINT32_MAX &&
               look_at(reading, pid, (uint32_t)tid) == LOOK_TOLD;
    }
    if (tasks)
        closedir(tasks);
    if (!told && look == LOOK_REFUSED && !has_ended(reading, pid))
        reading->blind = true;
}

// A process as /proc lists it.
struct listed {
    uint64_t id;   // of the namespace it lives in; 0: it does not tell
    char name[12]; // its number
};

// A part of those that are listed: what one thread asks.
struct share {
    const struct reading *reading;
    int proc;
    struct listed *items;
    size_t count;
    bool late; // the deadline passed
};

// This is all that most processes are asked, of thousands.
static uint64_t
ask_one(const struct share *share, const char *name)
{
    static const char tail[] = "/ns/net";
    char path[sizeof share->items->name + sizeof tail];
    char link[64];
    uint64_t id;
    size_t length = strlen(name);
    memcpy(path, name, length);
    memcpy(path + length, tail, sizeof tail);
    ssize_t got = readlinkat(share->proc, path, link, sizeof link);
    return got >= 0 && proc_parse_link((struct str){link, (size_t)got}, STR("net"), &id) ? id : 0;
}

static void *
ask_share(void *argument)
{
    struct share *share = argument;
    for (size_t i = 0; i < share->count && !share->late; i++) {
        share->items[i].id = ask_one(share, share->items[i].name);
        share->late = clock_mono_us() >= share->reading->deadline_us;
    }
    return NULL;
}

// Of thousands of processes this is most of what a question without BPF takes: another processor asks half of them.
static bool
ask_all(const struct reading *reading, int proc, struct listed *items, size_t count)
{
    pthread_t thread;
    size_t half = count < MANY ? 0 : count / 2;
    struct share first = {reading, proc, items, half, false};
    struct share rest = {reading, proc, items + half, count - half, false};
    bool begun = half && thread_start(&thread, ask_share, &first) == 0;
    ask_share(&rest);
    if (begun)
        pthread_join(thread, NULL);
    else
        ask_share(&first);
    return !first.late && !rest.late;
}

static bool
look_at_processes(struct reading *reading, struct err *err)
{
    struct {
        LIST_OF(struct listed);
    } all = {0};
    DIR *proc = opendir("/proc");
    if (!proc) {
        int error = errno;
        return err_set(err, ERR_SYSTEM, (unsigned long)error, "open /proc: %s", strerror(error));
    }
    struct dirent *entry;
    while ((entry = readdir(proc))) {
        size_t length = strlen(entry->d_name);
        if (ascii_is_digit(entry->d_name[0]) && length < sizeof all.items->name)
            memcpy(LIST_ADD(reading->arena, &all)->name, entry->d_name, length + 1);
    }
    reading->late = !ask_all(reading, dirfd(proc), all.items, all.count);
    for (size_t i = 0; i < all.count && !reading->late; i++) {
        uint64_t pid;
        uint64_t id = all.items[i].id;
        // Most live here, or where others do as well.
        if ((id && (id == reading->own || find_place(reading, id, 0))) ||
            !str_to_u64(str_of(all.items[i].name), 10, &pid) || pid > UINT32_MAX)
            continue;
        look_at_process(reading, (uint32_t)pid);
        reading->late |= clock_mono_us() >= reading->deadline_us;
    }
    closedir(proc);
    return true;
}

static void
look_at_mounts(struct reading *reading)
{
    struct str mountinfo;
    struct netns_mount_list mounts = {0};
    if (!file_read(reading->arena, "/proc/self/mountinfo", MOUNTINFO_LIMIT, false, &mountinfo, NULL))
        return;
    netns_mount_find(reading->arena, mountinfo, &mounts);
    for (size_t i = 0; i < mounts.count; i++) {
        const struct netns_mount *mount = &mounts.items[i];
        if (mount->id == reading->own)
            continue;
        struct place *place = find_place(reading, mount->id, 0);
        if (!place)
            place = add_place(reading, mount->id, 0);
        if (!place)
            return;
        if (place->path.len == 0)
            place->path = mount->path;
        if (place->netns.name.len == 0)
            place->netns.name = mount->name;
    }
}

// Opens the file of a namespace when it still is that one: pids are used again, mounts replaced.
static int
open_namespace(const char *path, uint64_t id)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, &facts) != 0 || facts.st_ino != id)) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

// Takes the calling thread into the namespace. False with errno.
static bool
enter(struct arena *arena, const struct place *place)
{
    char path[PATH_SIZE];
    int fd = -1;
    if (place->netns.pid != 0)
        fd = open_namespace(path_of(path, place->netns.pid, place->tid, "ns/net"), place->netns.id);
    if (fd < 0 && place->path.len != 0)
        fd = open_namespace(str_c(arena, place->path), place->netns.id);
    if (fd < 0)
        return false;
    int failed = setns(fd, CLONE_NEWNET);
    int error = errno;
    close(fd);
    errno = error;
    return failed == 0;
}

// The tables of a namespace that can't be entered can be read through a process that lives there, without any right
// (proc_pid_net(5)); but sockets of state BOUND and v6only are not told there.
static enum known
read_from_outside(struct reading *reading, const struct place *place, struct host *found)
{
    char folder[PATH_SIZE];
    struct err err = {0};
    if (place->netns.pid == 0)
        return KNOWN_NOT_ALLOWED;
    path_of(folder, place->netns.pid, place->tid, "net");
    if (!proc_net_read_waiting(reading->arena, folder, &reading->query, found, &err))
        return err.kind == ERR_GONE ? KNOWN_GONE : KNOWN_NOT_ALLOWED;
    // The pid may have become another process meanwhile.
    return place->table == 0 || table_of(place->netns.pid, place->tid) == place->table ? KNOWN_YES : KNOWN_GONE;
}

static enum known
read_place(struct reading *reading, const struct place *place, struct host *found)
{
    struct err err = {0};
    struct netlink_socket netlink;
    if (clock_mono_us() >= reading->deadline_us)
        return KNOWN_TIMEOUT;
    if (!enter(reading->arena, place))
        return errno == ENOENT || errno == ESRCH ? KNOWN_GONE : read_from_outside(reading, place, found);
    // Refused, the socket stays closed, and files are read instead.
    (void)netlink_socket_open(&netlink, NETLINK_SOCK_DIAG, NULL);
    bool good = sock_diag_read(reading->arena, &netlink, &reading->query, reading->deadline_us, found, &err);
    netlink_socket_close(&netlink);
    if (good)
        return KNOWN_YES;
    return err.kind == ERR_TIMEOUT ? KNOWN_TIMEOUT : KNOWN_NOT_ALLOWED;
}

// Runs in a thread of its own, which never comes back from the namespaces that it entered.
static void *
read_places(void *argument)
{
    struct reading *reading = argument;
    for (size_t i = 0; i < reading->places.count; i++) {
        struct place *place = &reading->places.items[i];
        struct host found = {0};
        place->netns.known = read_place(reading, place, &found);
        if (place->netns.known == KNOWN_YES) {
            for (size_t k = 0; k < found.sockets.count; k++) {
                struct socket_row *row = LIST_ADD(reading->arena, &reading->host->sockets);
                *row = found.sockets.items[k];
                row->netns = place->netns.id;
            }
        }
        *LIST_ADD(reading->arena, &reading->host->namespaces) = place->netns;
    }
    return NULL;
}

static bool
run_apart(struct reading *reading, struct err *err)
{
    pthread_t thread;
    int error = thread_start(&thread, read_places, reading);
    if (error != 0)
        return err_set(err, ERR_SYSTEM, (unsigned long)error, "start a thread: %s", strerror(error));
    pthread_join(thread, NULL);
    return true;
}

bool
namespace_read(struct arena *arena, unsigned protocols, uint16_t first, uint16_t last, unsigned deadline_ms,
               struct host *host, struct err *err)
{
    struct reading reading = {
        .arena = arena,
        .host = host,
        .query = {.protocols = protocols & ~(1u << PROTOCOL_MPTCP),
                  .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
                  .first = first,
                  .last = last},
        .deadline_us = clock_mono_us() + (int64_t)deadline_ms * 1000,
        .own = namespace_own(),
        .own_table = inode_of("/proc/self/net/tcp"),
    };
    reading.blind = proc_view_hides();
    if (!look_at_processes(&reading, err))
        return false;
    look_at_mounts(&reading);
    if (reading.places.count != 0 && !run_apart(&reading, err))
        return false;
    host->namespaces_known = reading.late ? KNOWN_TIMEOUT : reading.blind ? KNOWN_NOT_ALLOWED : KNOWN_YES;
    return true;
}

bool
namespace_has_none(struct arena *arena, enum protocol protocol, uint16_t port)
{
    return port_view_is_here_alone(arena, protocol, port);
}
