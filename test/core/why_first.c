// One program that has the port is enough (--first), of src/core/why_look.c.

#include "core/why.h"

#include "why_scene.h"

// A server on the port with a process below it, of which the first has the socket.
static struct scene
server_of_two(struct arena *arena)
{
    struct scene scene = scene_new(arena);
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    add_process(&scene, 8, 1, "nginx");
    held_by(&scene, 8, 3);
    add_process(&scene, 9, 8, "nginx");
    return scene;
}

static void
add_connection(struct scene *scene)
{
    struct socket_row *row = add_socket(scene, PROTOCOL_TCP, SOCKET_ESTABLISHED, "127.0.0.1", 8080, 600);
    row->remote = address_loopback(FAMILY_IPV4);
    row->remote_port = 51000;
}

TEST(search_for_the_first_program_says_that_there_may_be_more)
{
    struct scene scene = server_of_two(arena);
    held_by(&scene, 9, 3);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.reach = OWNER_FIRST;
    CHECK(ask_question(&scene, question));
    CHECK_INT(first_cause(&scene)->holders.count, 1);
    CHECK(!scene.answer.complete);
    CHECK(str_list_has(&first_cause(&scene)->notes,
                       STR("More programs may have it: the search ended with the first (--first).")));
}

TEST(search_for_the_first_program_looks_for_no_connections_behind_it)
{
    for (int i = 0; i < 3; i++) {
        struct scene scene = server_of_two(arena);
        held_by(&scene, 9, 3);
        add_connection(&scene);
        add_process(&scene, 10, 9, "worker");
        held_by(&scene, 10, 4);
        struct why_question question = question_of(PROTOCOL_TCP, 8080);
        question.reach = i == 1 ? OWNER_ALL : OWNER_FIRST;
        question.all = i == 2;
        CHECK(ask_question(&scene, question));
        CHECK_INT(first_cause(&scene)->kind, CAUSE_LISTENER);
        CHECK_INT(scene.answer.causes.count, i == 0 ? 1 : 2);
        CHECK(is_consistent(&scene));
    }
}

TEST(connections_are_looked_for_where_the_first_program_is_the_only_one)
{
    struct scene scene = server_of_two(arena);
    add_connection(&scene);
    held_by(&scene, 9, 4);
    struct why_question question = question_of(PROTOCOL_TCP, 8080);
    question.reach = OWNER_FIRST;
    CHECK(ask_question(&scene, question));
    CHECK_INT(scene.answer.causes.count, 2);
    CHECK(scene.answer.complete);
}

TAP_MAIN
