#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decode/cgroup.h"
#include "decode/proc.h"
#include "decode/supervisor.h"
#include "sys/file.h"
#include "sys/proc_view_linux.h"
#include "sys/process_git_linux.h"
#include "sys/process_linux.h"
#include "sys/process_place_linux.h"
#include "sys/user.h"
#include "sys/user_map_linux.h"

#define SMALL_FILE (64u << 10)
#define COMMAND_LIMIT (256u << 10)
// An exec while we read would mix facts of two programs; a process that runs exec in a loop is read as it comes.
#define MAX_READINGS 3

uint32_t
process_self(void)
{
    uint32_t self = proc_view_self();
    return self ? self : (uint32_t)getpid();
}

// When the system started, in seconds since 1970; 0 = unknown. Read once: /proc/stat is dear on machines with many
// processors, and one answer for the whole run keeps start times comparable when somebody sets the clock.
static int64_t
boot_time(struct arena *arena)
{
    static _Atomic int64_t known;
    struct str text;
    int error = 0;
    int64_t seconds = atomic_load(&known);
    if (!seconds && process_place_read(arena, AT_FDCWD, "/proc/stat", 4u << 20, &text, &error) &&
        proc_parse_boot_time(text, &seconds))
        atomic_store(&known, seconds);
    return seconds;
}

bool
process_linux_started(struct arena *arena, uint64_t ticks, int64_t *ms)
{
    long ticks_a_second = sysconf(_SC_CLK_TCK);
    int64_t boot = boot_time(arena);
    if (!boot || ticks_a_second <= 0 || ticks >= INT64_MAX / 1000)
        return false;
    *ms = boot * 1000 + (int64_t)ticks * 1000 / ticks_a_second;
    return true;
}

static bool
read_stat(struct arena *arena, int folder, struct proc_stat *out, int *error)
{
    struct str text;
    if (!process_place_read(arena, folder, "stat", SMALL_FILE, &text, error))
        return false;
    *error = EINVAL;
    return proc_parse_stat(text, out);
}

static void
read_basic(struct arena *arena, int folder, const struct proc_stat *stat, struct process *out)
{
    struct str text;
    int error = 0;
    out->ppid = stat->ppid;
    out->pgid = stat->pgid;
    out->sid = stat->sid;
    out->name = stat->name;
    out->state = stat->state;
    out->tty = proc_tty_name(arena, stat->tty);
    out->kernel_thread = (stat->flags & PROC_FLAG_KTHREAD) != 0;
    out->forked_no_exec = (stat->flags & PROC_FLAG_FORKNOEXEC) != 0;
    out->started_ticks = stat->start_ticks;
    out->started_known = process_linux_started(arena, stat->start_ticks, &out->started_ms);
    // Not the owner of the folder: that is root for a process which may not be dumped (proc(5)).
    out->uid_known = process_place_read(arena, folder, "status", SMALL_FILE, &text, &error) &&
                     proc_parse_uid(text, &out->uid) && user_map_tells(out->uid);
}

// A kernel thread has no program, nor has a process of which no thread runs any more.
static bool
has_no_program(const struct process_place *place, const struct process *process, enum known *known)
{
    if (process->kernel_thread)
        *known = KNOWN_UNSUPPORTED;
    else if (place->ended)
        *known = KNOWN_GONE;
    else
        return false;
    return true;
}

static void
read_command(struct arena *arena, const struct process_place *place, struct process *out)
{
    struct str text;
    int error = 0;
    if (has_no_program(place, out, &out->command_known))
        return;
    if (!process_place_read(arena, place->folder, "cmdline", COMMAND_LIMIT, &text, &error)) {
        out->command_known = process_place_known(error);
        return;
    }
    out->command_known = KNOWN_YES;
    proc_split_command(arena, text, &out->command);
}

// Which file has the name `path` now, compared with the one that runs.
static enum exe_state
compare_exe(struct arena *arena, struct str path, const struct stat *running)
{
    struct stat named;
    int fd = process_place_open(AT_FDCWD, str_c(arena, path), false);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? EXE_DELETED : EXE_UNKNOWN;
    enum exe_state state = EXE_UNKNOWN;
    if (fstat(fd, &named) == 0)
        state = named.st_dev == running->st_dev && named.st_ino == running->st_ino ? EXE_PRESENT : EXE_REPLACED;
    close(fd);
    return state;
}

static void
read_exe(struct arena *arena, const struct process_place *place, struct process *out)
{
    struct str text;
    struct str mark = STR(" (deleted)");
    struct proc_mount mount;
    struct str inside;
    struct stat running;
    int error = 0;
    if (has_no_program(place, out, &out->exe.known))
        return;
    if (!process_place_link(arena, place->folder, "exe", &text, &error)) {
        out->exe.known = process_place_known(error);
        return;
    }
    bool marked = str_ends(text, mark);
    struct str plain = marked ? str_part(text, 0, text.len - mark.len) : text;
    out->exe = (struct fact){KNOWN_YES, plain};
    out->exe_state = marked ? EXE_DELETED : EXE_UNKNOWN;
    if (!process_place_is_local(place, plain, &mount, &inside))
        return;
    int fd = openat(place->folder, "exe", O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &running) == 0) {
        if (!place->same_root) {
            out->exe_state = marked ? EXE_DELETED : EXE_PRESENT;
        } else if (marked && compare_exe(arena, text, &running) == EXE_PRESENT) {
            // The file's own name ends like the kernel's mark.
            out->exe = (struct fact){KNOWN_YES, text};
            out->exe_state = EXE_PRESENT;
        } else {
            enum exe_state state = compare_exe(arena, plain, &running);
            out->exe_state = state == EXE_UNKNOWN && marked ? EXE_DELETED : state;
        }
    }
    close(fd);
}

static void
read_cwd(struct arena *arena, const struct process_place *place, unsigned facts, struct process *out)
{
    struct str text = {0};
    int error = 0;
    enum known known = KNOWN_YES;
    if (!process_place_link(arena, place->folder, "cwd", &text, &error))
        known = place->ended ? KNOWN_GONE : process_place_known(error);
    if (facts & PROCESS_CWD)
        out->cwd = (struct fact){known, text};
    if (!(facts & PROCESS_GIT))
        return;
    if (known == KNOWN_YES) {
        process_git_read(arena, place, text, out);
    } else {
        out->git_root.known = known;
        out->git_branch.known = known;
    }
}

// The inode of a namespace of the process; 0 if it may not be seen.
static uint64_t
namespace_of(struct arena *arena, int folder, const char *name, struct str kind)
{
    struct str link;
    uint64_t inode = 0;
    int error = 0;
    if (!process_place_link(arena, folder, name, &link, &error) || !proc_parse_link(link, kind, &inode))
        return 0;
    return inode;
}

static void
read_group(struct arena *arena, int folder, struct process *out)
{
    struct str text;
    int error = 0;
    if (!process_place_read(arena, folder, "cgroup", SMALL_FILE, &text, &error))
        out->cgroup.known = process_place_known(error);
    else
        out->cgroup.known = cgroup_parse(text, &out->cgroup.value) ? KNOWN_YES : KNOWN_UNSUPPORTED;
    out->netns = namespace_of(arena, folder, "ns/net", STR("net"));
    out->pidns = namespace_of(arena, folder, "ns/pid", STR("pid"));
    out->same_netns = out->netns && out->netns == namespace_of(arena, AT_FDCWD, "/proc/self/ns/net", STR("net"));
}

static void
read_entry(struct arena *arena, const struct process_place *place, struct process *out)
{
    struct str text;
    int error = 0;
    if (has_no_program(place, out, &out->entry.name.known))
        return;
    if (process_place_read(arena, place->folder, "environ", COMMAND_LIMIT, &text, &error))
        supervisor_parse_environment(arena, text, &out->entry);
    else
        out->entry.name.known = process_place_known(error);
}

static void
read_facts(struct arena *arena, struct process_place *place, const struct proc_stat *stat, unsigned facts,
           struct process *out)
{
    *out = (struct process){.pid = out->pid, .known = KNOWN_YES};
    read_basic(arena, place->folder, stat, out);
    if (facts & (PROCESS_EXE | PROCESS_GIT))
        process_place_begin(arena, place);
    if (facts & PROCESS_COMMAND)
        read_command(arena, place, out);
    if (facts & PROCESS_EXE)
        read_exe(arena, place, out);
    if (facts & (PROCESS_CWD | PROCESS_GIT))
        read_cwd(arena, place, facts, out);
    if (facts & PROCESS_GROUP)
        read_group(arena, place->folder, out);
    if (facts & PROCESS_ENTRY)
        read_entry(arena, place, out);
    // Program files carry neither a maker nor a signature that the system knows.
    if (facts & PROCESS_IMAGE) {
        out->company.known = KNOWN_UNSUPPORTED;
        out->product.known = KNOWN_UNSUPPORTED;
        out->signer.known = KNOWN_UNSUPPORTED;
    }
    if (facts & PROCESS_USER) {
        out->user.known = out->uid_known ? KNOWN_YES : KNOWN_NOT_ALLOWED;
        if (out->uid_known)
            out->user.value = user_name(arena, out->uid);
    }
}

// Reads the process, or where its first thread has ended one that still runs: the files of the first are empty then, and
// the threads share what they tell. False when the thread that was read ended too.
static bool
read_thread(struct arena *arena, int folder, const struct proc_stat *stat, unsigned facts, struct process *out)
{
    struct process_place place = {.folder = folder};
    struct proc_stat thread;
    int error = 0;
    int living = -1;
    if (proc_has_ended(stat)) {
        living = process_place_open_thread(arena, folder);
        place.ended = living < 0;
    }
    if (living >= 0)
        place.folder = living;
    read_facts(arena, &place, stat, facts, out);
    if (living < 0)
        return true;
    bool good = read_stat(arena, living, &thread, &error) && !proc_has_ended(&thread);
    close(living);
    return good;
}

static bool
is_same_program(const struct proc_stat *a, const struct proc_stat *b)
{
    return a->start_ticks == b->start_ticks && str_equal(a->name, b->name) &&
           (a->flags & PROC_FLAG_FORKNOEXEC) == (b->flags & PROC_FLAG_FORKNOEXEC);
}

// Reads until nothing changed between begin and end. False when the process ended, with the reason in `known`.
static bool
read_steadily(struct arena *arena, int folder, unsigned facts, struct process *out, enum known *known)
{
    struct proc_stat before;
    struct proc_stat after;
    int error = 0;
    if (!read_stat(arena, folder, &before, &error)) {
        *known = process_place_known(error);
        return false;
    }
    for (int reading = 0; reading < MAX_READINGS; reading++) {
        bool whole = read_thread(arena, folder, &before, facts, out);
        if (!read_stat(arena, folder, &after, &error)) {
            *known = KNOWN_GONE;
            return false;
        }
        if (whole && is_same_program(&before, &after))
            break;
        before = after;
    }
    return true;
}

// Only ESRCH says so: a sandbox may refuse the call with any other error.
static bool
has_ended(int pidfd)
{
    return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
}

void
process_read(struct arena *arena, uint32_t pid, unsigned facts, struct process *out)
{
    char path[32];
    enum known known = KNOWN_GONE;
    int folder = -1;
    *out = (struct process){.pid = pid, .known = KNOWN_GONE};
    bool callable = proc_view_has_own_numbers();
    int pidfd = callable ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    // EINVAL, ENOENT: the number is one of a thread. Without pidfds (Linux < 5.3, a sandbox, the /proc of another pid
    // namespace) the open folder alone ties what is read together.
    if (callable && pidfd < 0 && (errno == ESRCH || errno == EINVAL || errno == ENOENT))
        return;
    snprintf(path, sizeof path, "/proc/%u", pid);
    folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && read_steadily(arena, folder, facts, out, &known);
    if (folder < 0)
        known = process_place_known(errno);
    if (pidfd >= 0 && has_ended(pidfd)) {
        good = false;
        known = KNOWN_GONE;
    } else if (pidfd >= 0 && known == KNOWN_GONE) {
        // The process lives, but proc was mounted with hidepid= (proc(5)).
        known = KNOWN_NOT_ALLOWED;
    }
    if (!good)
        *out = (struct process){.pid = pid, .known = known};
    if (folder >= 0)
        close(folder);
    if (pidfd >= 0)
        close(pidfd);
}
