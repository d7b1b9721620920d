#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/cgroup_mount.h"
#include "sys/file.h"
#include "sys/service.h"

// FILEID_KERNFS, include/linux/exportfs.h: the handle is the id of the node, which for a cgroup is the cgroup's id.
#define FILEID_KERNFS 0xfe
#define MOUNTS_LIMIT (4u << 20)
#define PROCS_LIMIT (1u << 20)
// Bounds of the walk: no host comes near them, and a fork bomb of cgroups must not hang us.
#define WALK_FOLDERS 50000
#define WALK_DEPTH 32

static bool
find_mount(struct arena *arena, enum cgroup_tree tree, struct cgroup_mount *out)
{
    struct str mounts;
    return file_read(arena, "/proc/self/mountinfo", MOUNTS_LIMIT, true, &mounts, NULL) &&
           cgroup_mount_parse(arena, mounts, tree, out);
}

// The path behind `folder`, empty for the folder itself; false for what lies outside.
static bool
inside(struct str folder, struct str path, struct str *out)
{
    if (!str_starts(path, folder))
        return false;
    *out = str_part(path, folder.len, SIZE_MAX);
    return out->len == 0 || out->ptr[0] == '/';
}

// By the kernel's own handle, which needs CAP_DAC_READ_SEARCH.
static bool
find_by_handle(struct arena *arena, struct str mount, uint64_t group, struct str *out)
{
    bool good = false;
    char path[4096];
    int fd = -1;
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + sizeof group];
    } id = {.room = {0}};
    int mount_fd = open(mount.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mount_fd < 0)
        goto out;
    id.handle.handle_bytes = sizeof group;
    id.handle.handle_type = FILEID_KERNFS;
    memcpy(id.handle.f_handle, &group, sizeof group);
    fd = open_by_handle_at(mount_fd, &id.handle, O_PATH | O_CLOEXEC);
    if (fd < 0)
        goto out;
    struct str name = str_printf(arena, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name.ptr, path, sizeof path);
    if (len <= 0 || (size_t)len >= sizeof path)
        goto out;
    good = inside(mount, str_copy(arena, (struct str){path, (size_t)len}), out);
out:
    if (fd >= 0)
        close(fd);
    if (mount_fd >= 0)
        close(mount_fd);
    return good;
}

struct walk {
    struct arena *arena;
    uint64_t group;
    size_t folders;
};

// Since Linux 5.5 the inode of a cgroup's folder is its id (64-bit kernels). Takes `fd` over.
static bool
walk_folder(struct walk *walk, int fd, struct str path, unsigned depth, struct str *out)
{
    bool found = false;
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return false;
    }
    for (struct dirent *entry = readdir(folder); entry && !found; entry = readdir(folder)) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (++walk->folders > WALK_FOLDERS)
            break;
        struct str child = str_printf(walk->arena, "%.*s/%s", STR_ARG(path), entry->d_name);
        if (entry->d_ino == walk->group) {
            *out = child;
            found = true;
        } else if (depth < WALK_DEPTH) {
            int next = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            found = next >= 0 && walk_folder(walk, next, child, depth + 1, out);
        }
    }
    closedir(folder);
    return found;
}

static bool
find_by_walk(struct arena *arena, struct str mount, uint64_t group, struct str *out)
{
    struct stat facts;
    struct walk walk = {.arena = arena, .group = group};
    int fd = open(mount.ptr, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &facts) == 0 && facts.st_ino == group) {
        close(fd);
        *out = STR("");
        return true;
    }
    return walk_folder(&walk, fd, STR(""), 0, out);
}

bool
service_group_path(struct arena *arena, uint64_t group, struct str *out, struct err *err)
{
    struct cgroup_mount mount;
    struct str path;
    if (!find_mount(arena, CGROUP_TREE_UNIFIED, &mount))
        return err_set(err, ERR_UNSUPPORTED, 0, "no cgroup v2 tree is mounted here");
    if (find_by_handle(arena, mount.point, group, &path) || find_by_walk(arena, mount.point, group, &path)) {
        *out = mount.root.len + path.len ? str_printf(arena, "%.*s%.*s", STR_ARG(mount.root), STR_ARG(path)) : STR("/");
        return true;
    }
    return err_set(err, ERR_GONE, 0, "no cgroup has the id %llu (any more)", (unsigned long long)group);
}

size_t
service_group_pids(struct arena *arena, struct str path, uint32_t *pids, size_t limit)
{
    static const enum cgroup_tree trees[] = {CGROUP_TREE_UNIFIED, CGROUP_TREE_SYSTEMD};
    struct cgroup_mount mount;
    struct str below;
    struct str text;
    struct str line;
    size_t count = 0;
    // A process inside a cgroup namespace shows "/../x" for what lies outside of it: not to be found here.
    if (!str_starts(path, STR("/")) || str_find(path, STR("/..")) != SIZE_MAX)
        return 0;
    for (size_t i = 0; i < sizeof trees / sizeof *trees && count == 0; i++) {
        if (!find_mount(arena, trees[i], &mount) || !inside(mount.root, path, &below))
            continue;
        struct str file = str_printf(arena, "%.*s%.*s/cgroup.procs", STR_ARG(mount.point), STR_ARG(below));
        if (!file_read(arena, file.ptr, PROCS_LIMIT, false, &text, NULL))
            continue;
        while (count < limit && str_cut(&text, '\n', &line)) {
            uint64_t pid;
            // 0 is a process of another pid namespace.
            if (str_to_u64(line, 10, &pid) && pid > 0 && pid <= UINT32_MAX)
                pids[count++] = (uint32_t)pid;
        }
    }
    return count;
}
