#include "tap.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "decode/neighbour_list.h"
#include "sys/clock.h"
#include "sys/neighbour.h"
#include "sys/neighbour_linux.h"
#include "sys/os.h"
#include "sys/spawn.h"

// A folder that looks like the root of a distribution of WSL, and stays for the test.
static char root[64];

static void
put(struct arena *arena, const char *path, const char *text, mode_t mode)
{
    struct str full = str_printf(arena, "%s%s", root, path);
    // The folders above it.
    for (size_t i = 1; i < full.len; i++)
        if (full.ptr[i] == '/')
            mkdir(str_c(arena, str_part(full, 0, i)), 0755);
    FILE *file = fopen(full.ptr, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(full.ptr, mode) == 0);
}

static void
begin(void)
{
    snprintf(root, sizeof root, "/tmp/moorage-wsl-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    neighbour_use_root(root);
    unsetenv("WSL_DISTRO_NAME");
}

static void
finish(struct arena *arena)
{
    struct str argv[] = {STR("/bin/rm"), STR("-rf"), str_of(root)};
    struct spawn_answer answer;
    spawn_read(arena, argv, 3, 60000, 100, &answer, NULL);
    neighbour_use_root("");
}

// A Linux in WSL 2 whose Windows has a moorage.exe that runs `script`.
static void
begin_wsl(struct arena *arena, const char *mode, const char *script)
{
    begin();
    put(arena, "/proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2\n", 0644);
    put(arena, "/proc/sys/fs/binfmt_misc/WSLInterop", "enabled\ninterpreter /init\nflags: PF\n", 0644);
    put(arena, "/run/WSL/1_interop", "", 0644);
    put(arena, "/usr/bin/wslinfo", str_printf(arena, "#!/bin/sh\necho %s\n", mode).ptr, 0755);
    put(arena, "/mnt/c/bin/moorage.exe", str_printf(arena, "#!/bin/sh\n%s\n", script).ptr, 0755);
    setenv("PATH", str_printf(arena, "relative:%s/mnt/c/none:%s/mnt/c/bin:/usr/bin:/bin", root, root).ptr, 1);
}

TEST(linux_outside_of_wsl_has_no_neighbour)
{
    struct host host = {0};
    struct err err = {0};
    begin();
    put(arena, "/proc/sys/kernel/osrelease", "6.12.43+deb13-amd64\n", 0644);
    neighbour_identify(arena, &host);
    CHECK_STR(host.wsl, "");
    CHECK(!neighbour_read(arena, 60000, &host, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    finish(arena);
}

TEST(distribution_and_its_version_are_recognised)
{
    struct host host = {0};
    begin_wsl(arena, "nat", "exit 1");
    neighbour_identify(arena, &host);
    CHECK_STR(host.wsl, "2");
    put(arena, "/proc/sys/kernel/osrelease", "4.4.0-22621-Microsoft\n", 0644);
    neighbour_identify(arena, &host);
    CHECK_STR(host.wsl, "1");
    put(arena, "/proc/sys/kernel/osrelease", "6.1.0-own\n", 0644);
    setenv("WSL_DISTRO_NAME", "Debian", 1);
    neighbour_identify(arena, &host);
    CHECK_STR(host.wsl, "2");
    unsetenv("WSL_DISTRO_NAME");
    finish(arena);
}

TEST(moorage_of_windows_tells_its_ports)
{
    struct host host = {0};
    struct err err = {0};
    json_use(arena);
    begin_wsl(
        arena, "mirrored",
        "[ \"$1 $2\" = 'list --json' ] && echo '{\"schema\": \"moorage.list/1\", \"rows\": [{\"protocol\": \"tcp\","
        "\"local\": \"0.0.0.0:3000\", \"state\": \"LISTEN\", \"holders\": [{\"pid\": 77, \"name\": \"node\"}]}]}'");
    neighbour_identify(arena, &host);
    CHECK(neighbour_read(arena, 60000, &host, &err));
    CHECK_STR(host.wsl_networking, "mirrored");
    CHECK_INT(host.neighbours_known, KNOWN_YES);
    CHECK_INT(host.neighbour_ports.count, 1);
    CHECK_STR(host.neighbour_ports.items[0].system, "Windows");
    CHECK_STR(host.neighbour_ports.items[0].name, "node");
    CHECK_INT(host.neighbour_ports.items[0].pid, 77);
    finish(arena);
}

TEST(moorage_that_does_not_answer_costs_its_time_and_no_more)
{
    struct host host = {0};
    struct err err = {0};
    begin_wsl(arena, "--usage of wslinfo", "sleep 60");
    neighbour_identify(arena, &host);
    int64_t before = clock_mono_us();
    CHECK(!neighbour_read(arena, 700, &host, &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK(clock_mono_us() - before < 30000000);
    CHECK_STR(host.wsl_networking, "");
    finish(arena);
}

TEST(without_moorage_or_interop_it_is_said_what_is_missing)
{
    struct host host = {0};
    struct err err = {0};
    begin_wsl(arena, "nat", "echo nonsense");
    neighbour_identify(arena, &host);
    CHECK(!neighbour_read(arena, 60000, &host, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    put(arena, "/mnt/c/bin/moorage.exe", "", 0644);
    CHECK(!neighbour_read(arena, 60000, &host, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(strstr(err.text, "moorage.exe") != NULL);
    put(arena, "/proc/sys/fs/binfmt_misc/WSLInterop", "disabled\n", 0644);
    CHECK(!neighbour_read(arena, 60000, &host, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    finish(arena);
}

TEST(doctor_tells_what_can_be_seen_of_windows)
{
    struct host host = {0};
    begin_wsl(arena, "mirrored", "echo '{\"schema\": \"moorage.list/1\", \"rows\": []}'");
    json_use(arena);
    os_read_abilities(arena, &host);
    put(arena, "/mnt/c/bin/moorage.exe", "", 0644);
    os_read_abilities(arena, &host);
    put(arena, "/usr/bin/wslinfo", "#!/bin/sh\necho nat\n", 0755);
    os_read_abilities(arena, &host);
    finish(arena);
    const struct ability *found[3] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < host.abilities.count; i++)
        if (str_equal(host.abilities.items[i].name, STR("neighbour")) && count < 3)
            found[count++] = &host.abilities.items[i];
    CHECK_INT(count, 3);
    CHECK(found[0]->good && str_find(found[0]->detail, STR("mirrored; 0 ports of Windows")) != SIZE_MAX);
    CHECK(!found[1]->good && str_find(found[1]->fix, STR("moorage.exe")) != SIZE_MAX);
    CHECK(found[2]->good && str_find(found[2]->detail, STR("ports of its own")) != SIZE_MAX);
}

// Starts to listen on a free port of 127.0.0.1.
static int
listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 1) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void
ask_shell(struct arena *arena, struct str shell, struct str word, uint16_t port)
{
    struct str argv[] = {shell, word, STR("-c"), neighbour_list_script()};
    struct spawn_answer answer;
    struct err err = {0};
    struct host host = {0};
    size_t argc = 4;
    if (word.len == 0) {
        argv[1] = argv[2];
        argv[2] = argv[3];
        argc = 3;
    }
    // Without moorage of this machine, which would answer instead.
    setenv("PATH", "/usr/bin:/bin", 1);
    CHECK(spawn_read(arena, argv, argc, 60000, 16 << 20, &answer, &err));
    CHECK(neighbour_list_parse(arena, answer.out, STR("WSL here"), &host, &err));
    const struct neighbour_port *found = NULL;
    for (size_t i = 0; i < host.neighbour_ports.count && !found; i++)
        if (host.neighbour_ports.items[i].port == port && host.neighbour_ports.items[i].protocol == PROTOCOL_TCP)
            found = &host.neighbour_ports.items[i];
    CHECK(found);
    CHECK(address_is_loopback(found->address));
    CHECK_INT(found->pid, getpid());
    CHECK_STR(found->system, "WSL here");
    CHECK(str_find(found->command, STR("neighbour")) != SIZE_MAX);
}

TEST(script_finds_a_listener_and_its_program)
{
    uint16_t port;
    int fd = listen_somewhere(&port);
    ask_shell(arena, STR("/bin/sh"), STR(""), port);
    close(fd);
}

TEST(script_runs_in_busybox_too)
{
    uint16_t port;
    if (access("/bin/busybox", X_OK) != 0)
        SKIP("busybox is not installed");
    int fd = listen_somewhere(&port);
    ask_shell(arena, STR("/bin/busybox"), STR("sh"), port);
    close(fd);
}

TAP_MAIN
