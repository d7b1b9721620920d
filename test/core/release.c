// Plans that are carried out on scripted hosts.

#include "core/release.h"

#include "core/take_back.h"
#include "plan_host.h"
#include "sys/clock.h"
#include "sys/pinned.h"

#define SCRIPT(steps) ", \"script\": [" steps "]"

struct talk {
    int shown;
    int asked_to_kill;
    int asked_to_go_on;
    bool yes;
};

static void
on_show(void *data, const struct release_moment *moment)
{
    struct talk *talk = data;
    talk->shown += moment->step != NULL;
}

static bool
on_kill(void *data, const struct plan *plan, const struct plan_step *step)
{
    struct talk *talk = data;
    CHECK(plan->steps.count > 0 && step->targets.count > 0);
    talk->asked_to_kill++;
    return talk->yes;
}

static bool
on_go_on(void *data, const struct plan *plan)
{
    struct talk *talk = data;
    CHECK_INT(plan_state(plan), PLAN_READY);
    talk->asked_to_go_on++;
    return talk->yes;
}

static struct talk talk;

static struct release
run(struct arena *arena, const char *host, struct plan_wish wish)
{
    struct plan *plan = arena_alloc(arena, sizeof *plan);
    wish.again = STR("moorage free 3000");
    *plan = plan_of(arena, host, wish);
    if (plan_state(plan) != PLAN_READY)
        printf("# the plan is not ready: %d\n", (int)plan_state(plan));
    CHECK_INT(plan_state(plan), PLAN_READY);
    struct release release = {.arena = arena,
                              .plan = plan,
                              .face = {&talk, on_show, on_kill, on_go_on},
                              .watch_ms = 1000,
                              .uid = 1000,
                              .user = STR("ann")};
    release_run(&release);
    plan_close(plan);
    return release;
}

static void
talk_anew(bool yes)
{
    talk = (struct talk){.yes = yes};
}

static int64_t
freed_ms(const struct release *release)
{
    const struct plan_goal *goal = &release->plan->goals.items[0];
    return goal->free_us == 0 ? -1 : (goal->free_us - release->plan->begun_us) / 1000;
}

TEST(a_program_that_ends_frees_its_port)
{
    talk_anew(false);
    struct release release =
        run(arena, SERVER SCRIPT("{\"after_act\": \"signal 40\", \"after_ms\": 300, \"end\": [40]}"),
            (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(release.acted && !release.interrupted && !release.taken);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_DONE);
    CHECK(release.plan->goals.items[0].answer.bindable);
    CHECK(freed_ms(&release) >= 300 && freed_ms(&release) < 340);
    CHECK(talk.shown > 0 && talk.asked_to_kill == 0);
}

TEST(one_that_has_time_to_finish_is_not_hurried)
{
    // Its port is free at once, it goes on for 8 s; nothing harder than a request is sent although that was allowed.
    talk_anew(false);
    struct release release = run(arena,
                                 SERVER SCRIPT("{\"after_act\": \"signal 40\", \"after_ms\": 20, \"remove\": [\"tcp "
                                               "0.0.0.0:3000\"]}, {\"after_act\": \"signal 40\", \"after_ms\": 8000, "
                                               "\"end\": [40]}"),
                                 (struct plan_wish){.kill = true});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(freed_ms(&release) < 100);
    CHECK(release.plan->steps.items[0].targets.items[0].ended && !release.plan->steps.items[0].targets.items[0].killed);
    CHECK(release.plan->steps.items[0].took_us >= 7900000);
}

TEST(one_that_gave_the_port_back_and_goes_on_is_left_alone)
{
    talk_anew(true);
    struct release release =
        run(arena, SERVER SCRIPT("{\"after_act\": \"signal 40\", \"remove\": [\"tcp 0.0.0.0:3000\"]}"),
            (struct plan_wish){.kill = true});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_DONE);
    CHECK(!release.plan->steps.items[0].targets.items[0].ended &&
          !release.plan->steps.items[0].targets.items[0].killed);
    CHECK_INT(talk.asked_to_kill, 0);
}

TEST(one_that_ignores_the_request_is_ended_hard_only_with_the_word_for_it)
{
    talk_anew(false);
    struct release release = run(arena, SERVER, (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_TIMED_OUT);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_TIMED_OUT);
    CHECK_INT(talk.asked_to_kill, 1);
    CHECK(release.taken && fake_host()->processes.count == 1);
    CHECK(release.plan->steps.items[0].took_us >= 10000000);

    talk_anew(false);
    release = run(arena, SERVER, (struct plan_wish){.kill = true, .timeout_given = true, .timeout_ms = 2000});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(release.plan->steps.items[0].targets.items[0].killed);
    CHECK(freed_ms(&release) >= 2000 && freed_ms(&release) < 2100);
    CHECK_INT(talk.asked_to_kill, 0);
}

TEST(one_that_ignores_the_request_is_ended_hard_when_that_is_agreed_to)
{
    talk_anew(true);
    struct release release = run(arena, SERVER, (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(talk.asked_to_kill, 1);
}

TEST(the_hard_end_reaches_only_what_the_plan_shows)
{
    // Another program comes to share the port while the first one is waited for.
    talk_anew(false);
    struct release release =
        run(arena,
            SERVER SCRIPT("{\"after_act\": \"signal 40\", \"after_ms\": 100, \"add\": {\"processes\": [" ONE(
                90, 1, "late",
                "") "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": "
                    "\"127.0.0.1:3000\", \"inode\": 6, \"cookie\": 10}], \"holdings\": [{\"socket\": 0, \"pid\": "
                    "90, \"how\": \"fd\"}]}}"),
            (struct plan_wish){.kill = true});
    CHECK(release.outcome == RELEASE_RESPAWNED);
    CHECK(host_process(fake_host(), 90) != NULL && host_process(fake_host(), 40) == NULL);
    CHECK_STR(release.taken->answer.causes.items[0].holders.items[0].process->name, "late");
}

TEST(one_that_lets_go_before_it_is_asked_is_not_signalled)
{
    talk_anew(false);
    struct plan plan =
        plan_of(arena, SERVER SCRIPT("{\"after_ms\": 50, \"remove\": [\"tcp 0.0.0.0:3000\"]}"), (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    clock_sleep_ms(100);
    struct release release = {.arena = arena, .plan = &plan};
    release_run(&release);
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(plan.steps.items[0].result, PLAN_NEEDLESS);
    CHECK_INT(fake_host_calls("pinned_send"), 0);
    CHECK(!release.acted && host_process(fake_host(), 40) != NULL);
}

TEST(a_newcomer_with_the_number_of_one_that_ended_is_not_signalled)
{
    talk_anew(false);
    struct plan plan =
        plan_of(arena,
                SERVER SCRIPT("{\"after_ms\": 50, \"end\": [40], \"add\": {\"processes\": [" ONE(
                    40, 1, "node", "") "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", "
                                       "\"local\": \"0.0.0.0:3000\", \"inode\": 5, \"cookie\": 9}], "
                                       "\"holdings\": [{\"socket\": 0, \"pid\": 40, \"how\": \"fd\"}]}}"),
                (struct plan_wish){.kill = true});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    clock_sleep_ms(100);
    struct release release = {.arena = arena, .plan = &plan};
    release_run(&release);
    // Same number, same start, same socket: only the pin tells them apart.
    CHECK_INT(fake_host_calls("pinned_send"), 0);
    CHECK(release.outcome != RELEASE_FREED && host_process(fake_host(), 40) != NULL);
}

TEST(a_refused_request_is_told)
{
    talk_anew(false);
    load(SERVER);
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    fake_host_fail_each("pinned_send", ERR_NOT_ALLOWED);
    struct release release = {.arena = arena, .plan = &plan};
    release_run(&release);
    CHECK_INT(release.outcome, RELEASE_REFUSED);
    CHECK_INT(plan.steps.items[0].result, PLAN_FAILED);
    CHECK(release.acted);
}

TEST(a_stopped_job_is_let_go_on_so_that_it_hears_the_request)
{
    talk_anew(false);
    struct release release = run(arena,
                                 PROCESS_AND(40, 1, "node", "\"state\": \"T\",") HELD_BY(40)
                                     SCRIPT("{\"after_act\": \"continue 40\", \"end\": [40]}"),
                                 (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
}

TEST(who_expects_an_interrupt_is_not_terminated)
{
    talk_anew(false);
    struct release release =
        run(arena, PROCESS(40, 1, "postgres") HELD_BY(40) SCRIPT("{\"after_act\": \"interrupt 40\", \"end\": [40]}"),
            (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
}

TEST(all_of_those_that_share_the_port_are_asked)
{
    talk_anew(false);
    struct release release =
        run(arena,
            PREFORK SCRIPT("{\"after_act\": \"signal 50\", \"end\": [50]}, {\"after_act\": \"signal 51\", "
                           "\"after_ms\": 40, \"end\": [51]}, {\"after_act\": \"signal 52\", \"after_ms\": "
                           "80, \"end\": [52]}"),
            (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(freed_ms(&release) >= 80);
}

TEST(workers_are_asked_only_if_they_outlive_who_should_end_them)
{
    talk_anew(false);
    struct release release = run(arena,
                                 NGINX SCRIPT("{\"after_act\": \"signal 50\", \"after_ms\": 100, \"end\": [50, 51]}, "
                                              "{\"after_act\": \"signal 52\", \"end\": [52]}"),
                                 (struct plan_wish){0});
    const struct plan_step *step = &release.plan->steps.items[0];
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(step->targets.items[0].asked && !step->targets.items[1].asked && step->targets.items[2].asked);
    CHECK(freed_ms(&release) >= 400);
}

#define COMES_BACK(after, number)                                                                                  \
    "{\"after_act\": \"" after "\", \"end\": [" number "]}, {\"after_act\": \"" after                              \
    "\", \"after_ms\": 200, \"add\": {"                                                                            \
    "\"processes\": [" ONE(77, 39, "node",                                                                         \
                           "") "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": "       \
                               "\"0.0.0.0:3000\", \"inode\": 8, \"cookie\": 12}], \"holdings\": [{\"socket\": 0, " \
                               "\"pid\": 77, \"how\": \"fd\"}]}}"

TEST(a_program_that_comes_back_is_told_with_who_started_it)
{
    const char *host = "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 1, "runner", "") "], " HELD_BY(40)
        SCRIPT(COMES_BACK("signal 40", "40"));
    talk_anew(false);
    struct release release = run(arena, host, (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_RESPAWNED);
    CHECK_STR(release.starter, "runner (pid 39)");
    CHECK(release.can_end_starter && !release.second && talk.asked_to_go_on == 0);
    CHECK_INT(release.taken->answer.causes.items[0].holders.items[0].pid, 77);
    // It was free for a moment, and that is known.
    CHECK(freed_ms(&release) >= 0);
}

TEST(who_starts_a_program_again_is_ended_too_where_that_is_allowed)
{
    const char *host = "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 1, "runner", "") "], " HELD_BY(40) SCRIPT(
        COMES_BACK("signal 40", "40") ", {\"after_act\": \"signal 39\", \"end\": [39]}, {\"after_act\": \"signal 77\", "
                                      "\"end\": [77]}");
    talk_anew(true);
    struct release release = run(arena, host, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(release.second && talk.asked_to_go_on == 1);
    CHECK_INT(release.second->steps.items[0].lever, LEVER_SUPERVISOR);
    CHECK_INT(release.second->steps.items[0].targets.items[0].process.pid, 39);

    talk_anew(false);
    release = run(arena, host, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_RESPAWNED);
    CHECK(!release.second && talk.asked_to_go_on == 1);
    CHECK(host_process(fake_host(), 39) != NULL);
}

// A program that comes back, and lets its starter start another one after a moment in which the port is free.
static const char *
between_two(struct arena *arena, int end_ms)
{
    return str_printf(
               arena,
               "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 1, "runner", "") "], " HELD_BY(40)
                   SCRIPT(COMES_BACK(
                       "signal 40",
                       "40") ", {\"after_act\": \"signal 40\", \"after_ms\": %d, \"end\": [77]}, "
                             "{\"after_act\": \"signal 40\", \"after_ms\": %d, \"add\": {\"processes\": [" ONE(
                                 88, 39, "node",
                                 "") "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", "
                                     "\"local\": \"0.0.0.0:3000\", \"inode\": 9, \"cookie\": 13}], \"holdings\": "
                                     "[{\"socket\": 0, "
                                     "\"pid\": 88, \"how\": \"fd\"}]}}, {\"after_act\": \"signal 39\", \"end\": [39]}, "
                                     "{\"after_act\": \"signal 77\", \"end\": [77]}, {\"after_act\": \"signal 88\", "
                                     "\"end\": [88]}"),
               end_ms, end_ms + 150)
        .ptr;
}

TEST(a_port_that_is_free_just_when_it_is_looked_at_is_looked_at_again)
{
    // Whenever the one that came back ends: within a look, between two of them, before it was noticed. The script brings the
    // next one even after its starter has ended, so that only who was ended counts.
    for (int end_ms = 201; end_ms < 260; end_ms++) {
        talk_anew(true);
        struct release release =
            run(arena, between_two(arena, end_ms), (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
        if (!release.second || host_process(fake_host(), 39))
            printf("# it ends after %d ms\n", end_ms);
        CHECK(release.second && host_process(fake_host(), 39) == NULL && talk.asked_to_go_on == 1);
    }
}

TEST(a_port_that_was_taken_for_a_moment_and_stays_free_is_free)
{
    for (int end_ms = 201; end_ms < 300; end_ms += 3) {
        talk_anew(true);
        struct release release = run(
            arena,
            str_printf(arena,
                       "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 1, "runner", "") "], " HELD_BY(40)
                           SCRIPT(COMES_BACK("signal 40",
                                             "40") ", {\"after_act\": \"signal 40\", \"after_ms\": %d, \"end\": [77]}, "
                                                   "{\"after_act\": \"signal 39\", \"end\": [39]}, {\"after_act\": "
                                                   "\"signal 77\", \"end\": [77]}"),
                       end_ms)
                .ptr,
            (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
        CHECK_INT(release.outcome, RELEASE_FREED);
    }
}

TEST(it_never_goes_in_circles)
{
    // The runner is ended, and still the program comes back: that is told, and nothing more is done.
    const char *host = "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 38, "runner", "") "," ONE(
        38, 1, "above", "") "], " HELD_BY(40)
        SCRIPT(COMES_BACK(
            "signal 40",
            "40") ", {\"after_act\": \"signal 39\", \"end\": [39]}, {\"after_act\": \"signal 77\", "
                  "\"end\": [77]}, {\"after_act\": \"signal 77\", \"after_ms\": 300, \"add\": {\"processes\": [" ONE(
                      88, 38, "node",
                      "") "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": "
                          "\"0.0.0.0:3000\", \"inode\": 9, "
                          "\"cookie\": 13}], \"holdings\": [{\"socket\": 0, \"pid\": 88, \"how\": \"fd\"}]}}");
    talk_anew(true);
    struct release release = run(arena, host, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_RESPAWNED);
    CHECK(release.second && talk.asked_to_go_on == 1);
    CHECK(host_process(fake_host(), 88) != NULL && host_process(fake_host(), 38) != NULL);
}

TEST(a_known_supervisor_is_ended_first_and_may_end_its_program_itself)
{
    talk_anew(false);
    struct release release =
        run(arena,
            NODEMON SCRIPT("{\"after_act\": \"signal 39\", \"end\": [39]}, {\"after_act\": \"signal 39\", "
                           "\"after_ms\": 150, \"end\": [40]}"),
            (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_DONE);
    CHECK_INT(release.plan->steps.items[1].result, PLAN_NEEDLESS);
    CHECK_INT(fake_host_calls("pinned_send"), 1);
}

TEST(a_supervisor_that_waits_for_its_program_does_not_stop_the_plan)
{
    // A shell with a trap ends only after the program that it runs.
    talk_anew(false);
    struct release release = run(arena,
                                 NODEMON SCRIPT("{\"after_act\": \"signal 40\", \"after_ms\": 100, \"end\": [40]}, "
                                                "{\"after_act\": \"signal 40\", \"after_ms\": 200, \"end\": [39]}"),
                                 (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_DONE);
}

TEST(an_entry_is_stopped_and_waited_for)
{
    talk_anew(false);
    struct release release = run(arena,
                                 SUPERVISED SCRIPT("{\"after_act\": \"stop web\", \"after_ms\": 400, \"end\": [40]}, "
                                                   "{\"after_act\": \"stop web\", \"after_ms\": 450, \"end\": [39]}"),
                                 (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_DONE);
    CHECK_INT(release.plan->steps.items[1].result, PLAN_NEEDLESS);
    CHECK(release.plan->steps.items[0].took_us >= 450000);
    CHECK_INT(fake_host_calls("pinned_send"), 0);
}

TEST(what_an_entry_leaves_behind_is_asked_to_end)
{
    talk_anew(false);
    struct release release = run(arena,
                                 SUPERVISED SCRIPT("{\"after_act\": \"stop web\", \"end\": [39]}, "
                                                   "{\"after_act\": \"signal 40\", \"end\": [40]}"),
                                 (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.items[1].result, PLAN_DONE);
}

TEST(an_entry_that_was_started_anew_is_not_stopped)
{
    talk_anew(false);
    load("\"processes\": [" ONE(40, 39, "node", ENTRY) "," ONE(39, 38, "dumb-init", ENTRY) "," ONE(
        38, 1, "supervisord", "") "," ONE(42, 38, "dumb-init", ENTRY) "], " HELD_BY(40));
    struct plan plan = plan_again_of(arena, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    struct release release = {.arena = arena, .plan = &plan};
    CHECK_INT(plan_state(&plan), PLAN_READY);
    // The entry is another process by now.
    fake_host_end(39);
    release_run(&release);
    CHECK_INT(plan.steps.items[0].result, PLAN_FAILED);
    CHECK(host_process(fake_host(), 40) != NULL);
    CHECK_STR(str_of(plan.steps.items[0].err.text), "entry web was started anew since it was looked at");
    plan_close(&plan);
}

TEST(an_entry_that_does_not_stop_is_told)
{
    talk_anew(false);
    struct release release =
        run(arena, SUPERVISED SCRIPT("{\"after_act\": \"stop web\", \"after_ms\": 60000, \"end\": [39]}"),
            (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR, .kill = true});
    CHECK_INT(release.outcome, RELEASE_TIMED_OUT);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_TIMED_OUT);
    CHECK_INT(release.plan->steps.items[1].result, PLAN_PLANNED);
    CHECK(host_process(fake_host(), 40) != NULL);

    talk_anew(false);
    load(SUPERVISED);
    fake_host_fail_each("supervisor_order", ERR_SYSTEM);
    struct plan plan = plan_again_of(arena, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    struct release refused = {.arena = arena, .plan = &plan};
    release_run(&refused);
    CHECK_INT(refused.outcome, RELEASE_REFUSED);
    CHECK(host_process(fake_host(), 40) != NULL);
    plan_close(&plan);
}

TEST(a_stop_of_an_entry_is_taken_back)
{
    talk_anew(false);
    struct journal journal;
    struct err err = {0};
    struct release release = run(arena, SUPERVISED SCRIPT("{\"after_act\": \"signal 40\", \"end\": [40]}"),
                                 (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(journal_read(arena, &journal, NULL, &err));
    const struct journal_act *act = journal_last_undoable(&journal);
    CHECK(act && act->undo.lever == LEVER_SUPERVISOR);
    CHECK_STR(act->undo.command, "supervisorctl start web");

    struct plan plan;
    struct journal_acts acts = {0};
    journal_with(arena, &journal, act, &acts);
    CHECK(take_back_plan(arena, &acts, STR("moorage undo"), &plan, &err));
    struct plan_step *step = &plan.steps.items[0];
    CHECK_STR(step->sentence, "Start entry web again");
    CHECK_STR(step->entry.api, "/run/supervisor.sock");
    CHECK(step->start && step->of_uid == 1000);
    // A supervisor that never gets it to run.
    step->patience_ms = 500;
    struct release back = {.arena = arena, .plan = &plan};
    release_steps(&back, &plan);
    CHECK_INT(step->result, PLAN_TIMED_OUT);
    CHECK_INT(fake_host_calls("supervisor_order"), 2);
}

TEST(a_service_is_stopped_and_waited_for)
{
    talk_anew(false);
    struct release release =
        run(arena,
            UNIT("web.service", 40, "")
                SCRIPT("{\"after_act\": \"stop web.service\", \"after_ms\": 400, \"end\": [40], \"add\": {"
                       "\"services\": [{\"manager\": \"systemd\", \"name\": \"web.service\", \"state\": "
                       "\"inactive\"}]}}"),
            (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_DONE);
    CHECK(freed_ms(&release) >= 400);
    CHECK_INT(fake_host_calls("pinned_send"), 0);
}

TEST(a_service_that_does_not_stop_in_time_is_told_and_its_process_left_alone)
{
    talk_anew(true);
    struct release release = run(
        arena,
        UNIT("web.service", 40, "") SCRIPT("{\"after_act\": \"stop web.service\", \"after_ms\": 90000, \"end\": [40]}"),
        (struct plan_wish){.kill = true, .timeout_given = true, .timeout_ms = 1000});
    CHECK_INT(release.outcome, RELEASE_TIMED_OUT);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_TIMED_OUT);
    CHECK_INT(fake_host_calls("pinned_send"), 0);
}

TEST(a_manager_that_refuses_is_told)
{
    talk_anew(false);
    load(UNIT("web.service", 40, ""));
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    fake_host_fail_each("service_control_stop", ERR_NOT_ALLOWED);
    struct release release = {.arena = arena, .plan = &plan};
    release_run(&release);
    CHECK_INT(release.outcome, RELEASE_REFUSED);
    CHECK_INT(plan.steps.items[0].result, PLAN_FAILED);
    CHECK(str_of(plan.steps.items[0].err.text).len > 0);
}

TEST(a_container_is_stopped_and_its_forwarder_goes_with_it)
{
    talk_anew(false);
    struct release release =
        run(arena,
            CONTAINER("") SCRIPT("{\"after_act\": \"POST /containers/" ID "/stop\", \"after_ms\": 0, "
                                 "\"end\": [60]}"),
            (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(fake_host_calls("pinned_send"), 0);
}

TEST(a_runtime_that_hangs_is_waited_for_no_longer_than_agreed)
{
    talk_anew(false);
    load(CONTAINER(""));
    struct plan plan = plan_again_of(arena, (struct plan_wish){.timeout_given = true, .timeout_ms = 700});
    fake_host_fail_each("container_act_wait", ERR_TIMEOUT);
    struct release release = {.arena = arena, .plan = &plan};
    int64_t start = clock_mono_us();
    release_run(&release);
    CHECK_INT(release.outcome, RELEASE_TIMED_OUT);
    CHECK_INT(plan.steps.items[0].result, PLAN_TIMED_OUT);
    CHECK(clock_mono_us() - start < 2000000);
}

TEST(a_runtime_that_fails_is_told)
{
    static const char *const functions[] = {"container_act_wait", "container_act_begin"};
    for (size_t i = 0; i < 2; i++) {
        load(CONTAINER(""));
        struct plan plan = plan_again_of(arena, (struct plan_wish){0});
        fake_host_fail_each(functions[i], ERR_SYSTEM);
        struct release release = {.arena = arena, .plan = &plan};
        release_run(&release);
        CHECK_INT(release.outcome, RELEASE_REFUSED);
        CHECK_INT(plan.steps.items[0].result, PLAN_FAILED);
    }
}

TEST(what_is_left_of_connections_is_dropped)
{
    talk_anew(false);
    struct release release = run(arena, LINGERING, (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.items[0].result, PLAN_DONE);
    CHECK(freed_ms(&release) < 50);
}

TEST(what_is_left_of_connections_is_waited_for)
{
    talk_anew(false);
    struct release release = run(arena, LINGERING SCRIPT("{\"after_ms\": 42100, \"remove\": [\"tcp 127.0.0.1:3000\"]}"),
                                 (struct plan_wish){.wait = true});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(freed_ms(&release) >= 42000 && freed_ms(&release) < 42300);
    CHECK(talk.shown > 100);
    release = run(arena, LINGERING, (struct plan_wish){.wait = true, .timeout_given = true, .timeout_ms = 500});
    CHECK_INT(release.outcome, RELEASE_TIMED_OUT);
}

TEST(what_a_server_leaves_behind_is_dropped_where_it_keeps_the_port)
{
    const char *host =
        PROCESS(40, 1, "node") "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": "
                               "\"0.0.0.0:3000\", \"inode\": 5, \"cookie\": 9}, {\"protocol\": \"tcp\", \"state\": "
                               "\"ESTABLISHED\", \"local\": "
                               "\"127.0.0.1:3000\", \"remote\": \"127.0.0.1:40000\", \"inode\": 6, \"cookie\": 10}], "
                               "\"holdings\": [" HOLDS(40) ", {\"socket\": 1, \"pid\": 40, \"how\": \"fd\"}]" SCRIPT(
                                   "{\"after_act\": \"signal 40\", \"end\": [40], \"add\": {\"sockets\": "
                                   "[{\"protocol\": \"tcp\", \"state\": "
                                   "\"FIN_WAIT_2\", \"local\": \"127.0.0.1:3000\", \"remote\": \"127.0.0.1:40000\", "
                                   "\"cookie\": 10, \"reuse_addr\": "
                                   "false}]}}");
    talk_anew(false);
    struct release release = run(arena, host, (struct plan_wish){0});
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.plan->steps.count, 2);
    CHECK(release.plan->steps.items[1].if_needed);
    CHECK_INT(release.plan->steps.items[1].result, PLAN_DONE);
}

TEST(ctrl_c_ends_the_waiting_in_order)
{
    talk_anew(false);
    load(SERVER);
    struct plan plan = plan_again_of(arena, (struct plan_wish){.again = STR("moorage free 3000")});
    fake_host_fail_each("dialog_interrupted", ERR_SYSTEM);
    struct release release = {.arena = arena, .plan = &plan, .watch_ms = 1000};
    release_run(&release);
    CHECK(release.interrupted && release.outcome == RELEASE_TIMED_OUT);
    struct journal journal;
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK_INT(journal.count, 1);
    CHECK_STR(journal.items[0].result, "timed-out");
}

TEST(every_act_is_recorded_before_it_is_done)
{
    talk_anew(false);
    struct release release = run(arena, UNIT("web.service", 40, ""), (struct plan_wish){0});
    struct journal journal;
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK_INT(journal.count, 1);
    const struct journal_act *act = &journal.items[0];
    CHECK_STR(act->sentence, "Stop web.service");
    CHECK_STR(act->result, "done");
    CHECK_STR(act->user, "ann");
    CHECK_STR(act->line, "moorage free 3000");
    CHECK_INT(act->port, 3000);
    CHECK(act->undo.possible);
    CHECK_STR(act->undo.name, "web.service");
    CHECK(journal_last_undoable(&journal) == act);
    CHECK(release.plan->steps.items[0].id.len > 0);
}

TEST(a_record_that_cant_be_written_is_a_warning)
{
    talk_anew(false);
    load(SERVER SCRIPT("{\"after_act\": \"signal 40\", \"end\": [40]}"));
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    fake_host_fail_each("state_dir_append", ERR_NOT_ALLOWED);
    struct release release = {.arena = arena, .plan = &plan};
    release_run(&release);
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(release.warnings.count, 1);
    CHECK(str_starts(release.warnings.items[0], STR("keep a record: ")));
}

TEST(outcomes_have_the_contracts_names)
{
    CHECK_STR(release_outcome_name(RELEASE_FREED), "freed");
    CHECK_STR(release_outcome_name(RELEASE_NEEDS_ELEVATION), "needs-elevation");
    CHECK_STR(release_outcome_name(RELEASE_REFUSED), "refused");
}

TAP_MAIN
