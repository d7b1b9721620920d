#ifndef MOORAGE_SYS_REGISTRY_WIN_H
#define MOORAGE_SYS_REGISTRY_WIN_H

// Keys of the registry, read as plain data. Windows only. Nothing is ever written.

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "decode/registry.h"

#include <stdbool.h>
#include <wchar.h>

// Where a path begins.
enum registry_root {
    REGISTRY_MACHINE, // HKEY_LOCAL_MACHINE
    REGISTRY_USER,    // HKEY_CURRENT_USER
};

// Appends the values of a key. False with ERR_GONE where there is no such key, ERR_NOT_ALLOWED.
bool
registry_read_values(struct arena *arena, enum registry_root root, const wchar_t *path, struct registry_values *out,
                     struct err *err);

// Appends the names of the keys below a key.
bool
registry_read_keys(struct arena *arena, enum registry_root root, const wchar_t *path, struct str_list *out,
                   struct err *err);

#endif
