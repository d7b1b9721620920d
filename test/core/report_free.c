// Plans and what came of them as documents.

#include "core/report_free.h"

#include "plan_host.h"

static const struct report_privacy open_to_all = {0};
static const struct report_privacy shared = {.share = true};

static const cJSON *
member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static struct str
text(const cJSON *object, const char *key)
{
    return str_of(cJSON_GetStringValue(member(object, key)));
}

static cJSON *
report(struct arena *arena, const struct plan *plan, const struct release *release, const char *outcome,
       const struct report_privacy *privacy)
{
    cJSON *root = report_begin(arena, "moorage.free/1", plan->goals.items[0].host, privacy);
    report_free(arena, root, plan, release, str_of(outcome), privacy);
    return root;
}

TEST(a_plan_is_told_before_it_is_carried_out)
{
    struct plan plan =
        plan_of(arena, PROCESS_AND(40, 1, "node", "\"command\": [\"node\", \"--password=hunter2\"],") HELD_BY(40),
                (struct plan_wish){.again = STR("moorage free 3000")});
    cJSON *root = report(arena, &plan, NULL, "", &open_to_all);
    CHECK(cJSON_IsNull(member(root, "outcome")) && cJSON_IsFalse(member(root, "acted")));
    CHECK(cJSON_IsNull(member(root, "freed_ms")) && cJSON_IsNull(member(root, "again")));
    const cJSON *port = member(root, "ports")->child;
    CHECK_STR(text(port, "was"), "node (pid 40) listens on *:3000");
    CHECK_STR(text(member(port, "probe"), "result"), "EADDRINUSE");
    CHECK(cJSON_IsFalse(member(member(port, "now"), "bindable")));
    const cJSON *step = member(root, "plan")->child;
    CHECK_STR(text(step, "lever"), "process");
    CHECK_STR(text(step, "result"), "planned");
    CHECK(cJSON_IsNull(member(step, "undo")) && cJSON_IsNull(member(step, "took_ms")));
    const cJSON *target = member(step, "targets")->child;
    CHECK_INT(member(target, "pid")->valueint, 40);
    CHECK_STR(text(target, "signal"), "end");
    CHECK_STR(text(target, "user"), "ann");
    CHECK_STR(str_of(member(target, "command")->child->next->valuestring), "--password=***");
    root = report(arena, &plan, NULL, "", &shared);
    target = member(member(root, "plan")->child, "targets")->child;
    CHECK(cJSON_IsNull(member(target, "user")) && member(target, "command")->child == NULL);
    CHECK(str_find(text(target, "cwd"), STR("shop")) == SIZE_MAX);
}

TEST(what_came_of_it_is_told_with_its_times)
{
    struct plan plan = plan_of(arena, UNIT("web.service", 40, "\"at_boot\": true,"), (struct plan_wish){0});
    struct release release = {.arena = arena, .plan = &plan, .watch_ms = 1000};
    release_run(&release);
    cJSON *root = report(arena, &plan, &release, "freed", &open_to_all);
    CHECK_STR(text(root, "outcome"), "freed");
    CHECK(member(root, "freed_ms")->valuedouble >= 0 && cJSON_IsTrue(member(root, "acted")));
    CHECK_INT(member(root, "watched_ms")->valueint, 1000);
    const cJSON *step = member(root, "plan")->child;
    CHECK_STR(text(step, "unit"), "web.service");
    CHECK_STR(text(step, "right"), "admin");
    CHECK_STR(text(member(step, "undo"), "command"), "systemctl start web.service");
    CHECK(text(step, "at_boot").len > 0 && text(step, "act").len > 0);
    CHECK(cJSON_IsNumber(member(member(root, "ports")->child, "freed_ms")));
}

TEST(a_container_is_told_by_its_name)
{
    struct plan plan = plan_of(arena, CONTAINER(""), (struct plan_wish){0});
    cJSON *root = report(arena, &plan, NULL, "", &open_to_all);
    CHECK_STR(text(member(root, "plan")->child, "container"), "web");
}

TEST(what_speaks_against_it_is_told_with_the_word_and_the_line)
{
    struct plan plan =
        plan_of(arena, PROCESS(40, 1, "sshd") HELD_BY(40), (struct plan_wish){.again = STR("moorage free 3000")});
    cJSON *root = report(arena, &plan, NULL, "refused", &open_to_all);
    const cJSON *refusal = member(root, "refusals")->child;
    CHECK_STR(text(refusal, "kind"), "word");
    CHECK_STR(text(refusal, "allow"), "remote-access");
    CHECK_STR(text(root, "again"), "moorage free 3000 --allow remote-access");
}

TEST(an_address_is_told_as_it_was_asked_for)
{
    static const struct {
        enum endpoint_host host;
        const char *said;
    } cases[] = {{ENDPOINT_ADDRESS, "127.0.0.1"}, {ENDPOINT_LOCALHOST, "localhost"}};
    for (size_t i = 0; i < 2; i++) {
        struct plan plan;
        struct plan_wish wish = {0};
        struct why_question question = {
            .endpoint = {.first = 3000, .last = 3000, .host = cases[i].host, .address = address_ipv4(127, 0, 0, 1)},
            .deadline_ms = 300};
        load(SERVER);
        plan_make(arena, &wish, &question, 1, &plan);
        cJSON *root = report(arena, &plan, NULL, "", &open_to_all);
        CHECK_STR(text(member(root, "ports")->child, "address"), cases[i].said);
    }
}

TEST(a_port_that_could_not_be_asked_about_has_no_answer)
{
    load(SERVER);
    fake_host_fail_each("socket_table_read", ERR_SYSTEM);
    struct plan plan = plan_again_of(arena, (struct plan_wish){0});
    cJSON *root = report(arena, &plan, NULL, "refused", &open_to_all);
    const cJSON *port = member(root, "ports")->child;
    CHECK(cJSON_IsNull(member(port, "now")) && cJSON_IsNull(member(port, "probe")));
}

TEST(the_second_plan_follows_the_first)
{
    const char *host = "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 1, "runner", "") "], " HELD_BY(
        40) ", \"script\": [{\"after_act\": \"signal 40\", \"end\": [40]}, {\"after_act\": \"signal 40\", "
            "\"after_ms\": 200, \"add\": {"
            "\"processes\": [" ONE(77, 39, "node",
                                   "") "], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": "
                                       "\"0.0.0.0:3000\", \"inode\": 8, \"cookie\": 12}], \"holdings\": [" HOLDS(
                                           77) "]}}, {\"after_act\": \"signal 39\", "
                                               "\"end\": [39]}, {\"after_act\": \"signal 77\", \"end\": [77]}]";
    struct plan plan = plan_of(arena, host, (struct plan_wish){.allow = PLAN_ALLOW_SUPERVISOR});
    struct release release = {.arena = arena, .plan = &plan, .watch_ms = 1000};
    release_run(&release);
    CHECK_INT(release.outcome, RELEASE_FREED);
    cJSON *root = report(arena, &plan, &release, "freed", &open_to_all);
    CHECK_INT(cJSON_GetArraySize(member(root, "plan")), 3);
    CHECK_STR(text(root, "started_by"), "runner (pid 39)");
    CHECK(cJSON_IsTrue(member(member(root, "ports")->child, "bindable")));
}

TEST(an_act_is_told_without_users_when_it_is_shared)
{
    struct journal_act act = {.id = STR("a"),
                              .user = STR("root"),
                              .invoker = STR("ann"),
                              .sentence = STR("Stop it"),
                              .result = STR("done"),
                              .port = 80,
                              .undo = {.possible = true, .command = STR("systemctl start it")}};
    *LIST_ADD(arena, &act.processes) = (struct journal_process){40, STR("node")};
    json_use(arena);
    cJSON *array = cJSON_CreateArray();
    report_free_act(arena, array, &act, &open_to_all);
    CHECK_STR(text(array->child, "for"), "ann");
    CHECK(cJSON_IsTrue(member(array->child, "can_undo")));
    CHECK_INT(member(array->child, "port")->valueint, 80);
    act.port = 0;
    act.undone = true;
    report_free_act(arena, array, &act, &shared);
    CHECK(cJSON_IsNull(member(array->child->next, "user")) && cJSON_IsNull(member(array->child->next, "port")));
    CHECK(cJSON_IsFalse(member(array->child->next, "can_undo")));
}

TAP_MAIN
