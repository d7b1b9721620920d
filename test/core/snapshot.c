#include "core/snapshot.h"

#include "base/buf.h"
#include "sys/clock.h"
#include "sys/fake_host.h"
#include "sys/process.h"
#include "sys/socket_table.h"
#include "tap.h"

#define HEAD \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"ipv6\": true, \"time_ms\": 1700000000000, "

static void
load(struct str json)
{
    struct err err = {0};
    if (!fake_host_load(json, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
}

static const struct snapshot_ask all_sockets = {
    .protocols = SOCKET_PROTOCOLS_ALL, .states = SOCKET_STATES_ALL, .last = UINT16_MAX};

static struct host
read_sockets(struct arena *arena)
{
    struct host host;
    struct err err = {0};
    CHECK(snapshot_read(arena, &all_sockets, &host, &err));
    return host;
}

static bool
find_holders(struct arena *arena, struct host *host, unsigned facts, bool ancestry)
{
    size_t *sockets = arena_array(arena, host->sockets.count, sizeof *sockets);
    for (size_t i = 0; i < host->sockets.count; i++)
        sockets[i] = i;
    return snapshot_add_holders(arena, host, sockets, host->sockets.count, facts, ancestry, OWNER_ALL, NULL);
}

static void
find_context(struct arena *arena, struct host *host, unsigned deadline_ms)
{
    size_t *sockets = arena_array(arena, host->sockets.count, sizeof *sockets);
    for (size_t i = 0; i < host->sockets.count; i++)
        sockets[i] = i;
    snapshot_add_context(arena, host, sockets, host->sockets.count, deadline_ms);
}

TEST(fresh_host_says_who_and_where)
{
    load(STR(HEAD "\"host\": \"devbox\", \"uid\": 5}"));
    struct host host = read_sockets(arena);
    CHECK_STR(host.name, "devbox");
    CHECK_INT(host.uid, 5);
    CHECK_INT(host.tier, TIER_NONE);
    CHECK(!host.complete);
    CHECK_INT(fake_host_calls("socket_table_read"), 1);
    CHECK_INT(fake_host_calls("reserved_read"), 0);
}

TEST(only_what_is_asked_is_read_and_only_once)
{
    struct host host;
    load(STR(HEAD "\"ranges\": [{\"kind\": \"dynamic\", \"first\": 1, \"last\": 2}], \"addresses\": [{\"address\":"
                  "\"127.0.0.1\"}], \"kernel_ports\": [{\"port\": 1}], \"redirects\": [{\"source\": \"x\"}],"
                  "\"namespaces\": [{\"id\": 7, \"known\": \"yes\"}], \"sockets\": [{\"protocol\": \"tcp\","
                  "\"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"netns\": 7, \"cookie\": 4}]}"));
    struct snapshot_ask ask = {.first = 80,
                               .last = 80,
                               .want = SNAPSHOT_RANGES | SNAPSHOT_ADDRESSES | SNAPSHOT_KERNEL_PORTS |
                                       SNAPSHOT_REDIRECTS | SNAPSHOT_NAMESPACES};
    CHECK(snapshot_read(arena, &ask, &host, NULL));
    CHECK_INT(fake_host_calls("socket_table_read"), 0);
    ask.first = ask.last = 0;
    CHECK(snapshot_add(arena, &ask, &host, NULL));
    CHECK_INT(host.ranges.count, 1);
    CHECK_INT(host.addresses.count, 1);
    CHECK_INT(host.kernel_ports.count, 1);
    CHECK_INT(host.redirects.count, 1);
    CHECK_INT(host.namespaces.count, 1);
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(fake_host_calls("reserved_read"), 1);
    CHECK_INT(fake_host_calls("namespace_read"), 2);
}

TEST(of_other_namespaces_what_was_not_read_is_known)
{
    struct host host;
    load(STR(
        HEAD
        "\"namespaces\": [{\"id\": 7, \"known\": \"yes\"}], \"sockets\": ["
        "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"netns\": 7, \"cookie\": 4},"
        "{\"protocol\": \"udp\", \"state\": \"UNCONN\", \"local\": \"0.0.0.0:80\", \"netns\": 7, \"cookie\": 5}]}"));
    struct snapshot_ask ask = {.first = 80, .last = 80, .want = SNAPSHOT_NAMESPACES, .no_tcp_elsewhere = true};
    CHECK(snapshot_read(arena, &ask, &host, NULL));
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].protocol, PROTOCOL_UDP);
    CHECK(!host.namespaces_tcp);
    ask.no_tcp_elsewhere = false;
    CHECK(snapshot_add(arena, &ask, &host, NULL));
    CHECK_INT(host.sockets.count, 2);
    CHECK_INT(host.namespaces.count, 1);
    CHECK(host.namespaces_tcp);
}

TEST(table_that_could_not_be_read_does_not_look_empty)
{
    struct host host;
    struct err err = {0};
    struct snapshot_ask ask = all_sockets;
    load(STR(HEAD "\"sockets\": []}"));
    fake_host_fail_each("reserved_read", ERR_NOT_ALLOWED);
    fake_host_fail_each("net_read_addresses", ERR_SYSTEM);
    fake_host_fail_each("net_read_kernel_ports", ERR_TIMEOUT);
    fake_host_fail_each("redirect_read", ERR_GONE);
    fake_host_fail_each("namespace_read", ERR_TIMEOUT);
    ask.want = ~0u;
    CHECK(snapshot_read(arena, &ask, &host, &err));
    CHECK(snapshot_add(arena, &ask, &host, &err));
    CHECK_INT(host.unseen.count, 3);
    CHECK_STR(host.unseen.items[0].what, "ranges");
    CHECK_INT(host.unseen.items[0].reason, KNOWN_NOT_ALLOWED);
    CHECK_INT(host.unseen.items[1].reason, KNOWN_UNSUPPORTED);
    CHECK_INT(host.unseen.items[2].reason, KNOWN_TIMEOUT);
    CHECK_INT(host.redirects_known, KNOWN_GONE);
    CHECK_INT(host.namespaces_known, KNOWN_TIMEOUT);
    fake_host_fail_each("socket_table_read", ERR_SYSTEM);
    CHECK(!snapshot_read(arena, &ask, &host, &err));
    CHECK_INT(err.kind, ERR_SYSTEM);
}

TEST(mptcp_socket_and_its_subflow_are_one)
{
    load(STR(HEAD
             "\"sockets\": ["
             "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::]:80\", \"inode\": 9, \"cookie\": 1,"
             " \"uid\": 7, \"backlog\": 128, \"cgroup\": 3, \"v6only\": true, \"device\": 2, \"device_name\": \"x\"},"
             "{\"protocol\": \"mptcp\", \"state\": \"LISTEN\", \"local\": \"[::]:80\", \"inode\": 9, \"cookie\": 2},"
             "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::]:80\", \"inode\": 10, \"cookie\": 3},"
             "{\"protocol\": \"mptcp\", \"state\": \"ESTABLISHED\", \"local\": \"[::1]:80\", \"remote\": \"[::1]:5\","
             " \"inode\": 11, \"cookie\": 4},"
             "{\"protocol\": \"tcp\", \"state\": \"ESTABLISHED\", \"local\": \"[::1]:80\", \"remote\": \"[::1]:5\","
             " \"cookie\": 5, \"queue\": 6},"
             "{\"protocol\": \"tcp\", \"state\": \"BOUND\", \"local\": \"[::1]:81\"},"
             "{\"protocol\": \"mptcp\", \"state\": \"BOUND\", \"local\": \"[::1]:81\"}]}"));
    struct host host = read_sockets(arena);
    CHECK_INT(host.sockets.count, 5);
    const struct socket_row *row = host.sockets.items;
    CHECK_INT(row[0].protocol, PROTOCOL_MPTCP);
    CHECK_INT(row[0].cookie, 2);
    CHECK(row[0].uid_known && row[0].uid == 7 && row[0].backlog == 128 && row[0].cgroup == 3);
    CHECK(row[0].v6only == TRI_YES && row[0].device == 2 && row[0].inode == 9);
    CHECK_INT(row[1].inode, 10);
    CHECK_INT(row[2].protocol, PROTOCOL_MPTCP);
    CHECK_INT(row[2].inode, 11);
    CHECK_INT(row[2].queue, 6);
    CHECK_INT(row[3].protocol, PROTOCOL_TCP);
}

TEST(socket_read_twice_stands_once_and_keeps_its_place)
{
    load(STR(HEAD "\"sockets\": ["
                  "{\"protocol\": \"tcp\", \"state\": \"SYN_SENT\", \"local\": \"1.1.1.1:80\", \"remote\":"
                  "\"2.2.2.2:9\", \"cookie\": 5, \"inode\": 8, \"cgroup\": 4},"
                  "{\"protocol\": \"udp\", \"state\": \"UNCONN\", \"local\": \"0.0.0.0:53\", \"inode\": 3},"
                  "{\"protocol\": \"udp\", \"state\": \"UNCONN\", \"local\": \"0.0.0.0:53\", \"inode\": 4},"
                  "{\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\": \"1.1.1.1:81\", \"remote\":"
                  "\"2.2.2.2:9\"}],"
                  "\"script\": [{\"after_ms\": 10, \"remove\": [\"tcp 1.1.1.1:80\"], \"add\": {\"sockets\": ["
                  "{\"protocol\": \"tcp\", \"state\": \"ESTABLISHED\", \"local\": \"1.1.1.1:80\", \"remote\":"
                  "\"2.2.2.2:9\", \"cookie\": 5, \"inode\": 8}, {\"protocol\": \"tcp\", \"state\": \"LISTEN\","
                  "\"local\": \"0.0.0.0:82\", \"cookie\": 6, \"inode\": 9}]}}]}"));
    struct host host = read_sockets(arena);
    CHECK_INT(host.sockets.count, 4);
    host.sockets.items[0].holders_read = true;
    clock_sleep_ms(10);
    CHECK(snapshot_add(arena, &all_sockets, &host, NULL));
    CHECK_INT(host.sockets.count, 5);
    CHECK_INT(host.sockets.items[0].state, SOCKET_ESTABLISHED);
    CHECK_INT(host.sockets.items[0].cgroup, 4);
    CHECK(host.sockets.items[0].holders_read);
    CHECK_INT(host.sockets.items[4].local_port, 82);
}

TEST(socket_that_connects_meanwhile_is_known_by_its_cookie)
{
    load(STR(HEAD "\"sockets\": [{\"protocol\": \"udp\", \"state\": \"UNCONN\", \"local\": \"0.0.0.0:53\","
                  "\"cookie\": 5, \"inode\": 8}], \"script\": [{\"after_ms\": 10, \"remove\": [\"udp 0.0.0.0:53\"],"
                  "\"add\": {\"sockets\": [{\"protocol\": \"udp\", \"state\": \"ESTABLISHED\", \"local\":"
                  "\"1.1.1.1:53\", \"remote\": \"2.2.2.2:9\", \"cookie\": 5, \"inode\": 8}]}}]}"));
    struct host host = read_sockets(arena);
    clock_sleep_ms(10);
    CHECK(snapshot_add(arena, &all_sockets, &host, NULL));
    CHECK_INT(host.sockets.count, 1);
    CHECK_INT(host.sockets.items[0].state, SOCKET_ESTABLISHED);
}

TEST(crowded_host_is_merged_quickly)
{
    struct buf json = {.arena = arena};
    buf_add(&json, STR(HEAD "\"sockets\": ["));
    for (unsigned i = 0; i < 12000; i++)
        buf_addf(&json,
                 "%s{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.%u.%u:%u\", \"inode\": %u, "
                 "\"cookie\": %u}",
                 i ? "," : "", i / 250 % 250, i % 250, 1000 + i % 5, i + 1, i + 1);
    buf_add(&json, STR("], \"holdings\": ["));
    for (unsigned i = 0; i < 12000; i++)
        buf_addf(&json, "%s{\"socket\": %u, \"pid\": %u, \"how\": \"fd\", \"fd\": 3}", i ? "," : "", i, 100 + i % 3000);
    buf_add(&json, STR("]}"));
    load(buf_str(&json));
    struct host host = read_sockets(arena);
    CHECK(snapshot_add(arena, &all_sockets, &host, NULL));
    CHECK_INT(host.sockets.count, 12000);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    CHECK_INT(host.holdings.count, 12000);
    CHECK_INT(host.processes.count, 3000);
    CHECK_INT(fake_host_calls("process_read"), 3000);
}

static const char family[] =
    HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\": 1},"
         "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:81\", \"inode\": 2}],"
         "\"holdings\": [{\"socket\": 0, \"pid\": 50, \"how\": \"fd\", \"fd\": 3}, {\"socket\": 0, \"pid\": 51,"
         "\"how\": \"fd\", \"fd\": 3}, {\"socket\": 1, \"pid\": 60, \"how\": \"fd\", \"fd\": 4}],"
         "\"processes\": [{\"pid\": 1, \"name\": \"systemd\", \"started_ticks\": 1},"
         "{\"pid\": 40, \"ppid\": 1, \"name\": \"bash\", \"started_ticks\": 5, \"command\": [\"bash\"]},"
         "{\"pid\": 50, \"ppid\": 40, \"name\": \"node\", \"started_ticks\": 6, \"cwd\": \"/x\"},"
         "{\"pid\": 51, \"ppid\": 50, \"name\": \"node\", \"started_ticks\": 7},"
         "{\"pid\": 60, \"ppid\": 61, \"name\": \"old\", \"started_ticks\": 8},"
         "{\"pid\": 61, \"ppid\": 40, \"name\": \"young\", \"started_ticks\": 9}],"
         "\"unseen\": [{\"pid\": 9, \"what\": \"fds\", \"reason\": \"not-allowed\", \"relevant\": true}]}";

TEST(each_process_of_an_ancestry_is_read_once)
{
    load(str_of(family));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_CWD, true));
    CHECK_INT(host.holdings.count, 3);
    // Of 60 the parent started later: it only has the pid of the real one, and nothing above it is read.
    CHECK_INT(host.processes.count, 6);
    CHECK_INT(fake_host_calls("process_read"), 6 + 1); // 50 was a parent before its command was asked for
    CHECK_INT(host_process(&host, 40)->command.count, 1);
    CHECK_INT(host_process(&host, 40)->cwd.known, KNOWN_NOT_ASKED);
    CHECK_STR(host_process(&host, 50)->cwd.value, "/x");
    CHECK(host.sockets.items[0].holders_read);
    CHECK(!host.complete);
    CHECK_INT(host.tier, TIER_FAKE);
}

TEST(command_is_read_where_the_short_name_does_not_do)
{
    load(STR(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"}],"
                  "\"holdings\": [{\"socket\": 0, \"pid\": 7, \"how\": \"fd\", \"fd\": 3},"
                  "{\"socket\": 0, \"pid\": 8, \"how\": \"fd\", \"fd\": 3}],"
                  "\"processes\": [{\"pid\": 7, \"name\": \"node\", \"command\": [\"node\"]},"
                  "{\"pid\": 8, \"name\": \"a-name-cut-off-\", \"command\": [\"a-name-cut-off-here\"]}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, SNAPSHOT_NAMES, false));
    CHECK_INT(host_process(&host, 7)->command_known, KNOWN_NOT_ASKED);
    CHECK_STR(host_process(&host, 8)->command.items[0], "a-name-cut-off-here");
}

TEST(second_search_adds_nothing_twice)
{
    load(str_of(family));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    size_t calls = fake_host_calls("process_read");
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    CHECK_INT(host.holdings.count, 3);
    CHECK_INT(host.unseen.count, 1);
    CHECK(host.unseen.items[0].relevant);
    CHECK_INT(fake_host_calls("process_read"), calls);
    CHECK(snapshot_add_holders(arena, &host, NULL, 0, 0, false, OWNER_ALL, NULL));
}

TEST(process_that_ended_leaves_what_was_read_of_it)
{
    load(str_of(family));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_BASIC, false));
    fake_host_fail_each("process_read", ERR_GONE);
    CHECK(find_holders(arena, &host, PROCESS_ALL, false));
    CHECK_STR(host_process(&host, 50)->name, "node");
    CHECK_INT(host_process(&host, 50)->known, KNOWN_YES);
}

TEST(holders_that_could_not_be_searched_are_never_complete)
{
    struct err err = {0};
    load(STR(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"}]}"));
    struct host host = read_sockets(arena);
    size_t socket = 0;
    CHECK(find_holders(arena, &host, 0, true));
    CHECK(host.complete);
    fake_host_fail_each("socket_owner_find", ERR_NOT_ALLOWED);
    CHECK(!snapshot_add_holders(arena, &host, &socket, 1, 0, true, OWNER_ALL, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK(!host.complete);
    fake_host_fail_each("socket_owner_find", ERR_NONE);
    CHECK(find_holders(arena, &host, 0, true));
    CHECK(!host.complete);
}

TEST(unit_of_a_holder_is_read_once_with_its_socket_unit)
{
    load(STR(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\":"
                  "1}], \"holdings\": [{\"socket\": 0, \"pid\": 50}, {\"socket\": 0, \"pid\": 51}],"
                  "\"processes\": [{\"pid\": 50, \"cgroup\": \"/system.slice/shop.service\"}, {\"pid\": 51, \"cgroup\":"
                  "\"/system.slice/shop.service\"}], \"services\": [{\"manager\": \"systemd\", \"name\":"
                  "\"shop.service\", \"main_pid\": 50, \"triggered_by\": \"shop.socket\"}, {\"manager\": \"systemd\","
                  "\"name\": \"shop.socket\", \"is_socket\": true}, {\"manager\": \"systemd\", \"name\": \"x.socket\","
                  "\"is_socket\": true}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    find_context(arena, &host, 300);
    find_context(arena, &host, 300);
    CHECK_INT(host.services.count, 2);
    CHECK_INT(host.services_known, KNOWN_YES);
    CHECK_INT(fake_host_calls("service_read"), 2);
    CHECK_INT(fake_host_calls("service_list_sockets"), 0);
    CHECK_INT(fake_host_calls("container_endpoints"), 0);
}

TEST(managers_that_hold_a_socket_tell_their_socket_units)
{
    load(STR(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\":"
                  "1}], \"holdings\": [{\"socket\": 0, \"pid\": 1}, {\"socket\": 0, \"pid\": 700}],"
                  "\"processes\": [{\"pid\": 1, \"name\": \"systemd\", \"cgroup\": \"/init.scope\"}, {\"pid\": 700,"
                  "\"name\": \"systemd\", \"cgroup\": \"/user.slice/user-1000.slice/user@1000.service/init.scope\"}],"
                  "\"services\": [{\"manager\": \"systemd\", \"name\": \"a.socket\", \"is_socket\": true},"
                  "{\"manager\": \"systemd --user\", \"uid\": 1000, \"name\": \"b.socket\", \"is_socket\": true}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    find_context(arena, &host, 300);
    find_context(arena, &host, 300);
    CHECK_INT(host.services.count, 2);
    CHECK_INT(host.socket_units_of.count, 2);
    CHECK_INT(fake_host_calls("service_list_sockets"), 2);
}

TEST(socket_without_visible_holder_is_followed_by_its_cgroup)
{
    load(STR(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\":"
                  "1, \"cgroup\": 77}, {\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:81\","
                  "\"inode\": 2, \"cgroup\": 78}, {\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\":"
                  "\"1.1.1.1:81\", \"remote\": \"1.1.1.1:9\", \"cgroup\": 77}, {\"protocol\": \"tcp\", \"state\":"
                  "\"LISTEN\", \"local\": \"0.0.0.0:82\", \"inode\": 3, \"cgroup\": 77}],"
                  "\"groups\": [{\"id\": 77, \"path\": \"/system.slice/db.service\", \"pids\": [300]}, {\"id\": 78,"
                  "\"path\": null, \"unknown\": {\"path\": \"not-allowed\"}}], \"processes\": [{\"pid\": 300, \"name\":"
                  "\"postgres\"}], \"services\": [{\"manager\": \"systemd\", \"name\": \"db.service\"},"
                  "{\"manager\": \"systemd\", \"name\": \"x.socket\", \"is_socket\": true}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    find_context(arena, &host, 300);
    CHECK_INT(host.groups.count, 2);
    CHECK_STR(host.groups.items[0].path.value, "/system.slice/db.service");
    CHECK_INT(host.groups.items[0].pids.items[0], 300);
    CHECK_STR(host_process(&host, 300)->name, "postgres");
    CHECK_INT(host.groups.items[1].path.known, KNOWN_NOT_ALLOWED);
    // Nothing names the holder of the other one: the manager may hold it.
    CHECK_INT(host.services.count, 2);
    CHECK_INT(fake_host_calls("container_endpoints"), 1);
    CHECK_INT(fake_host_calls("service_group_path"), 2);
}

TEST(dead_service_manager_is_asked_once_and_slows_nothing_down)
{
    struct host host;
    load(STR(HEAD "\"services_known\": \"timeout\", \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\","
                  "\"local\": \"0.0.0.0:80\", \"inode\": 1}, {\"protocol\": \"tcp\", \"state\": \"LISTEN\","
                  "\"local\": \"0.0.0.0:81\", \"inode\": 2}], \"holdings\": [{\"socket\": 0, \"pid\": 50},"
                  "{\"socket\": 1, \"pid\": 51}], \"processes\": [{\"pid\": 50, \"cgroup\": \"/a.service\"},"
                  "{\"pid\": 51, \"cgroup\": \"/b.service\"}]}"));
    host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    find_context(arena, &host, 300);
    find_context(arena, &host, 300);
    CHECK_INT(fake_host_calls("service_read"), 1);
    CHECK_INT(host.services_known, KNOWN_TIMEOUT);
    CHECK_INT(host.silent_managers.count, 1);
    CHECK_INT(clock_mono_us(), 300000);
}

TEST(without_time_nobody_is_asked)
{
    load(STR(HEAD "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\","
                  "\"inode\": 1}], \"holdings\": [{\"socket\": 0, \"pid\": 50}], \"processes\": [{\"pid\": 50,"
                  "\"cgroup\": \"/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                  ".scope\"}, {\"pid\": 51, \"cgroup\": \"/b.service\"}], \"services\": [{\"name\": \"b.service\"}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    find_context(arena, &host, 0);
    CHECK_INT(fake_host_calls("container_endpoints"), 0);
    *LIST_ADD(arena, &host.holdings) = (struct holding){.pid = 51};
    struct process *process = LIST_ADD(arena, &host.processes);
    process_read(arena, 51, PROCESS_ALL, process);
    find_context(arena, &host, 0);
    CHECK_INT(fake_host_calls("service_read"), 0);
    CHECK_INT(host.services_known, KNOWN_TIMEOUT);
}

static const char container_host[] = HEAD
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\": 1}, "
    "{\"protocol\":"
    "\"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:81\", \"inode\": 2}],"
    "\"holdings\": [{\"socket\": 0, \"pid\": 50}, {\"socket\": 1, \"pid\": 60}], \"processes\": [{\"pid\": 50, "
    "\"name\":"
    "\"docker-proxy\", \"command\": [\"/usr/bin/docker-proxy\", \"-proto\", \"tcp\", \"-host-ip\", \"0.0.0.0\","
    "\"-host-port\", \"80\", \"-container-ip\", \"172.17.0.2\", \"-container-port\", \"80\"]},"
    "{\"pid\": 60, \"cgroup\": \"/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    ".scope\"}],"
    "\"api_answers\": [{\"runtime\": \"docker\", \"endpoint\": \"/var/run/docker.sock\", \"request\":"
    "\"/containers/json\", \"known\": \"yes\", \"body\": \"HTTP/1.1 200 OK\\r\\nContent-Length: 183\\r\\n\\r\\n"
    "[{\\\"Id\\\":\\\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\\\",\\\"Names\\\":[\\\"/"
    "web\\\"],"
    "\\\"State\\\":\\\"running\\\",\\\"Ports\\\":[{\\\"IP\\\":\\\"0.0.0.0\\\",\\\"PrivatePort\\\":80,"
    "\\\"PublicPort\\\":80,"
    "\\\"Type\\\":\\\"tcp\\\"}]}]\"}]}";

TEST(forwarder_and_container_cgroup_call_for_the_runtime)
{
    load(str_of(container_host));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    find_context(arena, &host, 300);
    CHECK_INT(fake_host_calls("container_endpoints"), 1);
    CHECK_INT(host.containers.count, 1);
    CHECK_STR(host.containers.items[0].name, "web");
    CHECK(fake_host_calls("container_ask") >= 2); // the list, and the container itself for its restart policy
}

#define WINDOWS "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"windows\", \"ipv6\": true, "

static const char windows_host[] = WINDOWS
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:135\", \"owner_pid\": 900,"
    "\"owner_service\": \"RpcSs\"}, {\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:445\","
    "\"owner_pid\": 4}, {\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::]:5357\", \"owner_pid\": 4}],"
    "\"holdings\": [{\"socket\": 0, \"pid\": 900, \"how\": \"table\"}, {\"socket\": 1, \"pid\": 4, \"how\": "
    "\"table\"}],"
    "\"processes\": [{\"pid\": 4, \"name\": \"System\"}, {\"pid\": 900, \"name\": \"svchost\"}],"
    "\"services\": [{\"manager\": \"windows\", \"name\": \"RpcSs\", \"main_pid\": 900}, {\"manager\": \"windows\","
    "\"name\": \"RpcEptMapper\", \"main_pid\": 900}, {\"manager\": \"windows\", \"name\": \"W3SVC\", \"main_pid\": 8}],"
    "\"http_urls\": [{\"url\": \"http://+:5357/\", \"port\": 5357, \"registered\": true}]}";

TEST(services_of_a_process_are_read_where_it_does_not_tell_its_unit)
{
    load(str_of(windows_host));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_ALL, true));
    find_context(arena, &host, 300);
    find_context(arena, &host, 300);
    CHECK_INT(host.services.count, 2);
    CHECK_INT(host.services_known, KNOWN_YES);
    CHECK_INT(fake_host_calls("service_read"), 1); // by the name that the row tells
}

TEST(urls_are_read_where_the_system_itself_listens)
{
    load(str_of(windows_host));
    struct host host = read_sockets(arena);
    size_t smb = 1;
    size_t other = 2;
    snapshot_add_context(arena, &host, &smb, 1, 300);
    CHECK_INT(fake_host_calls("http_service_read"), 0);
    CHECK_INT(host.http_known, KNOWN_NOT_ASKED);
    snapshot_add_context(arena, &host, &other, 1, 300);
    snapshot_add_context(arena, &host, &other, 1, 300);
    CHECK_INT(fake_host_calls("http_service_read"), 1);
    CHECK_INT(host.http_urls.count, 1);
    CHECK_INT(host.http_known, KNOWN_YES);
}

TEST(reservations_alone_are_still_an_answer)
{
    struct host host;
    load(STR(WINDOWS "\"http_known\": \"not-allowed\", \"http_urls\": [{\"url\": \"http://+:80/x/\", \"port\": 80}]}"));
    CHECK(snapshot_read(arena, &(struct snapshot_ask){.want = SNAPSHOT_HTTP}, &host, NULL));
    CHECK_INT(host.http_urls.count, 1);
    CHECK_INT(host.http_known, KNOWN_NOT_ALLOWED);
    load(STR(WINDOWS "\"http_known\": \"timeout\"}"));
    CHECK(snapshot_read(arena, &(struct snapshot_ask){.want = SNAPSHOT_HTTP}, &host, NULL));
    CHECK_INT(host.http_known, KNOWN_TIMEOUT);
}

TEST(neighbour_is_identified_always_and_asked_once)
{
    struct host host;
    load(STR(WINDOWS "\"wsl\": \"2\", \"wsl_networking\": \"nat\", \"neighbour_ports\": [{\"system\": \"Windows\","
                     "\"protocol\": \"tcp\", \"address\": \"0.0.0.0\", \"port\": 3000, \"pid\": 12}]}"));
    CHECK(snapshot_read(arena, &(struct snapshot_ask){0}, &host, NULL));
    CHECK_STR(host.wsl, "2");
    CHECK_STR(host.wsl_networking, "nat");
    CHECK_INT(fake_host_calls("neighbour_read"), 0);
    CHECK(snapshot_add(arena, &(struct snapshot_ask){.want = SNAPSHOT_NEIGHBOURS}, &host, NULL));
    CHECK(snapshot_add(arena, &(struct snapshot_ask){.want = SNAPSHOT_NEIGHBOURS}, &host, NULL));
    CHECK_INT(fake_host_calls("neighbour_read"), 1);
    CHECK_INT(host.neighbour_ports.count, 1);
    CHECK_INT(host.neighbours_known, KNOWN_YES);
    load(STR(WINDOWS "\"neighbours_known\": \"timeout\"}"));
    CHECK(snapshot_read(arena, &(struct snapshot_ask){.want = SNAPSHOT_NEIGHBOURS}, &host, NULL));
    CHECK_INT(host.neighbours_known, KNOWN_TIMEOUT);
}

static const char everything[] = HEAD
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\": 1},"
    "{\"protocol\": \"mptcp\", \"state\": \"LISTEN\", \"local\": \"[::]:80\", \"inode\": 4}, {\"protocol\": \"udp\","
    "\"state\": \"UNCONN\", \"local\": \"0.0.0.0:53\", \"inode\": 2, \"cgroup\": 7}, {\"protocol\": \"tcp\", \"state\":"
    "\"ESTABLISHED\", \"local\": \"1.1.1.1:9\", \"remote\": \"1.1.1.1:10\", \"inode\": 3}, {\"protocol\": \"tcp\","
    "\"state\": \"LISTEN\", \"local\": \"0.0.0.0:99\", \"netns\": 6}],"
    "\"holdings\": [{\"socket\": 0, \"pid\": 1}, {\"socket\": 1, \"pid\": 50}], \"processes\": [{\"pid\": 1, \"name\":"
    "\"systemd\", \"cgroup\": \"/init.scope\"}, {\"pid\": 50, \"ppid\": 1, \"cgroup\": "
    "\"/docker/0123456789abcdef0123456"
    "789abcdef0123456789abcdef0123456789abcdef\"}, {\"pid\": 8}],"
    "\"groups\": [{\"id\": 7, \"path\": \"/system.slice/dns.service\", \"pids\": [8]}],"
    "\"services\": [{\"manager\": \"systemd\", \"name\": \"dns.service\", \"triggered_by\": \"dns.socket\"},"
    "{\"manager\": \"systemd\", \"name\": \"dns.socket\", \"is_socket\": true}], \"namespaces\": [{\"id\": 6,"
    "\"known\": \"yes\"}], \"abilities\": [{\"name\": \"probe\", \"good\": true}], \"raw\": [{\"name\": \"x\", "
    "\"bytes\":"
    "\"AAEC\"}], \"api_answers\": [{\"runtime\": \"docker\", \"endpoint\": \"/d\", \"request\": \"/containers/json\","
    "\"known\": \"timeout\"}]}";

TEST(recording_has_everything_and_can_be_read_again)
{
    struct host host;
    struct host again;
    struct err err = {0};
    load(str_of(everything));
    CHECK(snapshot_read_all(arena, &host, &err));
    CHECK_INT(host.sockets.count, 5);
    CHECK_INT(host.probes.count, 8); // two modes and two families of TCP 80 and UDP 53
    CHECK_INT(host.abilities.count, 1);
    CHECK_INT(host.raw.count, 1);
    CHECK_INT(host.services.count, 2);
    CHECK_INT(host.holdings.count, 2);
    CHECK(host.complete);
    struct str text = snapshot_write(arena, &host, false);
    load(text);
    CHECK(snapshot_read_all(arena, &again, &err));
    CHECK_INT(again.sockets.count, host.sockets.count);
    CHECK_INT(again.probes.count, host.probes.count);
    CHECK_INT(again.services.count, host.services.count);
}

TEST(reading_survives_the_failure_of_any_one_call)
{
    static const enum err_kind kinds[] = {ERR_NOT_ALLOWED, ERR_GONE, ERR_UNSUPPORTED, ERR_TIMEOUT, ERR_SYSTEM};
    struct host host;
    struct err err = {0};
    size_t failures = 0;

    load(str_of(everything));
    CHECK(snapshot_read_all(arena, &host, &err));
    size_t calls = fake_host_calls(NULL);
    CHECK(calls > 20);
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (size_t nth = 1; nth <= calls; nth++) {
            load(str_of(everything));
            fake_host_fail(nth, kinds[kind]);
            err = (struct err){0};
            size_t searches = fake_host_calls("socket_owner_find");
            bool good = snapshot_read_all(arena, &host, &err);
            CHECK_INT(searches, 0);
            CHECK(good || err.kind == kinds[kind]);
            // What is called complete has all its holders.
            CHECK(!host.complete || host.holdings.count == 2);
            failures += !good;
            CHECK(snapshot_write(arena, &host, true).len > 0);
        }
    // Only without any socket table there is nothing to tell.
    CHECK_INT(failures, sizeof kinds / sizeof *kinds);
}

TEST(two_sockets_on_one_endpoint_differ_by_their_owner)
{
    load(
        STR(WINDOWS
            "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"owner_pid\": 7},"
            "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"owner_pid\": 8, "
            "\"created_ms\": 5}]}"));
    struct host host = read_sockets(arena);
    CHECK_INT(host.sockets.count, 2);
    CHECK(snapshot_add(arena, &all_sockets, &host, NULL));
    CHECK_INT(host.sockets.count, 2);
    CHECK_INT(host.sockets.items[1].created_ms, 5);
}

TEST(opener_that_holds_its_socket_no_more_is_looked_for)
{
    load(
        STR(WINDOWS
            "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"owner_pid\": 7},"
            "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:81\", \"owner_pid\": 8}],"
            "\"holdings\": [{\"socket\": 0, \"pid\": 9, \"how\": \"handle\", \"fd\": 4},"
            "{\"socket\": 1, \"pid\": 8, \"how\": \"table\"}],"
            "\"processes\": [{\"pid\": 8}, {\"pid\": 9}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_BASIC, false));
    CHECK_INT(host.processes.count, 3);
    CHECK_INT(host_process(&host, 7)->known, KNOWN_GONE);
}

TEST(service_that_started_the_holder_is_asked_for)
{
    load(STR(WINDOWS "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:5432\", "
                     "\"owner_pid\": 7}],"
                     "\"holdings\": [{\"socket\": 0, \"pid\": 7, \"how\": \"table\"}],"
                     "\"processes\": [{\"pid\": 7, \"ppid\": 6, \"session\": 0}, {\"pid\": 6}],"
                     "\"services\": [{\"manager\": \"windows\", \"name\": \"postgresql\", \"main_pid\": 6}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_BASIC, false));
    find_context(arena, &host, 300);
    CHECK_INT(host.services.count, 1);
}

TEST(processes_and_services_without_a_socket_are_read_by_their_names)
{
    static const struct str names[] = {STR_INIT("winnat"), STR_INIT("none")};
    uint32_t pids[] = {7, 99};
    load(STR(WINDOWS "\"processes\": [{\"pid\": 7, \"ppid\": 6, \"name\": \"w3wp.exe\"}, {\"pid\": 6}],"
                     "\"services\": [{\"manager\": \"windows\", \"name\": \"winnat\"}, "
                     "{\"manager\": \"windows\", \"name\": \"W3SVC\", \"main_pid\": 7}]}"));
    struct host host = read_sockets(arena);
    snapshot_add_processes(arena, &host, pids, 2, 300);
    CHECK_STR(host_process(&host, 7)->name, "w3wp.exe");
    CHECK(host_process(&host, 6) != NULL);
    CHECK_INT(host.services.count, 1);
    snapshot_add_services(arena, &host, names, 2, 300);
    CHECK_INT(host.services.count, 2);
}

TEST(program_behind_the_systems_http_server_is_read_with_its_url)
{
    load(STR(WINDOWS "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", "
                     "\"owner_pid\": 4}], \"holdings\": [{\"socket\": 0, \"pid\": 4, \"how\": \"table\"}],"
                     "\"http_known\": \"yes\", \"http_urls\": [{\"url\": \"http://+:80/\", \"port\": 80, "
                     "\"registered\": true, \"pids\": [7]}, {\"url\": \"http://+:81/\", \"port\": 81, \"registered\": "
                     "true, \"pids\": [8]}], \"processes\": [{\"pid\": 4}, {\"pid\": 7}, {\"pid\": 8}]}"));
    struct host host = read_sockets(arena);
    CHECK(find_holders(arena, &host, PROCESS_BASIC, false));
    find_context(arena, &host, 300);
    CHECK(host_process(&host, 7) != NULL);
    CHECK(host_process(&host, 8) == NULL);
}

TAP_MAIN
