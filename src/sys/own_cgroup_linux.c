#include "sys/own_cgroup_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "decode/cgroup.h"
#include "decode/cgroup_mount.h"
#include "sys/clock.h"
#include "sys/file.h"

enum {
    REMOVE_TRIES = 50,
    REMOVE_PAUSE_MS = 10,
    FOLDERS_OPEN = 8,
};

const char *
own_cgroup_make(struct arena *arena)
{
    struct cgroup_mount mount;
    struct str mounts;
    struct str groups;
    struct str path;

    if (!file_read(arena, "/proc/self/mountinfo", 1 << 20, false, &mounts, NULL) ||
        !cgroup_mount_parse(arena, mounts, CGROUP_TREE_UNIFIED, &mount) || mount.root.len > 0 ||
        !file_read(arena, "/proc/self/cgroup", 1 << 16, false, &groups, NULL))
        return NULL;
    size_t at = str_starts(groups, STR("0::")) ? 0 : str_find(groups, STR("\n0::"));
    if (at == SIZE_MAX)
        return NULL;
    path = str_part(groups, at + (at ? 4 : 3), SIZE_MAX);
    path = str_part(path, 0, str_find_byte(path, '\n'));
    const char *folder = str_c(arena, str_printf(arena, "%.*s%.*s/moorage-run-%d", STR_ARG(mount.point),
                                                 STR_ARG(str_equal(path, STR("/")) ? STR("") : path), (int)getpid()));
    return mkdir(folder, 0755) == 0 ? folder : NULL;
}

static void
put(const char *folder, const char *file, char word)
{
    char path[4200];

    if (!folder)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    // Refused, all is as without the cgroup.
    ssize_t written = write(fd, &word, 1);
    (void)written;
    close(fd);
}

void
own_cgroup_enter(const char *folder)
{
    put(folder, "cgroup.procs", '0');
}

void
own_cgroup_kill(const char *folder)
{
    put(folder, "cgroup.kill", '1');
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)walk;
    return type == FTW_DP && rmdir(path) != 0 ? errno : 0;
}

void
own_cgroup_remove(const char *folder)
{
    for (int i = 0; folder && i < REMOVE_TRIES && nftw(folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) == EBUSY;
         i++)
        clock_sleep_ms(REMOVE_PAUSE_MS);
}
