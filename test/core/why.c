#include "core/why.h"

#include "sys/socket_table.h"
#include "why_scene.h"

TEST(listener_is_named_with_its_process)
{
    struct scene scene = scene_new(arena);
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    add_process(&scene, 41233, 41230, "node");
    add_process(&scene, 41230, 1, "bash");
    held_by(&scene, 41233, 19);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!scene.answer.bindable);
    CHECK(scene.answer.proved);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
    CHECK_STR(first_cause(&scene)->sentence, "node (pid 41233) listens on *:8080");
    CHECK_STR(first_cause(&scene)->holders.items[0].how.items[0], "fd 19");
    CHECK(is_consistent(&scene));
    CHECK_INT(scene.answer.suggest.count, 1);
    bool stops = false;
    for (size_t i = 0; i < first_cause(&scene)->remedies.count; i++)
        stops = stops || str_equal(first_cause(&scene)->remedies.items[i].by_hand, STR("kill 41233"));
    CHECK(stops);
}

TEST(free_port_has_no_blocking_cause)
{
    struct scene scene = scene_new(arena);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK_INT(scene.answer.verdict, WHY_FREE);
    CHECK_INT(scene.answer.probes.count, 4);
    CHECK(is_consistent(&scene));
}

TEST(ipv4_and_ipv6_sockets_of_one_program_are_one_cause)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 7, 1, "nginx");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 7, 3);
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "::", 8080, 501)->v6only = TRI_YES;
    held_by(&scene, 7, 4);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->sockets.count, 2);
    CHECK(str_starts(first_cause(&scene)->sentence, STR("nginx (pid 7) listens on *:8080")));
    CHECK(is_consistent(&scene));
}

TEST(ipv4_is_told_before_ipv6)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 8, 1, "six");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "::", 8080, 500)->v6only = TRI_YES;
    held_by(&scene, 8, 3);
    add_process(&scene, 9, 1, "four");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 501);
    held_by(&scene, 9, 3);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(scene.answer.causes.count, 2);
    CHECK_STR(first_cause(&scene)->sentence, "four (pid 9) listens on *:8080");
}

static struct str
note_of_way(struct arena *arena, enum holding_how how)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "server");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 9, 3);
    scene.host.holdings.items[0].how = how;
    scene.host.holdings.items[0].tid = 77;
    if (!ask(&scene, PROTOCOL_TCP, 8080) || first_cause(&scene)->notes.count != 1)
        return STR("");
    return first_cause(&scene)->notes.items[0];
}

TEST(rare_way_to_keep_a_socket_is_said)
{
    CHECK_STR(note_of_way(arena, HOLDING_FD), "");
    CHECK_STR(note_of_way(arena, HOLDING_IO_URING), "It keeps the socket in an io_uring, without a descriptor.");
    CHECK_STR(note_of_way(arena, HOLDING_MMAP), "It keeps the socket mapped into its memory, without a descriptor.");
    CHECK(str_find(note_of_way(arena, HOLDING_IN_FLIGHT), STR("waits to be received")) != SIZE_MAX);
    CHECK(str_starts(note_of_way(arena, HOLDING_THREAD_FD), STR("Its thread 77 has the socket")));
}

TEST(connections_of_a_server_stand_with_it)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 7, 1, "nginx");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 7, 3);
    struct socket_row *row = add_socket(&scene, PROTOCOL_TCP, SOCKET_ESTABLISHED, "127.0.0.1", 8080, 600);
    (void)address_parse(STR("127.0.0.1"), &row->remote);
    row->remote_port = 40000;
    held_by(&scene, 7, 9);
    row = add_socket(&scene, PROTOCOL_TCP, SOCKET_ESTABLISHED, "127.0.0.1", 8080, 0);
    row->remote = address_loopback(FAMILY_IPV4);
    row->remote_port = 40001;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
    CHECK_INT(first_cause(&scene)->sockets.count, 3);
    CHECK_STR(first_cause(&scene)->notes.items[0], "1 connection to it is open.");
    CHECK_STR(first_cause(&scene)->notes.items[1], "1 connection to it has not been accepted yet.");
    CHECK(is_consistent(&scene));
}

TEST(bound_socket_takes_the_port_although_the_usual_bind_works)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 7, 1, "python3");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_BOUND, "0.0.0.0", 8080, 500);
    held_by(&scene, 7, 3);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 0, "ok");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_BOUND);
    CHECK(first_cause(&scene)->blocks);
    CHECK(is_consistent(&scene));
}

TEST(client_with_the_port_as_its_own_end_is_a_connection)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 7, 1, "firefox");
    struct socket_row *row = add_socket(&scene, PROTOCOL_TCP, SOCKET_ESTABLISHED, "127.0.0.1", 40000, 500);
    (void)address_parse(STR("192.0.2.7"), &row->remote);
    row->remote_port = 443;
    held_by(&scene, 7, 3);
    both_probes_say(&scene, PROTOCOL_TCP, 40000, "reuse", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 40000));
    CHECK(!scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_CONNECTION);
    CHECK_STR(first_cause(&scene)->sentence,
              "firefox (pid 7) uses port 40000 as its own end of a connection with 192.0.2.7:443");
    bool reserves = false;
    for (size_t i = 0; i < first_cause(&scene)->remedies.count; i++)
        reserves = reserves || str_equal(first_cause(&scene)->remedies.items[i].by_hand,
                                         STR("sysctl -w net.ipv4.ip_local_reserved_ports=40000"));
    CHECK(reserves);
    CHECK(cause_of(&scene, CAUSE_DYNAMIC_RANGE) != NULL);
    CHECK(is_consistent(&scene));
}

TEST(forgotten_close_is_said)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 7, 1, "java");
    struct socket_row *row = add_socket(&scene, PROTOCOL_TCP, SOCKET_CLOSE_WAIT, "127.0.0.1", 8080, 500);
    row->remote = address_loopback(FAMILY_IPV4);
    row->remote_port = 50000;
    held_by(&scene, 7, 3);
    row = add_socket(&scene, PROTOCOL_TCP, SOCKET_CLOSE_WAIT, "127.0.0.1", 8080, 501);
    row->remote = address_loopback(FAMILY_IPV4);
    row->remote_port = 50001;
    held_by(&scene, 7, 4);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!scene.answer.bindable);
    CHECK_STR(first_cause(&scene)->sentence, "java (pid 7) still keeps a connection from 127.0.0.1:50000 and 1 more on "
                                             "port 8080 that the other side has closed");
    CHECK(is_consistent(&scene));
}

static void
add_time_wait(struct scene *scene)
{
    struct socket_row *row = add_socket(scene, PROTOCOL_TCP, SOCKET_TIME_WAIT, "127.0.0.1", 8080, 0);

    row->remote = address_loopback(FAMILY_IPV4);
    row->remote_port = 50000;
    row->expires_ms = 42100;
}

TEST(time_wait_lets_most_servers_in_and_says_how_long_the_others_wait)
{
    struct scene scene = scene_new(arena);
    add_time_wait(&scene);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 0, "ok");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK_STR(scene.answer.plain_warning, "free for most servers; one that does not set SO_REUSEADDR must wait 43 s");
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LINGERING);
    CHECK(!first_cause(&scene)->blocks);
    CHECK(is_consistent(&scene));
}

TEST(time_wait_of_a_server_without_reuse_blocks)
{
    struct scene scene = scene_new(arena);
    add_time_wait(&scene);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 98, "EADDRINUSE");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LINGERING);
    CHECK_INT(first_cause(&scene)->seconds, 43);
    CHECK(is_consistent(&scene));
}

TEST(orphaned_connections_without_a_timer_linger_too)
{
    struct scene scene = scene_new(arena);
    add_time_wait(&scene);
    scene.host.sockets.items[0].state = SOCKET_FIN_WAIT_2;
    scene.host.sockets.items[0].expires_ms = 0;
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!scene.answer.bindable);
    CHECK_STR(first_cause(&scene)->sentence,
              "no program has it: a closed connection still lingers on port 8080 (FIN_WAIT_2)");
    CHECK(is_consistent(&scene));
}

TEST(unaccepted_connection_without_a_listener_is_a_cause_of_its_own)
{
    struct scene scene = scene_new(arena);
    add_time_wait(&scene);
    scene.host.sockets.items[0].state = SOCKET_ESTABLISHED;
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_UNACCEPTED);
    CHECK(is_consistent(&scene));
}

TEST(sockets_that_share_an_endpoint_are_a_group)
{
    struct scene scene = scene_new(arena);
    for (uint32_t pid = 11; pid < 14; pid++) {
        add_process(&scene, pid, 1, "worker");
        add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500 + pid);
        held_by(&scene, pid, 3);
    }
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_REUSEPORT_GROUP);
    CHECK_INT(first_cause(&scene)->sockets.count, 3);
    CHECK_INT(first_cause(&scene)->holders.count, 3);
    CHECK(is_consistent(&scene));
}

TEST(orphans_that_share_a_socket_inherited_it)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 1, 0, "init");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    for (uint32_t pid = 11; pid < 14; pid++) {
        add_process(&scene, pid, 1, "python3")->sid = 5;
        held_by(&scene, pid, 3);
    }
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_INHERITED);
    CHECK_INT(first_cause(&scene)->holders.count, 3);
    bool all = false;
    for (size_t i = 0; i < first_cause(&scene)->remedies.count; i++)
        all = all || str_equal(first_cause(&scene)->remedies.items[i].by_hand, STR("kill 11 12 13"));
    CHECK(all);
    CHECK(is_consistent(&scene));
}

TEST(program_that_never_listens_inherited_its_socket)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "sleep");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 9, 3);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_INHERITED);
}

TEST(socket_unit_is_blamed_instead_of_the_service_manager)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 1, 0, "systemd");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "::", 6310, 500);
    held_by(&scene, 1, 40);
    struct service *unit = LIST_ADD(arena, &scene.host.services);
    *unit = (struct service){.manager = STR("systemd"),
                             .name = STR("cups.socket"),
                             .is_socket = true,
                             .listens = STR("/run/cups.sock [::]:6310"),
                             .state = STR("active")};
    scene.host.services_known = KNOWN_YES;
    CHECK(ask(&scene, PROTOCOL_TCP, 6310));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_SOCKET_UNIT);
    CHECK_STR(first_cause(&scene)->sentence,
              "systemd listens on *:6310 for cups.socket, to start its service on demand");
    bool stops = false;
    for (size_t i = 0; i < first_cause(&scene)->remedies.count; i++) {
        stops = stops || str_equal(first_cause(&scene)->remedies.items[i].by_hand, STR("systemctl stop cups.socket"));
        CHECK(!str_starts(first_cause(&scene)->remedies.items[i].by_hand, STR("kill")));
    }
    CHECK(stops);
    CHECK(is_consistent(&scene));
}

TEST(socket_unit_without_an_answer_of_the_manager_is_still_no_process_to_kill)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 1, 0, "systemd");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "::", 6310, 500);
    held_by(&scene, 1, 40);
    CHECK(ask(&scene, PROTOCOL_TCP, 6310));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_SOCKET_UNIT);
    for (size_t i = 0; i < first_cause(&scene)->remedies.count; i++)
        CHECK(!str_starts(first_cause(&scene)->remedies.items[i].by_hand, STR("kill")));
    CHECK(is_consistent(&scene));
}

TEST(main_process_of_a_unit_is_a_service)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 1, 0, "systemd");
    add_process(&scene, 50, 1, "nginx")->cgroup = (struct fact){KNOWN_YES, STR("/system.slice/nginx.service")};
    add_process(&scene, 51, 50, "nginx")->cgroup = (struct fact){KNOWN_YES, STR("/system.slice/nginx.service")};
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 50, 3);
    held_by(&scene, 51, 3);
    struct service *unit = LIST_ADD(arena, &scene.host.services);
    *unit = (struct service){.manager = STR("systemd"),
                             .name = STR("nginx.service"),
                             .main_pid = 50,
                             .state = STR("active"),
                             .at_boot = true};
    scene.host.services_known = KNOWN_YES;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_SERVICE);
    CHECK_STR(first_cause(&scene)->sentence, "nginx.service (nginx (pid 50 and 1 more)) listens on *:8080");
    CHECK(is_consistent(&scene));
}

TEST(kernel_port_is_named_by_its_interface)
{
    struct scene scene = scene_new(arena);
    add_socket(&scene, PROTOCOL_UDP, SOCKET_UNCONN, "0.0.0.0", 4789, 500);
    struct kernel_port *port = LIST_ADD(arena, &scene.host.kernel_ports);
    *port = (struct kernel_port){.protocol = PROTOCOL_UDP, .port = 4789, .kind = STR("vxlan"), .name = STR("vxlan0")};
    CHECK(ask(&scene, PROTOCOL_UDP, 4789));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_KERNEL);
    CHECK_STR(first_cause(&scene)->sentence, "the kernel itself has *:4789, for vxlan0 (vxlan)");
    CHECK(is_consistent(&scene));
}

TEST(socket_that_no_process_has_is_the_kernels_when_all_could_be_seen)
{
    struct scene scene = scene_new(arena);
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 2049, 500);
    CHECK(ask(&scene, PROTOCOL_TCP, 2049));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_KERNEL);
}

TEST(listener_whose_process_may_not_be_seen_stays_a_listener)
{
    struct scene scene = scene_new(arena);
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    scene.host.complete = false;
    scene.host.admin = false;
    scene.host.uid = 1000;
    struct unseen *unseen = LIST_ADD(arena, &scene.host.unseen);
    *unseen = (struct unseen){.pid = 1, .what = STR("fds"), .reason = KNOWN_NOT_ALLOWED, .relevant = true};
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
    CHECK_INT(first_cause(&scene)->holders.count, 0);
    CHECK(!scene.answer.complete);
    CHECK_INT(scene.answer.unseen.count, 1);
    CHECK(is_consistent(&scene));
}

TEST(container_that_publishes_the_port_is_blamed_when_its_forwarder_is_out_of_sight)
{
    struct scene scene = scene_new(arena);
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    add_web_container(&scene);
    scene.read.containers.count = 0;
    struct err err;
    scene.host.complete = false;
    CHECK(fake_host_load(snapshot_write(arena, &scene.host, false), &err));
    struct snapshot_ask rows = {
        .protocols = 1u << PROTOCOL_TCP, .states = SOCKET_STATES_ALL, .first = 8080, .last = 8080};
    CHECK(snapshot_read(arena, &rows, &scene.read, &err));
    *LIST_ADD(arena, &scene.read.containers) = scene.host.containers.items[0];
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    CHECK(why_answer(arena, &scene.read, &question, &scene.answer, &err));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_CONTAINER);
    CHECK_STR(first_cause(&scene)->sentence, "container shop-web-1 (docker) publishes *:8080");
    CHECK(is_consistent(&scene));
}

TEST(forwarder_without_a_known_container_is_still_a_container)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "docker-proxy");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 9, 3);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_CONTAINER);
    for (size_t i = 0; i < first_cause(&scene)->remedies.count; i++)
        CHECK(!str_starts(first_cause(&scene)->remedies.items[i].by_hand, STR("kill")));
    CHECK(is_consistent(&scene));
}

TEST(port_forward_of_ssh_is_a_relay)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "ssh");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "127.0.0.1", 8080, 500);
    held_by(&scene, 9, 3);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RELAY);
    CHECK_STR(first_cause(&scene)->sentence, "ssh (pid 9) forwards 127.0.0.1:8080 to somewhere else");
}

TEST(refusal_that_no_row_explains_is_hidden)
{
    struct scene scene = scene_new(arena);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 98, "EADDRINUSE");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_HIDDEN);
    CHECK(first_cause(&scene)->blocks);
    // 50 ms of asking again came before.
    CHECK(fake_host_elapsed_us() >= 50000);
    CHECK(is_consistent(&scene));
}

TEST(missing_right_is_said_and_the_table_answers)
{
    struct scene scene = scene_new(arena);
    scene.host.admin = false;
    scene.host.uid = 1000;
    both_probes_say(&scene, PROTOCOL_TCP, 80, "reuse", 13, "EACCES");
    both_probes_say(&scene, PROTOCOL_TCP, 80, "plain", 13, "EACCES");
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_INT(scene.answer.verdict, WHY_NOT_ALLOWED);
    CHECK(!scene.answer.proved);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_PRIVILEGED);
    CHECK(is_consistent(&scene));
    struct why_question question = question_of(PROTOCOL_TCP, 80);
    question.as_root = true;
    CHECK(ask_question(&scene, question));
    CHECK(scene.answer.bindable);
    CHECK(is_consistent(&scene));
}

TEST(who_has_a_privileged_port_comes_before_the_missing_right)
{
    struct scene scene = scene_new(arena);
    scene.host.admin = false;
    scene.host.uid = 1000;
    add_process(&scene, 7, 1, "nginx");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 80, 500);
    held_by(&scene, 7, 3);
    both_probes_say(&scene, PROTOCOL_TCP, 80, "reuse", 13, "EACCES");
    both_probes_say(&scene, PROTOCOL_TCP, 80, "plain", 13, "EACCES");
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK_INT(scene.answer.verdict, WHY_TAKEN);
    CHECK(!scene.answer.proved);
    CHECK_INT(scene.answer.causes.items[0].kind, CAUSE_LISTENER);
    CHECK_INT(scene.answer.causes.items[1].kind, CAUSE_PRIVILEGED);
    CHECK(is_consistent(&scene));
}

TEST(policy_that_refuses_is_told_from_a_privileged_port)
{
    struct scene scene = scene_new(arena);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 1, "EPERM");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 1, "EPERM");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_DENIED);
    CHECK(is_consistent(&scene));
    scene.host.probes.count = 0;
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 13, "EACCES");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 13, "EACCES");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_DENIED);
}

TEST(address_of_another_host_is_not_a_taken_port)
{
    struct scene scene = scene_new(arena);
    struct local_address *own = LIST_ADD(arena, &scene.host.addresses);
    own->address = address_loopback(FAMILY_IPV4);
    own = LIST_ADD(arena, &scene.host.addresses);
    own->address = address_loopback(FAMILY_IPV6);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_ADDRESS;
    (void)address_parse(STR("192.0.2.1"), &question.endpoint.address);
    probe_says(&scene, PROTOCOL_TCP, "192.0.2.1", 8080, "reuse", 99, "EADDRNOTAVAIL");
    probe_says(&scene, PROTOCOL_TCP, "192.0.2.1", 8080, "plain", 99, "EADDRNOTAVAIL");
    CHECK(ask_question(&scene, question));
    CHECK_INT(scene.answer.verdict, WHY_NOT_LOCAL);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_ADDRESS);
    CHECK_STR(first_cause(&scene)->notes.items[0], "This host has 127.0.0.1, ::1.");
    CHECK(is_consistent(&scene));
}

TEST(link_local_address_without_its_interface_is_explained)
{
    struct scene scene = scene_new(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_ADDRESS;
    (void)address_parse(STR("fe80::1"), &question.endpoint.address);
    struct probe *probe = LIST_ADD(arena, &scene.host.probes);
    *probe = (struct probe){.protocol = PROTOCOL_TCP,
                            .address = question.endpoint.address,
                            .port = 8080,
                            .bind = STR("reuse"),
                            .code = 22,
                            .result = STR("EINVAL")};
    CHECK(ask_question(&scene, question));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_ADDRESS);
    CHECK(str_find(first_cause(&scene)->sentence, STR("link-local")) != SIZE_MAX);
}

TEST(free_port_of_the_dynamic_range_is_warned_of)
{
    struct scene scene = scene_new(arena);
    CHECK(ask(&scene, PROTOCOL_TCP, 40000));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_DYNAMIC_RANGE);
    CHECK_INT(first_cause(&scene)->remedies.count, 1);
    CHECK(is_consistent(&scene));
}

TEST(reserved_port_is_not_given_away_and_can_be_used)
{
    struct scene scene = scene_new(arena);
    struct port_range *range = LIST_ADD(arena, &scene.host.ranges);
    *range = (struct port_range){.kind = RANGE_RESERVED,
                                 .any_protocol = true,
                                 .first = 40000,
                                 .last = 40010,
                                 .source = STR("net.ipv4.ip_local_reserved_ports")};
    CHECK(ask(&scene, PROTOCOL_TCP, 40000));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RESERVED);
    CHECK(is_consistent(&scene));
}

TEST(redirect_of_a_free_port_is_found)
{
    struct scene scene = scene_new(arena);
    struct redirect *rule = LIST_ADD(arena, &scene.host.redirects);
    *rule = (struct redirect){.source = STR("nftables"),
                              .rule = STR("ip nat prerouting"),
                              .protocol = PROTOCOL_TCP,
                              .family = FAMILY_IPV4,
                              .first = 8080,
                              .last = 8080,
                              .to_port = 9090};
    scene.host.redirects_known = KNOWN_YES;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_REDIRECT);
    CHECK(str_starts(first_cause(&scene)->sentence, STR("a packet rule sends what comes for port 8080 to port 9090")));
    scene.host.redirects.items[0].to = address_ipv4(172, 17, 0, 2);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(str_find(first_cause(&scene)->sentence, STR("172.17.0.2:9090")) != SIZE_MAX);
    CHECK(ask(&scene, PROTOCOL_TCP, 8081));
    CHECK(cause_of(&scene, CAUSE_REDIRECT) == NULL);
}

TEST(redirect_counts_only_where_it_takes_from_an_address_of_this_host)
{
    struct scene scene = scene_new(arena);
    LIST_ADD(arena, &scene.host.addresses)->address = address_loopback(FAMILY_IPV4);
    LIST_ADD(arena, &scene.host.addresses)->address = address_ipv4(10, 1, 2, 3);
    struct redirect *rule = LIST_ADD(arena, &scene.host.redirects);
    *rule = (struct redirect){.source = STR("nftables"),
                              .rule = STR("ip nat prerouting"),
                              .protocol = PROTOCOL_TCP,
                              .family = FAMILY_IPV4,
                              .matched = address_ipv4(10, 96, 0, 1),
                              .matched_prefix = 32,
                              .first = 8080,
                              .last = 8080,
                              .to_port = 9090};
    scene.host.redirects_known = KNOWN_YES;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(cause_of(&scene, CAUSE_REDIRECT) == NULL);
    rule->matched = address_ipv4(10, 1, 0, 0);
    rule->matched_prefix = 20;
    rule->partial = true;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_STR(first_cause(&scene)->sentence, "a packet rule sends some of what comes for port 8080 to port 9090");
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_loopback(FAMILY_IPV4);
    CHECK(ask_question(&scene, question));
    CHECK(cause_of(&scene, CAUSE_REDIRECT) == NULL);
}

TEST(listener_of_another_namespace_does_not_take_the_port)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "nginx")->same_netns = false;
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500)->netns = 4026532281;
    held_by(&scene, 9, 6);
    struct netns *space = LIST_ADD(arena, &scene.host.namespaces);
    *space = (struct netns){.id = 4026532281, .name = STR("blue"), .pid = 9, .known = KNOWN_YES};
    scene.host.namespaces_known = KNOWN_YES;
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 0, "ok");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 0, "ok");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_OTHER_NAMESPACE);
    CHECK(str_find(first_cause(&scene)->sentence, STR("(blue)")) != SIZE_MAX);
    CHECK(is_consistent(&scene));
}

TEST(listener_of_the_other_family_is_told)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "node");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "::1", 8080, 500);
    held_by(&scene, 9, 6);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_loopback(FAMILY_IPV4);
    probe_says(&scene, PROTOCOL_TCP, "127.0.0.1", 8080, "reuse", 0, "ok");
    probe_says(&scene, PROTOCOL_TCP, "127.0.0.1", 8080, "plain", 0, "ok");
    CHECK(ask_question(&scene, question));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_OTHER_FAMILY);
    CHECK(is_consistent(&scene));
}

TEST(udp_port_that_may_be_shared_is_free_and_shared)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "avahi-daemon");
    add_socket(&scene, PROTOCOL_UDP, SOCKET_UNCONN, "0.0.0.0", 5353, 500);
    held_by(&scene, 9, 6);
    both_probes_say(&scene, PROTOCOL_UDP, 5353, "reuse", 0, "ok");
    both_probes_say(&scene, PROTOCOL_UDP, 5353, "plain", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_UDP, 5353));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_SHARED);
    CHECK(scene.answer.plain_warning.len > 0);
    CHECK(is_consistent(&scene));
}

TEST(exhausted_range_is_a_cause_beside_the_connection)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 7, 1, "crawler");
    struct socket_row *row = add_socket(&scene, PROTOCOL_TCP, SOCKET_ESTABLISHED, "127.0.0.1", 40000, 500);
    (void)address_parse(STR("192.0.2.7"), &row->remote);
    row->remote_port = 443;
    held_by(&scene, 7, 3);
    probe_says(&scene, PROTOCOL_TCP, "0.0.0.0", 0, "plain", 98, "EADDRINUSE");
    both_probes_say(&scene, PROTOCOL_TCP, 40000, "reuse", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 40000));
    CHECK(!scene.answer.bindable);
    CHECK(cause_of(&scene, CAUSE_EXHAUSTED) != NULL);
    CHECK(is_consistent(&scene));
}

TEST(host_without_the_asked_family_can_not_tell)
{
    struct scene scene = scene_new(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_loopback(FAMILY_IPV6);
    struct probe *probe = LIST_ADD(arena, &scene.host.probes);
    *probe = (struct probe){.protocol = PROTOCOL_TCP,
                            .address = question.endpoint.address,
                            .port = 8080,
                            .bind = STR("reuse"),
                            .code = 97,
                            .result = STR("unsupported")};
    probe = LIST_ADD(arena, &scene.host.probes);
    *probe = scene.host.probes.items[0];
    probe->bind = STR("plain");
    CHECK(ask_question(&scene, question));
    CHECK_INT(scene.answer.verdict, WHY_UNKNOWN);
    CHECK(!scene.answer.bindable);
    CHECK(!scene.answer.proved);
}

TEST(localhost_asks_both_families)
{
    struct scene scene = scene_new(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_LOCALHOST;
    CHECK(ask_question(&scene, question));
    CHECK_INT(scene.answer.probes.count, 4);
    CHECK_INT(scene.answer.probes.items[0].address.bytes[0], 127);
}

TEST(every_failing_call_leaves_a_consistent_answer_or_an_error)
{
    struct err err = {0};
    bool ended = false;

    for (size_t nth = 1; nth < 200 && !ended; nth++) {
        struct scene scene = scene_new(arena);
        add_process(&scene, 7, 1, "nginx");
        add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
        held_by(&scene, 7, 3);
        struct snapshot_ask ask = {
            .protocols = 1u << PROTOCOL_TCP, .states = 1u << SOCKET_LISTEN, .first = 8080, .last = 8080};
        struct why_question question = question_of(PROTOCOL_TCP, 8080);
        CHECK(fake_host_load(snapshot_write(arena, &scene.host, false), &err));
        fake_host_fail(nth, ERR_NOT_ALLOWED);
        bool answered = snapshot_read(arena, &ask, &scene.read, &err) &&
                        why_answer(arena, &scene.read, &question, &scene.answer, &err);
        // A failing bind call itself may say anything but free.
        if (answered)
            CHECK(!scene.answer.bindable);
        ended = fake_host_calls(NULL) < nth;
    }
    CHECK(ended);
}

TEST(all_who_share_the_port_are_asked_to_end_unless_their_parent_ends_them)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 20, 1, "python3");
    add_process(&scene, 21, 20, "python3");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 20, 3);
    held_by(&scene, 21, 3);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "kill 20 21"));
    scene.host.processes.items[0].name = scene.host.processes.items[1].name = STR("nginx");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "kill 20"));
    scene.host.processes.items[0].name = scene.host.processes.items[1].name = STR("python3");
    for (uint32_t pid = 30; pid < 60; pid++) {
        add_process(&scene, pid, 20, "python3");
        held_by(&scene, pid, 3);
    }
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "kill $(moorage list --pids 8080)"));
}

TEST(stopped_program_is_made_to_hear_the_request)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 20, 1, "python3")->state = 'T';
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 20, 3);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "kill 20; kill -CONT 20"));
}

TEST(program_that_is_seen_in_part_is_not_offered_to_be_killed)
{
    struct scene scene = scene_new(arena);
    scene.host.admin = false;
    scene.host.uid = 65534;
    scene.host.complete = false;
    scene.host.tier = TIER_OWN;
    struct process *worker = add_process(&scene, 21, 20, "nginx");
    worker->uid_known = true;
    worker->uid = 65534;
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 21, 6);
    *LIST_ADD(arena, &scene.host.unseen) =
        (struct unseen){.pid = 20, .what = STR("fds"), .reason = KNOWN_NOT_ALLOWED, .relevant = true};
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_STR(first_cause(&scene)->notes.items[0], "More programs may have it than can be seen.");
    CHECK(!offers(&scene, "kill 21"));
    // Of the same user, and its parent can be seen: then it is all there is to say.
    scene.host.sockets.items[0].uid = 65534;
    scene.host.unseen.items[0].pid = 300;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "kill 21"));
}

TEST(warnings_say_for_whom_the_port_is_free)
{
    struct scene scene = scene_new(arena);
    add_time_wait(&scene);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 0, "ok");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 98, "EADDRINUSE");
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.mode = BIND_PLAIN;
    CHECK(ask_question(&scene, question));
    CHECK(!scene.answer.bindable);
    CHECK_STR(first_cause(&scene)->notes.items[0], "A server that sets SO_REUSEADDR can use the port at once.");
    CHECK(is_consistent(&scene));
    scene.host.probes.count = 0;
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuse", 98, "EADDRINUSE");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 98, "EADDRINUSE");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuseport", 0, "ok");
    question.mode = BIND_REUSEPORT;
    CHECK(ask_question(&scene, question));
    CHECK(scene.answer.bindable);
    CHECK_STR(scene.answer.plain_warning,
              "free for a server that sets SO_REUSEPORT and runs as the same user; no other can use it now");
}

TEST(loopback_that_is_down_is_not_offered_as_a_way_out)
{
    struct scene scene = scene_new(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_loopback(FAMILY_IPV4);
    probe_says(&scene, PROTOCOL_TCP, "127.0.0.1", 8080, "reuse", 99, "EADDRNOTAVAIL");
    CHECK(ask_question(&scene, question));
    CHECK(offers(&scene, "ip link set lo up"));
}

TEST(names_are_the_contracts)
{
    CHECK_STR(why_kind_name(CAUSE_REUSEPORT_GROUP), "reuseport-group");
    CHECK_STR(why_kind_name(CAUSE_OTHER_FAMILY), "other-family");
    CHECK_STR(why_lever_name(LEVER_SOCKET_UNIT), "socket-unit");
    CHECK_STR(why_harm_name(HARM_HIGH), "high");
}

TEST(service_is_named_within_the_process_that_runs_many)
{
    struct scene scene = scene_windows(arena);
    add_svchost(&scene, 900);
    add_service(&scene, "Dnscache", 900)->shares_process = true;
    add_service(&scene, "CDPSvc", 900);
    add_owned(&scene, "0.0.0.0", 5040, 900)->owner_service = STR("Dnscache");
    scene.host.services.items[0].dependants = STR("Netlogon");
    CHECK(ask(&scene, PROTOCOL_TCP, 5040));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_SERVICE);
    CHECK_STR(first_cause(&scene)->sentence, "the service Dnscache, in svchost (pid 900), listens on *:5040");
    CHECK(offers(&scene, "Stop-Service -Force Dnscache"));
    CHECK(notes(&scene, "With it stop the services that need it: Netlogon."));
    CHECK(notes(&scene, "svchost runs other services too: stop the service, never the process."));
    CHECK(is_consistent(&scene));
}

TEST(process_of_many_services_is_never_ended)
{
    struct scene scene = scene_windows(arena);
    add_svchost(&scene, 900);
    add_service(&scene, "Dnscache", 900);
    add_service(&scene, "CDPSvc", 900);
    add_owned(&scene, "0.0.0.0", 5040, 900);
    CHECK(ask(&scene, PROTOCOL_TCP, 5040));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
    CHECK(notes(&scene,
                "It runs these services: Dnscache, CDPSvc. Which of them has the port only an administrator may "
                "see."));
    CHECK(!offers(&scene, "taskkill /PID 900"));
    CHECK_STR(command_of(&scene, "see who"), "moorage 5040 --elevate");
    scene.host.admin = true;
    CHECK(ask(&scene, PROTOCOL_TCP, 5040));
    CHECK_STR(command_of(&scene, "see who"), "");
    CHECK(is_consistent(&scene));
}

TEST(process_without_which_the_system_stops_is_never_ended)
{
    struct scene scene = scene_windows(arena);
    add_process(&scene, 800, 700, "lsass.exe")->critical = true;
    add_owned(&scene, "0.0.0.0", 49664, 800);
    CHECK(ask(&scene, PROTOCOL_TCP, 49664));
    CHECK(!offers(&scene, "taskkill /PID 800"));
    CHECK(is_consistent(&scene));
}

TEST(service_above_the_holder_is_stopped_instead_of_it)
{
    struct scene scene = scene_windows(arena);
    struct process *process = add_process(&scene, 3140, 3100, "postgres.exe");
    process->session_known = true;
    add_process(&scene, 3100, 780, "pg_ctl.exe");
    add_service(&scene, "postgresql-x64-16", 3100);
    add_owned(&scene, "0.0.0.0", 5432, 3140);
    CHECK(ask(&scene, PROTOCOL_TCP, 5432));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
    CHECK(offers(&scene, "Stop-Service postgresql-x64-16"));
    CHECK(!offers(&scene, "taskkill /PID 3140"));
    CHECK(is_consistent(&scene));
}

TEST(heir_of_a_dead_program_is_told_with_its_parent)
{
    struct scene scene = scene_windows(arena);
    struct socket_row *row = add_owned(&scene, "0.0.0.0", 37777, 8124);
    row->created_ms = 1769850000000;
    scene.host.holdings.items[0] = (struct holding){.pid = 8200, .how = HOLDING_HANDLE, .fd = 0x1c4};
    add_process(&scene, 8200, 8124, "ffmpeg.exe");
    CHECK(ask(&scene, PROTOCOL_TCP, 37777));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_INHERITED);
    CHECK_STR(first_cause(&scene)->sentence,
              "ffmpeg (pid 8200) keeps *:37777 open, which pid 8124 opened, a program that has ended");
    CHECK(notes(&scene, "Pid 8124 started it and left it the socket."));
    CHECK_STR(first_cause(&scene)->holders.items[0].how.items[0], "handle 0x1c4");
    CHECK(offers(&scene, "taskkill /PID 8200"));
    CHECK(is_consistent(&scene));
    // Another program may have its number by now.
    add_process(&scene, 8124, 1, "notepad.exe");
    CHECK(ask(&scene, PROTOCOL_TCP, 37777));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_INHERITED);
    CHECK(notes(&scene, "Another program has the number 8124 now; it has nothing to do with the port."));
    CHECK(!offers(&scene, "taskkill /PID 8124"));
}

TEST(heir_that_can_not_be_seen_is_still_one)
{
    struct scene scene = scene_windows(arena);
    add_owned(&scene, "0.0.0.0", 37777, 8124)->created_ms = 1769850000000;
    scene.host.holdings.count = 0;
    scene.host.complete = false;
    CHECK(ask(&scene, PROTOCOL_TCP, 37777));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_INHERITED);
    CHECK_STR(command_of(&scene, "see who"), "moorage 37777 --elevate");
    CHECK(is_consistent(&scene));
}

TEST(bound_socket_of_windows_blocks_only_where_its_bind_does)
{
    struct scene scene = scene_windows(arena);
    add_process(&scene, 40, 39, "python.exe");
    add_owned(&scene, "127.0.0.1", 8000, 40)->state = SOCKET_BOUND;
    CHECK(ask(&scene, PROTOCOL_TCP, 8000));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_BOUND);
    CHECK(!first_cause(&scene)->blocks);
    CHECK(is_consistent(&scene));
    scene.host.sockets.items[0].local = address_any(FAMILY_IPV4);
    CHECK(ask(&scene, PROTOCOL_TCP, 8000));
    CHECK(!scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_BOUND);
    CHECK(is_consistent(&scene));
}

TEST(address_of_another_host_has_no_loopback_to_bring_up_on_windows)
{
    struct scene scene = scene_windows(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_loopback(FAMILY_IPV4);
    binds_give(&scene, "127.0.0.1", 8080, 10049, 10049, 10049);
    CHECK(ask_question(&scene, question));
    CHECK_INT(scene.answer.verdict, WHY_NOT_LOCAL);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_ADDRESS);
    CHECK(is_consistent(&scene));
}

TEST(kernel_of_windows_is_called_by_its_name)
{
    struct scene scene = scene_windows(arena);
    add_owned(&scene, "0.0.0.0", 8080, 0);
    scene.host.holdings.count = 0;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_STR(first_cause(&scene)->sentence, "Windows itself has *:8080; no program has it open");
    CHECK(is_consistent(&scene));
}

TAP_MAIN
