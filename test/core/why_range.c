#include "why_scene.h"

static struct scene
excluded(struct arena *arena)
{
    struct scene scene = scene_windows(arena);

    add_range(&scene, RANGE_DYNAMIC, FAMILY_IPV4, 49152, 65535);
    add_range(&scene, RANGE_EXCLUDED, FAMILY_IPV4, 8072, 8171);
    add_range(&scene, RANGE_EXCLUDED, FAMILY_IPV6, 8072, 8171);
    binds_give(&scene, "0.0.0.0", 8080, 10013, 10013, 10013);
    binds_give(&scene, "::", 8080, 10013, 10013, 10013);
    return scene;
}

TEST(range_that_windows_keeps_is_reserved_and_the_next_port_lies_outside)
{
    struct scene scene = excluded(arena);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(scene.answer.verdict, WHY_RESERVED);
    CHECK(scene.answer.proved);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_EXCLUDED_RANGE);
    CHECK_STR(first_cause(&scene)->sentence, "Windows keeps the ports 8072-8171 from every program");
    CHECK_STR(first_cause(&scene)->maker, "Hyper-V, WSL or Docker; the range may move at the next restart");
    CHECK_INT(scene.answer.suggest.items[0], 8172);
    CHECK_STR(command_of(&scene, "for good"), "moorage range reserve 8080 --persist");
    CHECK(is_consistent(&scene));
}

TEST(remedies_of_a_range_go_from_no_harm_to_much)
{
    struct scene scene = excluded(arena);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    const struct cause *cause = first_cause(&scene);
    CHECK_INT(cause->remedies.count, 3);
    CHECK_INT(cause->remedies.items[0].lever, LEVER_OTHER_PORT);
    CHECK_INT(cause->remedies.items[1].lever, LEVER_SETTING);
    CHECK_INT(cause->remedies.items[2].harm, HARM_HIGH);
    CHECK(str_starts(cause->remedies.items[2].by_hand, STR("net stop winnat; ")));
}

TEST(range_without_the_network_of_virtual_machines_is_put_down_to_another_program)
{
    struct scene scene = excluded(arena);
    add_service(&scene, "Dnscache", 900);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(str_starts(first_cause(&scene)->maker, STR("a program or driver")));
    CHECK_INT(first_cause(&scene)->remedies.count, 2);
    CHECK(is_consistent(&scene));
    add_service(&scene, "winnat", 0)->state = STR("stopped");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->remedies.count, 2);
    scene.host.services.items[1].state = STR("active");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->remedies.count, 3);
}

TEST(range_counts_for_its_protocol_and_family_alone)
{
    struct scene scene = excluded(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    scene.host.ranges.items[1].protocol = PROTOCOL_UDP;
    scene.host.ranges.items[2].protocol = PROTOCOL_UDP;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_DENIED);
    CHECK(is_consistent(&scene));
    scene = excluded(arena);
    scene.host.ranges.items[1].family = FAMILY_IPV6;
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_any(FAMILY_IPV4);
    CHECK(ask_question(&scene, question));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_DENIED);
}

TEST(reservation_of_an_administrator_can_be_bound_by_who_names_it)
{
    struct scene scene = scene_windows(arena);
    add_range(&scene, RANGE_EXCLUDED, FAMILY_IPV4, 50000, 50059)->administered = true;
    CHECK(ask(&scene, PROTOCOL_TCP, 50051));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RESERVED);
    CHECK(is_consistent(&scene));
}

TEST(reservation_that_refuses_all_the_same_is_given_back_by_its_own_command)
{
    struct scene scene = scene_windows(arena);
    add_range(&scene, RANGE_EXCLUDED, FAMILY_IPV6, 50000, 50059)->administered = true;
    binds_give(&scene, "::", 50051, 10013, 10013, 10013);
    CHECK(ask(&scene, PROTOCOL_TCP, 50051));
    CHECK_INT(scene.answer.verdict, WHY_RESERVED);
    CHECK(offers(&scene, "netsh int ipv6 delete excludedportrange protocol=tcp startport=50000 numberofports=60"));
    CHECK(is_consistent(&scene));
    // The range of a driver beneath is what refuses.
    add_range(&scene, RANGE_EXCLUDED, FAMILY_IPV6, 50051, 50051);
    CHECK(ask(&scene, PROTOCOL_TCP, 50051));
    CHECK_STR(first_cause(&scene)->sentence, "Windows keeps port 50051 from every program");
    CHECK(!first_cause(&scene)->range->administered);
}

TEST(dynamic_range_that_begins_low_is_said_and_a_port_of_it_offered)
{
    struct scene scene = excluded(arena);
    scene.host.ranges.items[0].first = 1024;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(notes(&scene,
                "Such ranges are taken from the ports for outgoing connections, which begin at 1024 here instead "
                "of the usual 49152."));
    CHECK_INT(scene.answer.suggest.items[0], 8172);
}

TEST(socket_that_surely_blocks_is_told_before_the_range)
{
    struct scene scene = excluded(arena);
    add_process(&scene, 40, 39, "node.exe");
    add_owned(&scene, "0.0.0.0", 8080, 40);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(scene.answer.verdict, WHY_TAKEN);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
    CHECK(cause_of(&scene, CAUSE_EXCLUDED_RANGE)->blocks);
    CHECK(is_consistent(&scene));
}

TEST(connection_that_was_given_the_port_can_be_kept_off_it)
{
    struct scene scene = scene_windows(arena);
    add_range(&scene, RANGE_DYNAMIC, FAMILY_IPV4, 49152, 65535);
    add_process(&scene, 40, 39, "firefox.exe");
    struct socket_row *row = add_owned(&scene, "192.168.1.20", 50103, 40);
    row->state = SOCKET_ESTABLISHED;
    row->remote = address_ipv4(203, 0, 113, 9);
    row->remote_port = 443;
    binds_give(&scene, "0.0.0.0", 50103, 10048, 10048, 10048);
    CHECK(ask(&scene, PROTOCOL_TCP, 50103));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_CONNECTION);
    CHECK(offers(&scene, "netsh int ipv4 add excludedportrange protocol=tcp startport=50103 numberofports=1 "
                         "store=persistent"));
    CHECK(is_consistent(&scene));
}

TEST(exhausted_ports_can_be_made_more)
{
    struct scene scene = scene_windows(arena);
    add_range(&scene, RANGE_DYNAMIC, FAMILY_IPV4, 49152, 65535);
    add_process(&scene, 40, 39, "crawler.exe");
    add_owned(&scene, "0.0.0.0", 50103, 40);
    binds_give(&scene, "0.0.0.0", 0, 10048, 10048, 10048);
    CHECK(ask(&scene, PROTOCOL_TCP, 50103));
    const struct cause *cause = cause_of(&scene, CAUSE_EXHAUSTED);
    CHECK(cause != NULL);
    CHECK_STR(cause->notes.items[0], "A bind that names no port was tried and fails too (WSAEADDRINUSE).");
    CHECK_STR(cause->remedies.items[cause->remedies.count - 1].by_hand,
              "netsh int ipv4 set dynamicport tcp start=10240 num=55295");
}

TAP_MAIN
