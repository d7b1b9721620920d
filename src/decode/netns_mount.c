#include "decode/netns_mount.h"

#include "decode/proc.h"

// The fourth field: which file of the file system is mounted, "net:[4026532000]".
static bool
parse_root(struct str line, uint64_t *id)
{
    struct str root;
    for (size_t i = 0; i < 4; i++) {
        if (!str_word(&line, &root))
            return false;
    }
    return proc_parse_link(root, STR("net"), id);
}

static struct str
name_of(struct str path)
{
    // /var/run is /run, or what it was before.
    static const struct str folders[] = {STR_INIT("/run/netns/"), STR_INIT("/var/run/netns/")};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (str_starts(path, folders[i]))
            return str_part(path, folders[i].len, SIZE_MAX);
    }
    return STR("");
}

struct mount_list {
    LIST_OF(struct proc_mount);
};

// Whether `path` is `folder` or lies below it.
static bool
covers(struct str folder, struct str path)
{
    return str_starts(path, folder) && (path.len == folder.len || folder.len == 1 || path.ptr[folder.len] == '/');
}

static const struct proc_mount *
parent_of(const struct mount_list *mounts, const struct proc_mount *mount)
{
    for (size_t i = 0; i < mounts->count; i++) {
        if (mounts->items[i].id == mount->parent)
            return &mounts->items[i];
    }
    return NULL;
}

// Whether a walk from the root would reach the mount: nothing lies on it, nothing beside it on a folder above it, and the
// same holds for what it is mounted on. (proc_find_mount walks through the text, too slow for each of many.)
static bool
is_visible(const struct mount_list *mounts, const struct proc_mount *mount)
{
    for (size_t steps = 0; mount && steps < mounts->count; steps++) {
        for (size_t i = 0; i < mounts->count; i++) {
            const struct proc_mount *other = &mounts->items[i];
            if (other->id == mount->id)
                continue;
            bool on_it = other->parent == mount->id && str_equal(other->point, mount->point);
            bool above = other->parent == mount->parent && other->point.len < mount->point.len &&
                         covers(other->point, mount->point);
            if (on_it || above)
                return false;
        }
        const struct proc_mount *parent = parent_of(mounts, mount);
        mount = parent && parent->id != mount->id ? parent : NULL;
    }
    return true;
}

void
netns_mount_find(struct arena *arena, struct str mountinfo, struct netns_mount_list *out)
{
    struct mount_list mounts = {0};
    struct str line;
    struct str rest = mountinfo;
    struct proc_mount mount;
    uint64_t id;
    while (str_cut(&rest, '\n', &line)) {
        if (proc_parse_mount(line, &mount))
            *LIST_ADD(arena, &mounts) = mount;
    }
    while (str_cut(&mountinfo, '\n', &line)) {
        if (!proc_parse_mount(line, &mount) || !str_equal(mount.type, STR("nsfs")) || !parse_root(line, &id) ||
            !is_visible(&mounts, &mount))
            continue;
        struct str path = proc_mount_path(arena, mount.point);
        *LIST_ADD(arena, out) = (struct netns_mount){.id = id, .path = path, .name = name_of(path)};
    }
}
