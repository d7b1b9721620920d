#include "sys/process_git_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/git.h"

#define MAX_LEVELS 64
#define FILE_LIMIT 4096

// What was found in one folder.
struct find {
    bool found;
    enum known branch_known;
    struct str branch;
};

// HEAD of the repository folder `git`; not found when it has none, since git would look further up as well.
static void
read_head(struct arena *arena, int git, struct find *out)
{
    struct str text;
    bool detached;
    int head = process_place_open(git, "HEAD", true);
    if (head < 0) {
        out->found = errno != ENOENT;
        out->branch_known = process_place_known(errno);
        return;
    }
    out->found = true;
    out->branch_known = process_place_content(arena, head, FILE_LIMIT, &text);
    if (out->branch_known == KNOWN_YES && !git_parse_head(text, &out->branch, &detached))
        out->branch_known = KNOWN_UNSUPPORTED;
    close(head);
}

// `.git` is a file: a linked work tree or a submodule, whose repository lies elsewhere on the same mount.
static void
read_linked(struct arena *arena, int folder, struct str path, int file, struct find *out)
{
    struct str text;
    struct str target;
    struct str way;
    out->branch_known = process_place_content(arena, file, FILE_LIMIT, &text);
    if (out->branch_known != KNOWN_YES || !git_parse_link(text, &target))
        return;
    out->found = true;
    out->branch_known = KNOWN_UNSUPPORTED;
    if (!git_way(arena, path, target, &way))
        return;
    int git = process_place_open(folder, str_c(arena, way), true);
    if (git < 0) {
        out->branch_known = process_place_known(errno);
        return;
    }
    read_head(arena, git, out);
    out->found = true;
    close(git);
}

// Looks for a repository in one folder; `path` is that folder as the process sees it.
static void
look_into(struct arena *arena, int folder, struct str path, struct find *out)
{
    struct stat facts;
    *out = (struct find){0};
    int git = process_place_open(folder, ".git", true);
    if (git < 0)
        return;
    if (fstat(git, &facts) == 0 && S_ISDIR(facts.st_mode))
        read_head(arena, git, out);
    else
        read_linked(arena, folder, path, git, out);
    close(git);
}

// The path one folder up.
static struct str
parent_of(struct str path)
{
    size_t slash = str_find_last_byte(path, '/');
    if (slash == SIZE_MAX || path.len == 1)
        return path;
    return slash ? str_part(path, 0, slash) : str_part(path, 0, 1);
}

// Whether the opened folder is on the mount that its path promised: a lazily unmounted file system has a path too.
static bool
is_on(int folder, const struct proc_mount *mount, bool *deleted)
{
    struct statx facts;
    if (statx(folder, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK | STATX_MNT_ID, &facts) < 0)
        return false;
    *deleted = facts.stx_nlink == 0;
    return !(facts.stx_mask & STATX_MNT_ID) || facts.stx_mnt_id == mount->id;
}

static void
set_both(struct process *out, enum known known)
{
    out->git_root.known = known;
    out->git_branch.known = known;
}

void
process_git_read(struct arena *arena, const struct process_place *place, struct str cwd, struct process *out)
{
    struct proc_mount mount;
    struct str inside;
    struct find find;
    bool deleted = false;
    if (!process_place_is_local(place, cwd, &mount, &inside)) {
        set_both(out, place->known == KNOWN_YES ? KNOWN_UNSUPPORTED : place->known);
        return;
    }
    int folder = openat(place->folder, "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        set_both(out, process_place_known(errno));
        return;
    }
    if (!is_on(folder, &mount, &deleted) || deleted) {
        set_both(out, deleted ? KNOWN_GONE : KNOWN_UNSUPPORTED);
        goto out;
    }
    set_both(out, KNOWN_YES);
    size_t levels = proc_mount_depth(&mount, inside);
    for (size_t level = 0; level <= levels && level < MAX_LEVELS; level++) {
        look_into(arena, folder, inside, &find);
        if (find.found) {
            out->git_root.value = cwd;
            out->git_branch = (struct fact){find.branch_known, find.branch};
            goto out;
        }
        int up = process_place_open(folder, "..", true);
        if (up < 0) {
            // At the top of the mount there is nowhere to go; anything else means that we could not look.
            if (level < levels && errno != EXDEV)
                set_both(out, process_place_known(errno));
            goto out;
        }
        close(folder);
        folder = up;
        cwd = parent_of(cwd);
        inside = parent_of(inside);
    }
out:
    close(folder);
}
