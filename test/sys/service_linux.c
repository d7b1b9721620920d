#include "sys/service.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "service_stub_linux.h"

TEST(a_service_is_read)
{
    struct stand_in stand_in;
    struct service service;
    struct err err = {.kind = ERR_NONE};
    open_usual(arena, &stand_in);
    bool good = service_read(arena, false, 0, STR("nginx.service"), 60000, &service, &err);
    end(&stand_in);
    CHECK_STR(str_of(err.text), "");
    CHECK(good);
    CHECK_STR(service.manager, "systemd");
    CHECK_STR(service.name, "nginx.service");
    CHECK_STR(service.description, "A web server");
    CHECK_STR(service.state, "active");
    CHECK_STR(service.restart, "on-failure");
    CHECK_STR(service.triggered_by, "nginx.socket");
    CHECK_INT(service.main_pid, 4711);
    CHECK_INT(service.stop_ms, 90000);
    CHECK(service.at_boot && !service.is_socket);
}

TEST(an_older_manager_tells_less)
{
    struct stand_in stand_in;
    struct service service;
    struct err err;
    open_usual(arena, &stand_in);
    bool good = service_read(arena, false, 0, STR("old.service"), 60000, &service, &err);
    end(&stand_in);
    CHECK(good);
    CHECK_STR(service.name, "old.service");
    CHECK_STR(service.description, "");
    CHECK_STR(service.triggered_by, "");
    CHECK_INT(service.main_pid, 0);
}

TEST(socket_units_are_listed_with_what_they_listen_on)
{
    struct stand_in stand_in;
    struct service_list list = {.count = 0};
    struct err err = {.kind = ERR_NONE};
    open_usual(arena, &stand_in);
    bool good = service_list_sockets(arena, false, 0, 60000, &list, &err);
    end(&stand_in);
    CHECK_STR(str_of(err.text), "");
    CHECK(good);
    // The second one went away between the two questions.
    CHECK_INT(list.count, 1);
    CHECK_STR(list.items[0].name, "nginx.socket");
    CHECK_STR(list.items[0].listens, "[::]:80 /run/x");
    CHECK_STR(list.items[0].triggers, "nginx.service");
    CHECK(list.items[0].is_socket && !list.items[0].at_boot);
}

TEST(what_the_manager_refuses_says_why)
{
    static const struct {
        const char *unit;
        enum err_kind kind;
    } cases[] = {{"nothing.service", ERR_GONE},
                 {"denied.service", ERR_NOT_ALLOWED},
                 {"odd.service", ERR_FORMAT},
                 {"slow.service", ERR_TIMEOUT},
                 {"half.service", ERR_TIMEOUT}};
    struct stand_in stand_in;
    struct service service;
    enum err_kind kinds[5];
    open_usual(arena, &stand_in);
    int64_t start = clock_mono_us();
    for (size_t i = 0; i < 5; i++) {
        struct err err = {.kind = ERR_NONE};
        service_read(arena, false, 0, str_of(cases[i].unit), cases[i].kind == ERR_TIMEOUT ? 100 : 60000, &service,
                     &err);
        kinds[i] = err.kind;
    }
    int64_t took_ms = (clock_mono_us() - start) / 1000;
    end(&stand_in);
    for (size_t i = 0; i < 5; i++)
        CHECK_INT(kinds[i], cases[i].kind);
    CHECK(took_ms < 50000);
}

TEST(a_bus_without_a_manager_is_unsupported)
{
    struct stand_in stand_in;
    struct service service;
    struct err err = {.kind = ERR_NONE};
    bool good =
        start_bus(arena, &stand_in, false) && service_read(arena, false, 0, STR("a.service"), 60000, &service, &err);
    end(&stand_in);
    if (err.kind == ERR_NONE)
        SKIP("no dbus-daemon here");
    CHECK(!good);
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

TEST(a_bus_that_never_answers_costs_the_deadline)
{
    char folder[] = "/tmp/moorage-bus-XXXXXX";
    struct service service;
    struct err err = {.kind = ERR_NONE};
    CHECK(mkdtemp(folder));
    struct str path = str_printf(arena, "%s/bus", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path.ptr, path.len);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 4) == 0);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", str_printf(arena, "unix:path=%s", path.ptr).ptr, 1);
    int64_t start = clock_mono_us();
    bool good = service_read(arena, false, 0, STR("a.service"), 100, &service, &err);
    int64_t took_ms = (clock_mono_us() - start) / 1000;
    close(listener);
    struct err gone = {.kind = ERR_NONE};
    service_read(arena, false, 0, STR("a.service"), 60000, &service, &gone);
    unlink(path.ptr);
    rmdir(folder);
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
    if (err.kind == ERR_UNSUPPORTED)
        SKIP("no libsystemd.so.0 here");
    CHECK(!good);
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK(took_ms < 30000);
    CHECK_INT(gone.kind, ERR_GONE);
}

TEST(an_address_that_would_run_a_program_is_refused)
{
    static const char *const addresses[] = {"unixexec:path=/bin/true", "tcp:host=localhost,port=1",
                                            "unix:path=/tmp/no;unixexec:path=/bin/true"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct service service;
        struct err err = {.kind = ERR_NONE};
        setenv("DBUS_SYSTEM_BUS_ADDRESS", addresses[i], 1);
        CHECK(!service_read(arena, false, 0, STR("a.service"), 60000, &service, &err));
        unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
        CHECK_INT(err.kind, ERR_UNSUPPORTED);
    }
}

TEST(a_system_without_systemd_answers_at_once)
{
    struct service service;
    struct service_list list = {.count = 0};
    struct err err;
    if (access("/run/systemd/system", F_OK) == 0)
        SKIP("this system has systemd");
    CHECK(!service_read(arena, false, 0, STR("a.service"), 60000, &service, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    CHECK(!service_list_sockets(arena, true, 1000, 60000, &list, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

// What the test below checks in a child with a /run of its own: 0 good, 1 not, 2 can't be tried.
static int
check_user_manager(struct arena *arena)
{
    struct service service;
    struct err err = {.kind = ERR_NONE};
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/user/4242/systemd/private"};
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/run", "tmpfs", 0, NULL) != 0 || !load_bus_calls())
        return 2;
    mkdir("/run/systemd", 0755);
    mkdir("/run/systemd/system", 0755);
    // No such user is logged in; then one whose bus is only a socket that nobody was seen to accept on.
    if (service_read(arena, true, 4242, STR("nginx.service"), 60000, &service, &err) || err.kind != ERR_GONE)
        return 1;
    mkdir("/run/user", 0755);
    mkdir("/run/user/4242", 0755);
    if (service_read(arena, true, 4242, STR("nginx.service"), 60000, &service, &err) || err.kind != ERR_UNSUPPORTED)
        return 1;
    mkdir("/run/user/4242/systemd", 0755);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4) != 0)
        return 2;
    pid_t server = fork();
    if (server == 0) {
        struct sd_bus *bus;
        end_with_parent();
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (bus_calls.create(&bus) < 0 || bus_calls.set_fd(bus, fd, fd) < 0 ||
            bus_calls.set_server(bus, 1, (union id){.words = {1, 2}}) < 0 || bus_calls.start(bus) < 0 ||
            bus_calls.add_fallback(bus, NULL, "/", answer, NULL) < 0)
            _exit(1);
        serve(bus);
        _exit(0);
    }
    bool good = service_read(arena, true, 4242, STR("nginx.service"), 60000, &service, &err);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    if (!good || service.main_pid != 4711 || service.uid != 4242 || !str_equal(service.manager, STR("systemd --user")))
        return 1;
    return 0;
}

TEST(a_users_manager_is_asked_at_its_own_socket)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(check_user_manager(arena));
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        SKIP("no right to have an own /run, or no libsystemd.so.0");
    CHECK_INT(WEXITSTATUS(status), 0);
}

// The id of the cgroup v2 at `path` under its mount; 0 when there is none.
static uint64_t
group_id(struct arena *arena, const char *mount_point, struct str path)
{
    struct stat facts;
    return stat(str_printf(arena, "%s%.*s", mount_point, STR_ARG(path)).ptr, &facts) == 0 ? facts.st_ino : 0;
}

static const char *
group_mount(void)
{
    static const char *const places[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/cgroup.procs", places[i]);
        if (access(path, F_OK) == 0)
            return places[i];
    }
    return NULL;
}

TEST(a_cgroups_path_is_found_by_its_id)
{
    const char *mounted = group_mount();
    struct str found = STR("");
    struct str root = STR("");
    struct err err = {.kind = ERR_NONE};
    uint32_t pids[64];
    if (!mounted)
        SKIP("no cgroup v2 tree here");
    struct str outer = str_printf(arena, "/moorage-test-%d", (int)getpid());
    struct str inner = str_printf(arena, "%s/inner", outer.ptr);
    struct str outer_path = str_printf(arena, "%s%s", mounted, outer.ptr);
    struct str inner_path = str_printf(arena, "%s%s", mounted, inner.ptr);
    if (mkdir(outer_path.ptr, 0755) != 0 || mkdir(inner_path.ptr, 0755) != 0) {
        rmdir(outer_path.ptr);
        SKIP("no right to make a cgroup");
    }
    // Others look in, whatever mask this program was started with.
    bool open_to_all = chmod(outer_path.ptr, 0755) == 0 && chmod(inner_path.ptr, 0755) == 0;
    uint64_t id = group_id(arena, mounted, inner);
    bool good = service_group_path(arena, id, &found, &err);
    bool good_root = service_group_path(arena, group_id(arena, mounted, STR("")), &root, &err);
    // Without the right to open handles, the tree is walked.
    struct str walked = STR("");
    int status = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        bool same = setresuid(65534, 65534, 65534) == 0 && service_group_path(arena, id, &walked, NULL) &&
                    str_equal(walked, inner);
        _exit(!same);
    }
    waitpid(child, &status, 0);
    size_t empty = service_group_pids(arena, inner, pids, 64);
    pid_t member = fork();
    if (member == 0) {
        end_with_parent();
        pause();
        _exit(0);
    }
    int fd = open(str_printf(arena, "%s/cgroup.procs", inner_path.ptr).ptr, O_WRONLY | O_CLOEXEC);
    struct str text = str_printf(arena, "%d", (int)member);
    bool moved = write(fd, text.ptr, text.len) > 0;
    close(fd);
    size_t one = service_group_pids(arena, inner, pids, 64);
    uint32_t first = pids[0];
    size_t none = service_group_pids(arena, inner, pids, 0);
    kill(member, SIGKILL);
    waitpid(member, NULL, 0);
    // The cgroup can go only when the kernel has let go of the process.
    for (int i = 0; i < 4000 && rmdir(inner_path.ptr) != 0; i++)
        clock_sleep_ms(5);
    rmdir(outer_path.ptr);
    struct err gone = {.kind = ERR_NONE};
    struct str nothing;
    service_group_path(arena, id, &nothing, &gone);
    CHECK(good && good_root && moved && open_to_all);
    CHECK_STR(found, inner.ptr);
    CHECK_STR(root, "/");
    CHECK_INT(status, 0);
    CHECK_INT(empty, 0);
    CHECK_INT(one, 1);
    CHECK_INT(first, member);
    CHECK_INT(none, 0);
    CHECK_INT(gone.kind, ERR_GONE);
}

// What a container sees that was given its own part of the tree, but no cgroup namespace.
static int
look_from_part(struct arena *arena, const char *mounted, struct str outer, uint64_t id)
{
    struct str path;
    uint32_t pids[4];
    struct str part = str_printf(arena, "%s%.*s", mounted, STR_ARG(outer));
    struct str own = str_printf(arena, "%d", (int)getpid());
    int fd = open(str_printf(arena, "%.*s/inner/cgroup.procs", STR_ARG(part)).ptr, O_WRONLY | O_CLOEXEC);
    bool moved = write(fd, own.ptr, own.len) > 0;
    close(fd);
    if (!moved || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(part.ptr, "/mnt", NULL, MS_BIND, NULL) != 0 || umount2(mounted, MNT_DETACH) != 0)
        return 77;
    if (!service_group_path(arena, id, &path, NULL) ||
        !str_equal(path, str_printf(arena, "%.*s/inner", STR_ARG(outer))))
        return 1;
    return service_group_pids(arena, path, pids, 4) == 1 && pids[0] == (uint32_t)getpid() ? 0 : 2;
}

TEST(a_cgroups_path_is_the_same_where_a_part_of_the_tree_is_mounted)
{
    const char *mounted = group_mount();
    int status = 0;
    if (!mounted)
        SKIP("no cgroup v2 tree here");
    struct str outer = str_printf(arena, "/moorage-part-%d", (int)getpid());
    struct str outer_path = str_printf(arena, "%s%s", mounted, outer.ptr);
    struct str inner_path = str_printf(arena, "%s/inner", outer_path.ptr);
    if (mkdir(outer_path.ptr, 0755) != 0 || mkdir(inner_path.ptr, 0755) != 0) {
        rmdir(outer_path.ptr);
        SKIP("no right to make a cgroup");
    }
    uint64_t id = group_id(arena, mounted, str_printf(arena, "%s/inner", outer.ptr));
    pid_t pid = fork();
    if (pid == 0)
        _exit(look_from_part(arena, mounted, outer, id));
    waitpid(pid, &status, 0);
    for (int i = 0; i < 4000 && rmdir(inner_path.ptr) != 0; i++)
        clock_sleep_ms(5);
    rmdir(outer_path.ptr);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP("a mount namespace of its own is not allowed here");
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(paths_that_lead_out_of_the_tree_have_no_processes)
{
    uint32_t pids[4];
    CHECK_INT(service_group_pids(arena, STR(""), pids, 4), 0);
    CHECK_INT(service_group_pids(arena, STR("relative"), pids, 4), 0);
    CHECK_INT(service_group_pids(arena, STR("/../proc"), pids, 4), 0);
    CHECK_INT(service_group_pids(arena, STR("/no/such/moorage"), pids, 4), 0);
}

TAP_MAIN
