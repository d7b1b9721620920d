// Runs one command and says what it took: launch [-b] [-o FILE] COMMAND [ARG...]
//
// On stdout one line: microseconds from fork to end, microseconds of processor time, the most memory it had in KiB, its exit
// code. What it prints goes to FILE or nowhere, its messages nowhere. -b takes away the rights to use BPF first, as for a service without them.

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static void
run(char **argv, const char *out)
{
    int file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int nowhere = open("/dev/null", O_WRONLY);

    if (file < 0 || nowhere < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0)
        _exit(127);
    execvp(argv[0], argv);
    _exit(127);
}

int
main(int argc, char **argv)
{
    // static: the child of vfork() shares this frame.
    static const char *out = "/dev/null";
    struct rusage used;
    int status, option;

    // The command's own options are its own.
    while ((option = getopt(argc, argv, "+bo:")) != -1) {
        if (option == 'o') {
            out = optarg;
        } else if (option != 'b' || prctl(PR_CAPBSET_DROP, CAP_BPF) != 0 || prctl(PR_CAPBSET_DROP, CAP_PERFMON) != 0 ||
                   prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) != 0) {
            fprintf(stderr, "launch: %s\n", strerror(errno));
            return 2;
        }
    }
    if (!argv[optind])
        return 2;
    int64_t start = now_us();
    pid_t pid = vfork();
    if (pid == 0)
        run(argv + optind, out);
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
        return 2;
    int64_t end = now_us();
    printf("%lld %lld %ld %d\n", (long long)(end - start),
           (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
               used.ru_stime.tv_usec,
           used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
