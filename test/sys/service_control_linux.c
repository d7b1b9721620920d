#include "sys/service_control.h"

#include "service_stub_linux.h"
#include "sys/service.h"

TEST(a_unit_is_stopped_and_started_again)
{
    struct stand_in stand_in;
    struct service before = {0};
    struct service after = {0};
    struct service again = {0};
    struct err err = {0};
    open_usual(arena, &stand_in);
    bool good = service_read(arena, false, 0, STR("nginx.service"), 60000, &before, &err) &&
                service_control_stop(arena, false, 0, STR("nginx.service"), 60000, &err) &&
                service_read(arena, false, 0, STR("nginx.service"), 60000, &after, &err) &&
                service_control_start(arena, false, 0, STR("nginx.service"), 60000, &err) &&
                service_read(arena, false, 0, STR("nginx.service"), 60000, &again, &err);
    end(&stand_in);
    CHECK_STR(str_of(err.text), "");
    CHECK(good);
    CHECK_STR(before.state, "active");
    CHECK_STR(after.state, "inactive");
    CHECK_STR(again.state, "active");
}

TEST(a_refused_order_says_why)
{
    static const struct {
        const char *unit;
        enum err_kind kind;
    } cases[] = {{"nothing.service", ERR_GONE}, {"denied.service", ERR_NOT_ALLOWED}, {"slow.service", ERR_TIMEOUT}};
    struct stand_in stand_in;
    struct err errors[3];
    bool good = false;
    open_usual(arena, &stand_in);
    int64_t start = clock_mono_us();
    for (size_t i = 0; i < 3; i++)
        good = service_control_stop(arena, false, 0, str_of(cases[i].unit), cases[i].kind == ERR_TIMEOUT ? 100 : 60000,
                                    &errors[i]) ||
               good;
    int64_t took_ms = (clock_mono_us() - start) / 1000;
    end(&stand_in);
    CHECK(!good);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(errors[i].kind, cases[i].kind);
    CHECK(str_starts(str_of(errors[0].text), STR("stop nothing.service: ")));
    CHECK(took_ms < 50000);
}

TEST(without_systemd_nothing_can_be_ordered)
{
    struct err err = {0};
    if (access("/run/systemd/system", F_OK) == 0)
        SKIP("this system has systemd");
    CHECK(!service_control_start(arena, false, 0, STR("a.service"), 1000, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    CHECK(!service_control_stop(arena, true, 12345, STR("a.service"), 1000, &err));
}

TAP_MAIN
