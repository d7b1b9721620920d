#include "sys/elevate.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char stand_in[] = "#!/bin/sh\n"
                               "[ \"$1\" != -v ] || exit ${SUDO_REFUSES:-0}\n"
                               "shift\n"
                               "printf '<%s>' \"$@\"\n"
                               "exit 9\n";

// In a child: a sudo that only says how it was called, in a mount namespace of its own. False where that is not allowed.
static bool
put_sudo(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/usr/local/bin", "tmpfs", 0, NULL) < 0)
        return false;
    int fd = open("/usr/local/bin/sudo", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    if (fd < 0 || write(fd, stand_in, sizeof stand_in - 1) < 0 || fchmod(fd, 0755) < 0)
        return false;
    close(fd);
    static const char *const others[] = {"/usr/bin/sudo", "/bin/sudo"};
    for (size_t i = 0; i < 2; i++)
        if (access(others[i], F_OK) == 0 && mount("/usr/local/bin/sudo", others[i], NULL, MS_BIND, NULL) < 0)
            return false;
    return true;
}

// What comes of it in a child: what was printed, or the kind of the error, and how the child ended.
static struct str
elevate(struct arena *arena, bool sudo, const char *refuses, int *status)
{
    char text[4096];
    int result[2];
    CHECK(pipe(result) == 0);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        char program[] = "x";
        char one[] = "why";
        char two[] = "a b";
        char *argv[] = {program, one, two, NULL};
        struct err err = {0};
        int code;
        dup2(result[1], STDOUT_FILENO);
        setenv("SUDO_REFUSES", refuses, 1);
        if (sudo && !put_sudo())
            _exit(77);
        bool back = elevate_run(3, argv, &code, &err);
        dprintf(STDOUT_FILENO, "%d", back ? -1 : (int)err.kind);
        _exit(1);
    }
    close(result[1]);
    ssize_t got = read(result[0], text, sizeof text);
    close(result[0]);
    waitpid(pid, status, 0);
    if (WIFEXITED(*status) && WEXITSTATUS(*status) == 77)
        SKIP("a mount namespace of its own is not allowed here");
    return str_copy(arena, (struct str){text, got > 0 ? (size_t)got : 0});
}

TEST(program_becomes_sudo_with_its_own_path_and_words)
{
    char self[4096] = "";
    int status = 0;
    struct str said = elevate(arena, true, "0", &status);
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    CHECK_STR(said, str_c(arena, str_printf(arena, "<%s><why><a b>", self)));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

TEST(refusal_of_sudo_is_no_answer)
{
    int status = 0;
    struct str said = elevate(arena, true, "1", &status);
    CHECK_STR(said, str_c(arena, str_printf(arena, "%d", ERR_NOT_ALLOWED)));
}

TEST(without_sudo_that_is_said)
{
    int status = 0;
    if (access("/usr/bin/sudo", F_OK) == 0 || access("/usr/local/bin/sudo", F_OK) == 0)
        SKIP("sudo is here");
    struct str said = elevate(arena, false, "0", &status);
    CHECK_STR(said, str_c(arena, str_printf(arena, "%d", ERR_UNSUPPORTED)));
}

TAP_MAIN
