#include "sys/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/file_linux.h"

// Who holds the lock writes one line.
#define LOCK_MS 2000

static bool
fail(struct err *err, int error, const char *doing, struct str path)
{
    enum err_kind kind = error == EACCES || error == EPERM || error == EROFS ? ERR_NOT_ALLOWED
                         : error == ENOENT || error == ENOTDIR               ? ERR_GONE
                                                                             : ERR_SYSTEM;
    return err_set(err, kind, (unsigned long)error, "%s %.*s: %s", doing, STR_ARG(path), strerror(error));
}

bool
state_dir_path(struct arena *arena, struct str *out, struct err *err)
{
    struct str own = str_of(getenv("MOORAGE_STATE_DIR"));
    struct str state = str_of(getenv("XDG_STATE_HOME"));
    struct str home = str_of(getenv("HOME"));
    // The specification says that a relative path counts as none.
    if (str_starts(own, STR("/")))
        *out = str_copy(arena, own);
    else if (str_starts(state, STR("/")))
        *out = str_printf(arena, "%.*s/moorage", STR_ARG(state));
    else if (str_starts(home, STR("/")))
        *out = str_printf(arena, "%.*s/.local/state/moorage", STR_ARG(home));
    else
        return err_set(err, ERR_UNSUPPORTED, 0, "no place to keep a record: neither HOME nor MOORAGE_STATE_DIR is set");
    return true;
}

struct str
state_dir_machine(struct arena *arena)
{
    (void)arena;
    return str_starts(str_of(getenv("MOORAGE_STATE_DIR")), STR("/")) ? (struct str){0} : STR("/var/lib/moorage");
}

// Makes the folder and those above it that are missing. What is wrong shows when the file in it is opened.
static void
make_folders(struct arena *arena, struct str path)
{
    char *text = str_c(arena, path);
    for (size_t i = 1; i < path.len; i++) {
        if (text[i] != '/')
            continue;
        text[i] = '\0';
        mkdir(text, 0700);
        text[i] = '/';
    }
    mkdir(text, 0700);
}

static int
open_file(struct str path, int flags, struct err *err)
{
    struct stat facts = {0};
    int fd = open(path.ptr, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0) {
        fail(err, errno, "open", path);
        return -1;
    }
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode))
        return fd;
    close(fd);
    err_set(err, ERR_FORMAT, 0, "open %.*s: it is not a regular file", STR_ARG(path));
    return -1;
}

static bool
lock(int fd, struct str path, struct err *err)
{
    int64_t end = clock_mono_us() + LOCK_MS * 1000;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    // The lock of the open file, which no other close() in this program takes away (fcntl(2)).
    while (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return fail(err, errno, "lock", path);
        if (clock_mono_us() >= end)
            return err_set(err, ERR_TIMEOUT, 0, "lock %.*s: another program holds it", STR_ARG(path));
        clock_sleep_ms(5);
    }
    return true;
}

// A line that a stopped machine left half written gets its end first, so that it spoils no other.
static bool
ends_open(int fd, off_t size)
{
    char last = '\n';
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

// Half a line is none: what could not be written whole is taken away again.
static bool
add_line(int fd, struct str path, struct str line, struct arena *arena, struct err *err)
{
    struct stat facts = {0};
    struct buf bytes = {.arena = arena};
    if (fstat(fd, &facts) != 0)
        return fail(err, errno, "look at", path);
    if (ends_open(fd, facts.st_size))
        buf_add_byte(&bytes, '\n');
    buf_add(&bytes, line);
    buf_add_byte(&bytes, '\n');
    ssize_t put = write(fd, bytes.ptr, bytes.len);
    int error = put < 0 ? errno : ENOSPC;
    if (put == (ssize_t)bytes.len)
        return true;
    int undone = ftruncate(fd, facts.st_size);
    (void)undone;
    return fail(err, error, "write", path);
}

bool
state_dir_append(struct arena *arena, const char *name, struct str line, struct err *err)
{
    struct str folder = {0};
    if (!state_dir_path(arena, &folder, err))
        return false;
    make_folders(arena, folder);
    struct str path = str_printf(arena, "%.*s/%s", STR_ARG(folder), name);
    int fd = open_file(path, O_RDWR | O_APPEND | O_CREAT, err);
    if (fd < 0)
        return false;
    bool good = lock(fd, path, err) && add_line(fd, path, line, arena, err);
    close(fd);
    return good;
}

bool
state_dir_read(struct arena *arena, const char *name, size_t limit, struct str *out, struct err *err)
{
    struct str folder = {0};
    struct stat facts = {0};
    int error = 0;
    if (!state_dir_path(arena, &folder, err))
        return false;
    struct str path = str_printf(arena, "%.*s/%s", STR_ARG(folder), name);
    int fd = open_file(path, O_RDONLY, err);
    if (fd < 0)
        return false;
    bool cut = fstat(fd, &facts) == 0 && (uint64_t)facts.st_size > limit;
    bool good = (!cut || lseek(fd, facts.st_size - (off_t)limit, SEEK_SET) >= 0) &&
                file_read_open(arena, fd, limit, out, &error);
    if (!good)
        fail(err, error ? error : errno, "read", path);
    close(fd);
    struct str half = {0};
    if (good && cut)
        (void)str_cut(out, '\n', &half);
    return good;
}
