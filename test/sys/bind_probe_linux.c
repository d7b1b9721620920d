// The probe on the real kernel: each answer that a bind can give is brought about for real.

#include "sys/bind_probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_network_linux.h"
#include "tap.h"

// linux/landlock.h has them since ABI 4 (Linux 6.7); the numbers are the kernel's.
#define NET_BIND_TCP (1ULL << 0)
struct ruleset_with_net {
    uint64_t handled_fs;
    uint64_t handled_net;
};

static struct probe
probe(struct arena *arena, enum protocol protocol, const char *address, uint16_t port, enum bind_mode mode)
{
    struct bind_wish wish = {.protocol = protocol, .port = port, .mode = mode};
    struct probe out = {.worked = false};

    if (address_parse(str_of(address), &wish.address))
        bind_probe(arena, &wish, &out);
    return out;
}

// A socket on a port of the system's choice; `port` gets it.
static int
hold(int family, int type, int option, bool v6only, uint16_t *port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr *address = family == AF_INET6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    socklen_t length = family == AF_INET6 ? sizeof v6 : sizeof v4;
    int on = 1;
    int only = v6only;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);

    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    if (option)
        setsockopt(fd, SOL_SOCKET, option, &on, sizeof on);
    if (bind(fd, address, length) != 0 || (type == SOCK_STREAM && listen(fd, 1) != 0) ||
        getsockname(fd, address, &length) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(family == AF_INET6 ? v6.sin6_port : v4.sin_port);
    return fd;
}

static size_t
open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");

    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

TEST(a_free_port_can_be_bound)
{
    static const enum protocol protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};

    if (!own_network())
        SKIP("no right to make a network namespace");
    for (size_t i = 0; i < 2; i++) {
        for (enum bind_mode mode = BIND_USUAL; mode <= BIND_EXCLUSIVE; mode++) {
            struct probe got = probe(arena, protocols[i], "127.0.0.1", 8080, mode);
            CHECK(got.worked);
            CHECK_INT(got.code, 0);
            CHECK_STR(got.result, "ok");
            CHECK_STR(got.bind, mode <= BIND_USUAL ? "reuse" : bind_mode_name(mode).ptr);
            CHECK_INT(got.port, 8080);
            CHECK(got.protocol == protocols[i] && address_is_loopback(got.address));
        }
    }
}

TEST(nothing_stays_open)
{
    size_t before = open_files();
    for (int i = 0; i < 50; i++) {
        probe(arena, PROTOCOL_TCP, "127.0.0.1", 0, BIND_REUSE);
        probe(arena, PROTOCOL_TCP, "192.0.2.1", 80, BIND_REUSE);
    }
    CHECK_INT(open_files(), before);
}

TEST(a_taken_port_is_in_use)
{
    uint16_t port = 0;
    int fd = hold(AF_INET, SOCK_STREAM, SO_REUSEADDR, false, &port);
    CHECK(fd >= 0);
    struct probe reuse = probe(arena, PROTOCOL_TCP, "0.0.0.0", port, BIND_USUAL);
    struct probe plain = probe(arena, PROTOCOL_TCP, "127.0.0.1", port, BIND_PLAIN);
    struct probe both = probe(arena, PROTOCOL_TCP, "::", port, BIND_PLAIN);
    close(fd);
    CHECK(!reuse.worked && !plain.worked && !both.worked);
    CHECK_INT(reuse.code, EADDRINUSE);
    CHECK_STR(reuse.result, "EADDRINUSE");
    CHECK_STR(plain.result, "EADDRINUSE");
}

TEST(the_options_are_those_that_were_asked)
{
    uint16_t port = 0;
    int fd = hold(AF_INET, SOCK_DGRAM, SO_REUSEADDR, false, &port);
    CHECK(fd >= 0);
    bool reuse = probe(arena, PROTOCOL_UDP, "0.0.0.0", port, BIND_REUSE).worked;
    bool plain = probe(arena, PROTOCOL_UDP, "0.0.0.0", port, BIND_PLAIN).worked;
    bool reuseport = probe(arena, PROTOCOL_UDP, "0.0.0.0", port, BIND_REUSEPORT).worked;
    bool tcp = probe(arena, PROTOCOL_TCP, "0.0.0.0", port, BIND_PLAIN).worked;
    close(fd);
    CHECK(reuse && !plain && !reuseport && tcp);
    fd = hold(AF_INET, SOCK_STREAM, SO_REUSEPORT, false, &port);
    CHECK(fd >= 0);
    reuse = probe(arena, PROTOCOL_TCP, "0.0.0.0", port, BIND_REUSE).worked;
    reuseport = probe(arena, PROTOCOL_TCP, "0.0.0.0", port, BIND_REUSEPORT).worked;
    close(fd);
    CHECK(!reuse && reuseport);
}

TEST(v6only_is_set_as_wished)
{
    struct bind_wish wish = {.address = address_any(FAMILY_IPV6), .mode = BIND_PLAIN};
    struct probe got;
    uint16_t port = 0;
    int fd = hold(AF_INET, SOCK_STREAM, 0, false, &port);

    CHECK(fd >= 0);
    wish.port = port;
    bind_probe(arena, &wish, &got);
    bool dual = got.worked;
    wish.v6only = true;
    bind_probe(arena, &wish, &got);
    close(fd);
    if (str_equal(got.result, STR("unsupported")))
        SKIP("no IPv6 here");
    CHECK(!dual && got.worked && got.v6only);
    wish.address = address_any(FAMILY_IPV4);
    bind_probe(arena, &wish, &got);
    CHECK(!got.v6only);
}

TEST(an_address_of_another_machine_is_not_available)
{
    struct probe got = probe(arena, PROTOCOL_TCP, "192.0.2.1", 0, BIND_REUSE);
    CHECK(!got.worked);
    CHECK_INT(got.code, EADDRNOTAVAIL);
    CHECK_STR(got.result, "EADDRNOTAVAIL");
}

TEST(a_link_local_address_needs_its_interface)
{
    CHECK_STR(probe(arena, PROTOCOL_TCP, "fe80::1", 0, BIND_REUSE).result, "EINVAL");
}

TEST(a_device_keeps_binds_apart)
{
    struct bind_wish wish = {.address = address_any(FAMILY_IPV4), .mode = BIND_PLAIN};
    struct probe got;
    uint16_t port = 0;
    int lo = (int)if_nametoindex("lo");
    int fd = hold(AF_INET, SOCK_STREAM, 0, false, &port);

    CHECK(fd >= 0);
    wish.port = port;
    wish.device = (uint32_t)lo;
    bind_probe(arena, &wish, &got);
    close(fd);
    CHECK_STR(got.result, "EADDRINUSE");
    CHECK_INT(got.device, lo);
    bind_probe(arena, &wish, &got);
    CHECK_STR(got.result, "ok");
    wish.device = 0x7ffffff0;
    bind_probe(arena, &wish, &got);
    CHECK_STR(got.result, "ENXIO");
}

TEST(other_protocols_have_ports_too)
{
    struct probe mptcp = probe(arena, PROTOCOL_MPTCP, "127.0.0.1", 0, BIND_REUSE);
    struct probe lite = probe(arena, PROTOCOL_UDPLITE, "127.0.0.1", 0, BIND_REUSE);
    CHECK(mptcp.worked || str_equal(mptcp.result, STR("unsupported")));
    CHECK(lite.worked || str_equal(lite.result, STR("unsupported")));
}

// What a child's probe gave, by its exit code: 0 worked, else errno.
static int
code_in_child(void (*prepare)(void), uint16_t port)
{
    int status = 0;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct arena *arena = arena_open();
        prepare();
        _exit((int)probe(arena, PROTOCOL_TCP, "127.0.0.1", port, BIND_REUSE).code);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void
become_nobody(void)
{
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        _exit(250);
}

TEST(a_privileged_port_needs_the_right)
{
    if (geteuid() != 0 || !own_network())
        SKIP("only root can give up its rights here");
    CHECK_INT(code_in_child(become_nobody, 80), EACCES);
    CHECK_INT(code_in_child(become_nobody, 8080), 0);
}

static void
deny_binds(void)
{
    struct ruleset_with_net rules = {.handled_net = NET_BIND_TCP};
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);

    if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        _exit(250);
}

TEST(a_security_policy_denies)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 4)
        SKIP("no Landlock that knows networks (Linux 6.7)");
    CHECK_INT(code_in_child(deny_binds, 8080), EACCES);
}

static int
most_files_reached(struct arena *arena)
{
    int fds[1024];
    size_t count = 0;
    int code = 0;

    while (count < 1024 && (fds[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    code = (int)probe(arena, PROTOCOL_TCP, "127.0.0.1", 0, BIND_REUSE).code;
    while (count > 0)
        close(fds[--count]);
    return code;
}

TEST(a_probe_that_could_not_be_made_says_so)
{
    struct rlimit limit;
    struct rlimit few = {.rlim_cur = 64, .rlim_max = 64};

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    few.rlim_max = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    int code = most_files_reached(arena);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_INT(code, EMFILE);
}

TEST(modes_have_names)
{
    CHECK_STR(bind_mode_name(BIND_USUAL), "reuse");
    CHECK_STR(bind_mode_name(BIND_PLAIN), "plain");
    CHECK_STR(bind_mode_name(BIND_REUSE), "reuse");
    CHECK_STR(bind_mode_name(BIND_REUSEPORT), "reuseport");
    CHECK_STR(bind_mode_name(BIND_EXCLUSIVE), "exclusive");
}

TAP_MAIN
