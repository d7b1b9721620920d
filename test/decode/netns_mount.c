#include "decode/netns_mount.h"

#include "tap.h"

static const char mountinfo[] = "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
                                "22 21 0:19 / /run rw,nosuid - tmpfs tmpfs rw\n"
                                "23 22 0:19 /netns /run/netns rw shared:1 - tmpfs tmpfs rw\n"
                                "24 23 0:4 net:[4026532201] /run/netns/blue rw shared:2 - nsfs nsfs rw\n"
                                "25 22 0:4 net:[4026532301] /run/docker/netns/1a2b rw - nsfs nsfs rw\n"
                                "26 22 0:4 mnt:[4026532401] /run/snapd/ns/x.mnt rw - nsfs nsfs rw\n"
                                "27 23 0:4 net:[4026532501] /run/netns/a\\040b\\134c rw - nsfs nsfs rw\n"
                                "28 22 0:4 net:[4026532601] /run/hidden/ns rw - nsfs nsfs rw\n"
                                "29 22 0:50 / /run/hidden rw - nfs server:/x rw\n"
                                "30 21 0:4 net:[x] /mnt rw - nsfs nsfs rw\n"
                                "31 22 0:4 net:[4026532701] /run/below rw - nsfs nsfs rw\n"
                                "32 31 0:50 / /run/below rw - nfs server:/x rw\n"
                                "33 22 0:4 net:[4026532801] /run/hid rw - nsfs nsfs rw\n"
                                "40 41 0:4 net:[4026532901] /circle rw - nsfs nsfs rw\n"
                                "41 40 0:19 / /else rw - tmpfs tmpfs rw\n"
                                "broken line\n";

TEST(mounted_namespaces_are_found_with_their_names)
{
    struct netns_mount_list mounts = {0};
    netns_mount_find(arena, str_of(mountinfo), &mounts);
    CHECK_INT(mounts.count, 5);
    CHECK_INT(mounts.items[0].id, 4026532201);
    CHECK_STR(mounts.items[0].path, "/run/netns/blue");
    CHECK_STR(mounts.items[0].name, "blue");
    CHECK_INT(mounts.items[1].id, 4026532301);
    CHECK_STR(mounts.items[1].path, "/run/docker/netns/1a2b");
    CHECK_STR(mounts.items[1].name, "");
    CHECK_INT(mounts.items[2].id, 4026532501);
    CHECK_STR(mounts.items[2].name, "a b\\c");
    CHECK_STR(mounts.items[3].path, "/run/hid");
    CHECK_STR(mounts.items[4].path, "/circle");
}

TEST(what_another_mount_hides_is_left_out)
{
    struct netns_mount_list mounts = {0};
    netns_mount_find(arena, str_of(mountinfo), &mounts);
    for (size_t i = 0; i < mounts.count; i++) {
        CHECK(!str_equal(mounts.items[i].path, STR("/run/hidden/ns")));
        CHECK(!str_equal(mounts.items[i].path, STR("/run/below")));
    }
}

TAP_MAIN
