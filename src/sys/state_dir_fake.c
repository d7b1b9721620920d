#include "sys/state_dir.h"

#include <stdio.h>

#include "base/buf.h"
#include "sys/fake_host.h"

// In memory, for one run; with MOORAGE_STATE_DIR in real files, so that several runs of moorage-fake see each other's.

enum {
    FILES = 4
};

static struct {
    const char *name;
    struct buf bytes;
} files[FILES];

static struct arena *files_arena;

bool
state_dir_path(struct arena *arena, struct str *out, struct err *err)
{
    struct str named = str_of(fake_host_variable("MOORAGE_STATE_DIR"));

    if (!fake_host_call("state_dir_path", err))
        return false;
    *out = named.len > 0 ? str_copy(arena, named) : STR("/var/fake/moorage");
    return true;
}

struct str
state_dir_machine(struct arena *arena)
{
    (void)arena;
    return fake_host_variable("MOORAGE_STATE_DIR") ? (struct str){0} : STR("/var/lib/moorage");
}

static const char *
real_path(struct arena *arena, const char *name)
{
    const char *folder = fake_host_variable("MOORAGE_STATE_DIR");

    return folder ? str_printf(arena, "%s/%s", folder, name).ptr : NULL;
}

static struct buf *
file_of(const char *name)
{
    size_t i = 0;

    if (!files_arena)
        files_arena = arena_open();
    while (i + 1 < FILES && files[i].name && !str_equal(str_of(files[i].name), str_of(name)))
        i++;
    files[i].name = name;
    files[i].bytes.arena = files_arena;
    return &files[i].bytes;
}

bool
state_dir_append(struct arena *arena, const char *name, struct str line, struct err *err)
{
    const char *path = real_path(arena, name);
    struct buf *bytes = file_of(name);
    FILE *file = path ? fopen(path, "ab") : NULL;

    if (!fake_host_call("state_dir_append", err))
        return false;
    if (!path) {
        buf_add(bytes, line);
        buf_add_byte(bytes, '\n');
        return true;
    }
    if (!file)
        return err_set(err, ERR_NOT_ALLOWED, 0, "open %s: it can't be written", path);
    bool good = fwrite(line.ptr, 1, line.len, file) == line.len && fputc('\n', file) == '\n';
    return (fclose(file) == 0 && good) || err_set(err, ERR_SYSTEM, 0, "write %s: it can't be written", path);
}

bool
state_dir_read(struct arena *arena, const char *name, size_t limit, struct str *out, struct err *err)
{
    const char *path = real_path(arena, name);
    struct buf *bytes = file_of(name);
    struct buf read = {.arena = arena};
    FILE *file = path ? fopen(path, "rb") : NULL;
    size_t got = file ? 1 : 0;

    if (!fake_host_call("state_dir_read", err))
        return false;
    while (got > 0 && read.len < limit) {
        got = fread(buf_room(&read, 4096), 1, 4096, file);
        read.len += got;
    }
    if (file)
        fclose(file);
    *out = path ? buf_str(&read) : buf_str(bytes);
    return (path ? file != NULL : bytes->len > 0) || err_set(err, ERR_GONE, 0, "open %s: it is not there", name);
}

void
fake_host_forget_files(void)
{
    for (size_t i = 0; i < FILES; i++)
        files[i].bytes.len = 0;
}
