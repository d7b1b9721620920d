#include "core/unit.h"

#include "core/holder_parts.h"
#include "core/known.h"
#include "sys/process.h"
#include "sys/service.h"

enum {
    MEMBERS_MOST = 1024, // processes of a unit or container that are looked through
    LEVELS_MOST = 64,    // from a process up to what started it
};

size_t
unit_members(struct arena *arena, const struct holder *holder, uint32_t **pids)
{
    *pids = arena_array(arena, MEMBERS_MOST, sizeof **pids);
    if (!holder->process || holder->process->cgroup.known != KNOWN_YES || holder->process->cgroup.value.len <= 1)
        return 0;
    size_t count = service_group_pids(arena, holder->process->cgroup.value, *pids, MEMBERS_MOST);
    return count < MEMBERS_MOST ? count : 0;
}

static bool
is_one_of(const struct holder_list *holders, uint32_t pid)
{
    for (size_t i = 0; i < holders->count; i++)
        if (holders->items[i].pid == pid)
            return true;
    return false;
}

static bool
is_above(const struct holder_list *holders, uint32_t pid)
{
    for (size_t i = 0; i < holders->count; i++)
        for (size_t k = 0; k < holders->items[i].ancestry.count; k++)
            if (holders->items[i].ancestry.items[k]->pid == pid)
                return true;
    return false;
}

// Whether one of the holders, or the process `root` (0 = none), is this process or above it.
static bool
is_of_tree(struct arena *arena, const struct holder_list *holders, uint32_t root, uint32_t pid)
{
    for (int level = 0; level <= LEVELS_MOST && pid > 1; level++) {
        struct process process;
        if (pid == root || is_one_of(holders, pid))
            return true;
        process_read(arena, pid, PROCESS_BASIC, &process);
        pid = process.known == KNOWN_YES ? process.ppid : 0;
    }
    return false;
}

static bool
is_all_of_tree(struct arena *arena, const struct holder_list *holders, const struct holder *holder, uint32_t root)
{
    uint32_t *pids;
    size_t count = unit_members(arena, holder, &pids);

    for (size_t i = 0; i < count; i++)
        if (!is_above(holders, pids[i]) && !is_of_tree(arena, holders, root, pids[i]))
            return false;
    return count > 0;
}

bool
unit_is_whole_tree(struct arena *arena, const struct holder_list *holders, const struct holder *holder)
{
    return is_all_of_tree(arena, holders, holder, 0);
}

// Whether the process started the holder for itself: no build and no terminal lies between.
static bool
is_started_by(struct arena *arena, const struct holder *holder, uint32_t pid)
{
    if (!holder->process || holder->process->tty.len > 0)
        return false;
    for (size_t i = 0; i < holder->ancestry.count; i++) {
        const struct process *process = holder->ancestry.items[i];
        if (holder_is_builder(arena, process) || holder_is(arena, process, "scheduler") ||
            holder_is(arena, process, "remote-access") || holder_is(arena, process, "editor"))
            return false;
        if (process->pid == pid)
            return true;
        if (holder_is_beyond(arena, process))
            return false;
    }
    return false;
}

// "nginx" of "nginx.service", by which they are known.
static struct str
base_of(struct str unit)
{
    return str_part(unit, 0, str_find_last_byte(unit, '.'));
}

static bool
is_of_windows(const struct service *service)
{
    return str_equal(service->manager, STR("windows"));
}

bool
unit_is_kept(const struct service *service)
{
    return is_of_windows(service) ? known_is("kept-service", service->name)
                                  : known_is("kept-unit", base_of(service->name));
}

// A daemon that lets people in can be asked itself; in Windows such a service shares its process with others.
static bool
is_rather_asked_itself(const struct service *service)
{
    return !is_of_windows(service) &&
           (!str_ends(service->name, STR(".service")) || known_is("remote-access-unit", base_of(service->name)));
}

const struct service *
unit_to_stop(struct arena *arena, const struct holder_list *holders, const struct holder *holder)
{
    const struct service *service = holder->service;

    if (!service || service->is_socket || unit_is_kept(service) || is_rather_asked_itself(service))
        return NULL;
    if (service->main_pid != 0 && is_one_of(holders, service->main_pid))
        return service;
    bool started = service->main_pid != 0 && is_started_by(arena, holder, service->main_pid);
    if (is_of_windows(service))
        return started && !service->shares_process ? service : NULL;
    // What it started beside the holder is of it too.
    bool whole = holder->process && str_ends(holder->process->cgroup.value, service->name) &&
                 is_all_of_tree(arena, holders, holder, started ? service->main_pid : 0);
    return whole ? service : NULL;
}
