#include "decode/supervisor.h"

#include "base/buf.h"
#include "tap.h"

// "supervisord web at /run/supervisor.sock"; the variables are given with a blank behind each.
static struct str
entry_in(struct arena *arena, const char *variables)
{
    struct buf bytes = {.arena = arena};
    struct supervisor_entry entry;

    for (const char *at = variables; *at; at++)
        buf_add_byte(&bytes, (char)(*at == ' ' ? '\0' : *at));
    supervisor_parse_environment(arena, buf_str(&bytes), &entry);
    CHECK_INT(entry.name.known, KNOWN_YES);
    if (entry.name.value.len == 0)
        return STR("none");
    return str_printf(arena, "%.*s %.*s at %.*s", STR_ARG(entry.of), STR_ARG(entry.name.value), STR_ARG(entry.api));
}

static const struct supervisor_entry web = {
    {KNOWN_YES, STR_INIT("web")}, STR_INIT("supervisord"), STR_INIT("/run/supervisor.sock")};
static const struct supervisor_entry third = {
    {KNOWN_YES, STR_INIT("3")}, STR_INIT("pm2"), STR_INIT("/root/.pm2/rpc.sock")};

TEST(supervisord_tells_its_programs_who_they_are)
{
    CHECK_STR(entry_in(arena, "A=1 SUPERVISOR_PROCESS_NAME=web SUPERVISOR_GROUP_NAME=web "
                              "SUPERVISOR_SERVER_URL=unix:///run/supervisor.sock "),
              "supervisord web at /run/supervisor.sock");
    CHECK_STR(entry_in(arena, "SUPERVISOR_PROCESS_NAME=web_01 SUPERVISOR_GROUP_NAME=shop "
                              "SUPERVISOR_SERVER_URL=http://localhost:9001"),
              "supervisord shop:web_01 at 127.0.0.1:9001");
    CHECK_STR(entry_in(arena, "SUPERVISOR_PROCESS_NAME=web SUPERVISOR_SERVER_URL=http://[::1]:9001/ "),
              "supervisord web at [::1]:9001");
}

TEST(pm2_tells_its_programs_who_they_are)
{
    CHECK_STR(entry_in(arena, "HOME=/home/ann pm_id=3 "), "pm2 3 at /home/ann/.pm2/rpc.sock");
    CHECK_STR(entry_in(arena, "HOME=/home/ann PM2_HOME=/srv/pm2 pm_id=0"), "pm2 0 at /srv/pm2/rpc.sock");
}

TEST(what_is_no_plain_word_or_lies_elsewhere_is_nothing)
{
    static const char *const others[] = {
        "",
        "HOME=/root ",
        "pm_id=3 ",
        "pm_id=-1 HOME=/root ",
        "pm_id=3;reboot HOME=/root ",
        "pm_id=99999999999 HOME=/root ",
        "pm_id=3 PM2_HOME=pm2 ",
        "pm_id=3 PM2_HOME=/a/../b ",
        "SUPERVISOR_PROCESS_NAME=web ",
        "SUPERVISOR_PROCESS_NAME=<web> SUPERVISOR_SERVER_URL=unix:///s ",
        "SUPERVISOR_PROCESS_NAME=-web SUPERVISOR_SERVER_URL=unix:///s ",
        "SUPERVISOR_PROCESS_NAME=$(x) SUPERVISOR_SERVER_URL=unix:///s ",
        "SUPERVISOR_PROCESS_NAME=web SUPERVISOR_SERVER_URL=unix://s ",
        "SUPERVISOR_PROCESS_NAME=web SUPERVISOR_SERVER_URL=http://10.0.0.1:9001 ",
        "SUPERVISOR_PROCESS_NAME=web SUPERVISOR_SERVER_URL=http://localhost.example:9001 ",
        "SUPERVISOR_PROCESS_NAME=web SUPERVISOR_SERVER_URL=http://127.0.0.1:0 ",
        "SUPERVISOR_PROCESS_NAME=web SUPERVISOR_SERVER_URL=http://127.0.0.1:65536 ",
        "SUPERVISOR_PROCESS_NAME=web SUPERVISOR_SERVER_URL=https://127.0.0.1:1 ",
        "XSUPERVISOR_PROCESS_NAME=web XSUPERVISOR_SERVER_URL=unix:///s ",
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_STR(entry_in(arena, others[i]), "none");
}

TEST(a_name_that_is_too_long_is_nothing)
{
    struct buf name = {.arena = arena};

    buf_pad(&name, 'a', 129);
    struct supervisor_entry entry = web;
    entry.name.value = buf_str(&name);
    CHECK(!supervisor_is_plain(&entry));
    entry.name.value.len--;
    CHECK(supervisor_is_plain(&entry));
    entry.of = STR("upstart");
    CHECK(!supervisor_is_plain(&entry));
}

// What pm2 expects and gives: two parts, of which the second names the question.
static struct str
frame(struct arena *arena, const char *json)
{
    struct buf out = {.arena = arena};
    size_t length = strlen(json) + 2;

    buf_add_byte(&out, 0x12);
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_add_byte(&out, (char)(length >> shift & 0xff));
    buf_addf(&out, "j:%s", json);
    buf_add(&out, (struct str){"\0\0\0\x0bs:moorage:0", 15});
    return buf_str(&out);
}

TEST(requests_are_what_supervisors_expect)
{
    struct str request = supervisor_request(arena, &web, SUPERVISOR_STOP);
    struct str body = str_part(request, str_find(request, STR("\r\n\r\n")) + 4, SIZE_MAX);

    CHECK(str_starts(request, STR("POST /RPC2 HTTP/1.1\r\n")));
    CHECK(str_find(request, str_printf(arena, "Content-Length: %zu\r\n", body.len)) != SIZE_MAX);
    CHECK_STR(body, "<?xml version=\"1.0\"?><methodCall><methodName>supervisor.stopProcess</methodName><params>"
                    "<param><value><string>web</string></value></param>"
                    "<param><value><boolean>0</boolean></value></param></params></methodCall>");
    CHECK(str_find(supervisor_request(arena, &web, SUPERVISOR_START), STR("supervisor.startProcess")) != SIZE_MAX);
    CHECK(str_find(supervisor_request(arena, &web, SUPERVISOR_ASK), STR("boolean")) == SIZE_MAX);
    request = supervisor_request(arena, &third, SUPERVISOR_STOP);
    CHECK(str_equal(request, frame(arena, "{\"type\":\"call\",\"method\":\"stopProcessId\",\"args\":[3]}")));
    CHECK(str_find(supervisor_request(arena, &third, SUPERVISOR_START), STR("startProcessId")) != SIZE_MAX);
    CHECK(str_find(supervisor_request(arena, &third, SUPERVISOR_ASK), STR("getMonitorData")) != SIZE_MAX);
}

// "running 17", "stopped 0 failed", "between 17": what the answer says; the kind of the error and its words where it says no.
static struct str
answer_of(struct arena *arena, const struct supervisor_entry *entry, enum supervisor_verb verb, struct str bytes,
          bool ended)
{
    struct supervisor_state state = {0};
    struct err err = {0};
    enum supervisor_answer answer = supervisor_parse(arena, entry, verb, bytes, ended, &state, &err);

    if (answer == SUPERVISOR_MORE)
        return STR("more");
    if (answer == SUPERVISOR_BAD)
        return str_printf(arena, "%d %s", err.kind, err.text);
    if (verb != SUPERVISOR_ASK)
        return STR("good");
    return str_printf(arena, "%s %u%s %.*s",
                      state.running   ? "running"
                      : state.stopped ? "stopped"
                                      : "between",
                      state.pid, state.failed ? " failed" : "", STR_ARG(state.word));
}

static struct str
http(struct arena *arena, unsigned status, const char *value)
{
    struct str body = str_printf(arena, "<?xml version='1.0'?>\n<methodResponse>%s</methodResponse>\n", value);

    return str_printf(arena, "HTTP/1.1 %u X\r\nContent-Length: %zu\r\n\r\n%.*s", status, body.len, STR_ARG(body));
}

static struct str
info(struct arena *arena, int state, const char *word, int pid)
{
    return http(
        arena, 200,
        str_printf(arena,
                   "<params><param><value><struct><member><name>state</name><value><int>%d</int></value></member>"
                   "<member><name>statename</name><value><string>%s</string></value></member>"
                   "<member><name>pid</name><value><int>%d</int></value></member></struct></value></param>"
                   "</params>",
                   state, word, pid)
            .ptr);
}

static struct str
fault(struct arena *arena, int code, const char *text)
{
    return http(arena, 200,
                str_printf(arena,
                           "<fault><value><struct><member><name>faultCode</name><value><int>%d</int></value></member>"
                           "<member><name>faultString</name><value><string>%s</string></value></member></struct>"
                           "</value></fault>",
                           code, text)
                    .ptr);
}

TEST(supervisord_says_how_an_entry_stands)
{
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, info(arena, 20, "RUNNING", 17), false), "running 17 RUNNING");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, info(arena, 10, "STARTING", 17), false), "between 17 STARTING");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, info(arena, 40, "STOPPING", 17), false), "between 17 STOPPING");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, info(arena, 0, "STOPPED", 0), false), "stopped 0 STOPPED");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, info(arena, 100, "EXITED", 0), false), "stopped 0 EXITED");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, info(arena, 200, "FATAL", 0), false), "stopped 0 failed FATAL");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, info(arena, -1, "X", 0), false),
              "6 supervisord does not say how it stands");
}

TEST(supervisord_says_yes_or_why_not)
{
    struct str yes = http(arena, 200, "<params><param><value><boolean>1</boolean></value></param></params>");

    CHECK_STR(answer_of(arena, &web, SUPERVISOR_STOP, yes, false), "good");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_STOP, fault(arena, 70, "NOT_RUNNING: web"), false), "good");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_START, fault(arena, 60, "ALREADY_STARTED: web"), false), "good");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, fault(arena, 10, "BAD_NAME: web"), false),
              "3 supervisord: BAD_NAME: web");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_START, fault(arena, 50, "SPAWN_ERROR: web"), false),
              "7 supervisord: SPAWN_ERROR: web");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, http(arena, 401, ""), false), "2 supervisord wants a password");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, http(arena, 404, ""), false), "7 supervisord answered 404");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, http(arena, 200, "<html/>"), false),
              "6 what came is no answer of supervisord");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, STR("HTTP/1.1 200"), false), "more");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, STR("HTTP/1.1 200"), true),
              "6 what came is no whole answer of supervisord");
    CHECK_STR(answer_of(arena, &web, SUPERVISOR_ASK, STR("SSH-2.0\r\n\r\n"), false),
              "6 what came is no whole answer of supervisord");
}

TEST(pm2_says_how_an_entry_stands)
{
    struct str all = frame(arena, "{\"args\":[[{\"pid\":9,\"pm_id\":1,\"pm2_env\":{\"status\":\"online\"}},"
                                  "{\"pid\":17,\"pm_id\":3,\"pm2_env\":{\"status\":\"online\"}}]]}");

    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, all, false), "running 17 online");
    for (size_t length = 0; length < all.len; length++)
        CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, str_part(all, 0, length), false), "more");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, str_part(all, 0, 9), true),
              "6 what came is no whole answer of pm2");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK,
                        frame(arena, "{\"args\":[[{\"pid\":0,\"pm_id\":3,\"pm2_env\":{\"status\":\"stopped\"}}]]}"),
                        false),
              "stopped 0 stopped");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK,
                        frame(arena, "{\"args\":[[{\"pm_id\":3,\"pm2_env\":{\"status\":\"errored\"}}]]}"), false),
              "stopped 0 failed errored");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, frame(arena, "{\"args\":[[{\"pid\":1,\"pm_id\":3}]]}"), false),
              "between 1 ");
}

TEST(pm2_says_yes_or_why_not)
{
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_STOP, frame(arena, "{\"args\":[{\"pid\":0}]}"), false), "good");
    CHECK_STR(
        answer_of(arena, &third, SUPERVISOR_STOP, frame(arena, "{\"error\":\"3 : id unknown\",\"stack\":\"\"}"), false),
        "3 pm2: 3 : id unknown");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_START, frame(arena, "{\"error\":\"no\"}"), false), "7 pm2: no");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, frame(arena, "{\"args\":[[]]}"), false),
              "3 pm2: 3 is not known");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, frame(arena, "{\"args\":[]}"), false), "3 pm2: 3 is not known");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, frame(arena, "[]"), false), "6 what came is no answer of pm2");
    CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, frame(arena, "{"), false), "6 what came is no answer of pm2");
    static const struct str broken[] = {{"\x22", 1}, {"\x10", 1}, {"HTTP/1.1 400", 12}, {"\x11\xff\xff\xff\xff", 5}};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK_STR(answer_of(arena, &third, SUPERVISOR_ASK, broken[i], false), "6 what came is no whole answer of pm2");
}

TAP_MAIN
