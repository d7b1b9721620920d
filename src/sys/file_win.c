#include "sys/file.h"

#include <windows.h>

#include <sddl.h>

#include "base/buf.h"
#include "sys/fault_win.h"
#include "sys/term.h"
#include "sys/wide_win.h"

#define CHUNK 16384
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define TRIES 100

// Named pipes and devices: opening one may already do something.
static bool
is_device_path(struct str path)
{
    return path.len >= 3 && (path.ptr[0] == '\\' || path.ptr[0] == '/') &&
           (path.ptr[1] == '\\' || path.ptr[1] == '/') && path.ptr[2] == '.';
}

// By way of the stack: most files are small, and the arena keeps what it once gave. A pipe whose writer has gone has ended.
static bool
read_bytes(struct arena *arena, HANDLE handle, size_t limit, struct str *out, DWORD *code)
{
    char chunk[CHUNK];
    struct buf bytes = {.arena = arena};
    while (bytes.len < limit) {
        DWORD got = 0;
        DWORD want = limit - bytes.len < sizeof chunk ? (DWORD)(limit - bytes.len) : (DWORD)sizeof chunk;
        if (!ReadFile(handle, chunk, want, &got, NULL)) {
            *code = GetLastError();
            if (*code != ERROR_BROKEN_PIPE && *code != ERROR_HANDLE_EOF)
                return false;
            got = 0;
        }
        if (got == 0)
            break;
        buf_add(&bytes, (struct str){chunk, got});
    }
    *out = buf_str(&bytes);
    return true;
}

// Opens the file itself or, with `follow`, what a link leads to. Other reparse points are files with their bytes elsewhere
// (a cloud, deduplication), and are opened as any file.
static HANDLE
open_file(const wchar_t *path, bool follow, bool *link)
{
    FILE_ATTRIBUTE_TAG_INFO tag;
    *link = false;
    HANDLE handle = CreateFileW(path, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING,
                                follow ? FILE_ATTRIBUTE_NORMAL : FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (follow || handle == INVALID_HANDLE_VALUE ||
        !GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag) ||
        !(tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT))
        return handle;
    *link = tag.ReparseTag == IO_REPARSE_TAG_SYMLINK || tag.ReparseTag == IO_REPARSE_TAG_MOUNT_POINT;
    if (*link)
        return handle;
    CloseHandle(handle);
    return CreateFileW(path, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

bool
file_read(struct arena *arena, const char *path, size_t limit, bool follow, struct str *out, struct err *err)
{
    bool good = false;
    bool link = false;
    DWORD code = 0;
    HANDLE handle = INVALID_HANDLE_VALUE;
    const wchar_t *wide = wide_path(arena, str_of(path));
    DWORD attributes = is_device_path(str_of(path)) ? FILE_ATTRIBUTE_DEVICE : GetFileAttributesW(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES) {
        fault_set(err, GetLastError(), "open %s", path);
        goto out;
    }
    bool plain = !(attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE));
    if (plain) {
        handle = open_file(wide, follow, &link);
        if (handle == INVALID_HANDLE_VALUE) {
            fault_set(err, GetLastError(), "open %s", path);
            goto out;
        }
    }
    if (!plain || link || GetFileType(handle) != FILE_TYPE_DISK) {
        err_set(err, ERR_FORMAT, 0, "open %s: it is not a regular file", path);
        goto out;
    }
    // One byte more than allowed tells "exactly the limit" from "more".
    if (!read_bytes(arena, handle, limit < SIZE_MAX ? limit + 1 : limit, out, &code)) {
        fault_set(err, code, "read %s", path);
        goto out;
    }
    if (out->len > limit) {
        *out = (struct str){0};
        err_set(err, ERR_FORMAT, 0, "read %s: it is larger than %zu bytes", path, limit);
        goto out;
    }
    good = true;
out:
    if (handle != INVALID_HANDLE_VALUE)
        CloseHandle(handle);
    return good;
}

// What is typed, to Ctrl-Z at the start of a line.
static bool
read_console(struct arena *arena, HANDLE handle, size_t limit, struct str *out, DWORD *code)
{
    wchar_t line[CHUNK / sizeof(wchar_t)];
    struct buf bytes = {.arena = arena};
    while (bytes.len < limit) {
        DWORD got = 0;
        if (!ReadConsoleW(handle, line, sizeof line / sizeof *line, &got, NULL)) {
            *code = GetLastError();
            return false;
        }
        if (got == 0 || line[0] == 26)
            break;
        buf_add(&bytes, wide_to(arena, line, got));
    }
    *out = str_part(buf_str(&bytes), 0, limit);
    return true;
}

bool
file_read_input(struct arena *arena, size_t limit, struct str *out, struct err *err)
{
    DWORD mode;
    DWORD code = 0;
    HANDLE handle = GetStdHandle(STD_INPUT_HANDLE);
    bool typed = GetConsoleMode(handle, &mode);
    bool good = typed ? read_console(arena, handle, limit, out, &code) : read_bytes(arena, handle, limit, out, &code);
    if (!good)
        return fault_set(err, code, "read standard input");
    // What an older PowerShell writes to a file by ">" is UTF-16.
    if (out->len >= 2 && out->ptr[0] == '\xff' && out->ptr[1] == '\xfe') {
        size_t units = out->len / 2 - 1;
        wchar_t *wide = arena_array(arena, units + 1, sizeof *wide);
        CopyMemory(wide, out->ptr + 2, units * sizeof *wide);
        *out = str_part(wide_to(arena, wide, units), 0, limit);
    }
    return true;
}

static bool
write_all(HANDLE handle, struct str bytes, DWORD *code)
{
    while (bytes.len) {
        DWORD put = 0;
        DWORD want = bytes.len < 1u << 20 ? (DWORD)bytes.len : 1u << 20;
        if (!WriteFile(handle, bytes.ptr, want, &put, NULL)) {
            *code = GetLastError();
            return false;
        }
        bytes = str_part(bytes, put, SIZE_MAX);
    }
    return true;
}

// A new file beside `path` that its owner, administrators and the system may open: what mode 0600 is elsewhere.
static HANDLE
create_beside(struct arena *arena, struct str path, wchar_t **name)
{
    SECURITY_ATTRIBUTES security = {.nLength = sizeof security};
    HANDLE handle = INVALID_HANDLE_VALUE;
    bool made = ConvertStringSecurityDescriptorToSecurityDescriptorW(
        L"D:P(A;;FA;;;OW)(A;;FA;;;SY)(A;;FA;;;BA)", SDDL_REVISION_1, &security.lpSecurityDescriptor, NULL);
    for (unsigned i = 0; i < TRIES && handle == INVALID_HANDLE_VALUE; i++) {
        struct str beside = str_printf(arena, "%.*s.%lu-%u", STR_ARG(path), GetCurrentProcessId(), i);
        *name = wide_path(arena, beside);
        handle = CreateFileW(*name, GENERIC_WRITE, 0, made ? &security : NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
        if (handle == INVALID_HANDLE_VALUE && GetLastError() != ERROR_FILE_EXISTS)
            break;
    }
    DWORD code = GetLastError();
    if (made)
        LocalFree(security.lpSecurityDescriptor);
    SetLastError(code);
    return handle;
}

bool
file_write(struct arena *arena, struct str path, struct str bytes, struct err *err)
{
    if (str_equal(path, STR("-")))
        return term_write(bytes, err);

    DWORD code = 0;
    wchar_t *temporary = NULL;
    const wchar_t *name = wide_path(arena, path);
    HANDLE handle = CreateFileW(name, GENERIC_WRITE, SHARE_ALL, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    // A device ("NUL") or a pipe is written into; a file is replaced as a whole.
    bool into = handle != INVALID_HANDLE_VALUE && GetFileType(handle) != FILE_TYPE_DISK;
    if (!into) {
        if (handle != INVALID_HANDLE_VALUE)
            CloseHandle(handle);
        handle = create_beside(arena, path, &temporary);
    }
    if (handle == INVALID_HANDLE_VALUE)
        return fault_set(err, GetLastError(), "write %.*s", STR_ARG(path));
    bool good = write_all(handle, bytes, &code);
    CloseHandle(handle);
    if (good && !into && !MoveFileExW(temporary, name, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        code = GetLastError();
        good = false;
    }
    if (!good && !into)
        DeleteFileW(temporary);
    return good || fault_set(err, code, "write %.*s", STR_ARG(path));
}
