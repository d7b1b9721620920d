#include "core/platform.h"

#include "tap.h"

static const struct platform *
platform(const char *name)
{
    struct host host = {.platform = str_of(name)};
    return platform_of(&host);
}

TEST(a_host_has_the_row_of_its_system)
{
    CHECK_STR(platform("windows")->title, "Windows");
    CHECK_STR(platform("linux")->title, "the kernel");
    CHECK_STR(platform("plan9")->name, "linux");
    CHECK(platform("windows")->rules == &conflict_rules_windows);
}

TEST(a_title_can_begin_a_sentence)
{
    CHECK_STR(platform_title_first(arena, platform("linux")), "The kernel");
    CHECK_STR(platform_title_first(arena, platform("windows")), "Windows");
}

TEST(a_template_is_filled_with_what_it_names)
{
    const struct platform_value values[] = {{"pid", STR("7")}, {"port", STR("80")}};
    CHECK_STR(platform_fill(arena, STR("kill {pid} on {port}"), values, 2), "kill 7 on 80");
    CHECK_STR(platform_fill(arena, STR("{ taskkill $_ } {pidx} {other} {pid"), values, 2),
              "{ taskkill $_ } {pidx} {other} {pid");
    CHECK_STR(platform_fill(arena, STR(""), values, 2), "");
}

TEST(more_rights_are_asked_for_as_the_system_does)
{
    CHECK_STR(platform_elevate(arena, platform("linux"), STR("moorage 80")), "sudo moorage 80");
    CHECK_STR(platform_elevate(arena, platform("windows"), STR("moorage 80")), "moorage 80 --elevate");
}

static struct str
stop(struct arena *arena, const char *manager, const char *name, const char *dependants)
{
    struct service service = {.manager = str_of(manager), .name = str_of(name), .dependants = str_of(dependants)};
    return platform_stop_service(arena, &service);
}

TEST(a_service_is_stopped_by_its_own_manager)
{
    CHECK_STR(stop(arena, "systemd", "nginx.service", ""), "systemctl stop nginx.service");
    CHECK_STR(stop(arena, "systemd --user", "a@b.service", ""), "systemctl --user stop a@b.service");
    CHECK_STR(stop(arena, "windows", "W3SVC", ""), "Stop-Service W3SVC");
    CHECK_STR(stop(arena, "windows", "W3SVC", "WAS,IISADMIN"), "Stop-Service -Force W3SVC");
}

TEST(a_name_that_a_shell_would_read_otherwise_is_quoted)
{
    CHECK_STR(stop(arena, "windows", "MSSQL$SHOP", ""), "Stop-Service 'MSSQL$SHOP'");
    CHECK_STR(stop(arena, "windows", "Bob's shop", ""), "Stop-Service 'Bob''s shop'");
    CHECK_STR(stop(arena, "systemd", "dev-disk.service; reboot", ""), "systemctl stop 'dev-disk.service; reboot'");
}

TAP_MAIN
