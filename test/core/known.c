#include "core/known.h"

#include "tap.h"

TEST(advice_fits_the_port_and_the_program)
{
    struct known_cause cause = known_find(PROTOCOL_UDP, 53, STR("systemd-resolved"));
    CHECK_STR(cause.id, "systemd-resolved");
    CHECK(str_find(cause.command, STR("DNSStubListener=no")) != SIZE_MAX);
    CHECK_STR(cause.harm, "low");
    CHECK_STR(known_find(PROTOCOL_TCP, 53, STR("systemd-resolve")).id, "systemd-resolved");
    CHECK_STR(known_find(PROTOCOL_TCP, 5355, STR("systemd-resolve")).id, "systemd-resolved-llmnr");
    CHECK_STR(known_find(PROTOCOL_TCP, 3306, STR("MYSQLD")).id, "mysql");
    CHECK_STR(known_find(PROTOCOL_TCP, 3307, STR("mysqld")).id, "");
    CHECK_STR(known_find(PROTOCOL_TCP, 25565, STR("java")).id, "minecraft");
    CHECK_STR(known_find(PROTOCOL_TCP, 8080, STR("java")).id, "java-server");
    CHECK_STR(known_find(PROTOCOL_MPTCP, 8084, STR("mono")).id, "mono-ci");
    CHECK_STR(known_find(PROTOCOL_TCP, 80, STR("system")).id, "http-sys");
    CHECK_STR(known_find(PROTOCOL_UDP, 5353, STR("chrome")).id, "browser-mdns");
    CHECK_STR(known_find(PROTOCOL_TCP, 5353, STR("chrome")).id, "");
    CHECK_STR(known_find(PROTOCOL_TCP, 8000, STR("python3.11")).id, "python-development");
    CHECK_STR(known_find(PROTOCOL_TCP, 8080, STR("no-such-program")).id, "");
}

TEST(some_programs_are_known_on_any_port)
{
    CHECK_STR(known_find(PROTOCOL_TCP, 12345, STR("docker-proxy")).id, "docker-proxy");
    CHECK_STR(known_find(PROTOCOL_UDP, 27015, STR("srcds_linux")).id, "game-server");
    CHECK_STR(known_find(PROTOCOL_TCP, 8080, STR("qemu-system-x86")).id, "virtual-machine");
}

TEST(a_port_alone_has_advice_only_where_it_says_enough)
{
    struct known_cause cause = known_find(PROTOCOL_TCP, 5000, STR(""));
    CHECK_STR(cause.id, "airplay-receiver");
    CHECK(str_find(cause.advice, STR("macOS")) != SIZE_MAX);
    CHECK_STR(known_find(PROTOCOL_TCP, 80, STR("")).id, "");
    CHECK_STR(known_find(PROTOCOL_TCP, 12345, STR("")).id, "");
}

TEST(every_advice_is_complete)
{
    static const char *const harms[] = {"none", "low", "some", "high"};
    size_t found = 0;
    for (unsigned port = 1; port <= 65535; port++) {
        struct known_cause cause = known_find(PROTOCOL_TCP, (uint16_t)port, STR("java"));
        if (cause.id.len == 0)
            continue;
        found++;
        bool good = false;
        for (size_t i = 0; i < 4; i++)
            good = good || str_equal(cause.harm, str_of(harms[i]));
        CHECK(good && cause.title.len > 0 && str_ends(cause.advice, STR(".")));
    }
    CHECK(found > 3);
}

TEST(strangers_on_well_known_ports_are_noticed)
{
    struct str usual = STR("x");
    CHECK(known_is_usual_owner(arena, PROTOCOL_TCP, 22, STR("sshd"), &usual));
    CHECK_STR(usual, "");
    CHECK(!known_is_usual_owner(arena, PROTOCOL_TCP, 22, STR("python3"), &usual));
    CHECK_STR(usual, "sshd or dropbear");
    CHECK(!known_is_usual_owner(arena, PROTOCOL_TCP, 11211, STR("python3"), &usual));
    CHECK_STR(usual, "memcached");
    CHECK(known_is_usual_owner(arena, PROTOCOL_UDP, 22, STR("python3"), &usual));
    CHECK(known_is_usual_owner(arena, PROTOCOL_TCP, 8080, STR("python3"), &usual));
    CHECK(known_is_usual_owner(arena, PROTOCOL_TCP, 22, STR(""), &usual));
    CHECK(known_is_usual_owner(arena, PROTOCOL_TCP, 5432, STR("docker-proxy"), &usual));
    CHECK(known_is_usual_owner(arena, PROTOCOL_TCP, 5432, STR("ssh"), &usual));
}

TEST(some_programs_need_longer_to_stop)
{
    CHECK_INT(known_grace(STR("postgres")), 60);
    CHECK_INT(known_grace(STR("java")), 60);
    CHECK_INT(known_grace(STR("qemu-system-x86_64")), 60);
    CHECK_INT(known_grace(STR("nginx")), 30);
    CHECK_INT(known_grace(STR("node")), 10);
    CHECK_INT(known_grace(STR("")), 10);
}

TEST(programs_belong_to_classes)
{
    CHECK(known_is("forwarder", STR("docker-proxy")));
    CHECK(known_is("relay", STR("kubectl")));
    CHECK(known_is("supervisor", STR("nodemon")));
    CHECK(known_is("supervisor", STR("PM2 v5.3.0: Go")));
    CHECK(known_is("shell", STR("Bash")));
    CHECK(known_is("editor", STR("code")));
    CHECK(known_is("service-manager", STR("systemd")));
    CHECK(known_is("never-listens", STR("sleep")));
    CHECK(known_is("interpreter", STR("python3.12")));
    CHECK(known_is("task-runner", STR("npm")));
    CHECK(known_is("scheduler", STR("cron")));
    CHECK(known_is("remote-access", STR("sshd")));
    CHECK(known_is("loopback-usual", STR("postgres")));
    CHECK(!known_is("supervisor", STR("node")));
    CHECK(!known_is("supervisor", STR("")));
    CHECK(!known_is("no-such-class", STR("node")));
}

TEST(ports_that_browsers_refuse_are_those_of_the_fetch_standard)
{
    unsigned count = 0;
    for (unsigned port = 0; port <= 65535; port++)
        count += known_is_blocked_by_browsers((uint16_t)port);
    CHECK_INT(count, 83);
    CHECK(known_is_blocked_by_browsers(6000));
    CHECK(known_is_blocked_by_browsers(5060));
    CHECK(known_is_blocked_by_browsers(10080));
    CHECK(!known_is_blocked_by_browsers(8080));
}

TEST(default_ports_are_known_by_protocol)
{
    CHECK(known_is_default_port(PROTOCOL_TCP, 8080));
    CHECK(known_is_default_port(PROTOCOL_MPTCP, 5432));
    CHECK(known_is_default_port(PROTOCOL_UDP, 5353));
    CHECK(!known_is_default_port(PROTOCOL_UDP, 5432));
    CHECK(!known_is_default_port(PROTOCOL_TCP, 8081));
    CHECK(!known_is_default_port(PROTOCOL_TCP, 3001));
}

TEST(errors_have_meanings)
{
    static const char *const names[] = {
        "EADDRINUSE", "eacces", "EADDRNOTAVAIL", "WSAEADDRINUSE", "10048",  "10013",        "10049",
        "98",         "99",     "EPERM",         "EINVAL",        "0x2740", "EAFNOSUPPORT", "ECONNREFUSED"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(str_ends(known_error_meaning(str_of(names[i])), STR(".")));
    CHECK_STR(known_error_meaning(STR("EFOO")), "");
    CHECK_STR(known_error_meaning(STR("")), "");
    CHECK_STR(known_error_meaning(STR("8080")), "");
}

TEST(error_is_found_in_the_text_of_another_program)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"OSError: [Errno 98] Address already in use", "EADDRINUSE"},
        {"Only one usage of each socket address (protocol/network address/port) is normally permitted. (10048)",
         "10048"},
        {"An attempt was made to access a socket in a way forbidden by its access permissions. (10013)", "10013"},
        {"**** FAILED TO BIND TO PORT! Perhaps a server is already running on that port?", "EADDRINUSE"},
        {"java.net.BindException: Address already in use", "EADDRINUSE"},
        {"Error: Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }", "EADDRINUSE"},
        {"connect ECONNREFUSED 127.0.0.1:9998", "ECONNREFUSED"},
        {"bind: Cannot assign requested address", "EADDRNOTAVAIL"},
        {"bind failed: (13: permission)", "EACCES"},
        {"line 98, in main: 22 files, 1 error", ""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(str_equal(known_error_in(str_of(cases[i].text)), known_error_meaning(str_of(cases[i].error))));
}

TEST(ending_of_windows_does_not_belong_to_a_name)
{
    CHECK(known_is("relay", STR("wslrelay.exe")));
    CHECK(known_is("shell", STR("PowerShell.EXE")));
    CHECK(!known_is("shell", STR(".exe")));
    CHECK_STR(known_find(PROTOCOL_TCP, 3306, STR("mysqld.exe")).id, "mysql");
}

TEST(user_of_the_systems_http_server_is_known_by_program_path_or_port)
{
    CHECK_STR(known_http_user(80, STR("/"), STR("w3wp.exe")).id, "iis");
    CHECK_STR(known_http_user(80, STR("/"), STR("w3wp.exe")).service, "W3SVC");
    CHECK_STR(known_http_user(5985, STR("/WSMAN/"), STR("")).id, "winrm");
    CHECK_STR(known_http_user(80, STR("/wsmanx/"), STR("")).id, "");
    CHECK_STR(known_http_user(5357, STR("/"), STR("")).id, "device-discovery");
    CHECK_STR(known_http_user(80, STR("/"), STR("shopd.exe")).id, "");
    // The program says more than the address.
    CHECK_STR(known_http_user(80, STR("/ReportServer"), STR("w3wp")).id, "iis");
}

TEST(what_is_remembered_of_one_name_is_said_of_no_other)
{
    static const char *const others[] = {"basi", "nodemon"};
    char long_name[200];

    // More names than are remembered, and those of interest again and again among them.
    for (unsigned i = 0; i < 3000; i++) {
        struct str odd = str_printf(arena, "program-%u", i);
        CHECK(!known_is("shell", odd) && !known_is("supervisor", odd));
        CHECK(known_is("shell", STR("bash")) && !known_is("supervisor", STR("bash")));
        CHECK(known_is("supervisor", STR("nodemon")) && !known_is("shell", str_of(others[i % 2])));
    }
    memset(long_name, 'x', sizeof long_name);
    CHECK(!known_is("shell", (struct str){long_name, sizeof long_name}));
    CHECK(!known_is("shell", STR("")));
}

TAP_MAIN
