#include "sys/console.h"

#include "sys/fake_host.h"

bool
console_begin(int argc, char **argv, int *code)
{
    (void)argc;
    (void)argv;
    (void)code;
    return false;
}

// Who is on the console of process 40 stands in the environment: "console 40" = "40 41". What a script may wait for is
// "interrupt 40", once for each that it reaches.
bool
console_interrupt(struct arena *arena, const struct pinned *pinned, const struct console_pids *meant,
                  unsigned deadline_ms, struct console_answer *out, struct err *err)
{
    struct console_pids present = {0};
    const char *value = fake_host_variable(str_c(arena, str_printf(arena, "console %u", pinned->pid)));

    (void)deadline_ms;
    *out = (struct console_answer){.kind = CONSOLE_OTHERS};
    if (!fake_host_call("console_interrupt", err))
        return false;
    if (!value || !console_pids_parse(arena, str_of(value), &present) || present.count == 0)
        return err_set(err, ERR_UNSUPPORTED, 0, "process %u has no console", pinned->pid);
    console_bystanders(arena, &present, meant, 0, &out->pids);
    if (out->pids.count > 0)
        return true;
    *out = (struct console_answer){.kind = CONSOLE_PRESSED, .pids = present};
    for (size_t i = 0; i < present.count; i++)
        fake_host_act_of("interrupt", present.items[i]);
    return true;
}
