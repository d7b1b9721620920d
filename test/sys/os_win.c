#include "sys/os.h"

#include "tap.h"

#include "sys/clock.h"
#include "sys/late_win.h"
#include "sys/user.h"

TEST(host_tells_what_it_is)
{
    struct host host = {0};
    struct host again = {0};
    struct user_self self = user_self();
    os_identify(arena, &host);
    os_identify(arena, &again);
    CHECK_STR(host.platform, "windows");
    CHECK(str_starts(host.system, STR("Windows 10.0.")));
    CHECK(late_is_wine() == (str_find(host.system, STR(" on Wine ")) != SIZE_MAX));
    CHECK(host.name.len > 0);
    CHECK_INT(host.uid, self.uid);
    CHECK(host.admin == self.admin);
    CHECK(host.time_ms > clock_wall_ms() - 60000 && host.time_ms <= clock_wall_ms());
    CHECK(host.id.len == 32 && str_equal(host.id, again.id));
    CHECK(host.boot_id.len == 16 && str_equal(host.boot_id, again.boot_id));
}

TEST(each_ability_is_tried_and_told_once)
{
    static const char *const names[] = {"sockets",  "holders", "namespaces", "redirects",
                                        "services", "http",    "containers", "probe"};
    struct host host = {0};
    os_read_abilities(arena, &host);
    size_t at = 0;
    for (size_t i = 0; i < host.abilities.count; i++) {
        const struct ability *ability = &host.abilities.items[i];
        CHECK(ability->detail.len > 0);
        // There only where WSL is.
        if (str_equal(ability->name, STR("neighbour")))
            continue;
        CHECK(at < sizeof names / sizeof *names);
        CHECK_STR(ability->name, names[at++]);
    }
    CHECK_INT(at, sizeof names / sizeof *names);
    CHECK(host.abilities.items[0].good);
    // Looking leaves nothing behind in the model.
    CHECK_INT(host.sockets.count + host.redirects.count + host.ranges.count + host.http_urls.count, 0);
}

TAP_MAIN
