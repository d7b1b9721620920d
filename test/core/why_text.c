#include "why_scene.h"

// What is said of a closed connection on a port that this user may not bind, so that no bind tells how it would go.
static bool
says(struct arena *arena, enum tri reuse_addr, const char *note)
{
    struct scene scene = scene_new(arena);

    add_socket(&scene, PROTOCOL_TCP, SOCKET_TIME_WAIT, "127.0.0.1", 80, 0)->reuse_addr = reuse_addr;
    both_probes_say(&scene, PROTOCOL_TCP, 80, "reuse", 13, "EACCES");
    both_probes_say(&scene, PROTOCOL_TCP, 80, "plain", 13, "EACCES");
    CHECK(ask(&scene, PROTOCOL_TCP, 80));
    CHECK(!scene.answer.proved);
    for (size_t i = 0; i < scene.answer.causes.count; i++) {
        const struct cause *cause = &scene.answer.causes.items[i];
        for (size_t k = 0; cause->kind == CAUSE_LINGERING && k < cause->notes.count; k++)
            if (str_equal(cause->notes.items[k], str_of(note)))
                return true;
    }
    return false;
}

TEST(a_closed_connection_on_a_port_that_is_not_allowed_is_judged_by_its_options)
{
    const char *blocks = "SO_REUSEADDR does not help here: it works only where the old socket had set it too.";
    const char *lets = "A server that sets SO_REUSEADDR can use the port at once.";

    CHECK(says(arena, TRI_NO, blocks));
    CHECK(says(arena, TRI_YES, lets));
    CHECK(!says(arena, TRI_UNKNOWN, blocks));
    CHECK(!says(arena, TRI_UNKNOWN, lets));
}

TAP_MAIN
