#include "sys/life.h"

#include "sys/fake_host.h"

// Process 1 is always there; others as the host has them. A recording has only some of its host's processes: of one that it
// does not have, nothing can be told.

bool
life_of(uint32_t pid, struct life *out, struct err *err)
{
    if (!fake_host_call("life_of", err))
        return false;
    const struct process *process = host_process(fake_host(), pid);
    if (!process && pid != 1)
        return err_set(err, ERR_GONE, 0, "there is no process %u", (unsigned)pid);
    *out = (struct life){.pid = pid, .started = process ? process->started_ticks : 1};
    return true;
}

enum tri
life_lasts(const struct life *life)
{
    enum known known = fake_host_call_known("life_lasts");
    const struct process *process = host_process(fake_host(), life->pid);

    if (known == KNOWN_GONE)
        return TRI_NO;
    if (known != KNOWN_YES || !process)
        return TRI_UNKNOWN;
    return process->started_ticks == life->started ? TRI_YES : TRI_NO;
}

struct str
life_boot(struct arena *arena)
{
    (void)arena;
    return fake_host()->boot_id;
}

uint32_t
life_parent(void)
{
    return 1;
}
