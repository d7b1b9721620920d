#include "core/tenant.h"

#include "core/project.h"

static bool
is_started_by(const struct holder *holder, uint32_t pid)
{
    for (size_t i = 0; i < holder->ancestry.count; i++)
        if (holder->ancestry.items[i]->pid == pid)
            return true;
    return holder->pid == pid;
}

static bool
runs_in_project(struct arena *arena, const struct process *process, const struct lease *lease)
{
    return process && process->uid_known && process->uid == lease->owner && process->cwd.known == KNOWN_YES &&
           lease->project.len > 0 && str_equal(project_of(arena, process->cwd.value), lease->project);
}

bool
tenant_is_own(struct arena *arena, const struct lease *lease, const struct answer *answer)
{
    bool own = false;

    for (size_t i = 0; i < answer->causes.count; i++) {
        const struct cause *cause = &answer->causes.items[i];
        if (!cause->blocks)
            continue;
        for (size_t h = 0; h < cause->holders.count; h++) {
            const struct holder *holder = &cause->holders.items[h];
            own = (lease->pid && is_started_by(holder, lease->pid)) || runs_in_project(arena, holder->process, lease);
            if (!own)
                return false;
        }
        if (cause->holders.count == 0)
            return false;
    }
    return own;
}
