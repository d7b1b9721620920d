#include "sys/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_LONGEST = 1 << 16,
};

static enum known
known_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return KNOWN_GONE;
    case EACCES:
    case EPERM:
        return KNOWN_NOT_ALLOWED;
    default:
        return KNOWN_UNSUPPORTED;
    }
}

static bool
is_absolute(struct str path)
{
    return path.len > 0 && path.ptr[0] == '/';
}

bool
folder_current(struct arena *arena, struct str *out, struct err *err)
{
    for (size_t size = 1024; size <= PATH_LONGEST; size *= 2) {
        char *path = arena_alloc(arena, size);
        if (getcwd(path, size)) {
            // "(unreachable)/..." is what the kernel says of a folder outside of the root.
            *out = str_of(path);
            return is_absolute(*out) ||
                   err_set(err, ERR_GONE, 0, "the current folder: it lies outside of the root folder");
        }
        if (errno != ERANGE)
            break;
    }
    int error = errno;
    return err_set(err, error == ENOENT ? ERR_GONE : ERR_SYSTEM, (unsigned long)error, "the current folder: %s",
                   strerror(error));
}

enum known
folder_look(struct arena *arena, struct str path)
{
    struct stat facts;
    return lstat(str_c(arena, path), &facts) == 0 ? KNOWN_YES : known_of(errno);
}

bool
folder_make(struct arena *arena, struct str path, struct err *err)
{
    char *name = str_c(arena, path);
    int error = 0;

    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && name[i] != '/')
            continue;
        name[i] = '\0';
        error = mkdir(name, 0700) == 0 ? 0 : errno;
        if (i < path.len)
            name[i] = '/';
    }
    // Parents that are there may refuse in many ways; what counts is whether the folder is there in the end.
    struct stat facts;
    if (stat(name, &facts) == 0 && S_ISDIR(facts.st_mode))
        return true;
    if (error == 0 || error == EEXIST)
        error = ENOTDIR;
    return err_set(err, error == EACCES || error == EPERM ? ERR_NOT_ALLOWED : ERR_SYSTEM, (unsigned long)error,
                   "make the folder %s: %s", name, strerror(error));
}

char
folder_separator(void)
{
    return '/';
}
