#include "sys/file.h"

#include "base/buf.h"
#include "sys/fake_host.h"

#include <stdio.h>

enum {
    CHUNK = 65536
};

// The system's own files are those of the recorded host, which brings none along: those of the machine under this
// program would make its answers differ from place to place.
static bool
is_of_system(struct str path)
{
    return str_starts(path, STR("/etc/")) || str_starts(path, STR("/proc/")) || str_starts(path, STR("/sys/")) ||
           str_starts(path, STR("C:\\Windows\\"));
}

static bool
read_stream(struct arena *arena, FILE *file, size_t limit, struct str *out)
{
    struct buf buf = {.arena = arena};
    size_t got = 1;

    while (got > 0 && buf.len <= limit) {
        got = fread(buf_room(&buf, CHUNK), 1, CHUNK, file);
        buf.len += got;
    }
    *out = str_part(buf_str(&buf), 0, limit);
    return buf.len <= limit;
}

bool
file_read(struct arena *arena, const char *path, size_t limit, bool follow, struct str *out, struct err *err)
{
    (void)follow;
    if (!fake_host_call("file_read", err))
        return false;
    FILE *file = is_of_system(str_of(path)) ? NULL : fopen(path, "rb");
    if (!file)
        return err_set(err, ERR_GONE, 0, "open %s: there is no such file", path);
    bool whole = read_stream(arena, file, limit, out);
    fclose(file);
    return whole || err_set(err, ERR_FORMAT, 0, "read %s: larger than %zu bytes", path, limit);
}

bool
file_read_input(struct arena *arena, size_t limit, struct str *out, struct err *err)
{
    if (!fake_host_call("file_read_input", err))
        return false;
    (void)read_stream(arena, stdin, limit, out);
    return true;
}

bool
file_write(struct arena *arena, struct str path, struct str bytes, struct err *err)
{
    if (!fake_host_call("file_write", err))
        return false;
    if (str_equal(path, STR("-")))
        return fake_host_print(bytes, false) || err_set(err, ERR_SYSTEM, 0, "write standard output: it takes no more");
    FILE *file = fopen(str_c(arena, path), "wb");
    if (!file)
        return err_set(err, ERR_NOT_ALLOWED, 0, "write %.*s: it can't be opened", STR_ARG(path));
    bool good = fwrite(bytes.ptr ? bytes.ptr : "", 1, bytes.len, file) == bytes.len;
    good = fclose(file) == 0 && good;
    return good || err_set(err, ERR_SYSTEM, 0, "write %.*s: not all of it could be written", STR_ARG(path));
}
