#include "sys/socket_table.h"
#include "why_scene.h"

TEST(redirect_is_shown_by_a_command_of_its_own_kind_of_rules)
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
    CHECK(offers(&scene, "nft -a list chain ip nat prerouting"));
    scene.host.redirects.items[0].source = STR("iptables");
    scene.host.redirects.items[0].family = FAMILY_IPV6;
    scene.host.admin = false;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "sudo ip6tables-legacy -t nat -S"));
}

// Docker without its forwarder, Podman and Kubernetes: nothing listens, and the port answers all the same.
TEST(container_behind_a_packet_rule_is_named_and_stopped_as_one)
{
    struct scene scene = scene_new(arena);
    struct redirect *rule = LIST_ADD(arena, &scene.host.redirects);
    *rule = (struct redirect){.source = STR("nftables"),
                              .rule = STR("ip nat DOCKER"),
                              .protocol = PROTOCOL_TCP,
                              .family = FAMILY_IPV4,
                              .to = address_ipv4(172, 18, 0, 3),
                              .first = 8080,
                              .last = 8080,
                              .to_port = 80};
    scene.host.redirects_known = KNOWN_YES;
    add_web_container(&scene);
    struct err err;
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    struct snapshot_ask rows = {
        .protocols = 1u << PROTOCOL_TCP, .states = SOCKET_STATES_ALL, .first = 8080, .last = 8080};
    CHECK(fake_host_load(snapshot_write(arena, &scene.host, false), &err));
    CHECK(snapshot_read(arena, &rows, &scene.read, &err));
    *LIST_ADD(arena, &scene.read.containers) = scene.host.containers.items[0];
    CHECK(why_answer(arena, &scene.read, &question, &scene.answer, &err));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_REDIRECT);
    CHECK_STR(first_cause(&scene)->sentence, "a packet rule sends what comes for port 8080 to 172.18.0.3:80, "
                                             "container shop-web-1 (docker)");
    CHECK(offers(&scene, "docker stop shop-web-1"));
    CHECK(is_consistent(&scene));
}

TEST(udp_of_another_namespace_receives)
{
    struct scene scene = scene_new(arena);
    add_process(&scene, 9, 1, "coredns")->same_netns = false;
    add_socket(&scene, PROTOCOL_UDP, SOCKET_UNCONN, "0.0.0.0", 5300, 500)->netns = 4026532281;
    held_by(&scene, 9, 6);
    scene.host.namespaces_known = KNOWN_YES;
    both_probes_say(&scene, PROTOCOL_UDP, 5300, "reuse", 0, "ok");
    CHECK(ask(&scene, PROTOCOL_UDP, 5300));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_OTHER_NAMESPACE);
    CHECK(str_starts(first_cause(&scene)->sentence, STR("coredns (pid 9) receives on *:5300")));
}

TEST(mapped_address_is_one_of_ipv4_and_no_other_family)
{
    struct scene scene = scene_new(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    add_process(&scene, 9, 1, "java");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "::ffff:127.0.0.1", 8080, 500);
    held_by(&scene, 9, 6);
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_ipv4(10, 9, 0, 1);
    probe_says(&scene, PROTOCOL_TCP, "10.9.0.1", 8080, "reuse", 0, "ok");
    CHECK(ask_question(&scene, question));
    CHECK_INT(scene.answer.causes.count, 0);
    question.endpoint.address = address_loopback(FAMILY_IPV6);
    probe_says(&scene, PROTOCOL_TCP, "::1", 8080, "reuse", 0, "ok");
    CHECK(ask_question(&scene, question));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_OTHER_FAMILY);
}

TEST(program_that_has_the_port_where_the_address_is_wrong_is_not_offered_to_be_stopped)
{
    struct scene scene = scene_new(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    add_process(&scene, 9, 1, "node");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    held_by(&scene, 9, 6);
    question.endpoint.host = ENDPOINT_ADDRESS;
    (void)address_parse(STR("::ffff:192.0.2.1"), &question.endpoint.address);
    probe_says(&scene, PROTOCOL_TCP, "::ffff:192.0.2.1", 8080, "reuse", 99, "EADDRNOTAVAIL");
    scene.host.probes.items[0].v6only = false;
    CHECK(ask_question(&scene, question));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_ADDRESS);
    // A mapped address is one of IPv4.
    CHECK_STR(first_cause(&scene)->remedies.items[0].sentence, "Bind 127.0.0.1, or 0.0.0.0 for every address.");
    CHECK(cause_of(&scene, CAUSE_LISTENER) && cause_of(&scene, CAUSE_LISTENER)->remedies.count == 0);
}

TAP_MAIN
