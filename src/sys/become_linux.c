#include "sys/become.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys/term.h"

int
become_program(const struct str_list *command, struct err *err)
{
    struct arena *arena = arena_open();
    char **argv = arena_array(arena, command->count + 1, sizeof *argv);

    for (size_t i = 0; i < command->count; i++)
        argv[i] = str_c(arena, command->items[i]);
    term_end();
    execvp(argv[0], argv);
    int error = errno;
    bool missing = error == ENOENT || error == ENOTDIR;
    err_set(err, missing ? ERR_GONE : ERR_NOT_ALLOWED, (unsigned long)error, "run %s: %s", argv[0], strerror(error));
    arena_close(arena);
    return missing ? BECOME_NOT_FOUND : BECOME_CANT_RUN;
}
