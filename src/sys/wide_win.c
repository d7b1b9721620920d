#include "sys/wide_win.h"

#include <windows.h>

#include <limits.h>

wchar_t *
wide_from(struct arena *arena, struct str text)
{
    int length = text.len < INT_MAX ? (int)text.len : INT_MAX;
    int units = length ? MultiByteToWideChar(CP_UTF8, 0, text.ptr, length, NULL, 0) : 0;
    wchar_t *wide = arena_array(arena, (size_t)units + 1, sizeof *wide);
    if (units)
        MultiByteToWideChar(CP_UTF8, 0, text.ptr, length, wide, units);
    return wide;
}

struct str
wide_to(struct arena *arena, const wchar_t *text, size_t units)
{
    int length = units < INT_MAX ? (int)units : INT_MAX;
    int bytes = length ? WideCharToMultiByte(CP_UTF8, 0, text, length, NULL, 0, NULL, NULL) : 0;
    char *narrow = arena_alloc(arena, (size_t)bytes + 1);
    if (bytes)
        WideCharToMultiByte(CP_UTF8, 0, text, length, narrow, bytes, NULL, NULL);
    return (struct str){narrow, (size_t)bytes};
}

struct str
wide_to_z(struct arena *arena, const wchar_t *text)
{
    return text ? wide_to(arena, text, wcslen(text)) : STR("");
}

wchar_t *
wide_path(struct arena *arena, struct str path)
{
    wchar_t *plain = wide_from(arena, path);
    DWORD room = GetFullPathNameW(plain, 0, NULL, NULL);
    // 12 fewer than MAX_PATH is what a folder may have (CreateDirectory).
    if (room < MAX_PATH - 12 || str_starts(path, STR("\\\\?\\")) || str_starts(path, STR("\\\\.\\")))
        return plain;
    bool share = str_starts(path, STR("\\\\")) || str_starts(path, STR("//"));
    struct str prefix = share ? STR("\\\\?\\UNC") : STR("\\\\?\\");
    wchar_t *full = arena_array(arena, prefix.len + room, sizeof *full);
    wchar_t *rest = full + prefix.len;
    if (GetFullPathNameW(plain, room, rest, NULL) == 0)
        return plain;
    // "\\server\share" goes on behind "\\?\UNC" with one of its two backslashes.
    if (share)
        wmemmove(rest, rest + 1, wcslen(rest));
    wmemcpy(full, wide_from(arena, prefix), prefix.len);
    return full;
}
