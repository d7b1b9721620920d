// The fake platform when something is done to it: what a script says comes of it, and what comes of it without one.

#include "sys/fake_host.h"

#include "sys/clock.h"
#include "sys/container_act.h"
#include "sys/dialog.h"
#include "sys/pinned.h"
#include "sys/process.h"
#include "sys/service.h"
#include "sys/service_control.h"
#include "sys/socket_destroy.h"
#include "sys/socket_table.h"
#include "sys/state_dir.h"
#include "tap.h"

#define HEAD "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", \"uid\": 1000, "
#define NODE                                                                                                           \
    "\"processes\": [{\"pid\": 40, \"known\": \"yes\", \"name\": \"node\", \"uid\": 1000},"                            \
    "{\"pid\": 41, \"known\": \"yes\", \"name\": \"other\", \"uid\": 0}],"                                             \
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:3000\", \"inode\": 5},"         \
    "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:3001\", \"inode\": 6}],"                      \
    "\"holdings\": [{\"socket\": 0, \"pid\": 40, \"how\": \"fd\", \"fd\": 7},"                                         \
    "{\"socket\": 1, \"pid\": 40, \"how\": \"fd\", \"fd\": 8}, {\"socket\": 1, \"pid\": 41, \"how\": \"fd\", \"fd\": " \
    "8}]"

static void
load(const char *json)
{
    struct err err = {0};
    if (!fake_host_load(str_of(json), &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
}

static bool
lives(struct arena *arena, uint32_t pid)
{
    struct process process;
    process_read(arena, pid, PROCESS_BASIC, &process);
    return process.known == KNOWN_YES;
}

TEST(a_process_ends_as_its_script_says_and_its_sockets_with_it)
{
    struct pinned pinned;
    struct err err = {0};
    load(HEAD NODE ", \"script\": [{\"after_act\": \"signal 40\", \"after_ms\": 300, \"end\": [40]}]}");
    CHECK(pinned_open(40, false, &pinned, &err) && !pinned.bare);
    CHECK(pinned_permits(&pinned, &err) && pinned_send(&pinned, PINNED_END, &err));
    const struct pinned *list[] = {&pinned};
    pinned_wait(list, 1, 100);
    CHECK(pinned_lives(&pinned));
    pinned_wait(list, 1, 1000);
    CHECK(!pinned_lives(&pinned) && !lives(arena, 40));
    CHECK_INT(clock_mono_us() / 1000, 300);
    // What another one holds too stays.
    CHECK_INT(fake_host()->sockets.count, 1);
    CHECK_INT(fake_host()->sockets.items[0].local_port, 3001);
    CHECK(!pinned_send(&pinned, PINNED_KILL, &err));
    CHECK_INT(err.kind, ERR_GONE);
    pinned_close(&pinned);
}

TEST(only_the_hard_end_ends_a_process_without_a_script)
{
    struct pinned pinned;
    load(HEAD NODE "}");
    CHECK(pinned_open(40, false, &pinned, NULL));
    CHECK(pinned_send(&pinned, PINNED_END, NULL) && pinned_send(&pinned, PINNED_INTERRUPT, NULL) &&
          pinned_send(&pinned, PINNED_CONTINUE, NULL));
    CHECK(pinned_lives(&pinned));
    CHECK(pinned_send(&pinned, PINNED_KILL, NULL) && !pinned_lives(&pinned));
}

TEST(a_pin_does_not_name_a_later_process_of_the_same_number)
{
    struct pinned pinned;
    struct err err = {0};
    load(HEAD NODE ", \"script\": [{\"after_act\": \"signal 40\", \"end\": [40], \"add\": {\"processes\": ["
                   "{\"pid\": 40, \"known\": \"yes\", \"name\": \"innocent\", \"uid\": 1000}]}}]}");
    CHECK(pinned_open(40, false, &pinned, NULL) && pinned_send(&pinned, PINNED_END, NULL));
    CHECK(lives(arena, 40) && !pinned_lives(&pinned));
    CHECK(!pinned_send(&pinned, PINNED_KILL, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(lives(arena, 40));
}

TEST(another_users_process_may_not_be_ended)
{
    struct pinned pinned;
    struct err err = {0};
    load(HEAD NODE "}");
    CHECK(pinned_open(41, false, &pinned, NULL));
    CHECK(!pinned_permits(&pinned, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    CHECK(!pinned_send(&pinned, PINNED_KILL, &err) && pinned_lives(&pinned));
    CHECK(!pinned_open(99, false, &pinned, &err));
    CHECK_INT(err.kind, ERR_GONE);
    fake_host_fail_each("pinned_open", ERR_UNSUPPORTED);
    CHECK(!pinned_open(40, false, &pinned, &err));
    CHECK(pinned_open(40, true, &pinned, &err) && pinned.bare);
}

#define UNIT \
    "\"services\": [{\"manager\": \"systemd\", \"name\": \"web.service\", \"main_pid\": 40, \"state\": \"active\"}]"

static struct str
state_of(struct arena *arena, const char *unit)
{
    struct service service = {.state = STR("unknown")};
    (void)service_read(arena, false, 0, str_of(unit), 100, &service, NULL);
    return service.state;
}

TEST(a_unit_is_stopped_at_once_or_as_its_script_says)
{
    struct err err = {0};
    load(HEAD NODE ", " UNIT "}");
    CHECK(service_control_stop(arena, false, 0, STR("web.service"), 100, &err));
    CHECK_STR(state_of(arena, "web.service"), "inactive");
    CHECK(!lives(arena, 40));
    CHECK(service_control_start(arena, false, 0, STR("web.service"), 100, &err));
    CHECK_STR(state_of(arena, "web.service"), "active");
    CHECK(!service_control_stop(arena, false, 0, STR("no.service"), 100, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(!service_control_stop(arena, true, 1000, STR("web.service"), 100, &err));

    load(HEAD NODE ", " UNIT ", \"script\": [{\"after_act\": \"stop web.service\", \"after_ms\": 50, \"end\": [40],"
                   "\"add\": {\"services\": [{\"manager\": \"systemd\", \"name\": \"web.service\", \"state\": "
                   "\"failed\"}, {\"manager\": \"systemd\", \"name\": \"new.service\", \"state\": \"active\"}]}}]}");
    CHECK(service_control_stop(arena, false, 0, STR("web.service"), 100, &err));
    CHECK_STR(state_of(arena, "web.service"), "active");
    clock_sleep_ms(50);
    CHECK_STR(state_of(arena, "web.service"), "failed");
    CHECK_STR(state_of(arena, "new.service"), "active");
}

static bool
order(struct arena *arena, const char *answers, struct err *err)
{
    load(str_printf(arena, HEAD "\"api_answers\": [%s]}", answers).ptr);
    struct container_act *act =
        container_act_begin(arena, STR("/run/docker.sock"), STR("/containers/a/stop"), 100, err);
    bool good = act && container_act_wait(act, 20, err);
    container_act_end(act);
    return good;
}

#define ANSWER \
    "{\"runtime\": \"docker\", \"endpoint\": \"/run/docker.sock\", \"request\": \"POST /containers/a/stop\", "

TEST(a_container_is_stopped_unless_its_runtime_says_otherwise)
{
    struct err err = {0};
    CHECK(order(arena, "", &err));
    CHECK(fake_host()->api_answers.count == 0);
    CHECK(!order(arena, ANSWER "\"known\": \"timeout\"}", &err));
    CHECK_INT(err.kind, ERR_TIMEOUT);
    CHECK_INT(clock_mono_us(), 20000);
    CHECK(!order(arena, ANSWER "\"body\": \"HTTP/1.1 500 No\\r\\nContent-Length: 0\\r\\n\\r\\n\"}", &err));
    CHECK_INT(err.kind, ERR_SYSTEM);
    CHECK(!order(arena, ANSWER "\"body\": \"nonsense\"}", &err));
    CHECK_INT(err.kind, ERR_FORMAT);
}

TEST(what_is_left_of_connections_is_dropped_by_root_alone)
{
    const char *rows = "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\": \"127.0.0.1:80\","
                       "\"remote\": \"127.0.0.1:9\"},"
                       "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\": 4}]}";
    struct err err = {0};
    load(str_printf(arena, HEAD "%s", rows).ptr);
    const struct socket_row *row = &fake_host()->sockets.items[0];
    CHECK(!socket_destroy(arena, &row, 1, &err));
    CHECK_INT(err.kind, ERR_NOT_ALLOWED);
    load(str_printf(arena, HEAD "\"admin\": true, %s", rows).ptr);
    row = &fake_host()->sockets.items[1];
    CHECK(!socket_destroy(arena, &row, 1, &err));
    struct socket_row copy = fake_host()->sockets.items[0];
    row = &copy;
    CHECK(socket_destroy(arena, &row, 1, &err));
    CHECK_INT(fake_host()->sockets.count, 1);
    CHECK_INT(fake_host()->sockets.items[0].state, SOCKET_LISTEN);
}

TEST(lines_are_kept_in_memory)
{
    struct str text;
    struct err err = {0};
    load(HEAD "\"sockets\": []}");
    fake_host_forget_files();
    CHECK(!state_dir_read(arena, "a", 100, &text, &err));
    CHECK_INT(err.kind, ERR_GONE);
    CHECK(state_dir_append(arena, "a", STR("x"), &err) && state_dir_append(arena, "b", STR("y"), &err) &&
          state_dir_append(arena, "a", STR("z"), &err));
    CHECK(state_dir_read(arena, "a", 100, &text, &err));
    CHECK_STR(text, "x\nz\n");
    CHECK(state_dir_path(arena, &text, &err));
    fake_host_forget_files();
}

TEST(answers_come_from_the_environment)
{
    struct str line;
    bool on_output = false;
    load(HEAD "\"sockets\": []}");
    CHECK(!dialog_is_possible(NULL) && !dialog_read_line(arena, &line) && !dialog_shows_progress());
    fake_host_environment("MOORAGE_FAKE_ANSWERS", "y|no");
    CHECK(dialog_is_possible(&on_output) && on_output);
    CHECK(dialog_read_line(arena, &line));
    CHECK_STR(line, "y");
    CHECK(dialog_read_line(arena, &line));
    CHECK_STR(line, "no");
    CHECK(!dialog_read_line(arena, &line));
    CHECK(!dialog_interrupted());
    dialog_hold_interrupt(true);
    CHECK(!dialog_interrupted());
    fake_host_fail_each("dialog_interrupted", ERR_SYSTEM);
    CHECK(dialog_interrupted());
    dialog_hold_interrupt(false);
    CHECK(!dialog_interrupted());
}

TAP_MAIN
