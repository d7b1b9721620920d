#include "tap.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/os.h"
#include "sys/user.h"

TEST(host_tells_what_it_is)
{
    struct host host = {0};
    struct utsname names;
    os_identify(arena, &host);
    CHECK(uname(&names) == 0);
    CHECK_STR(host.platform, "linux");
    CHECK(str_starts(host.system, STR("Linux ")));
    CHECK(str_find(host.system, str_of(names.release)) != SIZE_MAX);
    CHECK_STR(host.name, names.nodename);
    CHECK_INT(host.uid, geteuid());
    CHECK(host.admin == (geteuid() == 0));
    CHECK(host.time_ms > clock_wall_ms() - 60000 && host.time_ms <= clock_wall_ms());
    CHECK_INT(host.boot_id.len, 36);
}

TEST(machine_id_is_not_given_away)
{
    struct host host = {0};
    struct host again = {0};
    char text[64] = "";
    FILE *file = fopen("/etc/machine-id", "r");
    if (!file || !fgets(text, sizeof text, file) || strlen(text) < 32)
        SKIP("this machine has no id");
    fclose(file);
    os_identify(arena, &host);
    os_identify(arena, &again);
    CHECK_INT(host.id.len, 32);
    CHECK(str_equal(host.id, again.id));
    CHECK(memcmp(host.id.ptr, text, 32) != 0);
}

static const struct ability *
find(const struct host *host, const char *name)
{
    for (size_t i = 0; i < host->abilities.count; i++) {
        if (str_equal(host->abilities.items[i].name, str_of(name)))
            return &host->abilities.items[i];
    }
    return NULL;
}

TEST(each_ability_is_tried_and_told_once)
{
    static const char *const names[] = {"sockets",   "holders",  "events",     "namespaces",
                                        "redirects", "services", "containers", "probe"};
    struct host host = {0};
    os_read_abilities(arena, &host);
    CHECK_INT(host.abilities.count, sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct ability *ability = find(&host, names[i]);
        CHECK(ability);
        CHECK(ability->detail.len > 0);
    }
    // The tests run where netlink and a loopback device are.
    CHECK(find(&host, "sockets")->good);
    CHECK(str_starts(find(&host, "sockets")->detail, STR("netlink")));
    if (user_self().binds_privileged)
        CHECK(find(&host, "probe")->good);
    // Looking leaves nothing behind in the model.
    CHECK_INT(host.sockets.count + host.namespaces.count + host.redirects.count + host.ranges.count, 0);
}

TAP_MAIN
