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
cgroup_mount_parse(struct arena *arena, struct str mountinfo, enum cgroup_tree tree, struct str *out)
{
    struct str line;
    struct proc_mount mount;
    while (str_cut(&mountinfo, '\n', &line)) {
        if (!proc_parse_mount(line, &mount))
            continue;
        bool unified = str_equal(mount.type, STR("cgroup2"));
        bool named = str_equal(mount.type, STR("cgroup")) && has_option(mount.options, STR("name=systemd"));
        if (tree == CGROUP_TREE_UNIFIED ? unified : named) {
            *out = proc_mount_path(arena, mount.point);
            return true;
        }
    }
    return false;
}
