#include "tap.h"

#include "decode/passwd.h"

static const char file[] = "root:x:0:0:root:/root:/bin/bash\n"
                           "# a comment\n"
                           ":x:7:7::/:\n"
                           "broken\n"
                           "also:x\n"
                           "odd:x:minus:0::/:\n"
                           "none:x:4294967295:0::/:\n"
                           "+nis\n"
                           "toor:x:0:0:second name:/root:/bin/sh\n"
                           "ann:x:1000:1000:Ann,,,:/home/ann:/bin/zsh";

TEST(first_name_of_a_number_is_given)
{
    struct str name;
    CHECK(passwd_name(str_of(file), 0, &name));
    CHECK_STR(name, "root");
    CHECK(passwd_name(str_of(file), 1000, &name));
    CHECK_STR(name, "ann");
}

TEST(number_of_a_name_is_given)
{
    uint32_t uid = 1;
    CHECK(passwd_uid(str_of(file), STR("toor"), &uid));
    CHECK_INT(uid, 0);
    CHECK(passwd_uid(str_of(file), STR("ann"), &uid));
    CHECK_INT(uid, 1000);
}

TEST(lines_that_are_none_are_passed_over)
{
    struct str name;
    uint32_t uid;
    CHECK(!passwd_name(str_of(file), 7, &name));
    CHECK(!passwd_name(str_of(file), UINT32_MAX, &name));
    CHECK(!passwd_name((struct str){0}, 0, &name));
    CHECK(!passwd_uid(str_of(file), STR("odd"), &uid));
    CHECK(!passwd_uid(str_of(file), STR("also"), &uid));
    CHECK(!passwd_uid(str_of(file), STR(""), &uid));
}

TEST(only_a_whole_map_tells_every_user)
{
    CHECK(passwd_maps_all(STR("         0          0 4294967295\n")));
    CHECK(passwd_maps_all(STR("0 0 1000\n1000 1000 4294966295\n")));
    CHECK(!passwd_maps_all(STR("         0      65534          1\n")));
    CHECK(!passwd_maps_all(STR("0 1000 1\n1 100000 65536\n")));
    CHECK(!passwd_maps_all(STR("")));
    CHECK(!passwd_maps_all(STR("0 0 x\n0 0 99999999999\n\n0\n")));
}

TAP_MAIN
