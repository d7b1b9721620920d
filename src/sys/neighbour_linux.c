#include "sys/neighbour.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "decode/wsl.h"

static bool
is_there(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0;
}

void
neighbour_identify(struct arena *arena, struct host *host)
{
    struct utsname system;
    if (uname(&system) != 0)
        return;
    struct wsl_signs signs = {.kernel = str_of(system.release),
                              .named = getenv("WSL_DISTRO_NAME") != NULL,
                              .run_folder = is_there("/run/WSL"),
                              .interop = is_there("/proc/sys/fs/binfmt_misc/WSLInterop") ||
                                         is_there("/proc/sys/fs/binfmt_misc/WSLInterop-late")};
    host->wsl = str_copy(arena, wsl_version(&signs));
}

bool
neighbour_read(struct arena *arena, unsigned deadline_ms, struct host *host, struct err *err)
{
    (void)arena;
    (void)deadline_ms;
    (void)host;
    return err_set(err, ERR_UNSUPPORTED, 0, "ask Windows who listens there: this is no WSL");
}
