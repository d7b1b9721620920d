// The record of acts: what was written is read back, and what is broken spoils nothing.

#include "core/journal.h"

#include "core/release.h"
#include "core/take_back.h"
#include "plan_host.h"
#include "sys/state_dir.h"

static struct journal_act
stop_of(const char *unit)
{
    return (struct journal_act){
        .uid = 0,
        .user = STR("root"),
        .invoker = STR("ann"),
        .line = STR("moorage free 80"),
        .lever = LEVER_SERVICE,
        .sentence = STR("Stop a unit"),
        .port = 80,
        .protocol = PROTOCOL_TCP,
        .why = STR("it listens on *:80"),
        .undo = {.possible = true,
                 .lever = LEVER_SERVICE,
                 .manager = STR("systemd"),
                 .name = str_of(unit),
                 .command = STR("systemctl start a unit")},
    };
}

static void
keep(struct arena *arena, struct journal_act *act, const char *result)
{
    CHECK(journal_begin(arena, act, NULL));
    act->result = str_of(result);
    CHECK(journal_end(arena, act, NULL));
}

TEST(an_act_is_read_back_as_it_was_written)
{
    struct journal journal;
    load("\"sockets\": []");
    struct journal_act act = stop_of("web.service");
    *LIST_ADD(arena, &act.processes) = (struct journal_process){40, STR("node")};
    act.error = STR("it went wrong");
    act.took_ms = 17;
    keep(arena, &act, "failed");
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK_INT(journal.count, 1);
    const struct journal_act *read = &journal.items[0];
    CHECK_STR(read->id, str_c(arena, act.id));
    CHECK_INT(read->time_ms, act.time_ms);
    CHECK_STR(read->user, "root");
    CHECK_STR(read->invoker, "ann");
    CHECK_STR(read->line, "moorage free 80");
    CHECK_INT(read->lever, LEVER_SERVICE);
    CHECK_STR(read->sentence, "Stop a unit");
    CHECK_INT(read->processes.count, 1);
    CHECK_INT(read->processes.items[0].pid, 40);
    CHECK_STR(read->processes.items[0].name, "node");
    CHECK_INT(read->port, 80);
    CHECK_STR(read->why, "it listens on *:80");
    CHECK_STR(read->result, "failed");
    CHECK_STR(read->error, "it went wrong");
    CHECK_INT(read->took_ms, 17);
    CHECK(read->undo.possible && read->undo.lever == LEVER_SERVICE);
    CHECK_STR(read->undo.name, "web.service");
    CHECK_STR(read->undo.command, "systemctl start a unit");
}

TEST(an_act_that_was_cut_off_shows_as_not_ended)
{
    struct journal journal;
    load("\"sockets\": []");
    struct journal_act act = stop_of("web.service");
    CHECK(journal_begin(arena, &act, NULL));
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK_STR(journal.items[0].result, "running");
    // It may have happened, so it can be taken back.
    CHECK(journal_last_undoable(&journal) == &journal.items[0]);
}

TEST(the_last_act_that_can_be_taken_back_is_found)
{
    struct journal journal;
    load("\"sockets\": []");
    struct journal_act first = stop_of("first.service");
    struct journal_act second = stop_of("second.service");
    struct journal_act failed = stop_of("failed.service");
    struct journal_act process = stop_of("");
    process.undo = (struct journal_undo){0};
    keep(arena, &first, "done");
    keep(arena, &second, "done");
    keep(arena, &failed, "failed");
    keep(arena, &process, "done");
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK_STR(journal_last_undoable(&journal)->undo.name, "second.service");
    // An undo that did not work takes nothing back; one that did is not taken back itself.
    struct journal_act undo = stop_of("second.service");
    undo.undoes = second.id;
    keep(arena, &undo, "failed");
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK_STR(journal_last_undoable(&journal)->undo.name, "second.service");
    keep(arena, &undo, "done");
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK_STR(journal_last_undoable(&journal)->undo.name, "first.service");
    CHECK(journal.items[1].undone && !journal.items[0].undone);
}

TEST(what_is_broken_is_passed_over_and_counted)
{
    static const char *const lines[] = {"{",
                                        "[]",
                                        "{}",
                                        "{\"schema\": \"moorage.act/2\", \"id\": \"a\"}",
                                        "{\"schema\": \"moorage.act/1\", \"id\": \"nobody\", \"result\": \"done\"}",
                                        "  "};
    struct journal journal;
    size_t skipped = 0;
    load("\"sockets\": []");
    struct journal_act act = stop_of("web.service");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK(state_dir_append(arena, "acts.jsonl", str_of(lines[i]), NULL));
    keep(arena, &act, "done");
    CHECK(journal_read(arena, &journal, &skipped, NULL));
    CHECK_INT(journal.count, 1);
    CHECK_INT(skipped, 5);
}

TEST(an_undo_that_names_nothing_is_none)
{
    struct journal journal;
    load("\"sockets\": []");
    CHECK(state_dir_append(
        arena, "acts.jsonl",
        STR("{\"schema\": \"moorage.act/1\", \"id\": \"a\", \"what\": {\"lever\": \"service\"}, \"result\": "
            "\"done\", \"undo\": {\"possible\": true, \"lever\": \"nonsense\", \"name\": \"x\"}}"),
        NULL));
    CHECK(journal_read(arena, &journal, NULL, NULL));
    CHECK(journal.count == 1 && !journal_last_undoable(&journal));
}

TEST(a_record_that_is_not_there_is_empty_and_one_that_cant_be_read_an_error)
{
    struct journal journal;
    struct err err = {0};
    struct journal_act act = stop_of("web.service");
    load("\"sockets\": []");
    CHECK(journal_read(arena, &journal, NULL, &err) && journal.count == 0);
    fake_host_fail_each("state_dir_read", ERR_NOT_ALLOWED);
    CHECK(!journal_read(arena, &journal, NULL, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK(str_starts(str_of(err.text), STR("read the record: ")));
    fake_host_fail_each("state_dir_append", ERR_SYSTEM);
    CHECK(!journal_begin(arena, &act, &err) && str_starts(str_of(err.text), STR("keep a record: ")));
}

// --- taking back ---

static void
take_back(struct arena *arena, const struct journal_act *act, struct plan *out)
{
    struct journal_acts acts = {0};

    *LIST_ADD(arena, &acts) = act;
    CHECK(take_back_plan(arena, &acts, STR("moorage undo"), out, NULL));
}

TEST(a_service_is_started_again)
{
    struct plan plan;
    struct journal_act act = stop_of("web.service");
    load("\"services\": [{\"manager\": \"systemd\", \"name\": \"web.service\", \"state\": \"inactive\"}]");
    take_back(arena, &act, &plan);
    CHECK_INT(plan.steps.count, 1);
    CHECK_STR(plan.steps.items[0].sentence, "Start web.service again");
    CHECK(plan.steps.items[0].start && plan.steps.items[0].needs_admin && plan.refusals.count == 0);
    struct release release = {.arena = arena, .plan = &plan};
    release_steps(&release, &plan);
    CHECK_INT(plan.steps.items[0].result, PLAN_DONE);
    release_steps(&release, &plan);
    CHECK_INT(plan.steps.items[0].result, PLAN_NEEDLESS);
}

TEST(starting_a_service_of_the_system_takes_more_rights)
{
    struct plan plan;
    struct host host = {.platform = STR("linux")};
    struct journal_act act = stop_of("web.service");
    load("\"uid\": 1000, \"admin\": false, \"sockets\": []");
    take_back(arena, &act, &plan);
    CHECK_INT(plan.refusals.count, 1);
    CHECK_STR(take_back_again(&plan, &host), "sudo moorage undo");
    // One's own manager asks for none.
    act.undo.manager = STR("systemd --user");
    act.undo.uid = 1000;
    take_back(arena, &act, &plan);
    CHECK(plan.refusals.count == 0 && !plan.steps.items[0].needs_admin);
}

TEST(a_container_is_started_again)
{
    struct plan plan;
    struct journal_act act = stop_of("web");
    act.undo.lever = LEVER_CONTAINER;
    act.undo.id = STR("4f5a");
    act.undo.api = STR("/run/docker.sock");
    act.undo.runtime = STR("docker");
    load("\"sockets\": []");
    take_back(arena, &act, &plan);
    CHECK_STR(plan.steps.items[0].sentence, "Start container web again");
    struct release release = {.arena = arena, .plan = &plan};
    release_steps(&release, &plan);
    CHECK_INT(plan.steps.items[0].result, PLAN_DONE);
}

TAP_MAIN
