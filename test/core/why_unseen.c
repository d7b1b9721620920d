#include "why_scene.h"

static struct scene
nameless_in_a_group(struct arena *arena)
{
    struct scene scene = scene_new(arena);

    for (uint32_t pid = 60; pid < 63; pid++)
        add_process(&scene, pid, 1, "worker");
    add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500)->cgroup = 77;
    struct group *group = LIST_ADD(arena, &scene.host.groups);
    *group = (struct group){.id = 77, .path = {KNOWN_YES, STR("/")}};
    for (uint32_t pid = 60; pid < 63; pid++)
        *LIST_ADD(arena, &group->pids) = pid;
    scene.host.complete = false;
    scene.host.tier = TIER_OWN;
    *LIST_ADD(arena, &scene.host.unseen) =
        (struct unseen){.pid = 61, .what = STR("fds"), .reason = KNOWN_NOT_ALLOWED, .relevant = true};
    return scene;
}

static bool
has_candidates(const struct cause *cause, const char *text)
{
    for (size_t i = 0; i < cause->notes.count; i++)
        if (str_find(cause->notes.items[i], STR("one of: ")) != SIZE_MAX)
            return text && str_ends(cause->notes.items[i], str_of(text));
    return text == NULL;
}

TEST(only_programs_that_could_not_be_looked_into_are_said_to_have_it_perhaps)
{
    struct scene scene = nameless_in_a_group(arena);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(has_candidates(first_cause(&scene), "one of: worker (pid 61)."));
    CHECK(is_consistent(&scene));
}

TEST(nobody_is_said_to_have_it_perhaps_where_some_programs_are_not_listed)
{
    struct scene scene = nameless_in_a_group(arena);
    *LIST_ADD(arena, &scene.host.unseen) =
        (struct unseen){.what = STR("processes"), .reason = KNOWN_NOT_ALLOWED, .relevant = true};
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(has_candidates(first_cause(&scene), NULL));
    CHECK(is_consistent(&scene));
}

static bool
has_note(const struct cause *cause, const char *text)
{
    for (size_t i = 0; i < cause->notes.count; i++)
        if (str_equal(cause->notes.items[i], str_of(text)))
            return true;
    return false;
}

// Root saw everything but one thing, and nobody has the socket.
static struct scene
nameless_but_for(struct arena *arena, uint32_t pid, const char *what)
{
    struct scene scene = scene_new(arena);

    add_process(&scene, 60, 1, "worker");
    struct socket_row *row = add_socket(&scene, PROTOCOL_TCP, SOCKET_LISTEN, "0.0.0.0", 8080, 500);
    row->uid = 0;
    row->uid_known = true;
    scene.host.complete = false;
    scene.host.tier = TIER_BPF;
    *LIST_ADD(arena, &scene.host.unseen) =
        (struct unseen){.pid = pid, .what = str_of(what), .reason = KNOWN_UNSUPPORTED, .relevant = true};
    return scene;
}

TEST(program_whose_io_uring_tells_nothing_is_said_to_have_it_perhaps)
{
    struct scene scene = nameless_but_for(arena, 60, "io_uring");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(has_note(first_cause(&scene), "It may be worker (pid 60), in an io_uring that does not tell what it keeps."));
    CHECK(is_consistent(&scene));
}

TEST(what_no_descriptor_shows_is_not_put_down_to_the_list_of_programs)
{
    struct scene scene = nameless_but_for(arena, 0, "holders that no descriptor shows");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    const struct cause *cause = first_cause(&scene);
    CHECK(cause->notes.count > 0 &&
          str_starts(cause->notes.items[0], STR("No descriptor of any program is this socket")));
    CHECK(!has_note(cause, "The list of programs can't be read in full here; moorage doctor tells why."));
    CHECK(is_consistent(&scene));
}

TEST(program_outside_of_the_container_is_told_where_the_kernel_tells_it)
{
    struct scene scene = nameless_but_for(arena, 0, "processes outside of this container");
    const char *note =
        "The kernel tells that a program outside of this container has it; which one is told only there.";
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(has_note(first_cause(&scene), note));
    scene.host.tier = TIER_PROC;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!has_note(first_cause(&scene), note));
}

TEST(who_may_have_it_too_is_said_where_the_kernel_knows_of_more)
{
    struct scene scene = nameless_but_for(arena, 61, "descriptors in flight");
    const char *note = "helper (pid 61) may have it too, in a message that waits to be received (SCM_RIGHTS).";
    add_process(&scene, 61, 1, "helper");
    held_by(&scene, 60, 3);
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(has_note(first_cause(&scene), note));
    CHECK(is_consistent(&scene));
    // The walk over all processes does not know whether there is anything more to explain.
    scene.host.tier = TIER_PROC;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!has_note(first_cause(&scene), note));
    // Who has it anyway needs no guess.
    scene.host.tier = TIER_BPF;
    scene.host.unseen.items[0].pid = 60;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(!has_note(first_cause(&scene), note));
    scene.host.unseen.items[0] =
        (struct unseen){.what = STR("holders that no descriptor shows"), .reason = KNOWN_UNSUPPORTED, .relevant = true};
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(has_note(first_cause(&scene), "Something that no descriptor shows has it too."));
}

TEST(who_lacks_no_right_is_not_told_that_one_is_missing)
{
    struct scene scene = nameless_but_for(arena, 60, "io_uring");
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(str_find(first_cause(&scene)->sentence, STR("that can't be named")) != SIZE_MAX);
    scene.host.unseen.items[0].reason = KNOWN_NOT_ALLOWED;
    CHECK(ask(&scene, PROTOCOL_TCP, 8080));
    CHECK(str_find(first_cause(&scene)->sentence, STR("that you may not look into")) != SIZE_MAX);
}

TAP_MAIN
