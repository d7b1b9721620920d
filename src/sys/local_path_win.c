#include "sys/local_path_win.h"

#include <windows.h>

#include "base/ascii.h"
#include "sys/wide_win.h"

// FILE_ATTRIBUTE_RECALL_ON_OPEN, FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS
#define ATTRIBUTES_IN_CLOUD (FILE_ATTRIBUTE_OFFLINE | 0x00040000u | 0x00400000u)

static bool
is_slash(char c)
{
    return c == '\\' || c == '/';
}

bool
local_path_is_fixed(struct str path)
{
    wchar_t root[] = L"?:\\";

    if (path.len < 3 || !ascii_is_letter(path.ptr[0]) || path.ptr[1] != ':' || !is_slash(path.ptr[2]))
        return false;
    root[0] = (wchar_t)path.ptr[0];
    UINT type = GetDriveTypeW(root);
    return type == DRIVE_FIXED || type == DRIVE_RAMDISK;
}

static bool
is_plain_part(struct arena *arena, struct str path)
{
    DWORD attributes = GetFileAttributesW(wide_path(arena, path));

    return attributes != INVALID_FILE_ATTRIBUTES &&
           !(attributes & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE | ATTRIBUTES_IN_CLOUD));
}

bool
local_path_is_plain(struct arena *arena, struct str path)
{
    if (!local_path_is_fixed(path))
        return false;
    for (size_t i = 3; i <= path.len; i++)
        if ((i == path.len || is_slash(path.ptr[i])) && !is_slash(path.ptr[i - 1]) &&
            !is_plain_part(arena, str_part(path, 0, i)))
            return false;
    return true;
}
