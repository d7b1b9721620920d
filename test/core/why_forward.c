#include "why_scene.h"

static struct redirect *
add_rule(struct scene *scene, const char *rule, const char *matched, uint16_t port)
{
    struct redirect *added = LIST_ADD(scene->arena, &scene->host.redirects);

    *added = (struct redirect){.source = STR("portproxy"),
                               .rule = str_of(rule),
                               .local_output = true,
                               .family = FAMILY_IPV4,
                               .to = address_ipv4(172, 20, 0, 2),
                               .first = port,
                               .last = port,
                               .to_port = 80};
    if (*matched)
        (void)address_parse(str_of(matched), &added->matched);
    scene->host.redirects_known = KNOWN_YES;
    return added;
}

TEST(rule_is_named_instead_of_the_service_that_listens_for_all_of_them)
{
    struct scene scene = scene_windows(arena);
    add_rule(&scene, "v4tov4 0.0.0.0:8080 -> 172.20.0.2:80", "", 8080);
    add_svchost(&scene, 3300);
    add_service(&scene, "iphlpsvc", 3300);
    add_owned(&scene, "0.0.0.0", 8080, 3300);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_PORTPROXY);
    CHECK_STR(first_cause(&scene)->sentence, "a netsh portproxy rule sends what comes to *:8080 to 172.20.0.2:80");
    CHECK(offers(&scene, "netsh interface portproxy delete v4tov4 listenport=8080 listenaddress=0.0.0.0"));
    CHECK(is_consistent(&scene));
    // The service can't always be seen.
    scene.host.services.count = 0;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_PORTPROXY);
    scene.host.holdings.count = 0;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_PORTPROXY);
}

TEST(rule_does_not_stand_for_another_program_or_address)
{
    struct scene scene = scene_windows(arena);
    add_rule(&scene, "v4tov4 *:8080 -> 172.20.0.2:80", "", 8080);
    add_rule(&scene, "v4tov4 10.0.0.5:9090 -> 172.20.0.2:80", "10.0.0.5", 9090);
    add_process(&scene, 40, 39, "node.exe");
    add_svchost(&scene, 3300);
    add_service(&scene, "Dnscache", 3300);
    add_owned(&scene, "0.0.0.0", 8080, 40);
    add_owned(&scene, "127.0.0.1", 9090, 3300);
    add_owned(&scene, "0.0.0.0", 8080, 3300);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(cause_of(&scene, CAUSE_PORTPROXY) == NULL);
    CHECK(cause_of(&scene, CAUSE_SERVICE) != NULL);
    CHECK(ask(&scene, PROTOCOL_TCP, 9090));
    CHECK(cause_of(&scene, CAUSE_PORTPROXY) == NULL);
}

TEST(rule_is_deleted_as_it_was_made)
{
    struct scene scene = scene_windows(arena);
    struct redirect *rule = add_rule(&scene, "v6tov4 [::]:8080 -> 10.0.0.1:80", "", 8080);
    rule->family = FAMILY_IPV6;
    add_svchost(&scene, 3300);
    add_service(&scene, "iphlpsvc", 3300);
    add_owned(&scene, "::", 8080, 3300);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "netsh interface portproxy delete v6tov4 listenport=8080 listenaddress=::"));
    rule->rule = STR("v4tov4");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(offers(&scene, "netsh interface portproxy delete v4tov4 listenport=8080 listenaddress=*"));
}

TEST(rule_that_nobody_listens_for_is_told_of_a_free_port)
{
    struct scene scene = scene_windows(arena);
    add_rule(&scene, "v4tov4 *:8080 -> shop:80", "", 8080)->to = address_any(FAMILY_NONE);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_REDIRECT);
    CHECK_STR(first_cause(&scene)->sentence,
              "a netsh portproxy rule waits for port 8080, to send what comes to port 80");
    CHECK(is_consistent(&scene));
}

TEST(taken_rule_is_told_once)
{
    struct scene scene = scene_windows(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    add_rule(&scene, "v4tov4 *:8080 -> 172.20.0.2:80", "", 8080);
    add_svchost(&scene, 3300);
    add_owned(&scene, "0.0.0.0", 8080, 3300);
    question.all = true;
    CHECK(ask_question(&scene, question));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_PORTPROXY);
    CHECK(cause_of(&scene, CAUSE_REDIRECT) == NULL);
}

static struct scene
relayed(struct arena *arena, const char *relay)
{
    struct scene scene = scene_windows(arena);

    add_process(&scene, 9100, 1, relay);
    add_owned(&scene, "0.0.0.0", 3000, 9100);
    return scene;
}

TEST(relay_of_wsl_names_the_linux_program_and_is_left_alone)
{
    struct scene scene = relayed(arena, "wslrelay.exe");
    add_neighbour(&scene, "WSL Ubuntu-24.04", "::", 3000, 0, "");
    add_neighbour(&scene, "WSL Ubuntu-24.04", "::", 3000, 40, "node");
    add_neighbour(&scene, "WSL Ubuntu-24.04", "::", 3001, 41, "ruby");
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RELAY);
    CHECK_STR(first_cause(&scene)->sentence,
              "wslrelay (pid 9100) forwards *:3000 to node (pid 40) in WSL Ubuntu-24.04");
    CHECK(offers(&scene, "wsl -d Ubuntu-24.04 -- kill 40"));
    CHECK(!offers(&scene, "taskkill /PID 9100"));
    struct remedy last = first_cause(&scene)->remedies.items[first_cause(&scene)->remedies.count - 1];
    CHECK_STR(last.by_hand, "wsl --shutdown");
    CHECK_INT(last.harm, HARM_HIGH);
    CHECK(is_consistent(&scene));
}

TEST(relay_without_an_answer_of_wsl_tells_what_would_show_it)
{
    struct scene scene = relayed(arena, "wslhost.exe");
    scene.host.neighbours_known = KNOWN_TIMEOUT;
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK_STR(first_cause(&scene)->sentence, "wslhost (pid 9100) forwards *:3000 to somewhere else");
    CHECK(notes(&scene, "Which program it stands for could not be asked in time."));
    CHECK(offers(&scene, "wsl --list --running"));
    CHECK(!offers(&scene, "taskkill /PID 9100"));
    CHECK(is_consistent(&scene));
}

TEST(editor_that_forwards_is_not_ended)
{
    struct scene scene = relayed(arena, "Code.exe");
    add_neighbour(&scene, "WSL Debian", "127.0.0.1", 3000, 40, "node");
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK_STR(first_cause(&scene)->sentence,
              "Code (pid 9100) forwards *:3000 most likely to node (pid 40) in WSL Debian");
    CHECK(!offers(&scene, "taskkill /PID 9100"));
    CHECK(is_consistent(&scene));
}

TEST(forwarding_by_ssh_can_be_ended)
{
    struct scene scene = relayed(arena, "ssh.exe");
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RELAY);
    CHECK(offers(&scene, "taskkill /PID 9100"));
}

TEST(program_in_mirrored_wsl_is_named_where_nothing_has_the_port_here)
{
    struct scene scene = scene_windows(arena);
    scene.host.wsl_networking = STR("mirrored");
    add_neighbour(&scene, "WSL", "0.0.0.0", 3000, 0, "");
    binds_give(&scene, "0.0.0.0", 3000, 10048, 10048, 10048);
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RELAY);
    CHECK_STR(first_cause(&scene)->sentence, "a program in WSL has *:3000, and both systems share their ports");
    CHECK(offers(&scene, "wsl -- ss -ltnp sport = :3000"));
    CHECK(is_consistent(&scene));
    scene.host.probes.count = 0;
    binds_give(&scene, "0.0.0.0", 3000, 10013, 10013, 10013);
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RELAY);
    CHECK(is_consistent(&scene));
}

TEST(row_that_names_nobody_is_the_neighbours)
{
    struct scene scene = scene_windows(arena);
    add_owned(&scene, "0.0.0.0", 3000, 0);
    add_owned(&scene, "::", 3000, 0);
    scene.host.holdings.count = 0;
    scene.host.wsl_networking = STR("mirrored");
    add_neighbour(&scene, "WSL Debian", "127.0.0.1", 3000, 40, "node");
    struct why_question question = question_of(PROTOCOL_TCP, 3000);
    question.all = true;
    CHECK(ask_question(&scene, question));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_RELAY);
    CHECK_INT(first_cause(&scene)->sockets.count, 2);
    CHECK_STR(first_cause(&scene)->sentence,
              "node (pid 40) in WSL Debian has 127.0.0.1:3000, and both systems share their ports");
}

TEST(inside_of_wsl_the_windows_program_is_named)
{
    struct scene scene = scene_new(arena);
    scene.host.wsl = STR("2");
    scene.host.wsl_networking = STR("mirrored");
    add_neighbour(&scene, "Windows", "0.0.0.0", 3000, 5312, "node");
    both_probes_say(&scene, PROTOCOL_TCP, 3000, "reuse", 98, "EADDRINUSE");
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK_STR(first_cause(&scene)->sentence,
              "node (pid 5312) on Windows has *:3000, and both systems share their ports");
    CHECK(offers(&scene, "taskkill.exe /PID 5312"));
    CHECK(is_consistent(&scene));
    scene.host.neighbour_ports.items[0].pid = 0;
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK(offers(&scene, "netstat.exe -ano -p tcp    # names the process of port 3000"));
}

TEST(free_port_of_wsl_tells_whom_windows_reaches_there)
{
    struct scene scene = scene_new(arena);
    scene.host.wsl = STR("2");
    add_neighbour(&scene, "Windows", "127.0.0.1", 3000, 5312, "node");
    CHECK(ask(&scene, PROTOCOL_TCP, 3000));
    CHECK(scene.answer.bindable);
    CHECK_STR(cause_of(&scene, CAUSE_SHARED)->sentence,
              "node (pid 5312) on Windows has 127.0.0.1:3000 as well: localhost leads to that one there");
    CHECK(is_consistent(&scene));
    struct why_question question = question_of(PROTOCOL_TCP, 3000);
    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address_ipv4(10, 0, 0, 1);
    scene.host.nonlocal_bind = true;
    CHECK(ask_question(&scene, question));
    CHECK(cause_of(&scene, CAUSE_SHARED) == NULL);
}

TAP_MAIN
