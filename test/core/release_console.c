// Programs that hear no signal and have no window: they are asked by Ctrl-C on their console, or not at all.

#include "core/release.h"

#include "plan_host.h"

#define SCRIPT(steps) ", \"script\": [" steps "]"
#define SHELL ONE(33, 1, "cmd", "")
#define PAIR(more)                                      \
    "\"processes\": [" ONE(40, 33, "node", "") "," ONE( \
        41, 40, "node", "") "," SHELL "], " LISTENER "\"holdings\": [" HOLDS(40) "," HOLDS(41) "]" more

struct talk {
    int asked_to_kill;
    bool yes;
};

static struct talk talk;

static bool
on_kill(void *data, const struct plan *plan, const struct plan_step *step)
{
    struct talk *told = data;
    CHECK(plan->steps.count > 0 && step->targets.count > 0);
    told->asked_to_kill++;
    return told->yes;
}

// `on` is who sits on the console of `name` ("console 40").
static struct release
run(struct arena *arena, const char *host, const char *name, const char *on, struct plan_wish wish)
{
    struct plan *plan = arena_alloc(arena, sizeof *plan);
    wish.again = STR("moorage free 3000");
    *plan = plan_of(arena, host, wish);
    fake_host_environment(name, on);
    CHECK_INT(plan_state(plan), PLAN_READY);
    struct release release = {
        .arena = arena, .plan = plan, .face = {.data = &talk, .may_kill = on_kill}, .user = STR("ann")};
    release_run(&release);
    plan_close(plan);
    return release;
}

static const struct plan_step *
first_step(const struct release *release)
{
    return &release->plan->steps.items[0];
}

TEST(a_program_alone_on_its_console_is_asked_there)
{
    talk = (struct talk){0};
    struct release release =
        run(arena, SERVER SCRIPT("{\"after_act\": \"interrupt 40\", \"after_ms\": 200, \"end\": [40]}"), "console 40",
            "40", (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(first_step(&release)->result, PLAN_DONE);
    CHECK(first_step(&release)->targets.items[0].asked && !first_step(&release)->targets.items[0].killed);
    CHECK_INT(fake_host_calls("console_interrupt"), 1);
    CHECK_INT(talk.asked_to_kill, 0);
}

TEST(all_that_end_anyway_are_asked_by_one_press)
{
    talk = (struct talk){0};
    struct release release =
        run(arena, PAIR(SCRIPT("{\"after_act\": \"interrupt 41\", \"after_ms\": 200, \"end\": [40, 41]}")),
            "console 40", "41 40", (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(first_step(&release)->targets.count, 2);
    CHECK(first_step(&release)->targets.items[0].asked && first_step(&release)->targets.items[1].asked);
    CHECK_INT(fake_host_calls("console_interrupt"), 1);
}

TEST(nothing_is_pressed_where_a_bystander_would_hear_it)
{
    talk = (struct talk){0};
    struct release release = run(arena, PAIR(SCRIPT("{\"after_act\": \"interrupt 40\", \"end\": [40, 41, 33]}")),
                                 "console 40", "33 40", (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_REFUSED);
    CHECK_INT(fake_host()->processes.count, 3);
    CHECK_INT(first_step(&release)->result, PLAN_FAILED);
    CHECK(first_step(&release)->targets.items[0].deaf && !first_step(&release)->targets.items[0].asked);
    CHECK_STR(str_of(first_step(&release)->err.text),
              "node (pid 40) can't be asked to end: Ctrl-C on its console would reach cmd (pid 33) too");
    // Who is there is asked whether it may be ended hard.
    CHECK_INT(talk.asked_to_kill, 1);
}

TEST(many_bystanders_are_counted)
{
    talk = (struct talk){0};
    struct release release = run(arena, SERVER, "console 40", "40 501 502 503 504 505 506", (struct plan_wish){0});
    CHECK_STR(str_of(first_step(&release)->err.text),
              "node (pid 40) can't be asked to end: Ctrl-C on its console would reach pid 501 (pid 501), pid 502 "
              "(pid 502), pid 503 (pid 503), pid 504 (pid 504) and 2 more too");
}

TEST(what_cannot_be_asked_is_ended_hard_where_that_is_agreed_to)
{
    talk = (struct talk){0};
    struct release release = run(arena, SERVER, "console 40", "33 40", (struct plan_wish){.kill = true});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(first_step(&release)->targets.items[0].killed);
    CHECK_INT(first_step(&release)->err.kind, ERR_NONE);
    // Nothing is waited for that was not asked.
    CHECK(first_step(&release)->took_us < 1000000);

    talk = (struct talk){.yes = true};
    release = run(arena, SERVER, "console 40", "33 40", (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(talk.asked_to_kill, 1);
}

TEST(a_program_without_window_and_console_says_so)
{
    talk = (struct talk){0};
    struct release release = run(arena, SERVER, "console 40", "", (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_REFUSED);
    CHECK_STR(str_of(first_step(&release)->err.text),
              "node (pid 40) can't be asked to end: it has neither a window nor a console");
}

TEST(a_helper_that_fails_is_told)
{
    talk = (struct talk){0};
    load(SERVER);
    struct plan plan = plan_again_of(arena, (struct plan_wish){.again = STR("moorage free 3000")});
    struct release release = {.arena = arena, .plan = &plan, .face = {.data = &talk, .may_kill = on_kill}};
    fake_host_environment("console 40", "40");
    fake_host_fail_each("console_interrupt", ERR_TIMEOUT);
    release_run(&release);
    CHECK_INT(release.outcome, RELEASE_REFUSED);
    CHECK_INT(plan.steps.items[0].err.kind, ERR_TIMEOUT);
    CHECK(str_starts(str_of(plan.steps.items[0].err.text), STR("node (pid 40) can't be asked to end: ")));
    plan_close(&plan);
}

TEST(a_supervisor_on_the_same_console_is_asked_with_its_program)
{
    talk = (struct talk){0};
    struct release release =
        run(arena, NODEMON SCRIPT("{\"after_act\": \"interrupt 39\", \"after_ms\": 100, \"end\": [39, 40]}"),
            "console 39", "39 40", (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.count, 2);
    CHECK_INT(fake_host_calls("console_interrupt"), 1);
}

TAP_MAIN
