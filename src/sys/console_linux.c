#include "sys/console.h"

bool
console_begin(int argc, char **argv, int *code)
{
    (void)argc;
    (void)argv;
    (void)code;
    return false;
}

bool
console_interrupt(struct arena *arena, const struct pinned *pinned, const struct console_pids *meant,
                  unsigned deadline_ms, struct console_answer *out, struct err *err)
{
    (void)arena;
    (void)meant;
    (void)deadline_ms;
    (void)out;
    return err_set(err, ERR_UNSUPPORTED, 0, "process %u has no console: it is asked by a signal", pinned->pid);
}
