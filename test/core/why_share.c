#include "why_scene.h"

static struct scene
beside(struct arena *arena, const char *local)
{
    struct scene scene = scene_windows(arena);
    struct process *process = add_process(&scene, 40, 39, "java.exe");

    process->uid_known = true;
    process->uid = scene.host.uid;
    add_owned(&scene, local, 8080, 40);
    return scene;
}

static bool
ask_address(struct scene *scene, struct address address)
{
    struct why_question question = question_of(PROTOCOL_TCP, 8080);

    question.endpoint.host = ENDPOINT_ADDRESS;
    question.endpoint.address = address;
    return ask_question(scene, question);
}

// A server of the user `uid` on Linux, whose options are known, keeps out one that sets SO_REUSEPORT.
static struct scene
kept_out(struct arena *arena, enum tri reuse_port, uint32_t uid)
{
    struct scene scene = scene_new(arena);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);

    add_process(&scene, 40, 39, "nginx");
    struct socket_row *row = add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    row->reuse_port = reuse_port;
    row->uid = uid;
    row->uid_known = true;
    held_by(&scene, 40, 6);
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "reuseport", 98, "EADDRINUSE");
    both_probes_say(&scene, PROTOCOL_TCP, 8080, "plain", 98, "EADDRINUSE");
    question.mode = BIND_REUSEPORT;
    CHECK(ask_question(&scene, question));
    CHECK(!scene.answer.bindable);
    return scene;
}

TEST(what_keeps_out_a_server_with_reuseport_is_said_where_it_is_known)
{
    const char *alone = "It has not set SO_REUSEPORT, so no other server can share the port with it.";
    const char *other = "It has set SO_REUSEPORT too, but shares the port only with programs of its own user.";
    struct scene scene = kept_out(arena, TRI_NO, 1);
    CHECK(notes(&scene, alone));
    scene = kept_out(arena, TRI_YES, 1234567);
    CHECK(notes(&scene, other));
    scene = kept_out(arena, TRI_UNKNOWN, 1234567);
    CHECK(!notes(&scene, alone) && !notes(&scene, other));
    CHECK(is_consistent(&scene));
}

TEST(one_address_beside_a_wildcard_gets_its_own_packets)
{
    struct scene scene = beside(arena, "127.0.0.1");
    binds_give(&scene, "0.0.0.0", 8080, 0, 10048, 10048);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_SHARED);
    CHECK_STR(first_cause(&scene)->sentence,
              "java (pid 40) listens on 127.0.0.1:8080 too, and gets what comes for that "
              "address: one address wins over all of them");
    CHECK(notes(&scene, "A client on this computer that connects to localhost may reach that one instead of yours."));
    CHECK_STR(scene.answer.plain_warning,
              "free for most servers; one that wants it for itself alone (SO_EXCLUSIVEADDRUSE) can't use it now");
    CHECK(is_consistent(&scene));
}

TEST(wildcard_beside_one_address_loses_what_comes_there)
{
    struct scene scene = beside(arena, "0.0.0.0");
    binds_give(&scene, "127.0.0.1", 8080, 0, 0, 0);
    CHECK(ask_address(&scene, address_ipv4(127, 0, 0, 1)));
    CHECK(scene.answer.bindable);
    CHECK_STR(first_cause(&scene)->sentence,
              "java (pid 40) listens on *:8080 too; a server on 127.0.0.1 would take from "
              "it what comes for that address");
    CHECK(is_consistent(&scene));
}

TEST(socket_that_has_the_port_for_itself_is_told_from_a_missing_right)
{
    struct scene scene = beside(arena, "0.0.0.0");
    binds_give(&scene, "127.0.0.1", 8080, 10013, 10013, 10013);
    CHECK(ask_address(&scene, address_ipv4(127, 0, 0, 1)));
    CHECK_INT(scene.answer.verdict, WHY_TAKEN);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
    CHECK(notes(&scene,
                "It has the port for itself alone (SO_EXCLUSIVEADDRUSE); that, not a missing right, is what error "
                "10013 means here."));
    CHECK(is_consistent(&scene));
}

TEST(socket_of_another_user_is_told_from_an_exclusive_one)
{
    struct scene scene = beside(arena, "0.0.0.0");
    scene.host.processes.items[0].uid = 18;
    binds_give(&scene, "127.0.0.1", 8080, 10013, 10013, 10013);
    CHECK(ask_address(&scene, address_ipv4(127, 0, 0, 1)));
    CHECK(notes(&scene,
                "It runs as another user, and Windows lets nobody else bind an address of its port; that, not a "
                "missing right, is what error 10013 means here."));
    scene.host.processes.items[0].uid_known = false;
    CHECK(ask_address(&scene, address_ipv4(127, 0, 0, 1)));
    CHECK(notes(&scene, "It has the port for itself alone (SO_EXCLUSIVEADDRUSE) or runs as another user; that, not a "
                        "missing right, is what error 10013 means here."));
    CHECK(is_consistent(&scene));
}

TEST(forbidden_bind_is_not_put_down_to_a_socket_that_forbids_none)
{
    struct scene scene = beside(arena, "127.0.0.1");
    binds_give(&scene, "0.0.0.0", 8080, 10013, 10013, 10013);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(scene.answer.verdict, WHY_NOT_ALLOWED);
    CHECK_INT(first_cause(&scene)->kind, CAUSE_DENIED);
    CHECK(offers(&scene, "netsh wfp show netevents"));
    CHECK(is_consistent(&scene));
}

TEST(socket_that_lets_others_in_is_said_to)
{
    struct scene scene = beside(arena, "0.0.0.0");
    binds_give(&scene, "0.0.0.0", 8080, 10048, 10048, 0);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(notes(&scene,
                "It lets others in that set SO_REUSEADDR, as a bind showed: these can take connections from it."));
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.mode = BIND_REUSE;
    CHECK(ask_question(&scene, question));
    CHECK(scene.answer.bindable);
    CHECK_STR(first_cause(&scene)->sentence, "java (pid 40) listens on *:8080 too; both would share the port");
    CHECK(str_starts(scene.answer.plain_warning, STR("free only for a server that sets SO_REUSEADDR")));
    CHECK(is_consistent(&scene));
}

TEST(two_programs_may_share_one_endpoint)
{
    struct scene scene = beside(arena, "0.0.0.0");
    add_process(&scene, 41, 39, "other.exe");
    add_owned(&scene, "0.0.0.0", 8080, 41);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_REUSEPORT_GROUP);
    CHECK_INT(first_cause(&scene)->holders.count, 2);
    CHECK(is_consistent(&scene));
}

TEST(relayed_program_is_named_where_the_port_would_be_shared)
{
    struct scene scene = scene_windows(arena);
    add_process(&scene, 9100, 1, "wslrelay.exe");
    add_owned(&scene, "127.0.0.1", 8080, 9100);
    add_neighbour(&scene, "WSL Debian", "0.0.0.0", 8080, 40, "node");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK_STR(first_cause(&scene)->sentence,
              "node (pid 40) in WSL Debian, by way of wslrelay (pid 9100), listens on "
              "127.0.0.1:8080 too, and gets what comes for that address: one address wins "
              "over all of them");
    CHECK_INT(scene.answer.causes.count, 1);
}

TEST(closed_connections_stand_in_the_way_of_exclusive_binds_alone)
{
    struct scene scene = scene_windows(arena);
    struct socket_row *row = add_owned(&scene, "127.0.0.1", 8080, 0);
    scene.host.holdings.count = 0;
    row->state = SOCKET_TIME_WAIT;
    row->remote = address_ipv4(127, 0, 0, 1);
    row->remote_port = 50000;
    row->expires_ms = 42100;
    binds_give(&scene, "0.0.0.0", 8080, 0, 10048, 0);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(scene.answer.bindable);
    CHECK(str_starts(scene.answer.plain_warning, STR("free for most servers")));
    CHECK_INT(first_cause(&scene)->kind, CAUSE_LINGERING);
    CHECK(notes(&scene, "Only a server that sets SO_EXCLUSIVEADDRUSE has to wait."));
}

TAP_MAIN
