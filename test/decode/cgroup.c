#include "tap.h"

#include "decode/cgroup.h"

#define ID "3fa1c0de5b7e49d2a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718"

static struct cgroup_facts
explain(struct arena *arena, const char *path)
{
    struct cgroup_facts facts;
    cgroup_explain(arena, str_of(path), &facts);
    return facts;
}

#define CHECK_UNIT(path, name)                             \
    do {                                                   \
        struct cgroup_facts facts_ = explain(arena, path); \
        CHECK_STR(facts_.unit, name);                      \
        CHECK(!facts_.user_manager && facts_.uid == 0);    \
        CHECK_STR(facts_.runtime, "");                     \
    } while (0)

#define CHECK_CONTAINER(path, runtime_, id)                \
    do {                                                   \
        struct cgroup_facts facts_ = explain(arena, path); \
        CHECK_STR(facts_.runtime, runtime_);               \
        CHECK_STR(facts_.container_id, id);                \
    } while (0)

TEST(service_of_the_system_is_named)
{
    CHECK_UNIT("/system.slice/nginx.service", "nginx.service");
    CHECK_UNIT("/system.slice/system-postgresql.slice/postgresql@15-main.service", "postgresql@15-main.service");
    CHECK_UNIT("/init.scope", "init.scope");
    CHECK_UNIT("/system.slice/cups.socket", "cups.socket");
    CHECK_UNIT("/user.slice/user-1000.slice/session-3.scope", "session-3.scope");
    CHECK_UNIT("/system.slice/snap.lxd.daemon.service", "snap.lxd.daemon.service");
}

TEST(name_stays_as_the_manager_knows_it)
{
    CHECK_UNIT("/system.slice/system-getty.slice/foo\\x2dbar@a\\x2db.service", "foo\\x2dbar@a\\x2db.service");
    CHECK_UNIT("/system.slice/_cgroup.service", "cgroup.service");
}

TEST(path_without_a_unit_has_none)
{
    CHECK_UNIT("/", "");
    CHECK_UNIT("", "");
    CHECK_UNIT("/system.slice", "");
    CHECK_UNIT("/process_api/591a", "");
    CHECK_UNIT("/.service", ".service");
}

TEST(control_groups_below_a_service_do_not_pass_for_another_one)
{
    CHECK_UNIT("/system.slice/evil.service/nginx.service", "evil.service");
    CHECK_UNIT("/foo/nginx.service", "");
}

TEST(path_from_outside_of_the_own_namespace_is_understood)
{
    CHECK_UNIT("/../../system.slice/nginx.service", "nginx.service");
}

TEST(unit_of_a_user_manager_is_told_from_the_manager)
{
    struct cgroup_facts facts =
        explain(arena, "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-org.gnome.Terminal-77.scope");
    CHECK_STR(facts.unit, "app-gnome-org.gnome.Terminal-77.scope");
    CHECK(facts.user_manager);
    CHECK_INT(facts.uid, 1000);

    facts = explain(arena, "/user.slice/user-1000.slice/user@1000.service/app.slice/snap.firefox.firefox-1-2.scope");
    CHECK_STR(facts.unit, "snap.firefox.firefox-1-2.scope");

    facts = explain(arena, "/user.slice/user-7.slice/user@7.service/app.slice/dev.service/user@0.service/x.service");
    CHECK_STR(facts.unit, "dev.service");
    CHECK_INT(facts.uid, 7);

    CHECK_UNIT("/user.slice/user-1000.slice/user@1000.service", "user@1000.service");
    CHECK_UNIT("/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service");
    CHECK_UNIT("/system.slice/user@.service/x.service", "user@.service");
    CHECK_UNIT("/system.slice/user@99999999999.service/x.service", "user@99999999999.service");
}

TEST(docker_is_told_with_both_drivers)
{
    CHECK_CONTAINER("/docker/" ID, "docker", ID);
    CHECK_CONTAINER("/system.slice/docker-" ID ".scope", "docker", ID);
    CHECK_CONTAINER("/build.slice/docker-" ID ".scope/init", "docker", ID);
    CHECK_CONTAINER("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", "docker", ID);
    CHECK_STR(explain(arena, "/system.slice/docker-" ID ".scope").unit, "docker-" ID ".scope");
    CHECK_STR(explain(arena, "/docker/" ID).unit, "");
}

TEST(outermost_container_counts_and_units_inside_of_it_do_not)
{
    struct cgroup_facts facts = explain(arena, "/docker/" ID "/docker/" ID "/system.slice/nginx.service");
    CHECK_STR(facts.container_id, ID);
    CHECK_STR(facts.unit, "");
    facts = explain(arena, "/system.slice/docker-" ID ".scope/system.slice/nginx.service");
    CHECK_STR(facts.unit, "docker-" ID ".scope");
}

TEST(podman_is_told_and_its_monitor_is_no_container)
{
    CHECK_CONTAINER("/machine.slice/libpod-" ID ".scope/container", "podman", ID);
    CHECK_CONTAINER("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", "podman", ID);
    CHECK_CONTAINER("/system.slice/web.service/libpod-payload-" ID, "podman", ID);
    CHECK_CONTAINER("/libpod_parent/libpod-" ID, "podman", ID);
    CHECK_CONTAINER("/machine.slice/machine-libpod_pod_" ID ".slice/libpod-" ID ".scope", "podman", ID);
    CHECK_CONTAINER("/machine.slice/libpod-conmon-" ID ".scope", "", "");
    CHECK_STR(explain(arena, "/system.slice/web.service/libpod-payload-" ID).unit, "web.service");
}

TEST(other_runtimes_are_told)
{
    CHECK_CONTAINER("/system.slice/nerdctl-" ID ".scope", "containerd", ID);
    CHECK_CONTAINER("/default/" ID, "containerd", ID);
    CHECK_CONTAINER("/system.slice/cri-containerd-" ID ".scope", "containerd", ID);
    CHECK_CONTAINER("/system.slice/crio-" ID ".scope", "cri-o", ID);
    CHECK_CONTAINER("/system.slice/crio-conmon-" ID ".scope", "", "");
    CHECK_CONTAINER("/system.slice/containerd.service/x.slice:cri-containerd:" ID, "containerd", ID);
    CHECK_CONTAINER("/system.slice/crio.service/x.slice:crio:" ID, "cri-o", ID);
    CHECK_CONTAINER("/system.slice/x.slice:other:" ID, "", "");
    CHECK_CONTAINER("/system.slice/x.slice:crio:12", "", "");
    CHECK_CONTAINER("/ecs/task/" ID, "container", ID);
}

TEST(pods_belong_to_kubernetes)
{
    CHECK_CONTAINER("/kubepods/besteffort/pod0f9b6a/" ID, "kubernetes", ID);
    CHECK_CONTAINER("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-" ID
                    ".scope",
                    "kubernetes", ID);
    CHECK_CONTAINER("/kubelet.slice/kubelet-kubepods.slice/crio-" ID ".scope", "kubernetes", ID);
    CHECK_CONTAINER("/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID, "kubernetes", ID);
    CHECK_CONTAINER("/docker/" ID "/kubelet/kubepods/besteffort/pod1/" ID, "docker", ID);
}

TEST(lxc_is_told_by_name)
{
    CHECK_CONTAINER("/lxc.payload.web/system.slice/nginx.service", "lxc", "web");
    CHECK_CONTAINER("/lxc.payload/web", "lxc", "web");
    CHECK_CONTAINER("/lxc/101/ns/system.slice/x.service", "lxc", "101");
    CHECK_CONTAINER("/lxc.monitor.web", "", "");
    CHECK_CONTAINER("/lxc.payload.", "", "");
}

TEST(nspawn_is_told_by_name_without_escapes)
{
    CHECK_CONTAINER("/machine.slice/machine-my\\x2dbox.scope/payload", "nspawn", "my-box");
    CHECK_CONTAINER("/machine.slice/systemd-nspawn@my\\x2dbox.service/payload", "nspawn", "my-box");
    CHECK_CONTAINER("/machine.slice/machine-a\\x2.scope", "nspawn", "a\\x2");
    CHECK_CONTAINER("/machine.slice/machine-a\\xzz.scope", "nspawn", "a\\xzz");
    CHECK_CONTAINER("/machine.slice/machine-.scope", "", "");
    CHECK_CONTAINER("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "", "");
    CHECK_CONTAINER("/machine.slice/machine-lxc\\x2d1\\x2dc.scope", "", "");
    CHECK_CONTAINER("/machine.slice/other.service", "", "");
    CHECK_CONTAINER("/system.slice/systemd-nspawn@x.service", "", "");
}

TEST(ids_must_be_ids)
{
    CHECK_CONTAINER("/docker/web", "", "");
    CHECK_CONTAINER("/system.slice/docker-web.scope", "", "");
    CHECK_CONTAINER("/system.slice/docker-3FA1C0DE5B7E.scope", "", "");
    CHECK_CONTAINER("/system.slice/docker-3fa1c0de5b7e.scope", "docker", "3fa1c0de5b7e");
    CHECK_CONTAINER("/system.slice/docker.service", "", "");
}

static struct str
choose(const char *file)
{
    struct str path = {0};
    return cgroup_parse(str_of(file), &path) ? path : STR("(none)");
}

TEST(unified_hierarchy_wins)
{
    CHECK_STR(choose("0::/system.slice/a.service\n"), "/system.slice/a.service");
    CHECK_STR(choose("1:name=systemd:/system.slice/b.service\n0::/system.slice/a.service\n"),
              "/system.slice/a.service");
}

TEST(root_of_a_hierarchy_gives_way_to_the_next)
{
    CHECK_STR(choose("4:memory:/docker/" ID "\n1:name=systemd:/system.slice/b.service\n0::/\n"),
              "/system.slice/b.service");
    CHECK_STR(choose("5:cpu:/user.slice\n4:memory:/docker/" ID "\n3:pids:/other\n1:name=systemd:/\n0::/\n"),
              "/docker/" ID);
    CHECK_STR(choose("4:memory:/sandbox/17\n1:name=systemd:/\n0::/\n"), "/");
}

TEST(odd_lines_are_passed_over)
{
    CHECK_STR(choose(""), "(none)");
    CHECK_STR(choose("nonsense\nx::/a\n0:only\n0::relative\n0:::\n"), "(none)");
    CHECK_STR(choose("\n0::/system.slice/a:b.service\n"), "/system.slice/a:b.service");
    CHECK_STR(choose("0::/system.slice/a.service (deleted)\n"), "/system.slice/a.service");
}

TAP_MAIN
