#include "sys/registry_win.h"

#include <windows.h>

#include "sys/fault_win.h"
#include "sys/wide_win.h"

enum {
    NAME_UNITS = 16384,     // the longest name of a value (Registry Element Size Limits)
    DATA_LIMIT = 256 << 10, // larger values are none of those that are looked for
    VALUES_LIMIT = 65536,
};

static bool
open_key(struct arena *arena, enum registry_root root, const wchar_t *path, HKEY *key, struct err *err)
{
    HKEY above = root == REGISTRY_MACHINE ? HKEY_LOCAL_MACHINE : HKEY_CURRENT_USER;
    LSTATUS status = RegOpenKeyExW(above, path, 0, KEY_READ | KEY_WOW64_64KEY, key);
    if (status != ERROR_SUCCESS)
        return fault_set(err, (unsigned long)status, "read registry key %.*s", STR_ARG(wide_to_z(arena, path)));
    return true;
}

bool
registry_read_values(struct arena *arena, enum registry_root root, const wchar_t *path, struct registry_values *out,
                     struct err *err)
{
    HKEY key;
    if (!open_key(arena, root, path, &key, err))
        return false;
    wchar_t *name = arena_array(arena, NAME_UNITS, sizeof *name);
    BYTE *data = arena_alloc(arena, DATA_LIMIT);
    LSTATUS status = ERROR_SUCCESS;
    for (DWORD i = 0; i < VALUES_LIMIT && status != ERROR_NO_MORE_ITEMS; i++) {
        DWORD units = NAME_UNITS;
        DWORD size = DATA_LIMIT;
        status = RegEnumValueW(key, i, name, &units, NULL, NULL, data, &size);
        if (status != ERROR_SUCCESS)
            continue;
        *LIST_ADD(arena, out) = (struct registry_value){wide_to(arena, name, units),
                                                        str_copy(arena, (struct str){(const char *)data, size})};
    }
    RegCloseKey(key);
    return true;
}

bool
registry_read_keys(struct arena *arena, enum registry_root root, const wchar_t *path, struct str_list *out,
                   struct err *err)
{
    HKEY key;
    if (!open_key(arena, root, path, &key, err))
        return false;
    // The longest name of a key has 255 characters.
    wchar_t name[256];
    LSTATUS status = ERROR_SUCCESS;
    for (DWORD i = 0; i < VALUES_LIMIT && status != ERROR_NO_MORE_ITEMS; i++) {
        DWORD units = sizeof name / sizeof *name;
        status = RegEnumKeyExW(key, i, name, &units, NULL, NULL, NULL, NULL);
        if (status == ERROR_SUCCESS)
            *LIST_ADD(arena, out) = wide_to(arena, name, units);
    }
    RegCloseKey(key);
    return true;
}
