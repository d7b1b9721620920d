#include "sys/folder.h"

#include "sys/fake_host.h"

// A fake host has no files but those that the variable names, "/a/.git:/a/b"; without it every path is there but for the
// marks of projects.

bool
folder_current(struct arena *arena, struct str *out, struct err *err)
{
    const char *path = fake_host_variable("MOORAGE_FAKE_FOLDER");

    if (!fake_host_call("folder_current", err))
        return false;
    *out = path ? str_copy(arena, str_of(path)) : STR("/home/ann/src/shop");
    return true;
}

enum known
folder_look(struct arena *arena, struct str path)
{
    const char *paths = fake_host_variable("MOORAGE_FAKE_PATHS");
    struct str rest = str_of(paths);
    struct str one;

    (void)arena;
    enum known known = fake_host_call_known("folder_look");
    if (known != KNOWN_YES)
        return known;
    if (!paths)
        return str_ends(path, STR("/.git")) || str_ends(path, STR("/moorage.toml")) ? KNOWN_GONE : KNOWN_YES;
    while (str_cut(&rest, ':', &one))
        if (str_equal(one, path))
            return KNOWN_YES;
    return KNOWN_GONE;
}

bool
folder_make(struct arena *arena, struct str path, struct err *err)
{
    (void)arena;
    (void)path;
    return fake_host_call("folder_make", err);
}

char
folder_separator(void)
{
    return '/';
}
