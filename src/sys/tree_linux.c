#include "sys/tree_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "decode/proc.h"
#include "sys/clock.h"

enum {
    STOP_SWEEPS = 20,  // until no new ones come
    GIVE_UP_MS = 3000, // for those that may not be signalled
    LOOK_MS = 2,
    PARENTS_MOST = 4096,
    KNOWN_MOST = 65536,
};

static bool
read_stat(pid_t pid, struct proc_stat *out, char *buffer, size_t size)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, buffer, size);
    close(fd);
    return got > 0 && proc_parse_stat((struct str){buffer, (size_t)got}, out);
}

static bool
is_spared(pid_t pid, const pid_t *spared, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spared[i] == pid)
            return true;
    return false;
}

struct known {
    pid_t pid;
    pid_t parent;
    bool ended;
    enum {
        UNKNOWN,
        BELOW,
        APART
    } place;
};

static struct known known[KNOWN_MOST];

static int
by_pid(const void *a, const void *b)
{
    pid_t first = ((const struct known *)a)->pid;
    pid_t second = ((const struct known *)b)->pid;

    return first < second ? -1 : first > second;
}

// Every process of the system with its parent, by number.
static size_t
read_all(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc");

    for (struct dirent *entry = folder ? readdir(folder) : NULL; entry; entry = readdir(folder)) {
        char buffer[1024];
        struct proc_stat stat;
        uint64_t pid;
        if (count == KNOWN_MOST || !str_to_u64(str_of(entry->d_name), 10, &pid) ||
            !read_stat((pid_t)pid, &stat, buffer, sizeof buffer))
            continue;
        known[count++] = (struct known){
            .pid = (pid_t)pid, .parent = (pid_t)stat.ppid, .ended = proc_has_ended(&stat) && stat.threads <= 1};
    }
    if (folder)
        closedir(folder);
    qsort(known, count, sizeof *known, by_pid);
    return count;
}

// Follows the parents up to one whose place is known, then notes it for all on the way.
static void
settle_place(struct known *start, size_t count, pid_t self)
{
    int place = APART;

    for (struct known *at = start; at;
         at = bsearch(&(struct known){.pid = at->parent}, known, count, sizeof *known, by_pid)) {
        if (at->place != UNKNOWN) {
            place = at->place;
            break;
        }
        // Until it is known better; this also ends a circle, which a number that is used again could make.
        at->place = APART;
        if (at->parent == self) {
            place = BELOW;
            break;
        }
    }
    for (struct known *at = start; at && place == BELOW && at->place != BELOW;
         at = bsearch(&(struct known){.pid = at->parent}, known, count, sizeof *known, by_pid)) {
        at->place = BELOW;
        if (at->parent == self)
            break;
    }
}

void
tree_read(struct tree *out, const pid_t *spared, size_t spared_count)
{
    size_t count = read_all();
    pid_t self = getpid();

    for (size_t i = 0; i < count; i++)
        if (known[i].pid == self || is_spared(known[i].pid, spared, spared_count))
            known[i].place = APART;
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (known[i].place == UNKNOWN)
            settle_place(&known[i], count, self);
        if (known[i].place == BELOW && !known[i].ended && out->count < TREE_MOST)
            out->pids[out->count++] = known[i].pid;
    }
}

// Whether it is below this process, by its parents as they are now.
static bool
is_below(pid_t pid)
{
    char buffer[1024];
    struct proc_stat stat;
    pid_t self = getpid();

    for (int level = 0; level < PARENTS_MOST && pid > 1; level++) {
        if (!read_stat(pid, &stat, buffer, sizeof buffer))
            return false;
        if ((pid_t)stat.ppid == self)
            return true;
        pid = (pid_t)stat.ppid;
    }
    return false;
}

static bool
in_group(pid_t pid, pid_t group)
{
    char buffer[1024];
    struct proc_stat stat;

    return group && read_stat(pid, &stat, buffer, sizeof buffer) && (pid_t)stat.pgid == group;
}

size_t
tree_signal(const struct tree *tree, int number, pid_t group)
{
    size_t failed = 0;

    for (size_t i = 0; i < tree->count; i++) {
        int pidfd = (int)syscall(SYS_pidfd_open, tree->pids[i], 0);
        if (pidfd < 0)
            continue;
        if (!in_group(tree->pids[i], group) && is_below(tree->pids[i]) &&
            syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) != 0 && errno != ESRCH)
            failed++;
        close(pidfd);
    }
    return failed;
}

static void
end_cgroup(const char *folder)
{
    char path[4200];

    if (!folder)
        return;
    snprintf(path, sizeof path, "%s/cgroup.kill", folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t put = write(fd, "1", 1);
    (void)put;
    close(fd);
}

size_t
tree_end(const char *cgroup, const pid_t *spared, size_t spared_count, void (*reap)(void *data), void *data,
         size_t *stubborn)
{
    static struct tree tree;
    int64_t end_us = clock_mono_us() + GIVE_UP_MS * INT64_C(1000);
    size_t before = 0;
    size_t ended = 0;

    *stubborn = 0;
    tree_read(&tree, spared, spared_count);
    ended = tree.count;
    // Who is stopped makes no new ones: first all are stopped, until no more are found, and then ended.
    for (int sweep = 0; sweep < STOP_SWEEPS && tree.count != before; sweep++) {
        before = tree.count;
        (void)tree_signal(&tree, SIGSTOP, 0);
        tree_read(&tree, spared, spared_count);
        ended = tree.count > ended ? tree.count : ended;
    }
    end_cgroup(cgroup);
    for (;;) {
        size_t failed = tree_signal(&tree, SIGKILL, 0);
        reap(data);
        tree_read(&tree, spared, spared_count);
        if (tree.count == 0)
            return ended;
        if (failed == tree.count && clock_mono_us() > end_us) {
            *stubborn = tree.count;
            // They were stopped only if they could be signalled, which they can't.
            return ended - tree.count;
        }
        clock_sleep_ms(LOOK_MS);
    }
}
