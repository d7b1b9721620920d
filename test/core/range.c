#include "core/range.h"

#include <stdio.h>

#include "core/range_use.h"
#include "core/release.h"
#include "core/take_back.h"
#include "sys/fake_host.h"
#include "tap.h"

#define RESERVED "net.ipv4.ip_local_reserved_ports"
#define DYNAMIC "net.ipv4.ip_local_port_range"
#define FILE_OF_OURS "/etc/sysctl.d/zz-moorage.conf"

#define LINUX                                                                                                        \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"admin\": true, \"ranges\": [{\"kind\": "        \
    "\"dynamic\", "                                                                                                  \
    "\"any_protocol\": true, \"first\": 32768, \"last\": 60999}, {\"kind\": \"reserved\", \"any_protocol\": true, "  \
    "\"first\": 40010, \"last\": 40019}], \"processes\": [{\"pid\": 40, \"name\": \"node\"}], \"sockets\": ["        \
    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:8080\"},"                                   \
    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::]:8080\"},"                                      \
    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:40001\"},"                                \
    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"127.0.0.1:40011\"},"                                \
    "{\"protocol\": \"tcp\", \"state\": \"ESTABLISHED\", \"local\": \"10.0.0.1:50000\", \"remote\": \"1.2.3.4:5\", " \
    "\"inode\": 5},"                                                                                                 \
    "{\"protocol\": \"tcp\", \"state\": \"ESTABLISHED\", \"local\": \"10.0.0.1:50000\", \"remote\": \"1.2.3.4:6\", " \
    "\"inode\": 6},"                                                                                                 \
    "{\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\": \"10.0.0.1:50001\", \"remote\": \"1.2.3.4:6\"},"   \
    "{\"protocol\": \"udp\", \"state\": \"UNCONN\", \"local\": \"0.0.0.0:50000\"}],"                                 \
    "\"holdings\": [{\"socket\": 0, \"pid\": 40}, {\"socket\": 4, \"pid\": 40}, {\"socket\": 5, \"pid\": 40}]}"

#define WINDOWS                                                                                                       \
    "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"windows\", \"admin\": true, \"ranges\": [{\"kind\": "       \
    "\"dynamic\", "                                                                                                   \
    "\"protocol\": \"tcp\", \"family\": \"ipv4\", \"first\": 49152, \"last\": 65535}, {\"kind\": \"excluded\", "      \
    "\"protocol\": \"tcp\", \"family\": \"ipv4\", \"first\": 50000, \"last\": 50099}], \"sockets\": [{\"protocol\": " \
    "\"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:8080\"}]}"

static struct host
load(struct arena *arena, const char *json)
{
    struct host host;
    struct err err = {0};

    if (!fake_host_load(str_of(json), &err) || !range_use_read(arena, true, &host, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    fake_host_environment(DYNAMIC, "32768\t60999");
    fake_host_forget_files();
    return host;
}

static struct plan
plan(struct arena *arena, const struct host *host, struct range_wish wish, uint16_t first, uint16_t last)
{
    struct plan out;

    *LIST_ADD(arena, &wish.spans) = (struct range_span){first, last};
    CHECK(range_plan_make(arena, host, &wish, &out, NULL));
    return out;
}

static bool
carry_out(struct plan *todo, struct err *err)
{
    struct release release = {.arena = todo->arena, .plan = todo, .user = STR("root")};
    bool good = release_steps(&release, todo);

    for (size_t i = 0; err && i < todo->steps.count; i++)
        if (todo->steps.items[i].result == PLAN_FAILED)
            *err = todo->steps.items[i].err;
    return good;
}

static struct str
value_of(struct arena *arena, const char *target)
{
    struct str value;

    CHECK(range_act_read(arena, str_of(target), &value, NULL));
    return value;
}

TEST(a_port_is_reserved_and_released)
{
    struct host host = load(arena, LINUX);
    struct plan reserve = plan(arena, &host, (struct range_wish){.deed = RANGE_RESERVE}, 8080, 8080);

    CHECK_INT(reserve.steps.count, 1);
    CHECK_STR(reserve.steps.items[0].setting.after, "8080");
    CHECK_STR(reserve.steps.items[0].sentence, "Set " RESERVED " to 8080");
    CHECK_STR(range_plan_undo(&reserve), "moorage range release 8080");
    CHECK_INT(reserve.notes.count, 1);
    CHECK(carry_out(&reserve, NULL));
    CHECK_INT(reserve.steps.items[0].result, PLAN_DONE);
    CHECK_STR(value_of(arena, RESERVED), "8080");
    // Again there is nothing to do.
    reserve = plan(arena, &host, (struct range_wish){.deed = RANGE_RESERVE}, 8080, 8080);
    CHECK_INT(reserve.steps.count, 0);
    CHECK_STR(range_plan_undo(&reserve), "");
    reserve = plan(arena, &host, (struct range_wish){.deed = RANGE_RESERVE}, 8079, 8082);
    CHECK_STR(reserve.steps.items[0].setting.after, "8079-8082");
    CHECK_STR(range_plan_undo(&reserve), "moorage range release 8079,8081-8082");
    struct plan release = plan(arena, &host, (struct range_wish){.deed = RANGE_RELEASE}, 8080, 8080);
    CHECK_STR(release.steps.items[0].sentence, "Set " RESERVED " to nothing");
    CHECK(carry_out(&release, NULL));
    CHECK_STR(value_of(arena, RESERVED), "");
}

TEST(what_is_to_last_stands_in_a_file)
{
    struct host host = load(arena, LINUX);
    fake_host_environment(RESERVED, "1234");
    struct range_wish wish = {.deed = RANGE_RESERVE, .persist = true};
    struct plan reserve = plan(arena, &host, wish, 8080, 8080);

    CHECK_INT(reserve.steps.count, 2);
    CHECK_STR(reserve.steps.items[1].setting.target, FILE_OF_OURS);
    CHECK_STR(range_plan_undo(&reserve), "moorage range release 8080 --persist");
    CHECK(carry_out(&reserve, NULL));
    CHECK(str_find(value_of(arena, FILE_OF_OURS), STR("ports = 1234,8080")) != SIZE_MAX);
    // Released only for now, it is told that it comes back.
    wish.persist = false;
    wish.deed = RANGE_RELEASE;
    struct plan release = plan(arena, &host, wish, 8080, 8080);
    CHECK_INT(release.steps.count, 1);
    CHECK(str_find(release.notes.items[0], STR("at the next restart")) != SIZE_MAX);
    wish.persist = true;
    release = plan(arena, &host, wish, 8080, 8080);
    CHECK_INT(release.steps.count, 2);
    CHECK_STR(release.steps.items[1].setting.after, "");
    CHECK(carry_out(&release, NULL));
    CHECK_STR(value_of(arena, FILE_OF_OURS), "");
    CHECK_STR(value_of(arena, RESERVED), "1234");
    fake_host_environment(RESERVED, NULL);
}

TEST(the_dynamic_range_moves)
{
    struct host host = load(arena, LINUX);
    struct range_wish wish = {.deed = RANGE_MOVE, .persist = true};
    struct plan move = plan(arena, &host, wish, 10000, 60000);

    CHECK_INT(move.refusals.count, 0);
    CHECK_INT(move.steps.count, 2);
    CHECK_STR(move.steps.items[0].setting.after, "10000 60000");
    CHECK_STR(range_plan_undo(&move), "moorage range dynamic 32768-60999 --persist");
    CHECK(carry_out(&move, NULL));
    CHECK(str_find(value_of(arena, FILE_OF_OURS), STR("range = 10000 60000")) != SIZE_MAX);
    wish.persist = false;
    host = load(arena, LINUX);
    CHECK_INT(plan(arena, &host, wish, 32768, 60999).steps.count, 0);
}

TEST(a_range_over_servers_is_refused)
{
    struct host host = load(arena, LINUX);
    struct range_wish wish = {.deed = RANGE_MOVE};
    struct plan move = plan(arena, &host, wish, 8000, 60999);

    CHECK_INT(move.refusals.count, 1);
    CHECK(str_find(move.refusals.items[0].sentence, STR("8080 (node, pid 40)")) != SIZE_MAX);
    CHECK(str_find(move.refusals.items[0].sentence, STR("moorage range reserve 8080")) != SIZE_MAX);
    // Servers that stand in the range already, or on reserved ports, lose nothing.
    CHECK(str_find(move.refusals.items[0].sentence, STR("40001")) == SIZE_MAX);
    CHECK_INT(plan(arena, &host, wish, 9000, 9100).refusals.count, 1);
    CHECK_INT(plan(arena, &host, wish, 1000, 1100).refusals.count, 2);
}

TEST(what_changed_meanwhile_is_left_alone)
{
    struct host host = load(arena, LINUX);
    struct plan reserve = plan(arena, &host, (struct range_wish){.deed = RANGE_RESERVE}, 8080, 8080);
    struct plan other = plan(arena, &host, (struct range_wish){.deed = RANGE_RESERVE}, 8081, 8081);
    struct err err = {0};

    CHECK(carry_out(&other, NULL));
    CHECK(!carry_out(&reserve, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK_STR(value_of(arena, RESERVED), "8081");
    fake_host_fail_each("range_act_read", ERR_NOT_ALLOWED);
    struct range_wish wish = {.deed = RANGE_RESERVE};
    *LIST_ADD(arena, &wish.spans) = (struct range_span){1, 2};
    CHECK(!range_plan_make(arena, &host, &wish, &other, NULL));
    wish.deed = RANGE_MOVE;
    CHECK(!range_plan_make(arena, &host, &wish, &other, NULL));
    fake_host_fail_each("range_act_read", ERR_NONE);
}

TEST(windows_reserves_for_each_protocol_and_family)
{
    struct host host = load(arena, WINDOWS);
    struct range_wish wish = {.deed = RANGE_RESERVE, .persist = true};
    struct plan reserve = plan(arena, &host, wish, 9000, 9009);

    CHECK_INT(reserve.steps.count, 4);
    CHECK_STR(reserve.steps.items[0].setting.after,
              "interface ipv4 add excludedportrange protocol=tcp startport=9000 numberofports=10 store=persistent");
    CHECK_STR(reserve.steps.items[3].setting.after,
              "interface ipv6 add excludedportrange protocol=udp startport=9000 numberofports=10 store=persistent");
    CHECK_STR(range_plan_undo(&reserve), "moorage range release 9000-9009 --persist");
    CHECK(carry_out(&reserve, NULL));
    wish.tcp = true;
    wish.persist = false;
    reserve = plan(arena, &host, wish, 9000, 9009);
    CHECK_INT(reserve.steps.count, 2);
    CHECK_STR(range_plan_undo(&reserve), "moorage range release 9000-9009 --tcp");
    reserve = plan(arena, &host, wish, 8080, 8080);
    CHECK_INT(reserve.refusals.count, 1);
    CHECK(str_find(reserve.refusals.items[0].sentence, STR("8080")) != SIZE_MAX);
    wish.deed = RANGE_MOVE;
    struct plan move = plan(arena, &host, wish, 50000, 60000);
    CHECK_STR(move.steps.items[0].setting.after,
              "interface ipv4 set dynamicport tcp start=50000 num=10001 store=active");
    CHECK_STR(range_plan_undo(&move), "moorage range dynamic 49152-65535 --tcp");
}

// The plan of `moorage undo` as it would be now.
static bool
take_back(struct arena *arena, struct plan *out)
{
    struct journal journal;
    struct journal_acts acts;

    CHECK(journal_read(arena, &journal, NULL, NULL));
    const struct journal_act *last = journal_last_undoable(&journal);
    if (!last)
        return false;
    journal_with(arena, &journal, last, &acts);
    return take_back_plan(arena, &acts, STR("moorage undo"), out, NULL);
}

TEST(what_was_set_together_is_taken_back_together)
{
    struct host host = load(arena, LINUX);
    struct range_wish wish = {.deed = RANGE_RESERVE, .persist = true};
    struct plan reserve = plan(arena, &host, wish, 8080, 8080);
    struct plan back;
    struct plan again;

    CHECK(carry_out(&reserve, NULL));
    CHECK(str_find(value_of(arena, FILE_OF_OURS), STR("8080")) != SIZE_MAX);
    CHECK(take_back(arena, &back));
    CHECK_INT(back.steps.count, 2);
    CHECK_INT(back.refusals.count, 0);
    CHECK_STR(back.steps.items[0].sentence, "Remove " FILE_OF_OURS ", of which nothing is left");
    CHECK_STR(back.steps.items[1].sentence, "Set " RESERVED " to nothing");
    CHECK_STR(back.steps.items[1].undoes, str_c(arena, reserve.steps.items[0].id));
    CHECK(carry_out(&back, NULL));
    CHECK_STR(value_of(arena, RESERVED), "");
    CHECK_STR(value_of(arena, FILE_OF_OURS), "");
    CHECK(!take_back(arena, &again));
}

TEST(each_change_is_taken_back_for_itself_and_the_last_one_first)
{
    struct host host = load(arena, LINUX);
    struct range_wish wish = {.deed = RANGE_RESERVE, .persist = true};
    struct plan first = plan(arena, &host, wish, 8080, 8080);
    struct plan back;

    CHECK(carry_out(&first, NULL));
    struct str file = value_of(arena, FILE_OF_OURS);
    wish.deed = RANGE_MOVE;
    struct plan move = plan(arena, &host, wish, 10000, 60000);
    CHECK(carry_out(&move, NULL));
    CHECK(take_back(arena, &back) && back.refusals.count == 0 && back.steps.count == 2);
    CHECK_STR(back.steps.items[1].sentence, "Set " DYNAMIC " to 32768 60999");
    CHECK_INT(back.steps.items[1].harm, HARM_SOME);
    CHECK(carry_out(&back, NULL));
    CHECK_STR(value_of(arena, DYNAMIC), "32768 60999");
    CHECK_STR(value_of(arena, FILE_OF_OURS), str_c(arena, file));
    CHECK(take_back(arena, &back) && carry_out(&back, NULL));
    CHECK_STR(value_of(arena, FILE_OF_OURS), "");
}

TEST(what_others_have_set_since_is_kept)
{
    struct host host = load(arena, LINUX);
    struct range_wish wish = {.deed = RANGE_RESERVE};
    struct plan reserve = plan(arena, &host, wish, 8080, 8081);
    struct plan back;
    bool needless;

    CHECK(carry_out(&reserve, NULL));
    // Somebody else adds a port, and gives one back.
    CHECK(range_act_do(arena, &(struct range_act){STR(RESERVED), STR("8080-8081"), STR("7000,8081")}, NULL));
    CHECK(take_back(arena, &back) && back.refusals.count == 0);
    CHECK_STR(back.steps.items[0].setting.after, "7000");
    CHECK(carry_out(&back, NULL));
    CHECK_STR(value_of(arena, RESERVED), "7000");
    wish.deed = RANGE_MOVE;
    struct plan move = plan(arena, &host, wish, 10000, 60000);
    CHECK(carry_out(&move, NULL));
    CHECK(range_set(arena, &(struct range_act){STR(DYNAMIC), STR("10000 60000"), STR("20000 50000")}, &needless, NULL));
    CHECK(!needless && take_back(arena, &back));
    CHECK(str_find(back.refusals.items[0].sentence, STR("has been changed since then")) != SIZE_MAX);
    // It is so already: nothing is set, and it counts as taken back.
    CHECK(range_set(arena, &(struct range_act){STR(DYNAMIC), STR("20000 50000"), STR("32768 60999")}, &needless, NULL));
    CHECK(take_back(arena, &back) && back.refusals.count == 0 && carry_out(&back, NULL));
    CHECK_INT(back.steps.items[0].result, PLAN_NEEDLESS);
    CHECK(!take_back(arena, &back));
}

TEST(a_range_is_not_put_back_over_servers)
{
    struct host host =
        load(arena, "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"admin\": true, \"ranges\": "
                    "[{\"kind\": \"dynamic\", \"any_protocol\": true, \"first\": 40000, \"last\": "
                    "60999}], \"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", "
                    "\"local\": \"0.0.0.0:33000\"}]}");
    struct plan move = {.arena = arena};
    struct plan back;

    struct plan_step *step = LIST_ADD(arena, &move.steps);
    *step = (struct plan_step){
        .lever = LEVER_SETTING,
        .goal = SIZE_MAX,
        .setting = {STR(DYNAMIC), STR("32768\t60999"), STR("40000 60999")},
        .undo = {.possible = true, .setting = {STR(DYNAMIC), STR("40000 60999"), STR("32768\t60999")}}};
    CHECK(carry_out(&move, NULL) && host.sockets.count == 1);
    CHECK(take_back(arena, &back));
    CHECK(str_find(back.refusals.items[0].sentence, STR("33000")) != SIZE_MAX);
}

TEST(putting_back_takes_the_same_right_and_words_of_netsh_have_opposites)
{
    struct host host = load(arena, WINDOWS);
    struct range_wish wish = {.deed = RANGE_MOVE, .tcp = true};
    struct plan move = plan(arena, &host, wish, 50000, 60000);
    struct plan back;

    CHECK(carry_out(&move, NULL));
    CHECK(take_back(arena, &back) && back.refusals.count == 0 && carry_out(&back, NULL));
    // Of IPv6 it is not known what the range was: that is not taken back.
    CHECK_INT(back.steps.count, 1);
    CHECK_STR(back.steps.items[0].setting.after,
              "interface ipv4 set dynamicport tcp start=49152 num=16384 store=active");
    wish.deed = RANGE_RESERVE;
    struct plan reserve = plan(arena, &host, wish, 9000, 9009);
    CHECK(carry_out(&reserve, NULL) && take_back(arena, &back));
    CHECK_STR(back.steps.items[1].setting.after,
              "interface ipv4 delete excludedportrange protocol=tcp startport=9000 numberofports=10 store=active");
    host = load(arena, "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"uid\": 1000, \"admin\": "
                       "false, \"sockets\": []}");
    reserve = plan(arena, &host, (struct range_wish){.deed = RANGE_RESERVE}, 8080, 8080);
    CHECK(carry_out(&reserve, NULL) && take_back(arena, &back));
    CHECK_INT(back.refusals.items[0].kind, PLAN_REFUSED_RIGHT);
    fake_host_fail_each("range_act_read", ERR_NOT_ALLOWED);
    CHECK(!take_back(arena, &back));
}

TEST(who_holds_each_of_many_sockets_is_found_at_once)
{
    struct host host = {0};
    struct range_pids pids[2];

    for (size_t i = 0; i < 6; i++)
        *LIST_ADD(arena, &host.holdings) = (struct holding){.socket = i % 3, .pid = i < 3 ? 50 : 40};
    *LIST_ADD(arena, &host.holdings) = (struct holding){.socket = 2, .pid = 40};
    range_use_holders(arena, &host, (size_t[]){2, 7}, 2, pids);
    CHECK_INT(pids[0].count, 2);
    CHECK_INT(pids[0].items[0], 40);
    CHECK_INT(pids[0].items[1], 50);
    CHECK_INT(pids[1].count, 0);
    range_use_holders(arena, &host, NULL, 0, NULL);
}

TEST(the_use_of_the_dynamic_range_is_counted)
{
    struct host host = load(arena, LINUX);
    struct range_uses uses = {0};
    size_t inside[16];

    range_use_find(arena, &host, &uses);
    CHECK_INT(uses.count, 2);
    const struct range_use *tcp = &uses.items[0];
    CHECK_INT(tcp->protocol, PROTOCOL_TCP);
    CHECK_INT(tcp->ports, 28232 - 10);
    CHECK_INT(tcp->taken, 3);
    CHECK_INT(tcp->sockets, 4);
    CHECK_INT(tcp->users.items[0].sockets, 2);
    CHECK_INT(uses.items[1].taken, 1);
    CHECK_INT(range_use_inside(arena, &host, inside), 1);
    CHECK_INT(host.sockets.items[inside[0]].local_port, 40001);
    host = load(arena, WINDOWS);
    uses = (struct range_uses){0};
    range_use_find(arena, &host, &uses);
    CHECK_INT(uses.count, 1);
    CHECK_INT(uses.items[0].ports, 16384 - 100);
    CHECK_INT(range_use_inside(arena, &host, inside), 0);
    struct host none;
    fake_host_fail_each("socket_table_read", ERR_NOT_ALLOWED);
    CHECK(!range_use_read(arena, true, &none, NULL));
}

TAP_MAIN
