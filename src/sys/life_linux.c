#include "sys/life.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/proc.h"
#include "sys/file.h"

enum {
    STAT_LIMIT = 4096,
};

static uint64_t
own_space(void)
{
    struct stat facts;
    return stat("/proc/self/ns/pid", &facts) == 0 ? facts.st_ino : 0;
}

// Where /proc hides the processes of others (hidepid), the kernel still answers to a signal of number 0.
static bool
has_pid(uint32_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

// YES with its start; NO: it ended, or waits as a zombie to be taken notice of; UNKNOWN: it can't be looked at.
static enum tri
read_start(uint32_t pid, uint64_t *started)
{
    char path[32];
    struct proc_stat stat;
    struct str text;
    enum tri lives = TRI_UNKNOWN;
    struct arena *arena = arena_open();
    (void)snprintf(path, sizeof path, "/proc/%u/stat", (unsigned)pid);
    if (file_read(arena, path, STAT_LIMIT, false, &text, NULL) && proc_parse_stat(text, &stat)) {
        *started = stat.start_ticks;
        lives = proc_has_ended(&stat) && stat.threads <= 1 ? TRI_NO : TRI_YES;
    } else if (!has_pid(pid)) {
        lives = TRI_NO;
    }
    arena_close(arena);
    return lives;
}

static bool
is_pid(uint32_t pid)
{
    return pid > 0 && pid <= INT32_MAX;
}

bool
life_of(uint32_t pid, struct life *out, struct err *err)
{
    *out = (struct life){.pid = pid, .space = own_space()};
    if (!is_pid(pid) || read_start(pid, &out->started) == TRI_NO)
        return err_set(err, ERR_GONE, 0, "there is no process %u", (unsigned)pid);
    return true;
}

enum tri
life_lasts(const struct life *life)
{
    uint64_t started = 0;
    uint64_t space = own_space();

    if (!is_pid(life->pid))
        return TRI_NO;
    if (life->space != 0 && space != 0 && life->space != space)
        return TRI_UNKNOWN;
    enum tri lives = read_start(life->pid, &started);
    if (lives != TRI_YES || life->started == 0)
        return lives;
    return started == life->started ? TRI_YES : TRI_NO;
}

struct str
life_boot(struct arena *arena)
{
    struct str text;
    return file_read(arena, "/proc/sys/kernel/random/boot_id", STAT_LIMIT, false, &text, NULL) ? str_trim(text)
                                                                                               : (struct str){0};
}

uint32_t
life_parent(void)
{
    return (uint32_t)getppid();
}
