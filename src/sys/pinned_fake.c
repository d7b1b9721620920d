#include "sys/pinned.h"

#include <stdio.h>

#include "sys/fake_host.h"

// A pin is the number of the process and how often one of that number had ended before.

static bool
lives(uint32_t pid)
{
    const struct process *process = host_process(fake_host(), pid);

    return process && process->known != KNOWN_GONE;
}

static bool
gone(const struct pinned *pinned, struct err *err)
{
    return err_set(err, ERR_GONE, 0, "process %u has ended", pinned->pid);
}

bool
pinned_open(uint32_t pid, bool bare, struct pinned *out, struct err *err)
{
    struct err refused = {0};

    *out = (struct pinned){.pid = pid, .handle = -1};
    if (!fake_host_call("pinned_open", &refused) && (refused.kind != ERR_UNSUPPORTED || !bare)) {
        if (err)
            *err = refused;
        return false;
    }
    if (!lives(pid))
        return gone(out, err);
    out->bare = refused.kind != ERR_NONE;
    out->handle = (intptr_t)fake_host_generation(pid);
    return true;
}

void
pinned_close(struct pinned *pinned)
{
    *pinned = PINNED_NONE;
}

bool
pinned_lives(const struct pinned *pinned)
{
    return lives(pinned->pid) && pinned->handle == (intptr_t)fake_host_generation(pinned->pid);
}

// As on Linux: root may end everybody, others their own processes. A process that does not tell whose it is, is the caller's.
bool
pinned_permits(const struct pinned *pinned, struct err *err)
{
    const struct process *process = host_process(fake_host(), pinned->pid);

    if (!fake_host_call("pinned_permits", err))
        return false;
    if (!pinned_lives(pinned))
        return gone(pinned, err);
    return fake_host()->admin || !process->uid_known || process->uid == fake_host()->uid ||
           err_set(err, ERR_NOT_ALLOWED, 0, "end process %u: not allowed", pinned->pid);
}

// A program of Windows that has, or could have, a console instead of windows: see console_fake.c.
static bool
is_windowless(uint32_t pid)
{
    char name[32];

    snprintf(name, sizeof name, "console %u", pid);
    return fake_host_variable(name) != NULL;
}

// What a script may wait for: "signal 41233", "interrupt 41233", "continue 41233", "kill 41233". Only the last one ends a
// process by itself; how the others are taken stands in the script.
bool
pinned_send(const struct pinned *pinned, enum pinned_word word, struct err *err)
{
    static const char *const names[] = {
        [PINNED_END] = "signal",
        [PINNED_INTERRUPT] = "interrupt",
        [PINNED_CONTINUE] = "continue",
        [PINNED_KILL] = "kill",
    };

    if (!fake_host_call("pinned_send", err) || !pinned_permits(pinned, err))
        return false;
    if (word != PINNED_KILL && word != PINNED_CONTINUE && is_windowless(pinned->pid))
        return err_set(err, ERR_UNSUPPORTED, 0, "process %u has no window that could be closed", pinned->pid);
    fake_host_act_of(names[word], pinned->pid);
    if (word == PINNED_KILL)
        fake_host_end(pinned->pid);
    return true;
}

void
pinned_wait(const struct pinned *const *list, size_t count, unsigned ms)
{
    (void)fake_host_call("pinned_wait", NULL);
    for (unsigned waited = 0; waited < ms; waited++) {
        for (size_t i = 0; i < count; i++)
            if (!pinned_lives(list[i]))
                return;
        fake_host_pass_us(1000);
    }
}
