#include "sys/elevate.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

static const char *const places[] = {"/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/run/wrappers/bin/sudo"};

void
elevate_begin(int *argc, char **argv)
{
    (void)argc;
    (void)argv;
}

// Lets sudo ask for the password by itself first: its own failure must not look like an exit code of moorage.
static bool
may_become_root(const char *sudo)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execl(sudo, "sudo", "-v", (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
elevate_run(int argc, char **argv, int *code, struct err *err)
{
    char self[4096];
    const char *sudo = NULL;
    (void)code;
    for (size_t i = 0; i < sizeof places / sizeof *places && !sudo; i++)
        sudo = access(places[i], X_OK) == 0 ? places[i] : NULL;
    if (!sudo)
        return err_set(err, ERR_UNSUPPORTED, 0, "--elevate: there is no sudo here; run this as root instead");
    // By its path: it need not stand in the PATH that sudo searches.
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return err_set(err, ERR_UNSUPPORTED, 0, "--elevate: the path of moorage can't be told (no /proc)");
    self[length] = 0;
    if (!may_become_root(sudo))
        return err_set(err, ERR_NOT_ALLOWED, 0, "--elevate: sudo did not allow it, so nothing was run");

    struct arena *arena = arena_open();
    const char **words = arena_array(arena, (size_t)argc + 4, sizeof *words);
    size_t count = 0;
    words[count++] = "sudo";
    words[count++] = "--";
    words[count++] = self;
    for (int i = 1; i < argc; i++)
        words[count++] = argv[i];
    execv(sudo, (char *const *)words);
    int error = errno;
    arena_close(arena);
    return err_set(err, ERR_SYSTEM, (unsigned long)error, "run %s: %s", sudo, strerror(error));
}
