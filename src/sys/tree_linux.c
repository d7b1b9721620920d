#include "sys/tree_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "decode/proc.h"
#include "sys/clock.h"
#include "sys/own_cgroup_linux.h"

enum {
    STOP_SWEEPS = 20,  // until no new ones come
    GIVE_UP_MS = 3000, // for those that may not be signalled
    LOOK_MS = 2,
    CHILD_SWEEPS = 200,
    CHILDREN_TEXT = 16384,
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

enum place {
    UNKNOWN,
    BELOW,
    APART
};

struct relative {
    pid_t pid;
    pid_t parent;
    bool ended;
    enum place place;
};

static struct relative known[KNOWN_MOST];

static int
by_pid(const void *a, const void *b)
{
    pid_t first = ((const struct relative *)a)->pid;
    pid_t second = ((const struct relative *)b)->pid;

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
        known[count++] = (struct relative){
            .pid = (pid_t)pid, .parent = (pid_t)stat.ppid, .ended = proc_has_ended(&stat) && stat.threads <= 1};
    }
    if (folder)
        closedir(folder);
    qsort(known, count, sizeof *known, by_pid);
    return count;
}

// Follows the parents up to one whose place is known, then notes it for all on the way.
static void
settle_place(struct relative *start, size_t count, pid_t self)
{
    enum place place = APART;

    for (struct relative *at = start; at;
         at = bsearch(&(struct relative){.pid = at->parent}, known, count, sizeof *known, by_pid)) {
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
    for (struct relative *at = start; at && place == BELOW && at->place != BELOW;
         at = bsearch(&(struct relative){.pid = at->parent}, known, count, sizeof *known, by_pid)) {
        at->place = BELOW;
        if (at->parent == self)
            break;
    }
}

void
tree_read(struct tree *out)
{
    size_t count = read_all();
    pid_t self = getpid();

    for (size_t i = 0; i < count; i++)
        if (known[i].pid == self)
            known[i].place = APART;
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (known[i].place == UNKNOWN)
            settle_place(&known[i], count, self);
        if (known[i].place == BELOW && !known[i].ended && out->count < TREE_MOST)
            out->pids[out->count++] = known[i].pid;
    }
}

bool
tree_is_empty(void)
{
    siginfo_t ignored;

    return waitid(P_ALL, 0, &ignored, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
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

// Ends the children of this process, which the kernel lists at once (/proc/PID/task/PID/children): what lives only for a moment is
// met so. A child keeps its number until it was waited for. How many there were.
static size_t
end_children(void)
{
    char path[48];
    char text[CHILDREN_TEXT];
    struct str rest;
    struct str word;
    uint64_t pid;
    size_t count = 0;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : 0;
    if (fd >= 0)
        close(fd);
    // A number that was cut off at the end is none that counts.
    rest = (struct str){text, got > 0 ? (size_t)got : 0};
    while (str_cut(&rest, ' ', &word))
        if (rest.ptr > word.ptr + word.len && str_to_u64(word, 10, &pid) && kill((pid_t)pid, SIGKILL) == 0)
            count++;
    return count;
}

size_t
tree_end(const char *cgroup, void (*reap)(void *data), void *data, size_t *stubborn)
{
    static struct tree tree;
    int64_t end_us = clock_mono_us() + GIVE_UP_MS * INT64_C(1000);
    size_t before = 0;
    size_t ended = 0;

    *stubborn = 0;
    tree_read(&tree);
    ended = tree.count;
    // Who is stopped makes no new ones: first all are stopped, until no more are found, and then ended.
    for (int sweep = 0; sweep < STOP_SWEEPS && tree.count != before; sweep++) {
        before = tree.count;
        (void)tree_signal(&tree, SIGSTOP, 0);
        tree_read(&tree);
        ended = tree.count > ended ? tree.count : ended;
    }
    for (;;) {
        own_cgroup_kill(cgroup);
        size_t failed = tree_signal(&tree, SIGKILL, 0);
        reap(data);
        for (int sweep = 0; sweep < CHILD_SWEEPS && !tree_is_empty(); sweep++) {
            size_t met = end_children();
            ended = met > ended ? met : ended;
            reap(data);
        }
        if (tree_is_empty())
            return ended;
        tree_read(&tree);
        if (tree.count > 0 && failed == tree.count && clock_mono_us() > end_us) {
            *stubborn = tree.count;
            // They were stopped only if they could be signalled, which they can't.
            return ended - tree.count;
        }
        clock_sleep_ms(LOOK_MS);
    }
}
