#include "core/project.h"

#include "sys/folder.h"

static bool
holds(struct arena *arena, struct str folder, const char *mark)
{
    char separator = folder_separator();
    bool is_root = folder.len > 0 && folder.ptr[folder.len - 1] == separator;
    struct str path = is_root ? str_printf(arena, "%.*s%s", STR_ARG(folder), mark)
                              : str_printf(arena, "%.*s%c%s", STR_ARG(folder), separator, mark);

    return folder_look(arena, path) == KNOWN_YES;
}

// The folder above; empty above the root.
static struct str
parent_of(struct str folder)
{
    size_t at = str_find_last_byte(folder, folder_separator());

    if (at == SIZE_MAX || at + 1 == folder.len)
        return (struct str){0};
    // The root itself keeps its separator: "/", "C:\".
    bool below_root = str_find_byte(folder, folder_separator()) == at;
    return str_part(folder, 0, below_root ? at + 1 : at);
}

struct str
project_of(struct arena *arena, struct str folder)
{
    struct str tree = {0};

    for (struct str at = folder; at.len > 0; at = parent_of(at)) {
        if (holds(arena, at, "moorage.toml"))
            return at;
        if (tree.len == 0 && holds(arena, at, ".git"))
            tree = at;
    }
    return tree.len ? tree : folder;
}

bool
project_find(struct arena *arena, struct str *out, struct err *err)
{
    struct str folder;

    if (!folder_current(arena, &folder, err))
        return false;
    *out = project_of(arena, folder);
    return true;
}
