#include "sys/become.h"

#include "sys/fake_host.h"

// Says what would run, and ends as well as that.
int
become_program(const struct str_list *command, struct err *err)
{
    struct arena *arena = arena_open();
    struct buf line = {.arena = arena};

    if (!fake_host_call("become_program", err))
        return BECOME_NOT_FOUND;
    buf_add_c(&line, "become");
    for (size_t i = 0; i < command->count; i++)
        buf_addf(&line, " %.*s", STR_ARG(command->items[i]));
    fake_host_act(buf_str(&line));
    buf_add_byte(&line, '\n');
    (void)fake_host_print(buf_str(&line), false);
    arena_close(arena);
    return 0;
}
