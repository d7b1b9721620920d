#include "sys/process_git_win.h"

#include <windows.h>

#include "decode/git.h"
#include "sys/file.h"
#include "sys/local_path_win.h"
#include "sys/wide_win.h"

enum {
    MAX_LEVELS = 64,
    FILE_LIMIT = 4096,
};

// What was found in one folder.
struct find {
    bool found;
    enum known branch_known;
    struct str branch;
};

static struct str
inside(struct arena *arena, struct str folder, const char *name)
{
    return str_printf(arena, "%.*s%s%s", STR_ARG(folder), str_ends(folder, STR("\\")) ? "" : "\\", name);
}

static enum known
read_small(struct arena *arena, struct str path, struct str *text)
{
    struct err err = {0};

    if (!local_path_is_plain(arena, path))
        return KNOWN_UNSUPPORTED;
    if (file_read(arena, path.ptr, FILE_LIMIT, false, text, &err))
        return KNOWN_YES;
    return host_known_of(err.kind);
}

static bool
is_there(struct arena *arena, struct str path)
{
    return GetFileAttributesW(wide_path(arena, path)) != INVALID_FILE_ATTRIBUTES;
}

// HEAD of the repository folder `git`; not found when it has none, since git would look further up as well.
static void
read_head(struct arena *arena, struct str git, struct find *out)
{
    struct str head = inside(arena, git, "HEAD");
    struct str text;
    bool detached;

    out->found = is_there(arena, head);
    if (!out->found)
        return;
    out->branch_known = read_small(arena, head, &text);
    if (out->branch_known == KNOWN_YES && !git_parse_head(text, &out->branch, &detached))
        out->branch_known = KNOWN_UNSUPPORTED;
}

// The folder that a path in a file `.git` of `folder` leads to, by text alone.
static struct str
resolve(struct arena *arena, struct str folder, struct str target)
{
    wchar_t full[1024];
    char *path = str_c(arena, target);

    for (size_t i = 0; i < target.len; i++)
        if (path[i] == '/')
            path[i] = '\\';
    // "\x" and "C:x" go by the folder and drive of this program: such a path leads nowhere here.
    bool absolute = target.len >= 3 && path[1] == ':' && path[2] == '\\';
    if (!absolute && (path[0] == '\\' || str_find_byte(target, ':') != SIZE_MAX))
        return STR("");
    struct str joined = absolute ? str_of(path) : inside(arena, folder, path);
    DWORD units = GetFullPathNameW(wide_from(arena, joined), 1024, full, NULL);
    return units > 0 && units < 1024 ? wide_to(arena, full, units) : STR("");
}

// `.git` is a file: a linked work tree or a submodule, whose repository lies elsewhere.
static void
read_linked(struct arena *arena, struct str folder, struct str file, struct find *out)
{
    struct str text;
    struct str target;

    out->branch_known = read_small(arena, file, &text);
    if (out->branch_known != KNOWN_YES || !git_parse_link(text, &target))
        return;
    struct str git = resolve(arena, folder, target);
    out->branch_known = KNOWN_UNSUPPORTED;
    if (local_path_is_fixed(git)) {
        out->branch_known = KNOWN_GONE;
        read_head(arena, git, out);
    }
    out->found = true;
}

static void
look_into(struct arena *arena, struct str folder, struct find *out)
{
    struct str git = inside(arena, folder, ".git");

    *out = (struct find){0};
    DWORD attributes = GetFileAttributesW(wide_path(arena, git));
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return;
    if (attributes & FILE_ATTRIBUTE_DIRECTORY)
        read_head(arena, git, out);
    else
        read_linked(arena, folder, git, out);
}

// The path one folder up; the root is its own.
static struct str
parent_of(struct str path)
{
    size_t slash = str_find_last_byte(path, '\\');

    if (slash == SIZE_MAX || slash + 1 == path.len)
        return path;
    return str_part(path, 0, slash == 2 ? 3 : slash);
}

void
process_git_read(struct arena *arena, struct str folder, struct process *out)
{
    struct find find = {0};

    if (!local_path_is_plain(arena, folder)) {
        out->git_root.known = KNOWN_UNSUPPORTED;
        out->git_branch.known = KNOWN_UNSUPPORTED;
        return;
    }
    for (int level = 0; level < MAX_LEVELS; level++) {
        struct str parent = parent_of(folder);
        look_into(arena, folder, &find);
        if (find.found || parent.len == folder.len)
            break;
        folder = parent;
    }
    out->git_root = (struct fact){KNOWN_YES, find.found ? folder : STR("")};
    out->git_branch = (struct fact){find.found ? find.branch_known : KNOWN_YES, find.branch};
}
