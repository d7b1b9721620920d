#include "sys/process_place_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file_linux.h"

#define MOUNTS_LIMIT (4u << 20)
#define STAT_LIMIT 4096
#define OWN_PLACE_US (100 * 1000)

enum known
process_place_known(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return KNOWN_NOT_ALLOWED;
    case ENOENT:
    case ESRCH:
        return KNOWN_GONE;
    default:
        return KNOWN_UNSUPPORTED;
    }
}

bool
process_place_read(struct arena *arena, int folder, const char *name, size_t limit, struct str *out, int *error)
{
    int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        *error = errno;
        return false;
    }
    bool good = file_read_open(arena, fd, limit, out, error);
    close(fd);
    return good;
}

bool
process_place_link(struct arena *arena, int folder, const char *name, struct str *out, int *error)
{
    char text[PATH_MAX];
    ssize_t length = readlinkat(folder, name, text, sizeof text);
    if (length < 0 || (size_t)length == sizeof text) {
        *error = length < 0 ? errno : ENAMETOOLONG;
        return false;
    }
    *out = str_copy(arena, (struct str){text, (size_t)length});
    return true;
}

int
process_place_open_thread(struct arena *arena, int folder)
{
    struct str text;
    struct proc_stat stat;
    int error = 0;
    int found = -1;
    int tasks = openat(folder, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *threads = tasks >= 0 ? fdopendir(tasks) : NULL;
    if (!threads) {
        if (tasks >= 0)
            close(tasks);
        return -1;
    }
    for (struct dirent *entry = readdir(threads); entry && found < 0; entry = readdir(threads)) {
        if (entry->d_name[0] == '.')
            continue;
        int thread = openat(tasks, entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (thread < 0)
            continue;
        if (process_place_read(arena, thread, "stat", STAT_LIMIT, &text, &error) && proc_parse_stat(text, &stat) &&
            !proc_has_ended(&stat))
            found = thread;
        else
            close(thread);
    }
    closedir(threads);
    return found;
}

static bool
root_facts(int folder, const char *name, struct statx *facts)
{
    int fd = openat(folder, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID, facts) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

// What this program has itself, and most other processes with it.
struct own_place {
    struct arena *arena;
    int64_t read_us; // on the clock_mono_us() scale
    struct str mounts;
    struct str root;
    struct str namespace;
    struct statx facts; // of its root
};

// NULL where it can't be told. Read once for all processes of one question.
static const struct own_place *
own_place(void)
{
    static struct own_place own;
    int64_t now = clock_mono_us();
    int error = 0;
    if (own.arena && now - own.read_us < OWN_PLACE_US)
        return &own;
    arena_close(own.arena);
    own = (struct own_place){.arena = arena_open(), .read_us = now};
    if (process_place_read(own.arena, AT_FDCWD, "/proc/self/mountinfo", MOUNTS_LIMIT, &own.mounts, &error) &&
        process_place_link(own.arena, AT_FDCWD, "/proc/self/root", &own.root, &error) &&
        process_place_link(own.arena, AT_FDCWD, "/proc/self/ns/mnt", &own.namespace, &error) &&
        root_facts(AT_FDCWD, "/", &own.facts))
        return &own;
    arena_close(own.arena);
    own.arena = NULL;
    return NULL;
}

// The link alone does not tell: in a chroot, a root outside of it reads "/" as the own one does.
static bool
is_own_root(const struct statx *own, int folder)
{
    struct statx other;

    return root_facts(folder, "root", &other) && own->stx_ino == other.stx_ino &&
           own->stx_dev_major == other.stx_dev_major && own->stx_dev_minor == other.stx_dev_minor &&
           ((own->stx_mask & STATX_MNT_ID) == 0 || own->stx_mnt_id == other.stx_mnt_id);
}

void
process_place_begin(struct arena *arena, struct process_place *place)
{
    int error = 0;
    struct str namespace;
    const struct own_place *own = own_place();
    place->known = KNOWN_YES;
    if (!process_place_link(arena, place->folder, "root", &place->root, &error)) {
        place->known = process_place_known(error);
        return;
    }
    place->same_root = own && process_place_link(arena, place->folder, "ns/mnt", &namespace, &error) &&
                       str_equal(namespace, own->namespace) && str_equal(place->root, own->root) &&
                       is_own_root(&own->facts, place->folder);
    if (place->same_root)
        place->mounts = str_copy(arena, own->mounts);
    else if (!process_place_read(arena, place->folder, "mountinfo", MOUNTS_LIMIT, &place->mounts, &error))
        place->known = process_place_known(error);
}

bool
process_place_is_local(const struct process_place *place, struct str path, struct proc_mount *mount, struct str *inside)
{
    if (place->known != KNOWN_YES || !str_starts(path, STR("/")))
        return false;
    *inside = path;
    if (!place->same_root && !str_equal(place->root, STR("/"))) {
        struct str rest = str_part(path, place->root.len, SIZE_MAX);
        if (!str_starts(path, place->root) || (rest.len && rest.ptr[0] != '/'))
            return false;
        *inside = rest.len ? rest : STR("/");
    }
    return proc_find_mount(place->mounts, *inside, mount) && proc_mount_is_local(mount->type);
}

int
process_place_open(int folder, const char *path, bool stay)
{
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                           .resolve =
                               RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (stay ? (uint64_t)RESOLVE_NO_XDEV : 0)};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

enum known
process_place_content(struct arena *arena, int fd, size_t limit, struct str *out)
{
    char name[64];
    struct stat facts;
    int error = 0;
    if (fstat(fd, &facts) < 0)
        return process_place_known(errno);
    if (!S_ISREG(facts.st_mode) || facts.st_size < 0 || (uintmax_t)facts.st_size > limit)
        return KNOWN_UNSUPPORTED;
    // The very file that was looked at is opened for reading now, whatever has its name meanwhile.
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return process_place_read(arena, AT_FDCWD, name, limit, out, &error) ? KNOWN_YES : process_place_known(error);
}
