#include "sys/state_dir.h"

#include <windows.h>

#include "base/buf.h"
#include "sys/fault_win.h"
#include "sys/term.h"
#include "sys/wide_win.h"

static bool
is_absolute(struct str path)
{
    return path.len > 2 && (path.ptr[1] == ':' || str_starts(path, STR("\\\\")));
}

bool
state_dir_path(struct arena *arena, struct str *out, struct err *err)
{
    struct str own = term_environment("MOORAGE_STATE_DIR", NULL);
    struct str local = term_environment("LOCALAPPDATA", NULL);
    if (is_absolute(own))
        *out = own;
    else if (is_absolute(local))
        *out = str_printf(arena, "%.*s\\moorage", STR_ARG(local));
    else
        return err_set(err, ERR_UNSUPPORTED, 0,
                       "no place to keep a record: neither LOCALAPPDATA nor MOORAGE_STATE_DIR is set");
    return true;
}

struct str
state_dir_machine(struct arena *arena)
{
    struct str shared = term_environment("ProgramData", NULL);
    bool moved = is_absolute(term_environment("MOORAGE_STATE_DIR", NULL));
    return moved || !is_absolute(shared) ? (struct str){0} : str_printf(arena, "%.*s\\moorage", STR_ARG(shared));
}

// Makes the folder and those above it that are missing. What is wrong shows when the file in it is opened.
static void
make_folders(struct arena *arena, struct str path)
{
    for (size_t i = 3; i < path.len; i++)
        if (path.ptr[i] == '\\' || path.ptr[i] == '/')
            CreateDirectoryW(wide_path(arena, str_part(path, 0, i)), NULL);
    CreateDirectoryW(wide_path(arena, path), NULL);
}

// The file itself, never what a link leads to.
static HANDLE
open_file(struct arena *arena, struct str path, DWORD access, DWORD how, struct err *err)
{
    BY_HANDLE_FILE_INFORMATION facts;
    HANDLE file = CreateFileW(wide_path(arena, path), access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, how,
                              FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        fault_set(err, GetLastError(), "open %.*s", STR_ARG(path));
        return file;
    }
    if (GetFileType(file) == FILE_TYPE_DISK && GetFileInformationByHandle(file, &facts) &&
        !(facts.dwFileAttributes & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY)))
        return file;
    CloseHandle(file);
    err_set(err, ERR_FORMAT, 0, "open %.*s: it is not a regular file", STR_ARG(path));
    return INVALID_HANDLE_VALUE;
}

static bool
move_to(HANDLE file, int64_t distance, DWORD from)
{
    LARGE_INTEGER by = {.QuadPart = distance};
    return SetFilePointerEx(file, by, NULL, from) != 0;
}

// A line that a stopped machine left half written gets its end first, so that it spoils no other.
static bool
ends_open(HANDLE file, int64_t size)
{
    char last = '\n';
    DWORD got = 0;
    return size > 0 && move_to(file, -1, FILE_END) && ReadFile(file, &last, 1, &got, NULL) && got == 1 && last != '\n';
}

bool
state_dir_append(struct arena *arena, const char *name, struct str line, struct err *err)
{
    struct str folder = {0};
    struct buf bytes = {.arena = arena};
    LARGE_INTEGER size = {.QuadPart = 0};
    OVERLAPPED whole = {0};
    DWORD put = 0;
    if (!state_dir_path(arena, &folder, err))
        return false;
    make_folders(arena, folder);
    struct str path = str_printf(arena, "%.*s\\%s", STR_ARG(folder), name);
    HANDLE file = open_file(arena, path, GENERIC_READ | GENERIC_WRITE, OPEN_ALWAYS, err);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    // Who holds the lock writes one line; it goes with the handle.
    bool good = LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK, 0, MAXDWORD, MAXDWORD, &whole) && GetFileSizeEx(file, &size);
    if (good && ends_open(file, size.QuadPart))
        buf_add_byte(&bytes, '\n');
    buf_add(&bytes, line);
    buf_add_byte(&bytes, '\n');
    good = good && move_to(file, 0, FILE_END) && WriteFile(file, bytes.ptr, (DWORD)bytes.len, &put, NULL) &&
           put == bytes.len;
    if (!good) {
        fault_set(err, GetLastError(), "write %.*s", STR_ARG(path));
        // Half a line is none.
        if (put > 0 && move_to(file, size.QuadPart, FILE_BEGIN))
            SetEndOfFile(file);
    }
    CloseHandle(file);
    return good;
}

bool
state_dir_read(struct arena *arena, const char *name, size_t limit, struct str *out, struct err *err)
{
    struct str folder = {0};
    struct buf bytes = {.arena = arena};
    LARGE_INTEGER size = {.QuadPart = 0};
    if (!state_dir_path(arena, &folder, err))
        return false;
    struct str path = str_printf(arena, "%.*s\\%s", STR_ARG(folder), name);
    HANDLE file = open_file(arena, path, GENERIC_READ, OPEN_EXISTING, err);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    bool good = GetFileSizeEx(file, &size) != 0;
    bool cut = good && (uint64_t)size.QuadPart > limit;
    good = good && (!cut || move_to(file, -(int64_t)limit, FILE_END));
    for (DWORD got = 1; good && got > 0 && bytes.len < limit; bytes.len += got) {
        size_t want = limit - bytes.len < 65536 ? limit - bytes.len : 65536;
        good = ReadFile(file, buf_room(&bytes, want), (DWORD)want, &got, NULL) != 0;
    }
    if (!good)
        fault_set(err, GetLastError(), "read %.*s", STR_ARG(path));
    CloseHandle(file);
    *out = buf_str(&bytes);
    struct str half;
    if (good && cut)
        (void)str_cut(out, '\n', &half);
    return good;
}
