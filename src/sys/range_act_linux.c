#include "sys/range_act.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/term.h"

// The longest list names every second port.
#define SETTING_LIMIT ((size_t)512 << 10)

static bool
refuse(struct err *err, int error, struct str target)
{
    enum err_kind kind = error == EACCES || error == EPERM || error == EROFS ? ERR_NOT_ALLOWED : ERR_SYSTEM;
    return err_set(err, kind, (unsigned long)error, "set %.*s: %s", STR_ARG(target), strerror(error));
}

static bool
is_file(struct str target)
{
    return str_starts(target, STR("/"));
}

// "net.ipv4.ip_local_port_range" is /proc/sys/net/ipv4/ip_local_port_range.
static char *
path_of(struct arena *arena, struct str target)
{
    char *path = str_c(arena, is_file(target) ? target : str_printf(arena, "/proc/sys/%.*s", STR_ARG(target)));
    for (char *at = path; !is_file(target) && *at; at++)
        if (*at == '.')
            *at = '/';
    return path;
}

struct str
range_act_folder(struct arena *arena)
{
    struct str folder = term_environment("MOORAGE_SYSCTL_DIR", NULL);
    return is_file(folder) ? str_copy(arena, folder) : STR("/etc/sysctl.d");
}

bool
range_act_read(struct arena *arena, struct str target, struct str *out, struct err *err)
{
    struct err why = {0};
    *out = (struct str){0};
    if (!file_read(arena, path_of(arena, target), SETTING_LIMIT, false, out, &why)) {
        if (is_file(target) && why.kind == ERR_GONE)
            return true;
        return err_set(err, why.kind, why.os, "%s", why.text);
    }
    *out = str_trim(*out);
    return true;
}

static bool
put(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t written = write(fd, bytes.ptr, bytes.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes = str_part(bytes, (size_t)written, SIZE_MAX);
    }
    return true;
}

// The kernel takes a value by one write.
static bool
set_value(struct arena *arena, const struct range_act *act, struct err *err)
{
    struct str line = str_printf(arena, "%.*s\n", STR_ARG(act->after));
    int fd = open(path_of(arena, act->target), O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(err, errno, act->target);
    ssize_t written = write(fd, line.ptr, line.len);
    int error = errno;
    close(fd);
    return written == (ssize_t)line.len || refuse(err, written < 0 ? error : EIO, act->target);
}

// Beside it first, so that no half file is ever read at a start of the system.
static bool
write_file(struct arena *arena, const struct range_act *act, struct err *err)
{
    char *path = path_of(arena, act->target);
    char *beside = str_c(arena, str_printf(arena, "%s.XXXXXX", path));
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return refuse(err, errno, act->target);
    bool good = put(fd, act->after) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
    int error = errno;
    close(fd);
    if (good && rename(beside, path) < 0) {
        error = errno;
        good = false;
    }
    if (!good)
        unlink(beside);
    return good || refuse(err, error, act->target);
}

static bool
remove_file(struct arena *arena, const struct range_act *act, struct err *err)
{
    return unlink(path_of(arena, act->target)) == 0 || errno == ENOENT || refuse(err, errno, act->target);
}

bool
range_act_do(struct arena *arena, const struct range_act *act, struct err *err)
{
    struct str now;
    if (!range_act_read(arena, act->target, &now, err))
        return false;
    if (!str_equal(now, str_trim(act->before)))
        return err_set(err, ERR_GONE, 0, "set %.*s: somebody else has changed it meanwhile", STR_ARG(act->target));
    if (!is_file(act->target))
        return set_value(arena, act, err);
    return act->after.len ? write_file(arena, act, err) : remove_file(arena, act, err);
}
