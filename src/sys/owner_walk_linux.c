#include "sys/owner_walk_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ascii.h"
#include "decode/proc.h"
#include "sys/proc_view_linux.h"

// Paths below /proc: "4294967295/task/4294967295/fdinfo" and less.
#define PATH_SIZE 64
#define BUFFER_SIZE (64u << 10)
// Tables of one process that are told apart; a process with more has some of them read more than once.
#define MAX_TABLES 64

// What getdents64(2) writes; C libraries do not all declare it.
struct kernel_dirent {
    uint64_t inode;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};

// A folder that is being listed.
struct folder {
    int fd;
    char *buffer;
    size_t length;
    size_t at;
};

enum outcome {
    OUTCOME_READ,
    OUTCOME_GONE,
    OUTCOME_REFUSED,
    OUTCOME_FAILED, // out of descriptors or memory
};

static enum outcome
outcome_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return OUTCOME_REFUSED;
    case ENOENT:
    case ESRCH:
        return OUTCOME_GONE;
    default:
        return OUTCOME_FAILED;
    }
}

// The next entry whose name is a number, as it stands there; NULL at the end, or with `error` set.
static const char *
next_number(struct folder *folder, int *error)
{
    for (;;) {
        if (folder->at >= folder->length) {
            long got = syscall(SYS_getdents64, folder->fd, folder->buffer, BUFFER_SIZE);
            if (got <= 0) {
                *error = got < 0 ? errno : 0;
                return NULL;
            }
            folder->length = (size_t)got;
            folder->at = 0;
        }
        // Aligned: the kernel rounds sizes to 8 bytes, and the buffer comes from the arena.
        const struct kernel_dirent *entry = (const void *)(folder->buffer + folder->at);
        folder->at += entry->size;
        if (ascii_is_digit(entry->name[0]))
            return entry->name;
    }
}

// The names are the kernel's own decimal numbers, so nothing is checked: this runs once for each descriptor of the machine.
static uint64_t
number_of(const char *name)
{
    uint64_t number = 0;
    while (*name)
        number = number * 10 + (uint64_t)(*name++ - '0');
    return number;
}

// Adds to `count` how many descriptors the table has.
static enum outcome
read_table(struct owner_walk *walk, const char *path, uint32_t pid, uint32_t tid, size_t *count)
{
    char link[64];
    int error = 0;
    enum outcome outcome = OUTCOME_READ;
    const char *name;
    struct folder folder = {.buffer = walk->buffers[2]};
    folder.fd = openat(walk->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.fd < 0)
        return outcome_of(errno);
    while (!walk->enough && (name = next_number(&folder, &error))) {
        ssize_t length = readlinkat(folder.fd, name, link, sizeof link);
        ++*count;
        if (length < 0) {
            // A descriptor that was closed meanwhile is no loss; a refusal holds for the whole process.
            outcome = outcome_of(errno);
            if (outcome == OUTCOME_REFUSED)
                break;
            outcome = OUTCOME_READ;
            continue;
        }
        struct owner_place place = {.pid = pid, .tid = tid, .fd = number_of(name)};
        walk->descriptor(walk->data, &place, (struct str){link, (size_t)length});
    }
    if (error)
        outcome = outcome_of(error);
    close(folder.fd);
    return outcome;
}

bool
owner_walk_read(const struct owner_walk *walk, const char *path, char *buffer, size_t size, struct str *out, int *error)
{
    size_t length = 0;
    int fd = openat(walk->proc, path, O_RDONLY | O_CLOEXEC);
    *error = errno;
    if (fd < 0)
        return false;
    while (length < size) {
        ssize_t got = read(fd, buffer + length, size - length);
        *error = errno;
        if (got <= 0) {
            if (got == 0)
                *error = 0;
            break;
        }
        length += (size_t)got;
        *error = 0;
    }
    close(fd);
    *out = (struct str){buffer, length};
    return *error == 0;
}

void
owner_walk_unseen(struct owner_walk *walk, uint32_t pid, struct str what, enum known reason)
{
    for (size_t i = 0; i < walk->host->unseen.count; i++) {
        const struct unseen *old = &walk->host->unseen.items[i];
        if (old->pid == pid && str_equal(old->what, what))
            return;
    }
    struct unseen *unseen = LIST_ADD(walk->arena, &walk->host->unseen);
    *unseen = (struct unseen){.pid = pid, .what = what, .reason = reason, .relevant = true};
}

enum life {
    LIFE_WHOLE,       // or what can't be told
    LIFE_FIRST_ENDED, // its first thread has ended, others may run
    LIFE_NO_TABLE,    // it has no descriptors: a kernel thread, a zombie without threads, gone
};

static enum life
life_of(const struct owner_walk *walk, uint32_t pid)
{
    char path[PATH_SIZE];
    char buffer[1024];
    struct str text;
    struct proc_stat stat;
    int error = 0;
    snprintf(path, sizeof path, "%u/stat", pid);
    if (!owner_walk_read(walk, path, buffer, sizeof buffer, &text, &error) || !proc_parse_stat(text, &stat))
        return error == ENOENT || error == ESRCH ? LIFE_NO_TABLE : LIFE_WHOLE;
    if (stat.flags & PROC_FLAG_KTHREAD || (proc_has_ended(&stat) && stat.threads <= 1))
        return LIFE_NO_TABLE;
    return proc_has_ended(&stat) ? LIFE_FIRST_ENDED : LIFE_WHOLE;
}

static void
note(struct owner_walk *walk, uint32_t pid, const char *what, enum outcome outcome)
{
    if (outcome == OUTCOME_READ || outcome == OUTCOME_GONE || life_of(walk, pid) == LIFE_NO_TABLE)
        return;
    walk->refused += outcome == OUTCOME_REFUSED;
    owner_walk_unseen(walk, pid, str_of(what), outcome == OUTCOME_REFUSED ? KNOWN_NOT_ALLOWED : KNOWN_UNSUPPORTED);
}

void
owner_walk_failed(struct owner_walk *walk, uint32_t pid, const char *what, int error)
{
    note(walk, pid, what, outcome_of(error));
}

// Whether the thread's table is one of those that were read already. Where kcmp() is not to be had each table counts as
// new; the receiver then sees descriptors more than once.
static bool
is_read_already(struct owner_walk *walk, const uint32_t *tables, size_t count, uint32_t tid)
{
    for (size_t i = 0; i < count && walk->tables_tell; i++) {
        long order = syscall(SYS_kcmp, tables[i], tid, KCMP_FILES, 0, 0);
        if (order == 0)
            return true;
        if (order < 0 && (errno == ENOSYS || errno == EPERM))
            walk->tables_tell = false;
    }
    return false;
}

// Gives the first thread beside the leader that has descriptors; 0 = none.
static uint32_t
read_threads(struct owner_walk *walk, uint32_t pid)
{
    uint32_t first = 0;
    char path[PATH_SIZE];
    int error = 0;
    const char *name;
    uint32_t tables[MAX_TABLES] = {pid};
    size_t count = 1;
    struct folder folder = {.buffer = walk->buffers[1]};
    snprintf(path, sizeof path, "%u/task", pid);
    folder.fd = openat(walk->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.fd < 0) {
        note(walk, pid, "threads", outcome_of(errno));
        return 0;
    }
    while (!walk->enough && (name = next_number(&folder, &error))) {
        uint32_t tid = (uint32_t)number_of(name);
        if (tid == pid || is_read_already(walk, tables, count, tid))
            continue;
        if (count < MAX_TABLES)
            tables[count++] = tid;
        snprintf(path, sizeof path, "%u/task/%u/fd", pid, tid);
        size_t descriptors = 0;
        note(walk, pid, "threads", read_table(walk, path, pid, tid, &descriptors));
        if (!first && descriptors)
            first = tid;
    }
    if (error)
        note(walk, pid, "threads", outcome_of(error));
    close(folder.fd);
    return first;
}

static void
visit(struct owner_walk *walk, uint32_t pid)
{
    char path[PATH_SIZE];
    struct stat facts;
    snprintf(path, sizeof path, "%u/fd", pid);
    size_t count = 0;
    uint32_t tid = 0;
    bool empty = walk->sizes_tell && fstatat(walk->proc, path, &facts, 0) == 0 && facts.st_size == 0;
    enum outcome outcome = empty ? OUTCOME_READ : read_table(walk, path, pid, 0, &count);
    // A table that is gone belongs to root: to others even their own process looks closed when its first thread has ended.
    if (outcome != OUTCOME_READ && !(outcome == OUTCOME_REFUSED && life_of(walk, pid) == LIFE_FIRST_ENDED)) {
        note(walk, pid, "fds", outcome);
        return;
    }
    // A folder has two links of its own and one for each folder in it: here, for each thread.
    snprintf(path, sizeof path, "%u/task", pid);
    if (fstatat(walk->proc, path, &facts, 0) != 0 || facts.st_nlink > 3)
        tid = read_threads(walk, pid);
    walk->process(walk->data, pid, count ? 0 : tid);
}

bool
owner_walk_begin(struct owner_walk *walk, struct err *err)
{
    struct stat facts;
    walk->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (walk->proc < 0) {
        int error = errno;
        return err_set(err, error == EACCES ? ERR_NOT_ALLOWED : ERR_SYSTEM, (unsigned long)error, "open /proc: %s",
                       strerror(error));
    }
    // This program has descriptors (/proc itself is one), so 0 can only mean that this kernel never tells.
    walk->sizes_tell = fstatat(walk->proc, "self/fd", &facts, 0) == 0 && facts.st_size > 0;
    walk->tables_tell = proc_view_has_own_numbers();
    for (size_t i = 0; i < sizeof walk->buffers / sizeof *walk->buffers; i++)
        walk->buffers[i] = arena_alloc(walk->arena, BUFFER_SIZE);
    return true;
}

bool
owner_walk_run(struct owner_walk *walk, struct err *err)
{
    struct folder folder = {.fd = walk->proc, .buffer = walk->buffers[0]};
    const char *name;
    int error = 0;
    while ((name = next_number(&folder, &error))) {
        visit(walk, (uint32_t)number_of(name));
    }
    if (error)
        return err_set(err, ERR_SYSTEM, (unsigned long)error, "list /proc: %s", strerror(error));
    return true;
}

bool
owner_walk_list(struct owner_walk *walk, struct owner_pids *out, struct err *err)
{
    struct folder folder = {.fd = walk->proc, .buffer = walk->buffers[0]};
    const char *name;
    int error = 0;
    while ((name = next_number(&folder, &error)))
        *LIST_ADD(walk->arena, out) = (uint32_t)number_of(name);
    if (error)
        return err_set(err, ERR_SYSTEM, (unsigned long)error, "list /proc: %s", strerror(error));
    return true;
}

void
owner_walk_sort(const struct owner_walk *walk, uint32_t uid, struct owner_pids *pids)
{
    struct stat facts;
    char name[16];
    size_t of_user = 0;
    for (size_t i = 0; i < pids->count; i++) {
        uint32_t pid = pids->items[i];
        snprintf(name, sizeof name, "%u", pid);
        if (fstatat(walk->proc, name, &facts, 0) == 0 && facts.st_uid == uid) {
            pids->items[i] = pids->items[of_user];
            pids->items[of_user++] = pid;
        }
    }
}

void
owner_walk_one(struct owner_walk *walk, uint32_t pid)
{
    visit(walk, pid);
}

void
owner_walk_end(struct owner_walk *walk)
{
    if (walk->proc >= 0)
        close(walk->proc);
    walk->proc = -1;
}
