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

TAP_MAIN
