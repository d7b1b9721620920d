// Runs a program to which the kernel refuses one call, as an old kernel does: refuse CALL PROGRAM [ARGUMENT]...

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/refuse_linux.h"

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned number;
    } calls[] = {{"bpf", SYS_bpf}, {"pidfd_open", SYS_pidfd_open}, {"pidfd_send_signal", SYS_pidfd_send_signal}};

    for (size_t i = 0; argc > 2 && i < sizeof calls / sizeof *calls; i++)
        if (strcmp(argv[1], calls[i].name) == 0 && refuse_call(calls[i].number, ENOSYS))
            execv(argv[2], argv + 2);
    fprintf(stderr, "refuse: can't\n");
    return 125;
}
