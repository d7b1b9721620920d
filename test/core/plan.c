// Plans on recorded hosts: which lever each cause gets, and what may never be done.

#include "core/plan.h"

#include "plan_host.h"

static bool
is_refused(const struct plan *plan, enum plan_refusal_kind kind, const char *words)
{
    for (size_t i = 0; i < plan->refusals.count; i++)
        if (plan->refusals.items[i].kind == kind &&
            str_find(plan->refusals.items[i].sentence, str_of(words)) != SIZE_MAX)
            return true;
    for (size_t i = 0; i < plan->refusals.count; i++)
        printf("# refused: %.*s\n", STR_ARG(plan->refusals.items[i].sentence));
    return false;
}

// The one program that has the port, by this name.
static const char *
named(struct arena *arena, const char *name)
{
    return str_printf(
               arena,
               "\"processes\": [{\"pid\": 40, \"ppid\": 1, \"known\": \"yes\", \"name\": \"%s\", \"state\": \"S\", "
               "\"started_ticks\": 40, \"uid\": 1000, \"command\": [\"%s\"]}], " HELD_BY(40),
               name, name)
        .ptr;
}

// The same in a unit of this name, whose main process it is.
static const char *
in_unit(struct arena *arena, const char *unit)
{
    return str_printf(
               arena,
               "\"processes\": [{\"pid\": 40, \"ppid\": 1, \"known\": \"yes\", \"name\": \"node\", \"state\": \"S\", "
               "\"started_ticks\": 40, \"uid\": 1000, \"cgroup\": \"/system.slice/%s\"}], " HELD_BY(
                   40) ", \"services\": "
                       "[{\"manager\": \"systemd\", \"name\": \"%s\", \"main_pid\": 40, \"state\": \"active\"}]",
               unit, unit)
        .ptr;
}

TEST(a_listener_is_asked_to_end)
{
    struct plan plan = plan_of(arena, SERVER, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 1);
    const struct plan_step *step = &plan.steps.items[0];
    CHECK_INT(step->lever, LEVER_PROCESS);
    CHECK_STR(step->sentence, "Ask node (pid 40) to end");
    CHECK_STR(step->precondition, "node (pid 40) has port 3000");
    CHECK_INT(step->harm, HARM_LOW);
    CHECK_INT(step->patience_ms, 10000);
    CHECK_INT(step->targets.count, 1);
    CHECK_INT(step->targets.items[0].sockets.count, 1);
    CHECK(pinned_lives(&step->targets.items[0].pin));
    CHECK_STR(plan.goals.items[0].was, "node (pid 40) listens on *:3000");
    CHECK_STR(plan_again(&plan), "");
    // Looking at a plan changes nothing.
    CHECK_INT(fake_host_calls("pinned_send"), 0);
    plan_close(&plan);
}

TEST(a_free_port_needs_no_plan)
{
    struct plan plan = plan_of(arena, "\"sockets\": []", (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_NOTHING);
    CHECK_INT(plan.steps.count, 0);
}

TEST(what_cant_be_read_gives_no_plan)
{
    load(SERVER);
    fake_host_fail_each("socket_table_read", ERR_SYSTEM);
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_UNKNOWN);
}

TEST(all_that_share_the_port_are_in_the_plan)
{
    struct plan plan = plan_of(arena, PREFORK, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.steps.items[0].targets.count, 3);
    CHECK_STR(plan.steps.items[0].sentence, "Ask python3 (pid 50) and 2 more that share the port to end");
    for (size_t i = 0; i < 3; i++)
        CHECK(plan.steps.items[0].targets.items[i].leader == SIZE_MAX);
}

TEST(a_server_that_ends_its_workers_is_asked_alone)
{
    struct plan plan = plan_of(arena, NGINX, (struct plan_wish){0});
    const struct plan_step *step = &plan.steps.items[0];
    CHECK_INT(step->targets.count, 3);
    for (size_t i = 0; i < 3; i++)
        CHECK((step->targets.items[i].leader == SIZE_MAX) == (step->targets.items[i].process.pid == 50));
    CHECK_INT(step->patience_ms, 30000);
}

TEST(who_expects_an_interrupt_gets_one)
{
    struct plan plan = plan_of(arena, named(arena, "postgres"), (struct plan_wish){0});
    CHECK(plan.steps.items[0].targets.items[0].interrupts);
    CHECK_INT(plan.steps.items[0].patience_ms, 60000);
    plan = plan_of(arena, named(arena, "postgres"), (struct plan_wish){.timeout_given = true, .timeout_ms = 500});
    CHECK_INT(plan.steps.items[0].patience_ms, 500);
}

TEST(vital_processes_are_never_ended)
{
    static const char *const names[] = {"systemd", "dockerd", "cron", "dbus-daemon", "Xorg"};
    struct plan_wish all = {.allow = PLAN_ALLOW_OTHER_USER | PLAN_ALLOW_SUPERVISOR | PLAN_ALLOW_REMOTE_ACCESS |
                                     PLAN_ALLOW_SYSTEM,
                            .kill = true};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct plan plan = plan_of(arena, named(arena, names[i]), all);
        CHECK_INT(plan_state(&plan), PLAN_REFUSED);
        CHECK_STR(plan_again(&plan), "");
    }
    struct plan plan = plan_of(arena, PROCESS(1, 0, "init") HELD_BY(1), all);
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    plan = plan_of(arena, PROCESS_AND(70, 2, "nfsd", "\"kernel_thread\": true,") HELD_BY(70), all);
    CHECK(is_refused(&plan, PLAN_REFUSED_ALWAYS, "part of the kernel"));
    plan = plan_of(arena, PROCESS_AND(71, 4, "odd", "\"critical\": true,") HELD_BY(71), all);
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
}

TEST(this_program_and_what_started_it_are_never_ended)
{
    struct plan plan = plan_of(arena,
                               "\"processes\": [" ONE(4194304, 80, "moorage", "") "," ONE(80, 79, "bash", "") "," ONE(
                                   79, 1, "runner", "") "]," LISTENER HOLDING(79),
                               (struct plan_wish){.kill = true});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK(is_refused(&plan, PLAN_REFUSED_ALWAYS, "runner (pid 79) is what started this very command"));
}

TEST(remote_access_needs_its_word)
{
    struct plan plan = plan_of(arena, named(arena, "sshd"), (struct plan_wish){.again = STR("moorage free 3000 -y")});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan_again(&plan), "moorage free 3000 -y --allow remote-access");
    CHECK_STR(plan.refusals.items[0].word, "remote-access");
    plan = plan_of(arena, named(arena, "sshd"), (struct plan_wish){.allow = PLAN_ALLOW_REMOTE_ACCESS});
    CHECK_INT(plan_state(&plan), PLAN_READY);
}

TEST(another_users_program_needs_more_rights)
{
    const char *host =
        "\"uid\": 1000, \"admin\": false, " PROCESS_AND(40, 1, "node", "\"uid\": 1001, \"user\": \"bob\",") HELD_BY(40);
    struct plan plan = plan_of(arena, host, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_NEEDS_RIGHT);
    CHECK(is_refused(&plan, PLAN_REFUSED_RIGHT, "node (pid 40) belongs to bob"));
    CHECK_STR(plan_again(&plan), "sudo moorage free 3000");
}

TEST(a_process_that_cant_be_pinned_needs_the_word_for_that)
{
    load(SERVER);
    fake_host_fail_each("pinned_open", ERR_UNSUPPORTED);
    struct plan plan = plan_again_of(arena, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan_again(&plan), "moorage free 3000 --allow system");
    plan = plan_again_of(arena, (struct plan_wish){.allow = PLAN_ALLOW_SYSTEM});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK(plan.steps.items[0].targets.items[0].pin.bare);
    fake_host_fail_each("pinned_open", ERR_SYSTEM);
    plan = plan_again_of(arena, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
}

TEST(a_process_that_ends_while_it_is_planned_leaves_a_free_port)
{
    // It ends at the moment when it is pinned: what was read of it does not count any more.
    load(SERVER ", \"script\": [{\"after_act\": \"probe\", \"after_ms\": 4, \"end\": [40]}]");
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_NOTHING);
    CHECK_INT(plan.steps.count, 0);
}

TEST(a_reused_number_is_not_taken_for_the_process_that_was_seen)
{
    load(SERVER ", \"script\": [{\"after_act\": \"probe\", \"after_ms\": 4, \"end\": [40], \"add\": {"
                "\"processes\": [" ONE(40, 1, "innocent", "\"started_ticks\": 77,") "]}}]");
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_NOTHING);
    CHECK_INT(plan.steps.count, 0);
}

TEST(what_changes_all_the_time_is_given_up)
{
    load(SERVER);
    fake_host_fail_each("pinned_open", ERR_GONE);
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK(is_refused(&plan, PLAN_REFUSED_NO_HELP, "changes faster"));
}

// --- --only and --mine ---

TEST(only_what_fits_is_touched)
{
    static const struct {
        struct plan_only only;
        enum plan_state state;
    } cases[] = {
        {{.exe = STR_INIT("/usr/bin/node")}, PLAN_READY},
        {{.exe = STR_INIT("node")}, PLAN_READY},
        {{.exe = STR_INIT("/usr/local/bin/node")}, PLAN_NOT_YOURS},
        {{.exe = STR_INIT("nodejs")}, PLAN_NOT_YOURS},
        {{.cwd = STR_INIT("/home/ann/shop")}, PLAN_READY},
        {{.cwd = STR_INIT("/home/ann/")}, PLAN_READY},
        {{.cwd = STR_INIT("/home/ann/sho")}, PLAN_NOT_YOURS},
        {{.cwd = STR_INIT("/")}, PLAN_READY},
        {{.of_user = true, .uid = 1000}, PLAN_READY},
        {{.of_user = true, .uid = 1001}, PLAN_NOT_YOURS},
        {{.of_project = true, .project = STR_INIT("/home/ann/shop")}, PLAN_READY},
        {{.of_project = true, .project = STR_INIT("/home/ann/blog")}, PLAN_NOT_YOURS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan plan = plan_of(arena, SERVER, (struct plan_wish){.only = cases[i].only});
        printf("# case %zu\n", i);
        CHECK_INT(plan_state(&plan), cases[i].state);
    }
}

TEST(one_stranger_among_the_holders_is_enough_to_do_nothing)
{
    const char *host = "\"processes\": [" ONE(50, 1, "python3", "\"uid\": 1000,") "," ONE(
        51, 50, "python3", "\"uid\": 0,") "]," LISTENER "\"holdings\": [{\"socket\": 0, \"pid\": 50, \"how\": \"fd\"},"
                                          "{\"socket\": 0, \"pid\": 51, \"how\": \"fd\"}]";
    struct plan plan = plan_of(arena, host, (struct plan_wish){.only = {.of_user = true, .uid = 1000}});
    CHECK_INT(plan_state(&plan), PLAN_NOT_YOURS);
}

// --- supervisors ---

TEST(a_supervisor_is_told_and_ended_only_by_its_word)
{
    struct plan plan = plan_of(arena, NODEMON, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.notes.count, 1);
    CHECK_STR(plan.notes.items[0], "nodemon (pid 39) may start node again; with --allow supervisor it is ended too");
    plan = plan_of(arena, NODEMON, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 2);
    CHECK_INT(plan.steps.items[0].lever, LEVER_SUPERVISOR);
    CHECK_STR(plan.steps.items[0].sentence, "Ask nodemon (pid 39) to end");
    CHECK_INT(plan.steps.items[0].targets.items[0].process.pid, 39);
    CHECK_INT(plan.steps.items[0].targets.items[0].sockets.count, 0);
    CHECK_INT(plan.steps.items[1].lever, LEVER_PROCESS);
}

TEST(a_supervisor_of_many_programs_is_not_ended_for_one)
{
    const char *host =
        "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 1, "supervisord", "") "]," LISTENER HOLDING(40);
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK(str_find(plan.notes.items[0], STR("told what to type")) != SIZE_MAX);
    plan = plan_of(arena, host, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK(str_starts(plan.refusals.items[0].alternative, STR("supervisorctl stop ")));
}

TEST(an_entry_of_a_supervisor_is_stopped_and_the_supervisor_goes_on)
{
    struct plan plan = plan_of(arena, SUPERVISED, (struct plan_wish){0});
    CHECK_STR(plan.notes.items[0],
              "supervisord (pid 38) may start node again; with --allow supervisor its entry web is "
              "stopped instead");
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(fake_host_calls("supervisor_read"), 0);

    plan = plan_of(arena, SUPERVISED, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 2);
    const struct plan_step *step = &plan.steps.items[0];
    CHECK_INT(step->lever, LEVER_SUPERVISOR);
    CHECK_STR(step->sentence, "Stop entry web of supervisord (pid 38)");
    CHECK_STR(step->precondition, "entry web runs as dumb-init (pid 39)");
    CHECK_STR(step->by_hand, "supervisorctl stop web");
    CHECK_STR(step->undo.command, "supervisorctl start web");
    CHECK(step->undo.possible && step->targets.count == 0 && step->runs.pid == 39);
    CHECK(plan.steps.items[1].lever == LEVER_PROCESS && plan.steps.items[1].if_needed);
    plan_close(&plan);
}

TEST(a_supervisor_that_cant_be_asked_is_left_alone)
{
    static const struct {
        enum err_kind kind;
        bool admin;
        enum plan_state state;
    } cases[] = {{ERR_TIMEOUT, true, PLAN_REFUSED},
                 {ERR_NOT_ALLOWED, true, PLAN_REFUSED},
                 {ERR_NOT_ALLOWED, false, PLAN_NEEDS_RIGHT}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        load(SUPERVISED);
        if (!cases[i].admin)
            load("\"uid\": 1000, \"admin\": false, " SUPERVISED);
        fake_host_fail_each("supervisor_read", cases[i].kind);
        struct plan plan = plan_again_of(arena, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
        fake_host_fail_each("supervisor_read", ERR_NONE);
        CHECK_INT(plan_state(&plan), cases[i].state);
        if (cases[i].state == PLAN_REFUSED)
            CHECK_STR(plan.refusals.items[0].alternative, "supervisorctl stop web");
        plan_close(&plan);
    }
}

TEST(an_entry_that_the_supervisor_runs_as_another_process_is_not_stopped)
{
    // A person's shell stands between: its words were only inherited.
    struct plan plan = plan_of(arena,
                               "\"processes\": [" ONE(40, 39, "node", ENTRY) "," ONE(39, 38, "bash", "") "," ONE(
                                   38, 1, "supervisord", "") "," ONE(41, 38, "node", ENTRY) "], " HELD_BY(40),
                               (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.steps.items[0].lever, LEVER_PROCESS);
    plan_close(&plan);

    plan = plan_of(arena,
                   "\"processes\": [" ONE(41, 38, "node", ENTRY) "," ONE(40, 38, "node", ENTRY) "," ONE(
                       38, 1, "supervisord", "") "], " HELD_BY(40),
                   (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan.refusals.items[0].sentence, "supervisord (pid 38) runs other programs too, and would start node "
                                               "again; which of its entries it is, it does not say");
    plan_close(&plan);
}

TEST(another_users_supervisor_needs_its_word)
{
    struct plan plan = plan_of(arena,
                               "\"uid\": 1000, \"admin\": false, \"processes\": [" ONE(40, 38, "node", ENTRY) "," ONE(
                                   38, 1, "supervisord", "\"uid\": 7,") "], " HELD_BY(40),
                               (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan.refusals.items[0].word, "other-user");
    plan_close(&plan);
}

TEST(what_runs_other_programs_is_ended_only_by_its_word)
{
    struct plan plan = plan_of(arena, PROCESS(40, 1, "supervisord") HELD_BY(40), (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan.refusals.items[0].word, "supervisor");
    plan_close(&plan);
}

TEST(a_loop_in_a_shell_is_a_supervisor)
{
    const char *host = "\"processes\": [" ONE(40, 39, "node", "") "," ONE(
        39, 1, "sh",
        "\"command\": [\"sh\", \"-c\", \"while true; do node server.js; done\"],") "]," LISTENER HOLDING(40);
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    CHECK(str_starts(plan.notes.items[0], STR("a loop in sh (pid 39) may start node again")));
}

#define LOOP(pid) ONE(pid, 1, "sh", "\"command\": [\"sh\", \"-c\", \"while true; do npm start; done\"],")

TEST(a_loop_is_seen_through_what_only_runs_the_program)
{
    struct plan plan = plan_of(
        arena,
        "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 38, "npm", "") "," LOOP(38) "]," LISTENER HOLDING(40),
        (struct plan_wish){0});
    CHECK(str_starts(plan.notes.items[0], STR("a loop in sh (pid 38) may start node again")));
    plan_close(&plan);
}

TEST(a_loop_that_goes_round_for_something_else_starts_nothing_again)
{
    struct plan plan = plan_of(arena,
                               "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 38, "tests.py", "") "," LOOP(
                                   38) "]," LISTENER HOLDING(40),
                               (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.notes.count, 0);
    CHECK_INT(plan.steps.count, 1);
    plan_close(&plan);
}

TEST(a_supervisor_that_waits_for_this_very_command_starts_nothing_again)
{
    struct plan plan = plan_of(arena,
                               "\"processes\": [" ONE(4194304, 39, "moorage", "") "," ONE(40, 39, "node", "") "," ONE(
                                   39, 38, "runner", "") "," ONE(38, 1, "nodemon", "") "]," LISTENER HOLDING(40),
                               (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.steps.items[0].lever, LEVER_PROCESS);
    plan_close(&plan);
}

// --- units ---

TEST(a_service_whose_main_process_has_the_port_is_stopped_by_its_manager)
{
    struct plan plan =
        plan_of(arena, UNIT("web.service", 40, "\"at_boot\": true, \"stop_ms\": 20000,"), (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 1);
    const struct plan_step *step = &plan.steps.items[0];
    CHECK_INT(step->lever, LEVER_SERVICE);
    CHECK_STR(step->sentence, "Stop web.service");
    CHECK_STR(step->by_hand, "systemctl stop web.service");
    CHECK_STR(step->undo.command, "systemctl start web.service");
    CHECK_STR(step->at_boot, "web.service starts again with the system, until: systemctl disable web.service");
    CHECK(step->undo.possible && step->needs_admin);
    CHECK_INT(step->patience_ms, 25000);
    CHECK_INT(step->reaches.count, 1);
    CHECK_STR(step->reaches.items[0], "node (pid 40)");
}

TEST(a_service_whose_whole_tree_has_the_port_is_stopped_too)
{
    // The main process is a shell that started the server.
    const char *host = "\"processes\": [" ONE(40, 39, "node", CGROUP("web.service")) "," ONE(
        39, 1, "sh", CGROUP("web.service")) "," ONE(41, 40, "helper", CGROUP("web.service")) "]," LISTENER
        HOLDING(40) ", \"services\": [{\"manager\": \"systemd\", \"name\": \"web.service\", \"main_pid\": 39, "
                    "\"state\": \"active\"}]";
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.steps.items[0].lever, LEVER_SERVICE);
    CHECK_INT(plan.steps.items[0].reaches.count, 3);
}

#define CHILD_OF_MAIN(main, more)                                                                               \
    "\"processes\": [" ONE(40, 39, "node", more CGROUP("web.service")) "," ONE(                                 \
        39, 1, main, CGROUP("web.service")) "," ONE(42, 39, "helper", CGROUP("web.service")) "]," LISTENER      \
        HOLDING(40) ", \"services\": [{\"manager\": \"systemd\", \"name\": \"web.service\", \"main_pid\": 39, " \
                    "\"restart\": \"always\", \"state\": \"active\"}]"

// What explains the port and what frees it name one lever.
static enum lever
lever_of(struct arena *arena, const char *host)
{
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    const struct answer *answer = &plan.goals.items[0].answer;

    CHECK_INT(plan.steps.count, 1);
    for (size_t i = 0; i < answer->causes.count; i++)
        for (size_t k = 0; answer->causes.items[i].blocks && k < answer->causes.items[i].remedies.count; k++)
            if (str_equal(answer->causes.items[i].remedies.items[k].label, STR("stop it")))
                CHECK_INT(answer->causes.items[i].remedies.items[k].lever, plan.steps.items[0].lever);
    plan_close(&plan);
    return plan.steps.items[0].lever;
}

TEST(a_child_of_a_services_main_process_is_stopped_with_the_service)
{
    CHECK_INT(lever_of(arena, CHILD_OF_MAIN("supermain", "")), LEVER_SERVICE);
    // A terminal, a build and a login within a service are not what it is for.
    CHECK_INT(lever_of(arena, CHILD_OF_MAIN("supermain", "\"tty\": \"pts/3\",")), LEVER_PROCESS);
    CHECK_INT(lever_of(arena, CHILD_OF_MAIN("gitlab-runner", "")), LEVER_PROCESS);
    CHECK_INT(lever_of(arena, CHILD_OF_MAIN("sshd", "")), LEVER_PROCESS);
    CHECK_INT(lever_of(arena, CHILD_OF_MAIN("code", "")), LEVER_PROCESS);
}

TEST(what_a_windows_service_started_is_stopped_with_it)
{
    static const char *const host = "\"platform\": \"windows\", \"processes\": [" ONE(
        40, 39, "postgres.exe", "\"session\": 0,") "," ONE(39, 7, "pg_ctl.exe", "\"session\": 0,") "]," LISTENER
        HOLDING(40) ", \"services\": [{\"manager\": \"windows\", \"name\": \"pg\", \"main_pid\": 39, "
                    "\"state\": \"active\"}]";
    CHECK_INT(lever_of(arena, host), LEVER_SERVICE);
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    CHECK_INT(plan.steps.items[0].reaches.count, 2);
    CHECK_STR(plan.steps.items[0].reaches.items[1], "pg_ctl (pid 39)");
    plan_close(&plan);
}

TEST(a_service_in_which_others_run_is_left_alone)
{
    const char *host = "\"processes\": [" ONE(40, 39, "node", CGROUP("web.service")) "," ONE(
        39, 1, "sh", CGROUP("web.service")) "," ONE(42, 1, "bystander", CGROUP("web.service")) "]," LISTENER
        HOLDING(40) ", \"services\": [{\"manager\": \"systemd\", \"name\": \"web.service\", \"main_pid\": 39, "
                    "\"state\": \"active\"}]";
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.steps.items[0].lever, LEVER_PROCESS);
}

TEST(scopes_and_units_of_the_system_are_never_stopped)
{
    static const char *const units[] = {"session-3.scope", "user@1000.service", "cron.service",
                                        "docker.service",  "gdm.service",       "ssh.service"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct plan plan = plan_of(arena, in_unit(arena, units[i]), (struct plan_wish){0});
        printf("# %s\n", units[i]);
        for (size_t k = 0; k < plan.steps.count; k++)
            CHECK(plan.steps.items[k].lever == LEVER_PROCESS);
    }
}

TEST(stopping_a_service_of_the_system_takes_more_rights)
{
    const char *host = "\"uid\": 1000, \"admin\": false, " UNIT("web.service", 40, "");
    struct plan plan = plan_of(arena, host, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_NEEDS_RIGHT);
    CHECK_STR(plan_again(&plan), "sudo moorage free 3000");
}

TEST(dependants_of_a_windows_service_are_stopped_first)
{
    const char *host = "\"platform\": \"windows\", \"processes\": [" ONE(40, 4, "sqlservr", "") "]," LISTENER HOLDING(
        40) ", \"services\": [{\"manager\": \"windows\", \"name\": \"MSSQL\", \"main_pid\": 40, \"state\": \"active\","
            "\"dependants\": \"SQLAGENT,SSRS\"}]";
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    // Which unit a process runs in is told by its cgroup on Linux alone.
    if (plan.steps.count == 1 && plan.steps.items[0].lever == LEVER_PROCESS)
        SKIP("holders don't name Windows services yet");
    CHECK_INT(plan.steps.count, 3);
    CHECK_STR(plan.steps.items[0].service.name, "SQLAGENT");
    CHECK_STR(plan.steps.items[2].service.name, "MSSQL");
}

TEST(a_socket_unit_is_stopped_and_never_the_manager)
{
    struct plan plan = plan_of(arena, SOCKET_UNIT("cups", ""), (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.steps.items[0].lever, LEVER_SOCKET_UNIT);
    CHECK_STR(plan.steps.items[0].sentence, "Stop cups.socket");
    plan = plan_of(arena, SOCKET_UNIT("cups", "," HOLDS(40)), (struct plan_wish){0});
    CHECK_INT(plan.steps.count, 2);
    CHECK_STR(plan.steps.items[1].sentence, "Stop cups.service");
    plan = plan_of(arena, SOCKET_UNIT("ssh", ""), (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan_again(&plan), "moorage free 3000 --allow remote-access");
    plan =
        plan_of(arena, "\"services_known\": \"timeout\", " PROCESS(1, 0, "systemd") HELD_BY(1), (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan.refusals.items[0].alternative, "systemctl list-sockets");
}

// --- containers ---

TEST(a_container_is_stopped_by_its_runtime_and_never_its_forwarder)
{
    struct plan plan = plan_of(arena, CONTAINER("\\\"StopTimeout\\\":20"), (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 1);
    const struct plan_step *step = &plan.steps.items[0];
    CHECK_INT(step->lever, LEVER_CONTAINER);
    CHECK_STR(step->sentence, "Stop container web (docker)");
    CHECK_STR(step->undo.command, "docker start web");
    CHECK_STR(step->at_boot, "container web starts again with its runtime, until: docker update --restart=no web");
    CHECK_INT(step->patience_ms, 25000);
    CHECK_INT(step->targets.count, 0);
}

TEST(a_forwarder_without_a_known_container_is_left_alone)
{
    const char *host = PROCESS(60, 1, "docker-proxy") HELD_BY(60);
    struct plan plan = plan_of(arena, host, (struct plan_wish){.kill = true});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_INT(plan.steps.count, 0);
    CHECK(is_refused(&plan, PLAN_REFUSED_NO_HELP, "no container runtime says"));
}

// --- what no end of a program can free ---

TEST(what_is_left_of_connections_is_dropped_by_who_may)
{
    struct plan plan = plan_of(arena, LINGERING, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.items[0].lever, LEVER_SOCKET);
    CHECK_STR(plan.steps.items[0].sentence, "Drop what is left of 1 closed connection on port 3000");
    plan = plan_of(arena, LINGERING, (struct plan_wish){.wait = true});
    CHECK_INT(plan.steps.items[0].lever, LEVER_WAIT);
    CHECK_STR(plan.steps.items[0].sentence, "Wait until the kernel gives port 3000 back, in 43 s");
    plan = plan_of(arena, "\"uid\": 1000, \"admin\": false, " LINGERING,
                   (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_NEEDS_RIGHT);
    CHECK_STR(plan.refusals.items[0].alternative, "moorage free 3000 --wait waits 43 s instead");
    plan = plan_of(arena, "\"uid\": 1000, \"admin\": false, " LINGERING, (struct plan_wish){.wait = true});
    CHECK_INT(plan_state(&plan), PLAN_READY);
}

TEST(what_no_end_can_help_is_said_with_what_would)
{
    struct plan plan = plan_of(arena, KERNEL, (struct plan_wish){.kill = true});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_INT(plan.refusals.items[0].kind, PLAN_REFUSED_NO_HELP);
    CHECK(plan.refusals.items[0].alternative.len > 0);
    CHECK_INT(plan.steps.count, 0);
    plan = plan_of(arena,
                   "\"uid\": 1000, \"admin\": false, \"ranges\": [{\"kind\": \"privileged\", \"any_protocol\": true,"
                   "\"first\": 1, \"last\": 4000}], \"sockets\": []",
                   (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
}

TEST(who_may_not_try_the_port_cant_prove_that_it_is_free)
{
    const char *host =
        "\"uid\": 1000, \"admin\": false, \"ranges\": [{\"kind\": \"privileged\", \"any_protocol\": true,"
        "\"first\": 1, \"last\": 4000}], " SERVER;
    struct plan plan = plan_of(arena, host, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_NEEDS_RIGHT);
    CHECK(is_refused(&plan, PLAN_REFUSED_RIGHT, "trying port 3000"));
}

TEST(who_has_it_unseen_needs_more_rights)
{
    const char *host =
        "\"uid\": 1000, \"admin\": false, \"tier\": \"own\", \"complete\": false, \"unseen\": [{\"pid\": 9, "
        "\"what\": \"fds\", \"reason\": \"not-allowed\", \"relevant\": true}], " LISTENER "\"holdings\": []";
    struct plan plan = plan_of(arena, host, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_NEEDS_RIGHT);
    CHECK_STR(plan_again(&plan), "sudo moorage free 3000");
    plan = plan_of(arena, host, (struct plan_wish){.only = {.of_user = true, .uid = 1000}});
    CHECK(plan_state(&plan) == PLAN_NEEDS_RIGHT || plan_state(&plan) == PLAN_NOT_YOURS);
}

TEST(a_client_that_is_the_cause_is_shown_as_one)
{
    const char *host =
        "\"processes\": [" ONE(40, 1, "firefox", "") "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": "
                                                     "\"ESTABLISHED\", \"local\": \"10.0.0.5:3000\", \"remote\": "
                                                     "\"10.0.0.9:443\", \"inode\": 5, \"reuse_addr\": false}],"
                                                     "\"addresses\": [{\"address\": \"10.0.0.5\"}]," HOLDING(40);
    struct plan plan = plan_of(arena, host, (struct plan_wish){0});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.items[0].harm, HARM_SOME);
    CHECK(str_starts(plan.steps.items[0].cost, STR("It is a client")));
}

TEST(words_are_read_and_nothing_allows_everything)
{
    enum plan_allow allow;
    CHECK(plan_allow_parse(STR("supervisor"), &allow) && allow == PLAN_ALLOW_SUPERVISOR);
    CHECK(!plan_allow_parse(STR("all"), &allow) && !plan_allow_parse(STR(""), &allow));
    CHECK_STR(plan_allow_name(PLAN_ALLOW_OTHER_USER), "other-user");
    CHECK_STR(plan_result_name(PLAN_TIMED_OUT), "timed-out");
}

TAP_MAIN
