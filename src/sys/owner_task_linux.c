#include "sys/owner_task_linux.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/cgroup.h"
#include "decode/proc.h"
#include "sys/process.h"
#include "sys/process_linux.h"
#include "sys/process_place_linux.h"
#include "sys/user.h"
#include "sys/user_map_linux.h"

#define GROUP_LIMIT (64u << 10)
#define ALL_TOLD ((unsigned)(PROCESS_USER | PROCESS_GROUP))

enum {
    // include/linux/sched.h
    TASK_REPORTED = 0x7f,
    TASK_IDLE = 0x402,
    TASK_LOCK_WAIT = 0x1000,
    TASK_FROZEN = 0x8000,
    NANOSECONDS = 1000000000,
};

// What was found out once for all who share it.
struct shared {
    struct arena *arena;
    unsigned facts;
    uint64_t ticks_a_second;
    uint64_t own_netns;
    struct map64 users;  // from the user to the index of a name
    struct map64 groups; // from the set of cgroups to the index of a path
    struct str_list texts;
};

// As the kernel makes it for /proc (get_task_state() in fs/proc/array.c).
static char
state_of(const struct owner_task *task)
{
    static const char letters[] = "RSDTtXZP";
    uint32_t bits = (task->state | task->exit_state) & TASK_REPORTED;
    size_t place = 0;
    if ((task->state & TASK_IDLE) == TASK_IDLE)
        return 'I';
    if (task->state & (TASK_LOCK_WAIT | TASK_FROZEN))
        return 'D';
    for (; bits; bits >>= 1)
        place++;
    return letters[place];
}

// The kernel's new_encode_dev().
static uint32_t
tty_of(const struct owner_task *task)
{
    return (task->tty_minor & 0xff) | task->tty_major << 8 | (task->tty_minor & ~UINT32_C(0xff)) << 12;
}

static struct str
text_at(const struct shared *shared, size_t at)
{
    assert(shared->texts.items && at < shared->texts.count);
    return shared->texts.items[at];
}

static struct str
user_of(struct shared *shared, uint32_t uid)
{
    size_t at;
    if (!map64_get(&shared->users, uid, &at)) {
        at = shared->texts.count;
        map64_put(shared->arena, &shared->users, uid, at);
        *LIST_ADD(shared->arena, &shared->texts) = user_name(shared->arena, uid);
    }
    return text_at(shared, at);
}

// Processes with the same set of cgroups have the same in their /proc/PID/cgroup, whatever hierarchies there are and wherever
// this program sees them from: it is read once for all of them.
static void
tell_group(struct shared *shared, const struct owner_task *task, struct process *out)
{
    char path[48];
    struct str text;
    struct str group;
    int error;
    size_t at;
    if (!map64_get(&shared->groups, task->groups, &at)) {
        snprintf(path, sizeof path, "/proc/%u/cgroup", task->pid);
        if (!process_place_read(shared->arena, AT_FDCWD, path, GROUP_LIMIT, &text, &error) ||
            !cgroup_parse(text, &group))
            return;
        at = shared->texts.count;
        map64_put(shared->arena, &shared->groups, task->groups, at);
        *LIST_ADD(shared->arena, &shared->texts) = group;
    }
    out->cgroup = (struct fact){KNOWN_YES, text_at(shared, at)};
    out->netns = task->netns;
    out->pidns = task->pidns;
    out->same_netns = task->netns == shared->own_netns;
}

// False where /proc tells of another thread than the first one, or where it may be that it tells nothing.
static bool
tell(struct shared *shared, const struct owner_task *task, struct process *out)
{
    if (task->exit_state || task->flags & PROC_FLAG_KTHREAD || !task->pidns)
        return false;
    *out = (struct process){.pid = task->pid, .known = KNOWN_YES};
    out->ppid = task->parent;
    out->pgid = task->group;
    out->sid = task->session;
    out->name = str_copy(shared->arena, (struct str){task->name, strnlen(task->name, sizeof task->name)});
    out->state = state_of(task);
    out->tty = proc_tty_name(shared->arena, tty_of(task));
    out->forked_no_exec = (task->flags & PROC_FLAG_FORKNOEXEC) != 0;
    out->started_ticks = task->start / (NANOSECONDS / shared->ticks_a_second);
    out->started_known = process_linux_started(shared->arena, out->started_ticks, &out->started_ms);
    out->uid_known = user_map_tells(task->uid);
    out->uid = out->uid_known ? task->uid : 0;
    if (shared->facts & PROCESS_USER)
        out->user = out->uid_known ? (struct fact){KNOWN_YES, user_of(shared, task->uid)}
                                   : (struct fact){.known = KNOWN_NOT_ALLOWED};
    if (shared->facts & PROCESS_GROUP)
        tell_group(shared, task, out);
    return true;
}

// Whether /proc agrees about this process. It does not where this program lives in namespaces of time or users, or where the
// kernel is of a kind that is not known here.
static bool
agrees(struct shared *shared, const struct owner_task *own)
{
    struct process told;
    struct process seen;
    struct stat netns;
    if (!tell(shared, own, &told) || stat("/proc/self/ns/net", &netns) != 0)
        return false;
    process_read(shared->arena, (uint32_t)getpid(), PROCESS_BASIC, &seen);
    shared->own_netns = netns.st_ino;
    return seen.known == KNOWN_YES && told.pid == seen.pid && told.ppid == seen.ppid && told.pgid == seen.pgid &&
           told.sid == seen.sid && str_equal(told.name, seen.name) && str_equal(told.tty, seen.tty) &&
           told.forked_no_exec == seen.forked_no_exec && told.started_ticks == seen.started_ticks &&
           told.uid_known == seen.uid_known && told.uid == seen.uid && own->netns == netns.st_ino;
}

bool
owner_task_can(const struct owner_query *query)
{
    return query->wants_processes && !(query->facts & ~ALL_TOLD);
}

void
owner_task_take(const struct owner_search *search, const struct owner_session *session)
{
    struct host *host = search->host;
    long ticks = sysconf(_SC_CLK_TCK);
    size_t count = session->state->tasks < session->task_room ? session->state->tasks : session->task_room;
    struct shared shared = {.arena = search->arena, .ticks_a_second = (uint64_t)ticks};
    struct map64 wanted = {0};
    if (!owner_task_can(search->query) || count == 0 || ticks <= 0 || ticks > NANOSECONDS ||
        !agrees(&shared, &session->tasks[0]))
        return;
    shared.facts = search->query->facts;
    // The set of what is wanted lets some pass that have none of the sockets.
    for (size_t i = 0; i < host->holdings.count; i++)
        map64_put(search->arena, &wanted, host->holdings.items[i].pid, true);
    for (size_t i = 0; i < host->processes.count; i++)
        map64_put(search->arena, &wanted, host->processes.items[i].pid, false);
    LIST_RESERVE(search->arena, &host->processes, count);
    for (size_t i = 1; i < count; i++) {
        struct process process;
        size_t is_wanted = false;
        if (map64_get(&wanted, session->tasks[i].pid, &is_wanted) && is_wanted &&
            tell(&shared, &session->tasks[i], &process))
            *LIST_ADD(search->arena, &host->processes) = process;
    }
}
