// What only a word allows: what the system itself has for somebody.

#include "core/plan_system.h"

#include "core/release.h"
#include "core/take_back.h"
#include "plan_host.h"

#define SCRIPT(steps) ", \"script\": [" steps "]"
#define SYSTEM "{\"pid\": 4, \"ppid\": 0, \"known\": \"yes\", \"name\": \"System\", \"started_ms\": 1}"
#define QUEUE(pids)                                                                                                   \
    ", \"http_known\": \"yes\", \"http_urls\": [{\"url\": \"http://+:3000/\", \"port\": 3000, \"registered\": true, " \
    "\"owner\": \"shop\", \"pids\": [" pids "]}]"
#define HTTP_ROW                                                                                                     \
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:3000\", \"owner_pid\": 4}], " \
    "\"holdings\": [{\"socket\": 0, \"pid\": 4, \"how\": \"table\"}]"
#define HTTP(program, more) "\"processes\": [" SYSTEM "," ONE(40, 1, program, "") "], " HTTP_ROW more
#define HTTP_END "\"remove\": [\"tcp 0.0.0.0:3000\"], \"end\": [40]"
#define W3SVC                                                                                                       \
    ", \"services\": [{\"manager\": \"windows\", \"name\": \"W3SVC\", \"main_pid\": 29, \"state\": \"active\", "    \
    "\"dependants\": \"AppHost\"}, {\"manager\": \"windows\", \"name\": \"AppHost\", \"main_pid\": 30, \"state\": " \
    "\"active\"}]"
#define RULE "v4tov4 0.0.0.0:3000 -> 172.20.0.2:80"
#define REDIRECT(rule)                                                                                                \
    "{\"source\": \"portproxy\", \"rule\": \"" rule "\", \"local_output\": true, \"protocol\": \"tcp\", \"family\": " \
    "\"ipv4\", \"to\": \"172.20.0.2\", \"first\": 3000, \"last\": 3000, \"to_port\": 80}"
#define PROXY(rule)                                                                                                    \
    "\"processes\": [" ONE(70, 1, "svchost", "") "], " HELD_BY(                                                        \
        70) ", \"redirects_known\": \"yes\", \"redirects\": [" REDIRECT(rule) "], \"services\": [{\"manager\": "       \
                                                                              "\"windows\", "                          \
                                                                              "\"name\": \"iphlpsvc\", \"main_pid\": " \
                                                                              "70, \"state\": \"active\", "            \
                                                                              "\"shares_process\": true}]"
#define RANGE(family, first, last, more)                                                             \
    "{\"kind\": \"excluded\", \"protocol\": \"tcp\", \"family\": \"" family "\", \"first\": " #first \
    ", \"last\": " #last more "}"
#define GIVEN ", \"administered\": true"
// Windows lets who names a port into a reservation on purpose, as a rule; here it does not.
#define PROBE(address, v6only, worked)                                                                               \
    "{\"protocol\": \"tcp\", \"address\": \"" address "\", \"port\": 3000, \"bind\": \"plain\", \"v6only\": " v6only \
    ", " worked "}"
#define REFUSED "\"worked\": false, \"code\": 10013, \"result\": \"WSAEACCES\""
#define WORKED "\"worked\": true, \"code\": 0, \"result\": \"ok\""
#define PROBES(result) "\"probes\": [" PROBE("0.0.0.0", "false", result) "," PROBE("::", "true", result) "]"
#define EXCLUDED(ranges) "\"ranges\": [" ranges "], " PROBES(REFUSED)

static const struct plan_wish allowed = {.allow = PLAN_ALLOW_SYSTEM, .again = STR_INIT("moorage free 3000")};

static void
load_windows(struct arena *arena, const char *host, bool admin)
{
    struct err err = {0};
    struct str text = str_printf(arena,
                                 "{\"schema\": \"moorage.snapshot/1\", %s, \"platform\": \"windows\", \"ipv6\": true, "
                                 "\"complete\": true, \"time_ms\": 1700000001000, \"admin\": %s}",
                                 host, admin ? "true" : "false");
    if (!fake_host_load(text, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    fake_host_forget_files();
}

static struct plan
plan_windows(struct arena *arena, const char *host, struct plan_wish wish)
{
    load_windows(arena, host, true);
    return plan_again_of(arena, wish);
}

static struct release
carry_out(struct arena *arena, struct plan *plan)
{
    struct release release = {.arena = arena, .plan = plan, .user = STR("ann")};
    CHECK_INT(plan_state(plan), PLAN_READY);
    if (plan_state(plan) == PLAN_READY)
        release_run(&release);
    return release;
}

// Refused, and the word is all that is missing.
static void
wants_the_word(struct arena *arena, const char *host)
{
    struct plan plan = plan_windows(arena, host, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_INT(plan.refusals.count, 1);
    CHECK_STR(plan.refusals.items[0].word, "system");
    CHECK_STR(plan_again(&plan), "moorage free 3000 --allow system");
    plan_close(&plan);
}

TEST(who_is_behind_http_sys_is_asked_with_the_word)
{
    static const char host[] = HTTP("shop", QUEUE("40") SCRIPT("{\"after_act\": \"signal 40\", " HTTP_END "}"));
    wants_the_word(arena, host);
    struct plan plan = plan_windows(arena, host, allowed);
    CHECK_INT(plan.steps.count, 1);
    CHECK_INT(plan.steps.items[0].lever, LEVER_PROCESS);
    CHECK_STR(plan.steps.items[0].sentence, "Ask shop (pid 40) to end");
    CHECK_INT(plan.steps.items[0].targets.items[0].http_port, 3000);
    struct release release = carry_out(arena, &plan);
    CHECK_INT(release.outcome, RELEASE_FREED);
    plan_close(&plan);
}

TEST(who_serves_the_port_no_more_is_left_alone)
{
    struct plan plan = plan_windows(arena, HTTP("shop", QUEUE("40")), allowed);
    // Between plan and act another process took the queue over.
    fake_host_edit()->http_urls.items[0].pids.items[0] = 41;
    struct release release = carry_out(arena, &plan);
    CHECK_INT(plan.steps.items[0].result, PLAN_NEEDLESS);
    CHECK(!plan.steps.items[0].targets.items[0].asked);
    CHECK(release.outcome != RELEASE_FREED);
    fake_host_fail_each("http_service_read", ERR_TIMEOUT);
    CHECK(!plan_serves_http(arena, 41, 3000));
    fake_host_fail_each("http_service_read", ERR_NONE);
    CHECK(plan_serves_http(arena, 41, 3000) && !plan_serves_http(arena, 41, 3001));
    plan_close(&plan);
}

TEST(sites_of_iis_stop_by_their_service_after_what_depends_on_it)
{
    static const char host[] =
        HTTP("w3wp", QUEUE("40") W3SVC SCRIPT("{\"after_act\": \"stop W3SVC\", " HTTP_END
                                              ", \"change\": {\"services\": [{\"manager\": \"windows\", \"name\": "
                                              "\"W3SVC\", \"state\": \"inactive\"}]}}"));
    wants_the_word(arena, host);
    struct plan plan = plan_windows(arena, host, allowed);
    CHECK_INT(plan.steps.count, 2);
    CHECK_STR(plan.steps.items[0].sentence, "Stop AppHost");
    CHECK_STR(plan.steps.items[1].sentence, "Stop W3SVC");
    CHECK_STR(plan.steps.items[1].cost, "All that it serves through http.sys ends, not only port 3000.");
    CHECK(plan.steps.items[1].undo.possible);
    plan_close(&plan);
}

TEST(a_queue_that_nobody_can_be_named_for_is_no_ones_to_end)
{
    struct plan plan = plan_windows(arena, HTTP("shop", QUEUE("")), allowed);
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_INT(plan.steps.count, 0);
    plan_close(&plan);
}

TEST(a_rule_is_deleted_with_the_word_and_comes_back_by_undo)
{
    static const char host[] =
        PROXY(RULE) SCRIPT("{\"after_act\": \"set netsh interface portproxy delete v4tov4 listenport=3000 "
                           "listenaddress=0.0.0.0\", \"remove\": [\"tcp 0.0.0.0:3000\"]}");
    wants_the_word(arena, host);
    struct plan plan = plan_windows(arena, host, allowed);
    CHECK_INT(plan.steps.count, 1);
    const struct plan_step *step = &plan.steps.items[0];
    CHECK_INT(step->lever, LEVER_SYSTEM);
    CHECK_STR(step->by_hand, "netsh interface portproxy delete v4tov4 listenport=3000 listenaddress=0.0.0.0");
    CHECK_STR(step->undo.command, "netsh interface portproxy add v4tov4 listenport=3000 listenaddress=0.0.0.0 "
                                  "connectport=80 connectaddress=172.20.0.2");
    struct release release = carry_out(arena, &plan);
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(step->result, PLAN_DONE);
    CHECK_INT(fake_host()->redirects.count, 0);

    struct journal journal;
    struct journal_acts acts;
    struct err err = {0};
    struct plan back;
    CHECK(journal_read(arena, &journal, NULL, &err));
    CHECK_INT(journal.count, 1);
    CHECK(journal_can_undo(&journal.items[0]));
    journal_with(arena, &journal, journal_last_undoable(&journal), &acts);
    CHECK(take_back_plan(arena, &acts, STR("moorage undo"), &back, &err));
    CHECK_INT(back.steps.count, 1);
    CHECK_STR(back.steps.items[0].setting.after,
              "interface portproxy add v4tov4 listenport=3000 listenaddress=0.0.0.0 connectport=80 "
              "connectaddress=172.20.0.2");
    plan_close(&plan);
}

TEST(a_rule_that_is_gone_or_another_one_is_left_alone)
{
    struct plan plan = plan_windows(arena, PROXY(RULE), allowed);
    fake_host_edit()->redirects.items[0].rule = STR("v4tov4 0.0.0.0:3000 -> 10.0.0.9:80");
    (void)carry_out(arena, &plan);
    CHECK_INT(plan.steps.items[0].result, PLAN_NEEDLESS);
    CHECK_INT(fake_host()->redirects.count, 1);
    plan_close(&plan);

    plan = plan_windows(arena, PROXY(RULE), allowed);
    fake_host_fail_each("redirect_read", ERR_NOT_ALLOWED);
    struct release release = carry_out(arena, &plan);
    CHECK_INT(plan.steps.items[0].result, PLAN_FAILED);
    CHECK_INT(release.outcome, RELEASE_REFUSED);
    plan_close(&plan);
}

TEST(an_act_that_did_nothing_is_no_success)
{
    struct plan plan = plan_windows(arena, PROXY(RULE), allowed);
    plan.steps.items[0].setting.after = STR("interface portproxy show all");
    (void)carry_out(arena, &plan);
    CHECK_INT(plan.steps.items[0].result, PLAN_FAILED);
    CHECK(str_find(str_of(plan.steps.items[0].err.text), STR("is still there")) != SIZE_MAX);
    plan_close(&plan);
}

TEST(a_rule_whose_name_is_no_single_word_is_left_to_its_owner)
{
    static const char *const rules[] = {"v4tov4 a b:3000 -> 172.20.0.2:80", "v4tov4 0.0.0.0 -> 172.20.0.2:80",
                                        "v4tov4 0.0.0.0:3000 -> x", "v4tov4 :3000 -> 172.20.0.2:80"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct str host = str_printf(arena, PROXY("%s"), rules[i]);
        struct plan plan = plan_windows(arena, str_c(arena, host), allowed);
        CHECK_INT(plan_state(&plan), PLAN_REFUSED);
        CHECK_INT(plan.steps.count, 0);
        plan_close(&plan);
    }
    struct plan plan = plan_windows(arena, PROXY("v6tov4 [::1]:3000 -> 172.20.0.2:80"), allowed);
    CHECK_INT(plan.steps.count, 1);
    CHECK_STR(plan.steps.items[0].setting.after, "interface portproxy delete v6tov4 listenport=3000 listenaddress=::1");
    plan_close(&plan);
}

TEST(a_reservation_on_purpose_is_given_up_with_the_word)
{
    static const char host[] = EXCLUDED(
        RANGE("ipv4", 2990, 3009, GIVEN) "," RANGE("ipv6", 2990, 3009, GIVEN) "," RANGE("ipv4", 5000, 5000, GIVEN))
        SCRIPT("{\"after_act\": \"set netsh interface ipv6 delete excludedportrange protocol=tcp "
               "startport=2990 numberofports=20\", \"add\": {" PROBES(WORKED) "}}");
    wants_the_word(arena, host);
    struct plan plan = plan_windows(arena, host, allowed);
    CHECK_INT(plan.steps.count, 2);
    CHECK_STR(plan.steps.items[0].setting.after,
              "interface ipv4 delete excludedportrange protocol=tcp startport=2990 numberofports=20");
    CHECK_STR(plan.steps.items[1].undo.setting.after,
              "interface ipv6 add excludedportrange protocol=tcp startport=2990 numberofports=20");
    struct release release = carry_out(arena, &plan);
    CHECK_INT(release.outcome, RELEASE_FREED);
    CHECK_INT(fake_host()->ranges.count, 1);
    plan_close(&plan);
}

TEST(a_range_of_a_driver_is_refused_with_what_helps)
{
    struct plan plan =
        plan_windows(arena, EXCLUDED(RANGE("ipv4", 2990, 3009, GIVEN) "," RANGE("ipv4", 2980, 3079, "")), allowed);
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_INT(plan.steps.count, 0);
    CHECK_INT(plan.refusals.items[0].kind, PLAN_REFUSED_NO_HELP);
    CHECK(plan.refusals.items[0].alternative.len > 0);
    plan_close(&plan);
}

TEST(settings_of_the_system_take_more_rights)
{
    load_windows(arena, EXCLUDED(RANGE("ipv4", 3000, 3000, GIVEN)), false);
    struct plan plan = plan_again_of(arena, allowed);
    CHECK_INT(plan_state(&plan), PLAN_NEEDS_RIGHT);
    plan_close(&plan);
}

TEST(services_that_windows_depends_on_are_kept)
{
    static const char *const names[] = {"RpcSs", "LSM", "Dnscache"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str host = str_printf(arena,
                                     "\"processes\": [" ONE(70, 1, "svchost", "") "], " HELD_BY(
                                         70) ", \"services\": [{\"manager\": \"windows\", \"name\": \"%s\", "
                                             "\"main_pid\": 70, \"state\": \"active\"}]",
                                     names[i]);
        struct plan plan = plan_windows(arena, str_c(arena, host),
                                        (struct plan_wish){.allow = PLAN_ALLOW_SYSTEM | PLAN_ALLOW_REMOTE_ACCESS});
        CHECK_INT(plan_state(&plan), PLAN_REFUSED);
        CHECK_INT(plan.refusals.items[0].kind, PLAN_REFUSED_ALWAYS);
        CHECK(str_starts(plan.refusals.items[0].sentence, str_of(names[i])));
        CHECK_STR(plan.refusals.items[0].alternative, "Use another port.");
        plan_close(&plan);
    }
}

#define CHILD(service)                                                                             \
    "\"processes\": [" ONE(40, 39, "node", "\"session\": 0,") "," ONE(39, 2, "nssm", "") "," ONE(  \
        2, 1, "services", "") "], " HELD_BY(40) ", \"services\": "                                 \
                                                "[{\"manager\": \"windows\", \"name\": \"" service \
                                                "\", \"main_pid\": 39, \"state\": \"active\"}]"

TEST(what_the_program_of_a_service_started_stops_with_the_service)
{
    struct plan plan = plan_windows(arena, CHILD("shop"), (struct plan_wish){0});
    CHECK_INT(plan.steps.count, 1);
    CHECK_STR(plan.steps.items[0].sentence, "Stop shop");
    plan_close(&plan);
}

TEST(what_is_no_program_of_mine_is_not_given_up_for_me)
{
    struct plan_wish mine = allowed;
    mine.only.exe = STR("node");
    struct plan plan = plan_windows(arena, PROXY(RULE), mine);
    CHECK_INT(plan_state(&plan), PLAN_NOT_YOURS);
    plan_close(&plan);
    plan = plan_windows(arena, EXCLUDED(RANGE("ipv4", 3000, 3000, GIVEN)), mine);
    CHECK_INT(plan_state(&plan), PLAN_NOT_YOURS);
    plan_close(&plan);
    plan = plan_windows(arena, HTTP("shop", QUEUE("40")), mine);
    CHECK_INT(plan_state(&plan), PLAN_NOT_YOURS);
    plan_close(&plan);
}

TEST(the_service_of_remote_desktops_stops_with_its_own_word)
{
    static const char host[] = "\"processes\": [" ONE(70, 1, "svchost", "") "], " HELD_BY(
        70) ", \"services\": [{\"manager\": \"windows\", \"name\": \"TermService\", \"main_pid\": 70, \"state\": "
            "\"active\", \"dependants\": \"UmRdpService\"}]";
    struct plan plan = plan_windows(arena, host, (struct plan_wish){.again = STR("moorage free 3000")});
    CHECK_INT(plan_state(&plan), PLAN_REFUSED);
    CHECK_STR(plan.refusals.items[0].word, "remote-access");
    plan_close(&plan);
    plan = plan_windows(arena, host, (struct plan_wish){.allow = PLAN_ALLOW_REMOTE_ACCESS});
    CHECK_INT(plan_state(&plan), PLAN_READY);
    CHECK_INT(plan.steps.count, 2);
    CHECK_STR(plan.steps.items[0].service.name, "UmRdpService");
    plan_close(&plan);
}

TAP_MAIN
