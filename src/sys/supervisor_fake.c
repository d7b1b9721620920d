#include "sys/supervisor.h"

#include "sys/fake_host.h"

static bool
is_of(const struct process *process, const struct supervisor_entry *entry)
{
    return process && process->known != KNOWN_GONE && str_equal(process->entry.name.value, entry->name.value) &&
           str_equal(process->entry.of, entry->of) && str_equal(process->entry.api, entry->api);
}

// The process that the supervisor itself started: what is above it lives, and does not say the same of itself.
static const struct process *
first_of(const struct supervisor_entry *entry)
{
    for (size_t i = 0; i < fake_host()->processes.count; i++) {
        const struct process *process = &fake_host()->processes.items[i];
        const struct process *above = host_process(fake_host(), process->ppid);
        if (is_of(process, entry) && above && above->known != KNOWN_GONE && !is_of(above, entry))
            return process;
    }
    return NULL;
}

// An entry runs as long as its first process does.
bool
supervisor_read(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, unsigned deadline_ms,
                struct supervisor_state *out, struct err *err)
{
    const struct process *first = first_of(entry);

    (void)arena;
    (void)uid;
    (void)deadline_ms;
    *out = (struct supervisor_state){.running = first, .stopped = !first, .pid = first ? first->pid : 0};
    return fake_host_call("supervisor_read", err);
}

// What no script speaks of ("stop web") is done at once.
bool
supervisor_order(struct arena *arena, const struct supervisor_entry *entry, uint32_t uid, bool start,
                 unsigned deadline_ms, struct err *err)
{
    struct str act = str_printf(arena, "%s %.*s", start ? "start" : "stop", STR_ARG(entry->name.value));
    const struct process *first = first_of(entry);

    (void)uid;
    (void)deadline_ms;
    if (!fake_host_call("supervisor_order", err))
        return false;
    bool scripted = fake_host_awaits(act);
    fake_host_act(act);
    if (!scripted && !start && first)
        fake_host_end(first->pid);
    return true;
}
