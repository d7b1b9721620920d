#include "sys/late_close_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse_linux.h"
#include "tap.h"

// Whether the other end of the pipe is closed within a while.
static bool
ends_soon(int reader)
{
    struct pollfd wanted = {.fd = reader};

    return poll(&wanted, 1, 60000) == 1 && wanted.revents & POLLHUP;
}

static bool
is_taken_along(void)
{
    int ends[2];
    struct pollfd wanted;

    if (pipe(ends) != 0)
        return false;
    int hold = late_close(ends[1]);
    wanted = (struct pollfd){.fd = ends[0]};
    bool open = poll(&wanted, 1, 50) == 0;
    bool taken = hold == ends[1] || (fcntl(ends[1], F_GETFD) < 0 && errno == EBADF);
    return open && taken && close(hold) == 0 && ends_soon(ends[0]);
}

TEST(what_was_handed_over_is_closed_with_what_was_given)
{
    CHECK(is_taken_along());
}

TEST(without_rings_it_is_the_same_descriptor)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(!refuse_call(SYS_io_uring_setup, EPERM) ? 2 : is_taken_along() ? 0 : 1);
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        SKIP("no seccomp");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TAP_MAIN
