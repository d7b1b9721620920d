// Services that tell how they get on are given the time that they say they need.

#include "core/release.h"

#include "plan_host.h"

#define SERVICE(ends)                                                                                               \
    "\"platform\": \"windows\", \"processes\": [" ONE(70, 1, "svchost", "") "], " HELD_BY(                          \
        70) ", \"services\": [{\"manager\": \"windows\", \"name\": \"Spooler\", \"main_pid\": 70, \"state\": "      \
            "\"active\"}], \"script\": [{\"after_act\": \"stop Spooler\", \"after_ms\": " #ends ", \"end\": [70], " \
            "\"add\": {\"services\": [{\"manager\": \"windows\", \"name\": \"Spooler\", \"state\": \"inactive\"}]}}]"

// `progress` is how it tells: see sys/service_control_fake.c.
static struct plan_step
stop(struct arena *arena, const char *host, const char *progress, struct plan_wish wish)
{
    wish.again = STR("moorage free 3000");
    struct plan plan = plan_of(arena, host, wish);
    struct release release = {.arena = arena, .plan = &plan};
    fake_host_environment("progress Spooler", progress);
    CHECK_INT(plan_state(&plan), PLAN_READY);
    release_run(&release);
    plan_close(&plan);
    return plan.steps.items[0];
}

TEST(one_that_says_that_it_gets_on_is_waited_for)
{
    struct plan_step step = stop(arena, SERVICE(240000), "10000 20000", (struct plan_wish){0});
    CHECK_INT(step.result, PLAN_DONE);
    CHECK(step.took_us >= 240000000);
}

TEST(one_that_says_nothing_is_waited_for_as_usual)
{
    struct plan_step step = stop(arena, SERVICE(240000), NULL, (struct plan_wish){0});
    CHECK_INT(step.result, PLAN_TIMED_OUT);
    CHECK(step.took_us >= 95000000 && step.took_us < 96000000);
}

TEST(one_that_stands_still_is_not_waited_for_longer)
{
    // Its mark would rise only after 1000 s.
    struct plan_step step = stop(arena, SERVICE(240000), "1000000 20000", (struct plan_wish){0});
    CHECK_INT(step.result, PLAN_TIMED_OUT);
    CHECK(step.took_us < 96000000);
}

TEST(one_that_never_ends_is_given_half_an_hour)
{
    struct plan_step step = stop(arena, SERVICE(9000000), "10000 20000", (struct plan_wish){0});
    CHECK_INT(step.result, PLAN_TIMED_OUT);
    CHECK(step.took_us >= 1800000000 && step.took_us < 1801000000);
}

TEST(a_time_that_was_given_is_kept)
{
    struct plan_step step =
        stop(arena, SERVICE(240000), "10000 20000", (struct plan_wish){.timeout_given = true, .timeout_ms = 3000});
    CHECK_INT(step.result, PLAN_TIMED_OUT);
    CHECK(step.took_us < 3100000);
}

TEST(an_order_that_is_not_answered_in_time_stays_given)
{
    struct plan plan = plan_of(arena, SERVICE(0), (struct plan_wish){.timeout_given = true, .timeout_ms = 1000});
    struct release release = {.arena = arena, .plan = &plan};
    fake_host_fail_each("service_control_stop", ERR_TIMEOUT);
    release_run(&release);
    CHECK_INT(plan.steps.items[0].result, PLAN_TIMED_OUT);
    plan_close(&plan);
}

TAP_MAIN
