#include "sys/user.h"

#include "tap.h"

#include <windows.h>

#include "sys/wide_win.h"

TEST(own_account_has_a_name_and_a_number)
{
    wchar_t name[257];
    DWORD units = 257;
    uint32_t uid = 0;
    struct user_self self = user_self();
    CHECK(GetUserNameW(name, &units));
    struct str own = wide_to_z(arena, name);
    CHECK(self.uid >= 1000 && self.uid != UINT32_MAX);
    CHECK(str_equal(user_name(arena, self.uid), own));
    CHECK(user_find(own, &uid));
    CHECK_INT(uid, self.uid);
    CHECK(self.binds_privileged && !self.enters_namespaces);
    CHECK(self.sees_processes == self.admin && self.net_admin == self.admin);
}

TEST(the_system_is_found_by_the_name_that_it_has_here)
{
    uint32_t uid = 1;
    CHECK(user_find(STR("system"), &uid));
    CHECK_INT(uid, 0);
    CHECK_STR(user_name(arena, 0), "SYSTEM");
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

TAP_MAIN
