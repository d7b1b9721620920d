#include "sys/fake_host.h"

#include "sys/bind_probe.h"
#include "sys/clock.h"
#include "sys/container.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/net.h"
#include "sys/os.h"
#include "sys/process.h"
#include "sys/redirect.h"
#include "sys/reserved.h"
#include "sys/service.h"
#include "sys/socket_owner.h"
#include "sys/socket_table.h"
#include "sys/spawn.h"
#include "sys/term.h"
#include "sys/user.h"
#include "tap.h"

#define HEAD \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"ipv6\": true, \"time_ms\": 1700000000000, "

static void
load(const char *json)
{
    struct err err = {0};
    if (!fake_host_load(str_of(json), &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
}

static struct probe
probe(struct arena *arena, const char *address, uint16_t port, enum bind_mode mode)
{
    struct bind_wish wish = {.port = port, .mode = mode};
    struct probe out;
    CHECK(address_parse(str_of(address), &wish.address));
    wish.v6only = wish.address.family == FAMILY_IPV6;
    bind_probe(arena, &wish, &out);
    return out;
}

static struct host
table(struct arena *arena, unsigned protocols, unsigned states, uint16_t first, uint16_t last)
{
    struct host host = {0};
    struct socket_query query = {protocols, states, first, last, true};
    CHECK(socket_table_read(arena, &query, &host, NULL));
    return host;
}

TEST(table_gives_the_rows_that_the_query_asks_for)
{
    load(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", "
              "\"holders_read\": true},"
              "{\"protocol\": \"udp\", \"state\": \"UNCONN\", \"local\": \"0.0.0.0:53\"},"
              "{\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\": \"1.2.3.4:81\", \"remote\": \"5.6.7.8:9\"},"
              "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:82\", \"netns\": 7}],"
              "\"raw\": [{\"name\": \"x\", \"bytes\": \"AAEC\"}]}");
    CHECK_INT(table(arena, SOCKET_PROTOCOLS_ALL, SOCKET_STATES_ALL, 0, 0).sockets.count, 3);
    CHECK_INT(table(arena, 1u << PROTOCOL_TCP, SOCKET_STATES_ALL, 0, UINT16_MAX).sockets.count, 2);
    CHECK_INT(table(arena, 1u << PROTOCOL_TCP, 1u << SOCKET_LISTEN, 0, UINT16_MAX).sockets.count, 1);
    CHECK_INT(table(arena, SOCKET_PROTOCOLS_ALL, SOCKET_STATES_ALL, 53, 80).sockets.count, 2);
    struct host host = table(arena, SOCKET_PROTOCOLS_ALL, SOCKET_STATES_ALL, 80, 80);
    CHECK(!host.sockets.items[0].holders_read);
    CHECK_STR(host.socket_source, "fake");
    CHECK_INT(host.raw.items[0].bytes.len, 3);
}

TEST(other_namespaces_bring_their_listeners)
{
    struct host host = {0};
    load(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:82\", \"netns\": 7},"
              "{\"protocol\": \"tcp\", \"state\": \"ESTABLISHED\", \"local\": \"0.0.0.0:82\", \"netns\": 7},"
              "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:82\"}],"
              "\"namespaces\": [{\"id\": 7, \"known\": \"yes\"}, {\"id\": 3, \"is_own\": true}]}");
    CHECK(namespace_read(arena, SOCKET_PROTOCOLS_ALL, 80, 90, 100, &host, NULL));
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].netns, 7);
    CHECK_INT(host.namespaces.count, 1);
    CHECK_INT(host.namespaces_known, KNOWN_YES);
    CHECK_INT(namespace_own(), 3);
    load(HEAD "\"namespaces\": []}");
    CHECK_INT(namespace_own(), 0);
}

TEST(recorded_bind_wins_over_what_the_tables_say)
{
    load(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"}],"
              "\"probes\": [{\"protocol\": \"tcp\", \"address\": \"0.0.0.0\", \"port\": 80, \"bind\": \"reuse\","
              "\"code\": 1, \"result\": \"EPERM\"}]}");
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "EPERM");
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_PLAIN).result, "EADDRINUSE");
    CHECK_STR(probe(arena, "::", 80, BIND_PLAIN).result, "ok");
    CHECK_STR(probe(arena, "127.0.0.1", 80, BIND_EXCLUSIVE).bind, "plain");
    CHECK(probe(arena, "127.0.0.1", 81, BIND_REUSEPORT).worked);
    CHECK(probe(arena, "127.0.0.1", 0, BIND_REUSEPORT).worked);
}

TEST(tables_tell_which_bind_would_fail)
{
    load(HEAD
         "\"uid\": 1000, \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::]:80\"},"
         "{\"protocol\": \"mptcp\", \"state\": \"BOUND\", \"local\": \"[::]:81\", \"v6only\": true},"
         "{\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\": \"127.0.0.1:82\", \"remote\": \"127.0.0.1:9\"},"
         "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::ffff:127.0.0.1]:83\"},"
         "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:84\", \"reuse_port\": true, \"uid\": "
         "1000}],"
         "\"ranges\": [{\"kind\": \"privileged\", \"any_protocol\": true, \"first\": 1, \"last\": 79},"
         "{\"kind\": \"dynamic\", \"protocol\": \"udp\", \"family\": \"ipv6\", \"first\": 1, \"last\": 79}],"
         "\"addresses\": [{\"address\": \"10.0.0.1\", \"device\": 2, \"device_name\": \"eth0\"}]}");
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "EADDRINUSE");
    CHECK_STR(probe(arena, "0.0.0.0", 81, BIND_USUAL).result, "ok");
    CHECK_STR(probe(arena, "::", 81, BIND_USUAL).result, "EADDRINUSE");
    CHECK_STR(probe(arena, "0.0.0.0", 82, BIND_USUAL).result, "ok");
    CHECK_STR(probe(arena, "0.0.0.0", 82, BIND_PLAIN).result, "EADDRINUSE");
    CHECK_STR(probe(arena, "127.0.0.1", 83, BIND_PLAIN).result, "EADDRINUSE");
    CHECK_STR(probe(arena, "10.0.0.1", 83, BIND_PLAIN).result, "ok");
    CHECK_STR(probe(arena, "10.0.0.1", 84, BIND_PLAIN).result, "EADDRINUSE");
    CHECK_STR(probe(arena, "10.0.0.1", 84, BIND_REUSEPORT).result, "ok");
    CHECK_INT(probe(arena, "10.0.0.1", 79, BIND_PLAIN).code, 13);
    CHECK_INT(probe(arena, "10.0.0.2", 79, BIND_PLAIN).code, 99);
    load("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"windows\", \"ranges\": [{\"kind\": \"excluded\","
         "\"any_protocol\": true, \"first\": 8072, \"last\": 8171}]}");
    CHECK_INT(probe(arena, "0.0.0.0", 8080, BIND_USUAL).code, 10013);
    CHECK_STR(probe(arena, "0.0.0.0", 8080, BIND_EXCLUSIVE).bind, "exclusive");
    CHECK_STR(probe(arena, "0.0.0.0", 8080, BIND_USUAL).bind, "plain");
    CHECK_STR(probe(arena, "::", 8080, BIND_USUAL).result, "unsupported");
}

TEST(probe_that_is_made_to_fail_has_no_right)
{
    load(HEAD "\"sockets\": []}");
    fake_host_fail_each("bind_probe", ERR_NOT_ALLOWED);
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "EACCES");
    fake_host_fail_each("bind_probe", ERR_UNSUPPORTED);
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "unsupported");
    fake_host_fail_each("bind_probe", ERR_NONE);
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "ok");
}

TEST(holders_are_found_by_cookie_or_by_what_the_row_says)
{
    load(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"cookie\": 5},"
              "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:80\", \"inode\": 9},"
              "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:80\", \"inode\": 10}],"
              "\"holdings\": [{\"socket\": 0, \"pid\": 7, \"how\": \"fd\", \"fd\": 3},"
              "{\"socket\": 1, \"pid\": 8, \"how\": \"fd\", \"fd\": 3},"
              "{\"socket\": 2, \"pid\": 9, \"how\": \"fd\", \"fd\": 3}],"
              "\"unseen\": [{\"pid\": 1, \"what\": \"fds\", \"reason\": \"not-allowed\"}]}");
    struct host host = table(arena, SOCKET_PROTOCOLS_ALL, SOCKET_STATES_ALL, 80, 80);
    size_t asked[] = {1, 0};
    CHECK(socket_owner_find(arena, &(struct owner_query){.sockets = asked, .count = 2}, &host, NULL));
    CHECK_INT(host.holdings.count, 2);
    CHECK_INT(host.holdings.items[0].socket, 0);
    CHECK_INT(host.holdings.items[1].pid, 8);
    CHECK_INT(host.unseen.count, 1);
    CHECK_INT(host.tier, TIER_FAKE);
    CHECK(host.complete);
}

TEST(process_gives_only_what_is_asked)
{
    struct process process;
    load(HEAD "\"processes\": [{\"pid\": 7, \"name\": \"node\", \"exe\": \"/usr/bin/node\", \"exe_state\": \"present\","
              "\"command\": [\"node\", \"a.js\"], \"company\": \"Nodes\", \"signature\": \"good\", \"cwd\": null, "
              "\"unknown\": {\"cwd\": \"not-allowed\"}, \"netns\": 5},"
              "{\"pid\": 8}]}");
    process_read(arena, 7, PROCESS_BASIC, &process);
    CHECK_INT(process.known, KNOWN_YES);
    CHECK_STR(process.name, "node");
    CHECK_INT(process.exe.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.command_known, KNOWN_NOT_ASKED);
    CHECK_INT(process.command.count, 0);
    CHECK_INT(process.exe_state, EXE_UNKNOWN);
    CHECK_INT(process.netns, 0);
    CHECK_INT(process.company.known, KNOWN_NOT_ASKED);
    CHECK_INT(process.signature, SIGNATURE_UNKNOWN);
    process_read(arena, 7, PROCESS_ALL, &process);
    CHECK_STR(process.exe.value, "/usr/bin/node");
    CHECK_INT(process.cwd.known, KNOWN_NOT_ALLOWED);
    CHECK_INT(process.user.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process.command.count, 2);
    CHECK_STR(process.company.value, "Nodes");
    CHECK_INT(process.signer.known, KNOWN_UNSUPPORTED);
    CHECK_INT(process.signature, SIGNATURE_GOOD);
    process_read(arena, 8, PROCESS_ALL, &process);
    CHECK_INT(process.command_known, KNOWN_UNSUPPORTED);
    process_read(arena, 9, PROCESS_ALL, &process);
    CHECK_INT(process.known, KNOWN_GONE);
    CHECK_INT(process.pid, 9);
    fake_host_fail_each("process_read", ERR_NOT_ALLOWED);
    process_read(arena, 7, PROCESS_ALL, &process);
    CHECK_INT(process.known, KNOWN_NOT_ALLOWED);
    CHECK(process_self() > 4000000);
}

TEST(script_changes_the_host_after_time_and_act)
{
    load(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"},"
              "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:81\"}],"
              "\"holdings\": [{\"socket\": 0, \"pid\": 7}, {\"socket\": 1, \"pid\": 8}],"
              "\"processes\": [{\"pid\": 8, \"name\": \"old\"}],"
              "\"probes\": [{\"protocol\": \"tcp\", \"address\": \"0.0.0.0\", \"port\": 80, \"bind\": \"reuse\","
              "\"code\": 98, \"result\": \"EADDRINUSE\"}, {\"protocol\": \"tcp\", \"address\": \"0.0.0.0\","
              "\"port\": 81, \"bind\": \"reuse\", \"code\": 98, \"result\": \"EADDRINUSE\"}],"
              "\"script\": [{\"after_ms\": 50, \"remove\": [\"tcp 0.0.0.0:80\"]},"
              "{\"after_act\": \"probe\", \"after_ms\": 200, \"add\": {\"sockets\": [{\"protocol\": \"udp\","
              "\"state\": \"UNCONN\", \"local\": \"0.0.0.0:9\"}], \"holdings\": [{\"socket\": 0, \"pid\": 99}],"
              "\"processes\": [{\"pid\": 8, \"name\": \"new\"}, {\"pid\": 99}], \"probes\": [{\"protocol\": \"tcp\","
              "\"address\": \"0.0.0.0\", \"port\": 80, \"bind\": \"reuse\", \"code\": 1, \"result\": \"EPERM\"}]}}]}");
    CHECK_INT(fake_host()->sockets.count, 2);
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "EADDRINUSE");
    clock_sleep_ms(50);
    CHECK_INT(fake_host()->sockets.count, 1);
    CHECK_INT(fake_host()->holdings.count, 1);
    CHECK_INT(fake_host()->holdings.items[0].socket, 0);
    CHECK_INT(fake_host()->holdings.items[0].pid, 8);
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "ok");
    clock_sleep_ms(200);
    CHECK_INT(fake_host()->sockets.count, 2);
    CHECK_INT(fake_host()->holdings.items[1].socket, 1);
    CHECK_STR(host_process(fake_host(), 8)->name, "new");
    CHECK_STR(probe(arena, "0.0.0.0", 80, BIND_USUAL).result, "EPERM");
    CHECK_STR(probe(arena, "0.0.0.0", 81, BIND_USUAL).result, "EADDRINUSE");
}

TEST(clock_goes_on_only_by_sleep_and_probe)
{
    load(HEAD "\"sockets\": []}");
    CHECK_INT(clock_mono_us(), 0);
    CHECK_INT(clock_wall_ms(), 1700000000000);
    clock_sleep_ms(1500);
    CHECK_INT(clock_mono_us(), 1500000);
    (void)probe(arena, "0.0.0.0", 80, BIND_USUAL);
    CHECK_INT(clock_wall_ms(), 1700000001501);
}

TEST(service_manager_answers_as_recorded)
{
    struct service service;
    struct service_list list = {0};
    struct err err = {0};
    uint32_t pids[2];
    struct str path;

    load(HEAD "\"services\": [{\"manager\": \"systemd\", \"name\": \"a.service\", \"main_pid\": 5},"
              "{\"manager\": \"systemd --user\", \"uid\": 1000, \"name\": \"b.socket\", \"is_socket\": true}],"
              "\"groups\": [{\"id\": 77, \"path\": \"/a\", \"pids\": [1, 2, 3]}, {\"id\": 78, \"path\": null,"
              "\"unknown\": {\"path\": \"not-allowed\"}}], \"processes\": [{\"pid\": 9, \"cgroup\": \"/b\"}]}");
    CHECK(service_read(arena, false, 0, STR("a.service"), 100, &service, &err));
    CHECK_INT(service.main_pid, 5);
    CHECK(!service_read(arena, true, 1000, STR("a.service"), 100, &service, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(service_list_sockets(arena, true, 1000, 100, &list, &err));
    CHECK_INT(list.count, 1);
    CHECK(service_list_sockets(arena, false, 0, 100, &list, &err));
    CHECK_INT(list.count, 1);
    CHECK(service_group_path(arena, 77, &path, &err));
    CHECK_STR(path, "/a");
    CHECK(!service_group_path(arena, 78, &path, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK(!service_group_path(arena, 79, &path, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK_INT(service_group_pids(arena, STR("/a"), pids, 2), 2);
    CHECK_INT(service_group_pids(arena, STR("/b"), pids, 2), 1);
    load(HEAD "\"services_known\": \"timeout\"}");
    CHECK(!service_read(arena, false, 0, STR("a.service"), 100, &service, &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK_INT(clock_mono_us(), 100000);
    load(HEAD "\"sockets\": []}");
    CHECK(!service_list_sockets(arena, false, 0, 100, &list, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
    CHECK(!service_group_path(arena, 79, &path, &err));
    CHECK_INT(err.kind, ERR_UNSUPPORTED);
}

TEST(container_runtimes_answer_as_recorded)
{
    struct container_endpoint_list list = {0};
    struct str answer;
    struct err err = {0};

    load(HEAD "\"api_answers\": [{\"runtime\": \"docker\", \"endpoint\": \"/d\", \"request\": \"/a\", \"body\": \"A\"},"
              "{\"runtime\": \"docker\", \"endpoint\": \"/d\", \"request\": \"/b\", \"known\": \"timeout\"}]}");
    container_endpoints(arena, &list);
    CHECK_INT(list.count, 1);
    CHECK(container_ask(arena, list.items[0], STR("/a"), 100, &answer, &err));
    CHECK_STR(answer, "A");
    CHECK(!container_ask(arena, list.items[0], STR("/b"), 100, &answer, &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK_INT(clock_mono_us(), 100000);
    CHECK(!container_ask(arena, list.items[0], STR("/c"), 100, &answer, &err));
    CHECK_INT(err.kind, ERR_GONE);
}

TEST(users_are_named_by_their_processes)
{
    uint32_t uid = 0;
    load(HEAD "\"uid\": 5, \"admin\": true, \"processes\": [{\"pid\": 7, \"uid\": 1000, \"user\": \"ann\"}]}");
    CHECK_STR(user_name(arena, 1000), "ann");
    CHECK_STR(user_name(arena, 7), "7");
    CHECK(user_find(STR("ann"), &uid));
    CHECK_INT(uid, 1000);
    CHECK(user_find(STR("12"), &uid));
    CHECK_INT(uid, 12);
    CHECK(!user_find(STR("bob"), &uid));
    CHECK(!user_find(STR("99999999999"), &uid));
    CHECK_INT(user_self().uid, 5);
    CHECK(user_self().net_admin);
}

TEST(net_ranges_redirects_and_abilities_are_those_of_the_document)
{
    struct host host = {0};
    load(HEAD
         "\"nonlocal_bind\": true, \"addresses\": [{\"address\": \"10.0.0.1\", \"device\": 2, \"device_name\": "
         "\"eth0\"}],"
         "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"device\": 3,"
         "\"device_name\": \"lo2\"}], \"kernel_ports\": [{\"protocol\": \"udp\", \"port\": 4789, \"kind\": \"vxlan\"}],"
         "\"ranges\": [{\"kind\": \"reserved\", \"first\": 1, \"last\": 2}], \"redirects\": [{\"source\": "
         "\"nftables\"}],"
         "\"abilities\": [{\"name\": \"sockets\", \"good\": true}]}");
    CHECK(net_read_addresses(arena, &host, NULL) && net_read_kernel_ports(arena, &host, NULL));
    CHECK(reserved_read(arena, &host, NULL) && redirect_read(arena, &host, NULL));
    os_identify(arena, &host);
    os_read_abilities(arena, &host);
    CHECK(host.addresses.count == 1 && host.kernel_ports.count == 1 && host.ranges.count == 1);
    CHECK(host.redirects.count == 1 && host.abilities.count == 1 && host.nonlocal_bind && host.ipv6);
    CHECK_INT(host.redirects_known, KNOWN_YES);
    CHECK_STR(host.platform, "linux");
    CHECK_INT(net_device_index(STR("eth0")), 2);
    CHECK_INT(net_device_index(STR("lo2")), 3);
    CHECK_INT(net_device_index(STR("")), 0);
    CHECK_STR(net_device_name(arena, 2), "eth0");
    CHECK_STR(net_device_name(arena, 3), "lo2");
    CHECK_STR(net_device_name(arena, 4), "");
}

TEST(nth_call_fails_and_calls_are_counted)
{
    struct host host = {0};
    struct err err = {0};
    load(HEAD "\"sockets\": []}");
    fake_host_fail(2, ERR_TIMEOUT);
    CHECK(reserved_read(arena, &host, &err));
    CHECK(!redirect_read(arena, &host, &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK_STR(str_of(err.text), "redirect_read: made to fail");
    CHECK(redirect_read(arena, &host, &err));
    CHECK_INT(fake_host_calls("redirect_read"), 2);
    CHECK_INT(fake_host_calls("user_find"), 0);
    CHECK_INT(fake_host_calls(NULL), 3);
    fake_host_fail(0, ERR_NONE);
    for (int i = 0; i < 5; i++) {
        static const enum err_kind kinds[] = {ERR_NOT_ALLOWED, ERR_UNSUPPORTED, ERR_TIMEOUT, ERR_GONE, ERR_SYSTEM};
        static const enum known knowns[] = {KNOWN_NOT_ALLOWED, KNOWN_UNSUPPORTED, KNOWN_TIMEOUT, KNOWN_GONE,
                                            KNOWN_UNSUPPORTED};
        CHECK_INT(host_known_of(kinds[i]), knowns[i]);
    }
}

TEST(terminal_is_one_only_when_the_environment_says_so)
{
    struct buf out = {.arena = arena};
    struct buf error = {.arena = arena};
    bool present = true;

    load(HEAD "\"sockets\": []}");
    fake_host_environment("MOORAGE_FAKE_COLUMNS", NULL);
    fake_host_environment("COLUMNS", NULL);
    fake_host_environment("LINES", NULL);
    fake_host_environment("NO_COLOR", NULL);
    fake_host_environment("TERM", "xterm");
    CHECK(!term_output_is_terminal() && !term_input_is_terminal() && !term_wants_colour());
    CHECK_INT(term_width(), 80);
    CHECK_INT(term_height(), 24);
    fake_host_environment("MOORAGE_FAKE_COLUMNS", "100");
    CHECK(term_output_is_terminal() && term_wants_colour());
    CHECK_INT(term_width(), 100);
    fake_host_environment("COLUMNS", "60");
    fake_host_environment("LINES", "7");
    CHECK_INT(term_width(), 60);
    CHECK_INT(term_height(), 7);
    fake_host_environment("TERM", "dumb");
    CHECK(!term_wants_colour());
    CHECK_STR(term_environment("LINES", &present), "7");
    CHECK(present);
    CHECK_STR(term_environment("NO_COLOR", &present), "");
    CHECK(!present);
    fake_host_capture(&out, &error);
    term_begin();
    CHECK(term_write(STR("a"), NULL) && term_write_error(STR("b")) && file_write(arena, STR("-"), STR("c"), NULL));
    CHECK_STR(buf_str(&out), "ac");
    CHECK_STR(buf_str(&error), "b");
    fake_host_capture(NULL, NULL);
    CHECK(term_write(STR("# to the real stream\n"), NULL));
}

TEST(files_are_read_and_written_but_not_those_of_the_system)
{
    struct str text;
    struct err err = {0};
    const char *folder = getenv("TMPDIR");
    struct str path = str_printf(arena, "%s/moorage-fake-%p", folder ? folder : "/tmp", (void *)arena);

    load(HEAD "\"sockets\": []}");
    CHECK(!file_read(arena, "/etc/services", 100, true, &text, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(file_write(arena, path, STR("hello"), &err));
    CHECK(file_read(arena, path.ptr, 5, true, &text, &err));
    CHECK_STR(text, "hello");
    CHECK(!file_read(arena, path.ptr, 4, true, &text, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    remove(path.ptr);
    CHECK(!file_read(arena, path.ptr, 4, true, &text, &err));
    CHECK(!file_write(arena, STR("/no/such/folder/x"), STR("x"), &err));
    fake_host_fail(1, ERR_SYSTEM);
    CHECK(!file_write(arena, path, STR("x"), &err));
}

TEST(programs_print_what_was_recorded)
{
    struct str argv[] = {STR("/bin/a"), STR("b c")};
    struct spawn_answer answer = {0};
    struct err err = {0};
    load(HEAD "\"raw\": [{\"name\": \"spawn /bin/a b c\", \"bytes\": \"aGkK\"}]}");
    CHECK(spawn_read(arena, argv, 2, 1000, 3, &answer, &err));
    CHECK_STR(answer.out, "hi\n");
    CHECK_INT(answer.code, 0);
    CHECK(!spawn_read(arena, argv, 2, 1000, 2, &answer, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(!spawn_read(arena, argv, 1, 1000, 3, &answer, &err));
    CHECK_INT(err.kind, ERR_GONE);
    fake_host_fail_each("spawn_read", ERR_TIMEOUT);
    CHECK(!spawn_read(arena, argv, 2, 1000, 3, &answer, &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
}

TEST(broken_document_is_refused_and_leaves_an_empty_host)
{
    struct err err = {0};
    CHECK(!fake_host_load(STR("{}"), &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK_INT(fake_host()->sockets.count, 0);
}

TAP_MAIN
