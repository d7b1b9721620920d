#include "sys/folder.h"

#include <windows.h>

#include "sys/fault_win.h"
#include "sys/wide_win.h"

enum {
    PATH_LONGEST = 1 << 15, // what Windows takes (Maximum Path Length Limitation)
};

// Without the \\?\ that the system puts before a path; \\?\UNC\server\share is \\server\share.
static struct str
shown(struct arena *arena, const wchar_t *wide)
{
    struct str path = wide_to_z(arena, wide);
    if (str_starts(path, STR("\\\\?\\UNC\\")))
        return str_printf(arena, "\\\\%.*s", STR_ARG(str_part(path, 8, SIZE_MAX)));
    return str_starts(path, STR("\\\\?\\")) ? str_part(path, 4, SIZE_MAX) : path;
}

bool
folder_current(struct arena *arena, struct str *out, struct err *err)
{
    wchar_t *path = arena_array(arena, PATH_LONGEST, sizeof *path);
    DWORD length = GetCurrentDirectoryW(PATH_LONGEST, path);
    if (length == 0 || length >= PATH_LONGEST)
        return fault_set(err, GetLastError(), "the current folder");
    *out = shown(arena, path);
    // The real path has the case that the file system has, and no links; where it can't be had the other one will do.
    HANDLE folder = CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (folder == INVALID_HANDLE_VALUE)
        return true;
    length = GetFinalPathNameByHandleW(folder, path, PATH_LONGEST, FILE_NAME_NORMALIZED | VOLUME_NAME_DOS);
    if (length > 0 && length < PATH_LONGEST)
        *out = shown(arena, path);
    CloseHandle(folder);
    return true;
}

enum known
folder_look(struct arena *arena, struct str path)
{
    if (GetFileAttributesW(wide_path(arena, path)) != INVALID_FILE_ATTRIBUTES)
        return KNOWN_YES;
    return host_known_of(fault_kind(GetLastError()));
}

bool
folder_make(struct arena *arena, struct str path, struct err *err)
{
    DWORD code = 0;
    for (size_t i = 3; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '\\' && path.ptr[i] != '/')
            continue;
        code = CreateDirectoryW(wide_path(arena, str_part(path, 0, i)), NULL) ? 0 : GetLastError();
    }
    // Parents that are there may refuse in many ways; what counts is whether the folder is there in the end.
    DWORD attributes = GetFileAttributesW(wide_path(arena, path));
    if (attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY)
        return true;
    return fault_set(err, code && code != ERROR_ALREADY_EXISTS ? code : ERROR_DIRECTORY, "make the folder %.*s",
                     STR_ARG(path));
}

char
folder_separator(void)
{
    return '\\';
}
