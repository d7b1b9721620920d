#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/file_linux.h"
#include "sys/term.h"

static enum err_kind
kind_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return ERR_NOT_ALLOWED;
    case ENOENT:
    case ESRCH:
    case ENOTDIR:
        return ERR_GONE;
    default:
        return ERR_SYSTEM;
    }
}

static bool
refuse(struct err *err, int error, const char *doing, const char *path)
{
    return err_set(err, kind_of(error), (unsigned long)error, "%s %s: %s", doing, path, strerror(error));
}

// By way of the stack: most files are small, and the arena keeps what it once gave.
bool
file_read_open(struct arena *arena, int fd, size_t limit, struct str *out, int *error)
{
    char chunk[16384];
    struct buf bytes = {.arena = arena};
    while (bytes.len < limit) {
        size_t want = limit - bytes.len < sizeof chunk ? limit - bytes.len : sizeof chunk;
        ssize_t got = read(fd, chunk, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            *error = errno;
            return false;
        }
        if (got == 0)
            break;
        buf_add(&bytes, (struct str){chunk, (size_t)got});
    }
    *out = buf_str(&bytes);
    return true;
}

int
file_open_regular(const char *path, bool follow, struct err *err)
{
    struct stat facts;
    int fd = -1;

    // Opening a device can already do something (tapes, watchdogs), so its kind is asked before; the answer of fstat is
    // the one that counts.
    bool good = (follow ? stat(path, &facts) : lstat(path, &facts)) == 0;
    if (good && S_ISREG(facts.st_mode)) {
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (follow ? 0 : O_NOFOLLOW));
        good = fd >= 0 && fstat(fd, &facts) == 0;
    }
    if (!good)
        refuse(err, errno, "open", path);
    else if (!S_ISREG(facts.st_mode))
        good = err_set(err, ERR_FORMAT, 0, "open %s: it is not a regular file", path);
    if (!good && fd >= 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool
file_read(struct arena *arena, const char *path, size_t limit, bool follow, struct str *out, struct err *err)
{
    int error = 0;
    int fd = file_open_regular(path, follow, err);
    if (fd < 0)
        return false;
    // One byte more than allowed tells "exactly the limit" from "more".
    bool good = file_read_open(arena, fd, limit < SIZE_MAX ? limit + 1 : limit, out, &error);
    if (!good) {
        refuse(err, error, "read", path);
    } else if (out->len > limit) {
        *out = (struct str){0};
        good = err_set(err, ERR_FORMAT, 0, "read %s: it is larger than %zu bytes", path, limit);
    }
    close(fd);
    return good;
}

bool
file_read_input(struct arena *arena, size_t limit, struct str *out, struct err *err)
{
    int error = 0;
    if (!file_read_open(arena, STDIN_FILENO, limit, out, &error))
        return refuse(err, error, "read", "standard input");
    return true;
}

static bool
write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes = str_part(bytes, (size_t)put, SIZE_MAX);
    }
    return true;
}

// Writes into what already has the name and is no regular file (/dev/null, a FIFO with a reader): replacing it by rename
// would take the device away from everybody.
static bool
write_into(const char *path, struct str bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return refuse(err, errno, "write", path);
    // Only the opening must not wait (a FIFO that nobody reads); a slow reader may take its time.
    fcntl(fd, F_SETFL, 0);
    bool good = write_all(fd, bytes);
    int error = errno;
    close(fd);
    return good ? true : refuse(err, error, "write", path);
}

bool
file_write(struct arena *arena, struct str path, struct str bytes, struct err *err)
{
    if (str_equal(path, STR("-")))
        return term_write(bytes, err);

    bool good = false;
    const char *name = str_c(arena, path);
    struct stat facts;
    if (stat(name, &facts) == 0 && !S_ISREG(facts.st_mode))
        return write_into(name, bytes, err);

    char *temporary = str_c(arena, str_printf(arena, "%s.XXXXXX", name));
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return refuse(err, errno, "write", name);
    good = write_all(fd, bytes);
    int error = errno;
    if (close(fd) < 0 && good) {
        error = errno;
        good = false;
    }
    if (good && rename(temporary, name) < 0) {
        error = errno;
        good = false;
    }
    if (!good) {
        unlink(temporary);
        refuse(err, error, "write", name);
    }
    return good;
}
