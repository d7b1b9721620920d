#include "cmd/why_text.h"

#include "tap.h"

// A host on which node of ann listens on port 3000, and the answer that blames it.
struct scene {
    struct host host;
    struct process node;
    struct process npm;
    struct answer answer;
    struct report_privacy privacy;
    struct why_view view;
};

static struct cause *
add_cause(struct arena *arena, struct scene *scene, enum cause_kind kind, bool blocks, const char *sentence)
{
    struct cause *cause = LIST_ADD(arena, &scene->answer.causes);

    cause->kind = kind;
    cause->blocks = blocks;
    cause->sentence = str_of(sentence);
    return cause;
}

static void
open_scene(struct arena *arena, struct scene *scene, enum why_verdict verdict)
{
    *scene = (struct scene){.host = {.ipv6 = true, .time_ms = 7200000}};
    scene->answer.question.endpoint = (struct endpoint){.first = 3000, .last = 3000};
    scene->answer.verdict = verdict;
    scene->answer.bindable = verdict == WHY_FREE;
    scene->answer.proved = true;
    scene->privacy.home = STR("/home/ann");
    scene->view = (struct why_view){arena, &scene->host, &scene->privacy, 0, false};
}

static struct cause *
add_listener(struct arena *arena, struct scene *scene)
{
    struct cause *cause = add_cause(arena, scene, CAUSE_LISTENER, true, "node (pid 41233) listens on *:3000");
    struct holder *holder = LIST_ADD(arena, &cause->holders);

    *LIST_ADD(arena, &scene->host.sockets) =
        (struct socket_row){.local = address_any(FAMILY_IPV6), .local_port = 3000, .v6only = TRI_NO};
    *LIST_ADD(arena, &cause->sockets) = 0;
    scene->npm = (struct process){.pid = 41230, .known = KNOWN_YES, .name = STR("npm")};
    scene->node = (struct process){.pid = 41233,
                                   .known = KNOWN_YES,
                                   .name = STR("node"),
                                   .command_known = KNOWN_YES,
                                   .cwd = {KNOWN_YES, STR("/home/ann/src/shop")},
                                   .git_branch = {KNOWN_YES, STR("main")},
                                   .user = {KNOWN_YES, STR("ann")},
                                   .started_known = true};
    *LIST_ADD(arena, &scene->node.command) = STR("node");
    *LIST_ADD(arena, &scene->node.command) = STR("server.js");
    holder->pid = 41233;
    holder->process = &scene->node;
    *LIST_ADD(arena, &holder->ancestry) = &scene->npm;
    return cause;
}

static struct str
text_of(struct arena *arena, const struct scene *scene)
{
    struct buf out = {.arena = arena};

    why_text_answer(&scene->view, &scene->answer, &out);
    return buf_str(&out);
}

TEST(a_free_port_is_one_line)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_FREE);
    CHECK_STR(text_of(arena, &scene), "Port 3000 (TCP) is free\n");
    CHECK_STR(why_text_verdict(&scene.answer), "free");
    CHECK(!why_text_is_remarkable(&scene.answer));
}

TEST(a_taken_port_tells_verdict_evidence_and_what_to_do)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    *LIST_ADD(arena, &cause->remedies) = (struct remedy){.lever = LEVER_PROCESS,
                                                         .label = STR("stop it"),
                                                         .sentence = STR("Asks node to end."),
                                                         .command = STR("moorage free 3000"),
                                                         .by_hand = STR("kill 41233")};
    *LIST_ADD(arena, &scene.answer.suggest) = 3001;
    CHECK_STR(text_of(arena, &scene), "Port 3000 (TCP) is taken by node (pid 41233), on all addresses\n"
                                      "  command    node server.js     in ~/src/shop (git: main)\n"
                                      "  started    2 h ago by ann, from npm (41230)\n"
                                      "  stop it    moorage free 3000  Asks node to end.\n"
                                      "  by hand    kill 41233\n"
                                      "  or use     3001\n");
    CHECK_STR(why_text_who(&scene.view, &scene.answer), "node (pid 41233)");
}

TEST(share_leaves_out_user_home_and_arguments)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    add_listener(arena, &scene);
    scene.privacy.share = true;
    struct str text = text_of(arena, &scene);
    CHECK(str_find(text, STR("ann")) == SIZE_MAX);
    CHECK(str_find(text, STR("server.js")) == SIZE_MAX);
    CHECK(str_find(text, STR("main")) == SIZE_MAX);
}

TEST(colour_does_not_change_the_words)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    add_listener(arena, &scene);
    scene.view.colour = true;
    struct str text = text_of(arena, &scene);
    CHECK(str_find(text, STR("\x1b[")) != SIZE_MAX);
    CHECK(str_find(text, STR("taken")) != SIZE_MAX);
}

TEST(hostile_names_are_escaped_everywhere)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    scene.node.name = STR("\x1b]0;x\x07\nevil");
    scene.node.command.items[0] = STR("\x1b[31m");
    scene.node.cwd.value = STR("/tmp/\xe2\x80\xae\x7f");
    scene.node.user.value = STR("a\rb");
    scene.node.git_branch.value = STR("\x1b[1m");
    scene.npm.name = STR("\x1b[2J");
    scene.npm.command = (struct str_list){0};
    cause->holders.items[0].unit = STR("x\x1b.service");
    *LIST_ADD(arena, &cause->notes) = STR("note \x1b[5m");
    struct str text = text_of(arena, &scene);
    struct str who = why_text_who(&scene.view, &scene.answer);
    for (size_t i = 0; i < text.len; i++)
        CHECK(text.ptr[i] == '\n' || ((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f));
    CHECK(str_find(text, STR("\xe2\x80\xae")) == SIZE_MAX);
    CHECK(str_find_byte(who, '\x1b') == SIZE_MAX && str_find_byte(who, '\n') == SIZE_MAX);
}

TEST(the_missing_right_is_the_verdict_when_nobody_has_the_port)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_NOT_ALLOWED);
    scene.answer.proved = false;
    add_cause(arena, &scene, CAUSE_PRIVILEGED, true, "ports below 1024 need a right that you don't have");
    struct str text = text_of(arena, &scene);
    CHECK(str_starts(text, STR("Port 3000 (TCP) is not allowed: ports below 1024")));
    CHECK(str_find(text, STR("No program has it")) != SIZE_MAX);
    CHECK_STR(why_text_verdict(&scene.answer), "not allowed");
}

TEST(an_address_of_another_host_is_said)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_NOT_LOCAL);
    scene.answer.question.endpoint.host = ENDPOINT_ADDRESS;
    scene.answer.question.endpoint.address = address_ipv4(10, 9, 9, 9);
    add_cause(arena, &scene, CAUSE_ADDRESS, true, "10.9.9.9 is not an address of this host");
    CHECK_STR(text_of(arena, &scene), "Port 3000 (TCP) is not allowed: 10.9.9.9 is not an address of this host\n");
}

TEST(the_verdict_stands_before_the_address_that_was_asked_for)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_FREE);
    scene.answer.question.endpoint.host = ENDPOINT_ADDRESS;
    scene.answer.question.endpoint.address = address_loopback(FAMILY_IPV6);
    CHECK_STR(text_of(arena, &scene), "Port 3000 (TCP) is free on ::1\n");
    open_scene(arena, &scene, WHY_TAKEN);
    scene.answer.question.endpoint.host = ENDPOINT_LOCALHOST;
    add_listener(arena, &scene);
    CHECK(str_starts(text_of(arena, &scene), STR("Port 3000 (TCP) is taken by node (pid 41233), on all addresses "
                                                 "(asked for localhost)\n")));
    scene.answer.question.endpoint.host = ENDPOINT_ADDRESS;
    scene.answer.question.endpoint.address = scene.host.sockets.items[0].local = address_ipv4(10, 0, 0, 1);
    CHECK(str_starts(text_of(arena, &scene), STR("Port 3000 (TCP) is taken by node (pid 41233), on 10.0.0.1\n")));
    open_scene(arena, &scene, WHY_NOT_ALLOWED);
    scene.answer.question.endpoint.host = ENDPOINT_LOCALHOST;
    add_cause(arena, &scene, CAUSE_DENIED, true, "a security policy refuses this bind");
    CHECK(str_starts(text_of(arena, &scene), STR("Port 3000 (TCP) is not allowed on localhost: a security policy")));
}

TEST(the_verdict_names_a_device_and_counts_many_addresses)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    scene.host.sockets.items[0] =
        (struct socket_row){.local = address_any(FAMILY_IPV4), .device = 3, .device_name = STR("eth0\033")};
    CHECK(str_starts(text_of(arena, &scene), STR("Port 3000 (TCP) is taken by node (pid 41233), on all IPv4 addresses "
                                                 "of device eth0\\x1b\n")));
    for (uint8_t i = 0; i < 3; i++) {
        *LIST_ADD(arena, &scene.host.sockets) = (struct socket_row){.local = address_ipv4(10, 0, 0, i)};
        *LIST_ADD(arena, &cause->sockets) = i + 1u;
    }
    scene.host.sockets.items[0] = scene.host.sockets.items[1];
    CHECK(str_starts(text_of(arena, &scene),
                     STR("Port 3000 (TCP) is taken by node (pid 41233), on 10.0.0.0, 10.0.0.1 and 1 more\n")));
}

TEST(a_reserved_port_names_its_range)
{
    struct scene scene;
    struct port_range range = {.kind = RANGE_EXCLUDED, .first = 2990, .last = 3089};

    open_scene(arena, &scene, WHY_RESERVED);
    scene.host.platform = STR("windows");
    *LIST_ADD(arena, &scene.answer.probes) = (struct probe){.worked = true};
    *LIST_ADD(arena, &scene.answer.probes) = (struct probe){.code = 10013};
    struct cause *cause = add_cause(arena, &scene, CAUSE_EXCLUDED_RANGE, true, "no bind works there");
    cause->range = &range;
    cause->maker = STR("Hyper-V");
    *LIST_ADD(arena, &cause->remedies) =
        (struct remedy){.lever = LEVER_OTHER_PORT, .label = STR("or use"), .port = 3090};
    *LIST_ADD(arena, &scene.answer.suggest) = 3090;
    CHECK_STR(text_of(arena, &scene),
              "Port 3000 (TCP) is reserved by Windows (2990-3089). No program uses it, so nothing "
              "can be stopped. (error 10013)\n"
              "  made by    Hyper-V\n"
              "  do now     use 3090\n");
    range.last = 3000;
    range.first = 3000;
    CHECK(str_starts(text_of(arena, &scene), STR("Port 3000 (TCP) is reserved by Windows. No program")));
}

TEST(what_could_not_be_found_out_is_said)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_UNKNOWN);
    scene.answer.question.endpoint.host = ENDPOINT_LOCALHOST;
    scene.answer.question.endpoint.device = STR("eth0");
    CHECK_STR(text_of(arena, &scene),
              "Port 3000 (TCP) on localhost on device eth0: whether it is free could not be found out\n");
}

TEST(each_kind_has_its_taker)
{
    static const struct {
        enum cause_kind kind;
        const char *who;
    } cases[] = {
        {CAUSE_LINGERING, "a closed connection that lingers"},
        {CAUSE_UNACCEPTED, "connections that no program has accepted"},
        {CAUSE_KERNEL, "the kernel"},
        {CAUSE_HIDDEN, "something that can't be seen"},
        {CAUSE_EXHAUSTED, "outgoing connections: no port is left for more"},
        {CAUSE_LISTENER, "a program that you may not look into"},
        {CAUSE_CONTAINER, "container shop-db-1 (docker)"},
        {CAUSE_SOCKET_UNIT, "systemd for cups.socket"},
        {CAUSE_HTTP_SYS, "http.sys, the HTTP server inside Windows"},
        {CAUSE_PORTPROXY, "a netsh portproxy rule"},
        {CAUSE_RELAY, "node (pid 40) in WSL Debian"},
    };
    struct neighbour_port neighbour = {.system = STR("WSL Debian"), .pid = 40, .name = STR("node")};
    struct container container = {.runtime = STR("docker"), .name = STR("shop-db-1")};
    struct service service = {.manager = STR("systemd"), .name = STR("cups.socket")};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene scene;
        open_scene(arena, &scene, WHY_TAKEN);
        struct cause *cause = add_cause(arena, &scene, cases[i].kind, true, "because");
        *LIST_ADD(arena, &scene.host.sockets) = (struct socket_row){.state = SOCKET_TIME_WAIT, .local_port = 3000};
        *LIST_ADD(arena, &cause->sockets) = 0;
        cause->container = cases[i].kind == CAUSE_CONTAINER ? &container : NULL;
        cause->service = cases[i].kind == CAUSE_SOCKET_UNIT ? &service : NULL;
        cause->neighbour = cases[i].kind == CAUSE_RELAY ? &neighbour : NULL;
        CHECK_STR(why_text_who(&scene.view, &scene.answer), cases[i].who);
    }
}

TEST(what_is_odd_about_a_program_is_noted)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    *LIST_ADD(arena, &cause->notes) = STR("It is stopped, a job of the terminal pts/3.");
    CHECK(str_find(text_of(arena, &scene), STR("  note       It is stopped, a job of the terminal pts/3.")) !=
          SIZE_MAX);
}

TEST(a_container_and_a_unit_are_told_with_their_facts)
{
    struct scene scene;
    struct container container = {.runtime = STR("docker"),
                                  .name = STR("web"),
                                  .image = STR("nginx:1"),
                                  .compose_project = STR("shop"),
                                  .compose_service = STR("web")};
    struct service service = {.name = STR("shop.service"), .description = STR("The shop")};

    open_scene(arena, &scene, WHY_TAKEN);
    struct holder *holder = &add_listener(arena, &scene)->holders.items[0];
    holder->unit = STR("shop.service");
    holder->service = &service;
    holder->container = &container;
    struct str text = text_of(arena, &scene);
    CHECK(str_find(text, STR("shop.service (The shop)")) != SIZE_MAX);
    CHECK(str_find(text, STR("web (docker), image nginx:1, service web of compose project shop")) != SIZE_MAX);
    holder->container = NULL;
    holder->container_id = STR("0123456789abcdef");
    holder->runtime = STR("podman");
    CHECK(str_find(text_of(arena, &scene), STR("podman 0123456789ab\n")) != SIZE_MAX);
}

TEST(other_programs_on_the_socket_are_named)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    for (uint32_t pid = 50000; pid < 50008; pid++)
        *LIST_ADD(arena, &cause->holders) = (struct holder){.pid = pid};
    struct str text = text_of(arena, &scene);
    CHECK(str_find(text, STR("(pid 41233 and 8 more)")) != SIZE_MAX);
    CHECK(str_find(text, STR("(50004) and 3 more")) != SIZE_MAX);
}

TEST(what_is_worth_a_thought_is_told_of_a_free_port)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_FREE);
    scene.answer.plain_warning = STR("free for most servers; one that does not set SO_REUSEADDR must wait 43 s");
    add_cause(arena, &scene, CAUSE_DYNAMIC_RANGE, false, "port 3000 is in the range for outgoing connections");
    CHECK(why_text_is_remarkable(&scene.answer));
    struct str text = text_of(arena, &scene);
    CHECK(str_find(text, STR("must wait 43 s")) != SIZE_MAX);
    CHECK(str_find(text, STR("range for outgoing")) != SIZE_MAX);
    scene.answer.proved = false;
    CHECK(str_find(text_of(arena, &scene), STR("was not tried")) != SIZE_MAX);
}

TEST(a_program_of_windows_tells_its_product_and_when_it_took_the_port)
{
    struct scene scene;

    open_scene(arena, &scene, WHY_TAKEN);
    scene.host.platform = STR("windows");
    struct cause *cause = add_listener(arena, &scene);
    scene.node.company = (struct fact){KNOWN_YES, STR("Oracle")};
    scene.node.product = (struct fact){KNOWN_YES, STR("Java")};
    scene.node.signer = (struct fact){KNOWN_YES, STR("Oracle America")};
    scene.node.signature = SIGNATURE_GOOD;
    scene.host.sockets.items[0].created_ms = 3600000;
    struct str text = text_of(arena, &scene);
    CHECK(str_find(text, STR("  product    Java (Oracle), signed by Oracle America\n")) != SIZE_MAX);
    CHECK(str_find(text, STR(", has the port for 1 h\n")) != SIZE_MAX);
    // The system's own programs have its name for that.
    scene.node.signer.value = STR("Microsoft Windows");
    CHECK(str_find(text_of(arena, &scene), STR("product")) == SIZE_MAX);
    (void)cause;
}

TEST(a_service_in_a_process_of_many_is_the_taker)
{
    struct scene scene;
    struct service service = {.manager = STR("windows"), .name = STR("Dnscache")};

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    cause->kind = CAUSE_SERVICE;
    cause->service = &service;
    scene.node.name = STR("svchost.exe");
    CHECK_STR(why_text_who(&scene.view, &scene.answer), "the service Dnscache, in svchost (pid 41233)");
}

TEST(who_listens_through_the_system_is_shown_instead_of_it)
{
    struct scene scene;
    struct http_url url = {.url = STR("http://+:80/"), .port = 80, .registered = true, .owner = STR("Pool")};

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    cause->kind = CAUSE_HTTP_SYS;
    *LIST_ADD(arena, &cause->users) = (struct http_user){.url = &url, .urls = 1};
    *LIST_ADD(arena, &cause->behind) = cause->holders.items[0];
    cause->holders.items[0] = (struct holder){.pid = HOST_SYSTEM_PID};
    CHECK_STR(why_text_who(&scene.view, &scene.answer), "the queue Pool, through http.sys of Windows");
    CHECK(str_find(text_of(arena, &scene), STR("  command    node server.js")) != SIZE_MAX);
}

TEST(a_relayed_program_is_shown_instead_of_the_relay)
{
    struct scene scene;
    struct neighbour_port neighbour = {.system = STR("WSL"), .name = STR("node"), .command = STR("node --token=x")};

    open_scene(arena, &scene, WHY_TAKEN);
    struct cause *cause = add_listener(arena, &scene);
    cause->kind = CAUSE_RELAY;
    cause->neighbour = &neighbour;
    CHECK_STR(why_text_who(&scene.view, &scene.answer), "node in WSL");
    struct str text = text_of(arena, &scene);
    CHECK(str_find(text, STR("  command    node --token=***")) != SIZE_MAX);
    CHECK(str_find(text, STR("server.js")) == SIZE_MAX);
    scene.privacy.share = true;
    CHECK(str_find(text_of(arena, &scene), STR("token")) == SIZE_MAX);
}

TAP_MAIN
