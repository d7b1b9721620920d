#include "decode/cgroup_mount.h"

#include "tap.h"

static const char hybrid[] = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
                             "30 22 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
                             "38 30 0:35 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                             "39 30 0:36 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,xattr,name=systemd\n"
                             "40 30 0:37 / /sys/fs/cgroup/uni\\040fied\\134x rw - cgroup2 cgroup2 rw,nsdelegate\n"
                             "41 30 0:37 / /mnt/again rw - cgroup2 cgroup2 rw\n";

TEST(both_trees_are_found)
{
    struct cgroup_mount mount;
    CHECK(cgroup_mount_parse(arena, str_of(hybrid), CGROUP_TREE_UNIFIED, &mount));
    CHECK_STR(mount.point, "/sys/fs/cgroup/uni fied\\x");
    CHECK(cgroup_mount_parse(arena, str_of(hybrid), CGROUP_TREE_SYSTEMD, &mount));
    CHECK_STR(mount.point, "/sys/fs/cgroup/systemd");
}

TEST(the_whole_tree_goes_before_a_part_of_it)
{
    static const char part[] = "30 22 0:37 /kube\\040pods/a /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    struct cgroup_mount mount;
    CHECK(cgroup_mount_parse(arena, str_of(part), CGROUP_TREE_UNIFIED, &mount));
    CHECK_STR(mount.point, "/sys/fs/cgroup");
    CHECK_STR(mount.root, "/kube pods/a");
    struct str both = str_printf(arena, "%s%s", part, hybrid);
    CHECK(cgroup_mount_parse(arena, both, CGROUP_TREE_UNIFIED, &mount));
    CHECK_STR(mount.point, "/sys/fs/cgroup/uni fied\\x");
    CHECK_STR(mount.root, "");
}

TEST(without_a_tree_there_is_none)
{
    struct cgroup_mount mount;
    struct str few = str_part(str_of(hybrid), 0, 200);
    CHECK(!cgroup_mount_parse(arena, few, CGROUP_TREE_UNIFIED, &mount));
    CHECK(!cgroup_mount_parse(arena, few, CGROUP_TREE_SYSTEMD, &mount));
    CHECK(!cgroup_mount_parse(arena, STR(""), CGROUP_TREE_UNIFIED, &mount));
}

TAP_MAIN
