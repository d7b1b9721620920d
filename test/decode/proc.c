#include "tap.h"

#include "decode/proc.h"

#define TAIL \
    " S 3887 3888 3889 34819 4000 4194304 100 0 0 0 1 2 3 4 20 0 7 0 270054 8450048 1 18446744073709551615 1 1 0\n"

TEST(fields_of_stat_are_taken_from_their_places)
{
    struct proc_stat stat;
    CHECK(proc_parse_stat(STR("3900 (node)" TAIL), &stat));
    CHECK_INT(stat.pid, 3900);
    CHECK_STR(stat.name, "node");
    CHECK_INT(stat.state, 'S');
    CHECK_INT(stat.ppid, 3887);
    CHECK_INT(stat.pgid, 3888);
    CHECK_INT(stat.sid, 3889);
    CHECK_INT(stat.tty, 34819);
    CHECK_INT(stat.flags, 4194304);
    CHECK_INT(stat.threads, 7);
    CHECK_INT(stat.start_ticks, 270054);
    CHECK(!proc_has_ended(&stat));
}

TEST(name_can_not_move_the_fields)
{
    struct proc_stat stat;
    CHECK(proc_parse_stat(STR("3900 (a) R 1 1 (b)" TAIL), &stat));
    CHECK_STR(stat.name, "a) R 1 1 (b");
    CHECK_INT(stat.ppid, 3887);
    CHECK(proc_parse_stat(STR("3900 ()\n1 (x\xff)" TAIL), &stat));
    CHECK_STR(stat.name, ")\n1 (x\xff");
    CHECK(proc_parse_stat(STR("3900 ()" TAIL), &stat));
    CHECK_STR(stat.name, "");
}

TEST(process_that_is_ending_has_no_group)
{
    struct proc_stat stat;
    CHECK(proc_parse_stat(STR("7 (x) Z 0 -1 -1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0"), &stat));
    CHECK_INT(stat.pgid, 0);
    CHECK_INT(stat.sid, 0);
    CHECK_INT(stat.start_ticks, 9);
    CHECK(proc_has_ended(&stat));
}

TEST(what_is_no_stat_is_refused)
{
    static const char *const bad[] = {
        "",
        "3900",
        "3900 (node",
        "3900 node)",
        "x (node)" TAIL,
        ") 1 (",
        "3900 (node)",
        "3900 (node) SS 1",
        "3900 (node) 5 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0",
        "3900 (node) S 1 1 1",
        "99999999999 (node)" TAIL,
        "3900 (node) S 99999999999 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0",
        "3900 (node) S x 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0",
        "3900 (node) S 1 -x 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0",
    };
    struct proc_stat stat;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!proc_parse_stat(str_of(bad[i]), &stat));
    CHECK(!proc_parse_stat(STR("3900 (node) \0 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0"), &stat));
}

TEST(effective_user_is_read)
{
    uint32_t uid = 0;
    CHECK(proc_parse_uid(STR("Name:\tUid: 5\\nUid:\nState:\tS (sleeping)\nUid:\t1000\t1001\t1002\t1003\nGid:\t7\n"),
                         &uid));
    CHECK_INT(uid, 1001);
    CHECK(!proc_parse_uid(STR("Name:\tx\nGid:\t7\t7\n"), &uid));
    CHECK(!proc_parse_uid(STR("Uid:\t1000\n"), &uid));
    CHECK(!proc_parse_uid(STR("Uid:\t1000\t99999999999\n"), &uid));
    CHECK(!proc_parse_uid(STR("Uid:"), &uid));
    CHECK(!proc_parse_uid(STR(""), &uid));
}

// The arguments, with "|" between them.
static struct str
command(struct arena *arena, struct str text)
{
    struct str_list list = {0};
    struct str joined = {0};
    proc_split_command(arena, text, &list);
    for (size_t i = 0; i < list.count; i++)
        joined = str_printf(arena, "%.*s%s%.*s", STR_ARG(joined), i ? "|" : "", STR_ARG(list.items[i]));
    return joined;
}

TEST(command_is_split_at_its_ends)
{
    CHECK_STR(command(arena, STR("node\0server.js\0--port=80\0")), "node|server.js|--port=80");
    CHECK_STR(command(arena, STR("node\0\0x\0")), "node||x");
    CHECK_STR(command(arena, STR("node\0\0")), "node|");
    CHECK_STR(command(arena, STR("node")), "node");
    CHECK_STR(command(arena, STR("")), "");
    CHECK_STR(command(arena, STR("\0\0\0\0")), "");
}

TEST(title_that_a_process_wrote_is_one_argument)
{
    CHECK_STR(command(arena, STR("nginx: master process /usr/sbin/nginx -g daemon off;")),
              "nginx: master process /usr/sbin/nginx -g daemon off;");
    CHECK_STR(command(arena, STR("postgres: writer \0\0\0\0\0\0\0\0")), "postgres: writer ");
}

TEST(terminals_have_their_names)
{
    CHECK_STR(proc_tty_name(arena, 0), "");
    CHECK_STR(proc_tty_name(arena, 34819), "pts/3");
    CHECK_STR(proc_tty_name(arena, 136u << 8 | 1u << 20 | 4), "pts/260");
    CHECK_STR(proc_tty_name(arena, 137u << 8 | 1), "pts/257");
    CHECK_STR(proc_tty_name(arena, 1025), "tty1");
    CHECK_STR(proc_tty_name(arena, 4u << 8 | 65), "ttyS1");
    CHECK_STR(proc_tty_name(arena, 5u << 8 | 1), "console");
    CHECK_STR(proc_tty_name(arena, 188u << 8), "ttyUSB0");
    CHECK_STR(proc_tty_name(arena, 204u << 8 | 65), "ttyAMA1");
    CHECK_STR(proc_tty_name(arena, 229u << 8), "hvc0");
    CHECK_STR(proc_tty_name(arena, 5u << 8), "5:0");
}

TEST(start_of_the_system_is_read)
{
    int64_t seconds = 0;
    CHECK(proc_parse_boot_time(STR("cpu  1 2 3\nintr 5 btime 7\nctxt 1\nbtime 1795386361\nprocesses 1\n"), &seconds));
    CHECK_INT(seconds, 1795386361);
    CHECK(!proc_parse_boot_time(STR("cpu 1\n"), &seconds));
    CHECK(!proc_parse_boot_time(STR("btime\n"), &seconds));
    CHECK(!proc_parse_boot_time(STR("btime x\n"), &seconds));
    CHECK(!proc_parse_boot_time(STR("btime 18446744073709551615\n"), &seconds));
}

TEST(the_number_of_threads_is_read)
{
    uint64_t count;
    (void)arena;
    CHECK(proc_parse_threads(STR("0.20 0.18 0.12 1/80 11206\n"), &count));
    CHECK_INT(count, 80);
    CHECK(!proc_parse_threads(STR("0.20 0.18 0.12\n"), &count));
    CHECK(!proc_parse_threads(STR("0.20 0.18 0.12 80 11206\n"), &count));
    CHECK(!proc_parse_threads(STR("0.20 0.18 0.12 1/x 11206\n"), &count));
    CHECK(!proc_parse_threads(STR(""), &count));
}

TEST(links_give_their_number)
{
    uint64_t inode = 0;
    CHECK(proc_parse_link(STR("socket:[99123]"), STR("socket"), &inode));
    CHECK_INT(inode, 99123);
    CHECK(proc_parse_link(STR("net:[4026531840]"), STR("net"), &inode));
    CHECK_INT(inode, 4026531840);
    CHECK(!proc_parse_link(STR("pipe:[1]"), STR("socket"), &inode));
    CHECK(!proc_parse_link(STR("/tmp/socket:[1]"), STR("socket"), &inode));
    CHECK(!proc_parse_link(STR("socket:[1"), STR("socket"), &inode));
    CHECK(!proc_parse_link(STR("socket:[]"), STR("socket"), &inode));
    CHECK(!proc_parse_link(STR("socket:["), STR("socket"), &inode));
    CHECK(!proc_parse_link(STR("socket:[1] (deleted)"), STR("socket"), &inode));
    CHECK(!proc_parse_link(STR("socket"), STR("socket"), &inode));
    CHECK(!proc_parse_link((struct str){0}, STR("socket"), &inode));
}

TEST(descriptors_in_flight_are_counted)
{
    uint64_t count = 9;
    CHECK(proc_parse_in_flight(STR("pos:\t0\nflags:\t02\nmnt_id:\t10\nino:\t581444\nscm_fds: 3\n"), &count));
    CHECK_INT(count, 3);
    CHECK(!proc_parse_in_flight(STR("pos:\t0\nino:\t1\n"), &count));
    CHECK(!proc_parse_in_flight(STR("scm_fds:\n"), &count));
    CHECK(!proc_parse_in_flight(STR("scm_fds: x\n"), &count));
}

TEST(escaped_paths_of_mounts_are_told_as_they_are)
{
    CHECK_STR(proc_mount_path(arena, STR("/mnt/my\\040disk\\134x\\012")), "/mnt/my disk\\x\n");
    CHECK_STR(proc_mount_path(arena, STR("/a\\04")), "/a\\04");
    CHECK_STR(proc_mount_path(arena, STR("/a\\777\\")), "/a\\777\\");
    CHECK_INT(proc_mount_path(arena, STR("")).len, 0);
}

TEST(files_of_a_ring_are_listed)
{
    struct proc_ring ring;
    struct str name;
    CHECK(proc_ring_begin(
        STR("SqMask:\t0x3\nUserFiles:\t3\n    1: socket:[581442]\n    2: /tmp/a b\nUserBufs:\t1\n    0: x/1\n"),
        &ring));
    CHECK_INT(ring.expected, 3);
    CHECK(proc_ring_next(&ring, &name));
    CHECK_STR(name, "socket:[581442]");
    CHECK(proc_ring_next(&ring, &name));
    CHECK_STR(name, "/tmp/a b");
    CHECK(!proc_ring_next(&ring, &name));
    CHECK(!proc_ring_next(&ring, &name));
}

TEST(ring_that_tells_little_is_understood)
{
    struct proc_ring ring;
    struct str name;
    CHECK(!proc_ring_begin(STR("pos:\t0\nino:\t1\n"), &ring));
    CHECK(!proc_ring_begin(STR("UserFiles:\n"), &ring));
    CHECK(proc_ring_begin(STR("UserFiles:\t2\n    0: \n    7: socket:[1]\n"), &ring));
    CHECK(proc_ring_next(&ring, &name));
    CHECK_STR(name, "");
    CHECK(!proc_ring_next(&ring, &name)); // a slot beyond the table
    CHECK(proc_ring_begin(STR("UserFiles:\t2"), &ring));
    CHECK(!proc_ring_next(&ring, &name));
}

TEST(maps_give_what_is_mapped)
{
    struct str name;
    CHECK(proc_parse_map(
        STR("7f8fa61a8000-7f8fa61a9000 r--s 00000000 00:09 581446                     socket:[581446]"), &name));
    CHECK_STR(name, "socket:[581446]");
    CHECK(proc_parse_map(STR("7ffd1000-7ffd2000 rw-p 00000000 00:00 0 "), &name));
    CHECK_STR(name, "");
    CHECK(proc_parse_map(STR("5-6 r--p 00000000 fe:00 12 /tmp/socket:[581446]"), &name));
    CHECK_STR(name, "/tmp/socket:[581446]");
    CHECK(!proc_parse_map(STR("7ffd1000-7ffd2000 rw-p"), &name));
    CHECK(!proc_parse_map(STR(""), &name));
}

static const char mounts[] = "21 26 0:20 / /proc rw,relatime - proc proc rw\n"
                             "26 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n"
                             "30 26 0:40 / /home rw - nfs4 server:/home rw\n"
                             "31 30 0:41 / /home/ann/a\\040b rw - tmpfs  rw,size=4k\n"
                             "32 26 0:42 / /mnt rw - fuse.sshfs host:/ rw\n"
                             "33 32 0:43 / /mnt rw - tmpfs none rw\n"
                             "torn line\n"
                             "34 26 0:44 / /home2 rw - xfs /dev/vdb rw\n"
                             "35 34 0:45 / /home2/x rw - cifs //s/x rw\n"
                             "36 34 0:46 / /home2/x rw - ext4 /dev/vdc rw";

static struct str
type_at(const char *path)
{
    struct proc_mount mount;
    return proc_find_mount(str_of(mounts), str_of(path), &mount) ? mount.type : STR("(none)");
}

TEST(mount_line_is_read)
{
    struct proc_mount mount;
    CHECK(proc_parse_mount(STR("26 1 254:3 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard"), &mount));
    CHECK_INT(mount.id, 26);
    CHECK_INT(mount.parent, 1);
    CHECK_INT(mount.major, 254);
    CHECK_INT(mount.minor, 3);
    CHECK_STR(mount.point, "/");
    CHECK_STR(mount.type, "ext4");
    CHECK_STR(mount.options, "rw,discard");
    CHECK(!proc_parse_mount(STR("26 1 254:3 / / rw,relatime"), &mount));
    CHECK(!proc_parse_mount(STR("26 1 254 / / rw - ext4 a rw"), &mount));
    CHECK(!proc_parse_mount(STR("26 1 x:1 / / rw - ext4 a rw"), &mount));
    CHECK(!proc_parse_mount(STR("x 1 1:1 / / rw - ext4 a rw"), &mount));
    CHECK(!proc_parse_mount(STR("26 1 1:1 / relative rw - ext4 a rw"), &mount));
    CHECK(!proc_parse_mount(STR("26 1 1:1 / / rw -"), &mount));
    CHECK(!proc_parse_mount(STR("26"), &mount));
}

TEST(path_is_found_on_its_mount)
{
    CHECK_STR(type_at("/"), "ext4");
    CHECK_STR(type_at("/home"), "nfs4");
    CHECK_STR(type_at("/home/ann"), "nfs4");
    CHECK_STR(type_at("/home/ann/a b"), "tmpfs");
    CHECK_STR(type_at("/home/ann/a b/c"), "tmpfs");
    CHECK_STR(type_at("/home/ann/a bc"), "nfs4");
    CHECK_STR(type_at("/homeless"), "ext4");
    CHECK_STR(type_at("/proc/1"), "proc");
    CHECK_STR(type_at("relative"), "(none)");
}

TEST(mount_on_a_mount_hides_it)
{
    CHECK_STR(type_at("/mnt/x"), "tmpfs");
}

TEST(mounts_without_a_root_tell_nothing)
{
    struct proc_mount mount;
    CHECK(!proc_find_mount(STR("30 26 0:40 / /home rw - ext4 a rw\n"), STR("/home"), &mount));
    CHECK(!proc_find_mount(STR(""), STR("/"), &mount));
    // Parents in a circle: forged, and no reason to hang.
    CHECK(!proc_find_mount(STR("1 2 0:1 / / rw - ext4 a rw\n2 1 0:1 / / rw - ext4 a rw\n"), STR("/"), &mount));
}

TEST(depth_counts_the_steps_down_from_the_mount)
{
    struct proc_mount mount;
    CHECK(proc_find_mount(str_of(mounts), STR("/home/ann/a b/c//d"), &mount));
    CHECK_INT(proc_mount_depth(&mount, STR("/home/ann/a b/c//d")), 2);
    CHECK_INT(proc_mount_depth(&mount, STR("/home/ann/a b")), 0);
    CHECK(proc_find_mount(str_of(mounts), STR("/srv/x"), &mount));
    CHECK_INT(proc_mount_depth(&mount, STR("/srv/x")), 2);
    CHECK_INT(proc_mount_depth(&mount, STR("/")), 0);
}

TEST(only_known_file_systems_are_local)
{
    CHECK(proc_mount_is_local(STR("ext4")));
    CHECK(proc_mount_is_local(STR("overlay")));
    CHECK(!proc_mount_is_local(STR("nfs4")));
    CHECK(!proc_mount_is_local(STR("fuse.sshfs")));
    CHECK(!proc_mount_is_local(STR("fuseblk")));
    CHECK(!proc_mount_is_local(STR("9p")));
    CHECK(!proc_mount_is_local(STR("autofs")));
    CHECK(!proc_mount_is_local(STR("")));
}

TEST(a_thread_tells_its_process_and_what_it_may_do)
{
    struct proc_status status = {0};

    CHECK(proc_parse_status(STR("Name:\tnode\\nTgid:\t7\nTgid:\t4000\nUid:\t0\t33\t0\t0\nCapEff:\t0000000000000400\n"),
                            &status));
    CHECK(status.tgid == 4000 && status.uid == 33 && status.capabilities == 1u << 10);
    CHECK(!proc_parse_status(STR("Tgid:\t0\nUid:\t0\t0\t0\t0\nCapEff:\t0\n"), &status));
    CHECK(!proc_parse_status(STR("Tgid:\t4\nUid:\t0\nCapEff:\t0\n"), &status));
    CHECK(!proc_parse_status(STR("Tgid:\t4\nUid:\t0\t0\t0\t0\n"), &status));
    CHECK(status.tgid == 4000);
}

TEST(numbers_in_inner_namespaces_are_met)
{
    CHECK(!proc_has_inner_numbers(STR("Tgid:\t7\nNSpid:\t7\nNSpgid:\t7\t1\n")));
    CHECK(proc_has_inner_numbers(STR("Name:\tNSpid: 1 2\nNSpid:\t4000\t7\n")));
    CHECK(!proc_has_inner_numbers(STR("Name:\tNSpid: 1 2\n")));
    CHECK(!proc_has_inner_numbers(STR("")));
}

TEST(older_kernels_name_registered_sockets_by_their_protocol)
{
    struct proc_ring ring;
    struct str name;
    enum protocol protocol = PROTOCOL_UDP;
    CHECK(proc_ring_begin(STR("UserFiles:\t3\n    0: <none>\n    1: TCP\n    2: UDPLITEv6\nUserBufs:\t0\n"), &ring));
    CHECK(proc_ring_next(&ring, &name) && !proc_ring_protocol(name, &protocol));
    CHECK(proc_ring_next(&ring, &name) && proc_ring_protocol(name, &protocol));
    CHECK_INT(protocol, PROTOCOL_TCP);
    CHECK(proc_ring_next(&ring, &name) && proc_ring_protocol(name, &protocol));
    CHECK_INT(protocol, PROTOCOL_UDPLITE);
    CHECK(!proc_ring_protocol(STR("socket:[7]"), &protocol) && !proc_ring_protocol(STR(""), &protocol));
}

TAP_MAIN
