#include "sys/netlink_socket_linux.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "decode/netlink.h"
#include "decode/rtnl.h"
#include "refuse_linux.h"
#include "sys/clock.h"
#include "tap.h"

TEST(devices_are_told_on_the_same_socket_again_and_again)
{
    struct netlink_socket netlink;
    struct err err = {0};
    CHECK(netlink_socket_open(&netlink, NETLINK_ROUTE, &err));
    for (int i = 0; i < 3; i++) {
        struct buf request = {.arena = arena};
        struct str answer;
        struct rtnl_link link;
        bool loopback = false;
        rtnl_request_links(&request, netlink_socket_next(&netlink));
        CHECK(netlink_socket_ask(arena, &netlink, buf_str(&request), clock_mono_us() + 60000000, &answer, &err));
        while (rtnl_next_link(&answer, &link))
            loopback |= str_equal(link.name, STR("lo"));
        CHECK(loopback);
    }
    netlink_socket_close(&netlink);
    CHECK_INT(netlink.fd, -1);
    netlink_socket_close(&netlink);
}

TEST(a_deadline_that_has_passed_ends_the_asking)
{
    struct netlink_socket netlink;
    struct err err = {0};
    struct buf request = {.arena = arena};
    struct str answer;
    CHECK(netlink_socket_open(&netlink, NETLINK_ROUTE, &err));
    rtnl_request_links(&request, netlink_socket_next(&netlink));
    bool good = netlink_socket_ask(arena, &netlink, buf_str(&request), clock_mono_us() - 1, &answer, &err);
    netlink_socket_close(&netlink);
    CHECK(!good && err.kind == ERR_TIMEOUT);
}

TEST(an_answer_that_never_comes_is_waited_for_until_the_deadline)
{
    struct netlink_socket netlink;
    struct err err = {0};
    struct buf request = {.arena = arena};
    struct str answer;
    CHECK(netlink_socket_open(&netlink, NETLINK_ROUTE, &err));
    // A message that asks for nothing is not answered (netlink_rcv_skb of net/netlink/af_netlink.c).
    netlink_end(&request, netlink_begin(&request, NETLINK_NOOP, NETLINK_REQUEST, netlink_socket_next(&netlink)));
    int64_t start = clock_mono_us();
    bool good = netlink_socket_ask(arena, &netlink, buf_str(&request), start + 50000, &answer, &err);
    int64_t waited = clock_mono_us() - start;
    netlink_socket_close(&netlink);
    CHECK(!good && err.kind == ERR_TIMEOUT);
    CHECK(waited >= 50000 && waited < 60000000);
}

TEST(what_the_kernel_does_not_have_is_unsupported)
{
    struct netlink_socket netlink;
    struct err err = {0};
    struct buf request = {.arena = arena};
    struct str answer;
    CHECK(!netlink_socket_open(&netlink, 31, &err));
    CHECK(err.kind == ERR_UNSUPPORTED && netlink.fd == -1);
    CHECK(netlink_socket_open(&netlink, NETLINK_ROUTE, &err));
    // No such request.
    netlink_end(&request, netlink_begin(&request, 999, NETLINK_REQUEST | NETLINK_ACK, netlink_socket_next(&netlink)));
    bool good = netlink_socket_ask(arena, &netlink, buf_str(&request), clock_mono_us() + 60000000, &answer, &err);
    netlink_socket_close(&netlink);
    CHECK(!good && err.kind == ERR_UNSUPPORTED && err.os == EOPNOTSUPP);
}

TEST(a_sandbox_that_forbids_netlink_is_told_as_such)
{
    pid_t child = fork();
    if (child == 0) {
        struct netlink_socket netlink;
        struct err err = {0};
        if (!refuse_call(SYS_socket, EACCES))
            _exit(77);
        _exit(!netlink_socket_open(&netlink, NETLINK_ROUTE, &err) && err.kind == ERR_NOT_ALLOWED ? 0 : 1);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        SKIP("seccomp is not allowed here");
    CHECK_INT(WEXITSTATUS(status), 0);
}

TAP_MAIN
