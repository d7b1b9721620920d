#include "decode/cgroup_mount.h"

#include "decode/proc.h"

static bool
has_option(struct str options, struct str wanted)
{
    struct str option;
    while (str_cut(&options, ',', &option)) {
        if (str_equal(option, wanted))
            return true;
    }
    return false;
}

bool
cgroup_mount_parse(struct arena *arena, struct str mountinfo, enum cgroup_tree tree, struct cgroup_mount *out)
{
    bool found = false;
    struct str line;
    struct proc_mount mount;
    while (str_cut(&mountinfo, '\n', &line)) {
        if (!proc_parse_mount(line, &mount))
            continue;
        bool unified = str_equal(mount.type, STR("cgroup2"));
        bool named = str_equal(mount.type, STR("cgroup")) && has_option(mount.options, STR("name=systemd"));
        bool whole = str_equal(mount.root, STR("/"));
        if (!(tree == CGROUP_TREE_UNIFIED ? unified : named) || (found && !whole))
            continue;
        *out = (struct cgroup_mount){.point = proc_mount_path(arena, mount.point),
                                     .root = whole ? STR("") : proc_mount_path(arena, mount.root)};
        if (whole)
            return true;
        found = true;
    }
    return found;
}
