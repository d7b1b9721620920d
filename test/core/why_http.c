#include "why_scene.h"

// Port 80 in the name of the system; what its HTTP server tells is up to the test.
static struct scene
served(struct arena *arena, enum known known)
{
    struct scene scene = scene_windows(arena);

    add_process(&scene, HOST_SYSTEM_PID, 0, "System");
    add_owned(&scene, "0.0.0.0", 80, HOST_SYSTEM_PID);
    scene.host.http_known = known;
    return scene;
}

TEST(program_behind_the_systems_http_server_is_named)
{
    struct scene scene = served(arena, KNOWN_YES);
    add_url(&scene, "http://+:80/shop/", 80, true, "", 7300);
    add_process(&scene, 7300, 5100, "shopd.exe");
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_HTTP_SYS);
    CHECK_STR(first_cause(&scene)->sentence,
              "shopd (pid 7300) has *:80 through http.sys, the HTTP server inside Windows");
    CHECK_INT(first_cause(&scene)->behind.count, 1);
    CHECK_INT(first_cause(&scene)->behind.items[0].process->pid, 7300);
    CHECK(notes(&scene, "It serves http://+:80/shop/."));
    CHECK(offers(&scene, "taskkill /PID 7300"));
    CHECK_STR(command_of(&scene, "see who"), "");
    CHECK(is_consistent(&scene));
}

TEST(known_user_is_stopped_by_its_service)
{
    struct scene scene = served(arena, KNOWN_YES);
    add_url(&scene, "HTTP://*:80/", 80, true, "DefaultAppPool", 5000);
    add_url(&scene, "http://*:80/admin/", 80, true, "DefaultAppPool", 5000);
    add_url(&scene, "http://+:80/Reports/", 80, true, "", 0);
    add_process(&scene, 5000, 2900, "w3wp.exe");
    add_service(&scene, "W3SVC", 2900)->dependants = STR("WMSVC");
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_STR(first_cause(&scene)->sentence,
              "IIS and SQL Server Reporting Services has *:80 through http.sys, the HTTP "
              "server inside Windows");
    CHECK(notes(&scene, "It serves HTTP://*:80/ and 1 more for the queue DefaultAppPool."));
    CHECK(offers(&scene, "Stop-Service W3SVC"));
    CHECK(offers(&scene, "Stop-Service SQLServerReportingServices"));
    CHECK(is_consistent(&scene));
}

TEST(service_of_the_process_behind_is_stopped)
{
    struct scene scene = served(arena, KNOWN_YES);
    add_url(&scene, "http://+:80/orders/", 80, true, "", 6100);
    add_process(&scene, 6100, 700, "orders.exe");
    add_service(&scene, "Orders", 6100);
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK(offers(&scene, "Stop-Service Orders"));
    CHECK(!offers(&scene, "taskkill /PID 6100"));
}

TEST(reservation_is_a_hint_where_the_urls_may_not_be_read)
{
    struct scene scene = served(arena, KNOWN_NOT_ALLOWED);
    add_url(&scene, "http://+:80/wsman/", 80, false, "NT SERVICE\\WinRM", 0);
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_HTTP_SYS);
    CHECK_STR(first_cause(&scene)->sentence,
              "http.sys, the HTTP server inside Windows, has *:80, most likely for Windows "
              "Remote Management (WinRM)");
    CHECK(notes(&scene, "http://+:80/wsman/ is reserved for NT SERVICE\\WinRM."));
    CHECK_STR(command_of(&scene, "see who"), "moorage 80 --elevate");
    CHECK(is_consistent(&scene));
}

TEST(nobody_known_is_said_and_who_would_see_it)
{
    struct scene scene = served(arena, KNOWN_TIMEOUT);
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_STR(first_cause(&scene)->sentence, "http.sys, the HTTP server inside Windows, has *:80");
    CHECK(notes(&scene, "Which program is behind it only an administrator may see."));
    scene.host.admin = true;
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_STR(command_of(&scene, "see who"), "");
}

TEST(what_the_system_serves_itself_is_not_its_http_server)
{
    struct scene scene = scene_windows(arena);
    add_process(&scene, HOST_SYSTEM_PID, 0, "System");
    add_owned(&scene, "0.0.0.0", 445, HOST_SYSTEM_PID);
    add_owned(&scene, "::", 445, HOST_SYSTEM_PID);
    CHECK(ask(&scene, PROTOCOL_TCP, 445));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_KERNEL);
    CHECK_STR(first_cause(&scene)->sentence, "Windows itself has *:445, for file sharing (SMB)");
    CHECK_INT(first_cause(&scene)->sockets.count, 2);
    CHECK(is_consistent(&scene));
    scene = served(arena, KNOWN_YES);
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_KERNEL);
    CHECK(is_consistent(&scene));
}

TEST(range_of_one_port_that_the_http_server_keeps_is_not_put_down_to_hyper_v)
{
    struct scene scene = scene_windows(arena);
    add_process(&scene, HOST_SYSTEM_PID, 0, "System");
    add_process(&scene, 7300, 5100, "shopd.exe");
    add_range(&scene, RANGE_EXCLUDED, FAMILY_IPV4, 8085, 8085);
    add_url(&scene, "http://127.0.0.1:8085/", 8085, true, "", 7300);
    scene.host.http_known = KNOWN_YES;
    binds_give(&scene, "0.0.0.0", 8085, 10013, 10013, 10013);
    CHECK(ask(&scene, PROTOCOL_TCP, 8085));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_HTTP_SYS);
    CHECK_INT(first_cause(&scene)->sockets.count, 0);
    CHECK(cause_of(&scene, CAUSE_EXCLUDED_RANGE) == NULL);
    CHECK(is_consistent(&scene));
    add_owned(&scene, "127.0.0.1", 8085, HOST_SYSTEM_PID);
    CHECK(ask(&scene, PROTOCOL_TCP, 8085));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_HTTP_SYS);
    CHECK_INT(first_cause(&scene)->sockets.count, 1);
    CHECK_INT(scene.answer.verdict, WHY_TAKEN);
    CHECK(is_consistent(&scene));
}

TAP_MAIN
