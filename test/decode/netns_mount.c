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
                                "broken line\n";

TEST(mounted_namespaces_are_found_with_their_names)
{
    struct str rest = str_of(mountinfo);
    struct netns_mount mount;
    CHECK(netns_mount_next(arena, str_of(mountinfo), &rest, &mount));
    CHECK_INT(mount.id, 4026532201);
    CHECK_STR(mount.path, "/run/netns/blue");
    CHECK_STR(mount.name, "blue");
    CHECK(netns_mount_next(arena, str_of(mountinfo), &rest, &mount));
    CHECK_INT(mount.id, 4026532301);
    CHECK_STR(mount.path, "/run/docker/netns/1a2b");
    CHECK_STR(mount.name, "");
    CHECK(netns_mount_next(arena, str_of(mountinfo), &rest, &mount));
    CHECK_INT(mount.id, 4026532501);
    CHECK_STR(mount.name, "a b\\c");
    CHECK(!netns_mount_next(arena, str_of(mountinfo), &rest, &mount));
}

TAP_MAIN
