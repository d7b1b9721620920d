#include "tap.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse_linux.h"
#include "sys/user.h"

TEST(root_has_a_name_and_a_number)
{
    uint32_t uid = 1;
    CHECK_STR(user_name(arena, 0), "root");
    CHECK(user_find(STR("root"), &uid));
    CHECK_INT(uid, 0);
}

TEST(number_without_a_name_is_its_own_name)
{
    uint32_t uid = 0;
    CHECK_STR(user_name(arena, 3999999999u), "3999999999");
    CHECK(user_find(STR("3999999999"), &uid));
    CHECK_INT(uid, 3999999999u);
}

TEST(what_is_no_user_is_not_found)
{
    uint32_t uid;
    CHECK(!user_find(STR("no such user here"), &uid));
    CHECK(!user_find(STR(""), &uid));
    CHECK(!user_find(STR("4294967295"), &uid));
    CHECK(!user_find(STR("-1"), &uid));
}

TEST(own_rights_are_told)
{
    struct user_self self = user_self();
    CHECK_INT(self.uid, geteuid());
    CHECK(self.admin == (geteuid() == 0));
}

// What a child of another kind says about itself: one letter for each right that it has.
static struct str
child_rights(struct arena *arena, bool nobody, unsigned refused, int namespaces)
{
    char text[8] = "";
    int result[2];
    CHECK(pipe(result) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        if ((nobody && (setgid(65534) < 0 || setuid(65534) < 0)) || (refused && !refuse_call(refused, 1)) ||
            (namespaces && unshare(namespaces) < 0))
            _exit(1);
        struct user_self self = user_self();
        size_t length = (size_t)snprintf(text, sizeof text, "%s%s%s%s%s.", self.admin ? "a" : "",
                                         self.sees_processes ? "p" : "", self.net_admin ? "n" : "",
                                         self.enters_namespaces ? "e" : "", self.binds_privileged ? "b" : "");
        _exit(write(result[1], text, length) == (ssize_t)length ? 0 : 1);
    }
    ssize_t got = read(result[0], text, sizeof text);
    waitpid(pid, NULL, 0);
    close(result[0]);
    close(result[1]);
    if (got <= 0)
        SKIP("this kernel or sandbox refuses user namespaces");
    return str_copy(arena, (struct str){text, (size_t)got});
}

TEST(ordinary_user_has_no_rights)
{
    if (geteuid() != 0)
        SKIP("only root can start a process of another user");
    CHECK_STR(child_rights(arena, true, 0, 0), ".");
}

TEST(rights_that_can_not_be_asked_for_are_none)
{
    CHECK_STR(child_rights(arena, false, SYS_capget, 0), geteuid() == 0 ? "a." : ".");
}

TEST(rights_in_a_user_namespace_reach_no_further)
{
    // All capabilities, but over nothing that was there before.
    CHECK_STR(child_rights(arena, false, 0, CLONE_NEWUSER), "e.");
    CHECK_STR(child_rights(arena, false, 0, CLONE_NEWUSER | CLONE_NEWNET), "neb.");
}

TAP_MAIN
