#include "core/report.h"

#include "tap.h"

static const struct report_privacy open_hand = {.full = true};
static const struct report_privacy masked = {.full = false};
static const struct report_privacy to_share = {.share = true, .home = STR_INIT("/home/ann")};

static struct process
node(struct arena *arena)
{
    struct process process = {.pid = 41233,
                              .known = KNOWN_YES,
                              .name = STR("node"),
                              .exe = {KNOWN_YES, STR("/usr/bin/node")},
                              .command_known = KNOWN_YES,
                              .cwd = {KNOWN_YES, STR("/home/ann/src/shop")},
                              .git_root = {KNOWN_YES, STR("/home/ann/src/shop")},
                              .git_branch = {KNOWN_YES, STR("main")},
                              .user = {KNOWN_YES, STR("ann")},
                              .started_known = true,
                              .started_ms = 1769850000000,
                              .state = 'S',
                              .tty = STR("pts/3")};

    *LIST_ADD(arena, &process.command) = STR("/usr/bin/node");
    *LIST_ADD(arena, &process.command) = STR("server.js");
    *LIST_ADD(arena, &process.command) = STR("--password=hunter2");
    return process;
}

static struct str
holder_text(struct arena *arena, const struct holder *holder, const struct report_privacy *privacy)
{
    struct host host = {0};

    json_use(arena);
    cJSON *array = cJSON_CreateArray();
    report_add_holder(arena, array, &host, holder, privacy);
    return json_print(arena, array, false);
}

static bool
has(struct str text, const char *part)
{
    bool found = str_find(text, str_of(part)) != SIZE_MAX;

    if (!found)
        printf("# «%s» is missing in %.*s\n", part, STR_ARG(text));
    return found;
}

TEST(time_is_written_as_utc)
{
    CHECK_STR(report_time(arena, 0), "1970-01-01T00:00:00Z");
    CHECK_STR(report_time(arena, 1769860800999), "2026-01-31T12:00:00Z");
    CHECK_STR(report_time(arena, 951782399000), "2000-02-28T23:59:59Z");
    CHECK_STR(report_time(arena, 951868800000), "2000-03-01T00:00:00Z");
    CHECK_STR(report_time(arena, -1), "1969-12-31T23:59:59Z");
}

TEST(document_begins_with_schema_host_and_time)
{
    struct host host = {.name = STR("devbox"), .time_ms = 1769860800000};
    CHECK_STR(json_print(arena, report_begin(arena, "moorage.why/1", &host, &masked), false),
              "{\"schema\":\"moorage.why/1\",\"host\":\"devbox\",\"time\":\"2026-01-31T12:00:00Z\"}\n");
    CHECK(has(json_print(arena, report_begin(arena, "moorage.why/1", &host, &to_share), false), "\"host\":\"host\""));
}

TEST(facts_of_a_holder_are_told)
{
    struct process process = node(arena);
    struct process parent = {.pid = 41230, .name = STR("npm")};
    struct holder holder = {.pid = 41233, .process = &process, .started_by = STR("npm run dev")};
    *LIST_ADD(arena, &holder.how) = STR("fd 19");
    *LIST_ADD(arena, &holder.warnings) = STR("Its file was deleted.");
    *LIST_ADD(arena, &holder.ancestry) = &parent;
    struct str text = holder_text(arena, &holder, &masked);
    CHECK(has(text, "\"pid\":41233"));
    CHECK(has(text, "\"how\":\"fd 19\""));
    CHECK(has(text, "\"started\":\"2026-01-31T09:00:00Z\""));
    CHECK(has(text, "\"git\":{\"root\":\"/home/ann/src/shop\",\"branch\":\"main\"}"));
    CHECK(has(text, "\"ancestry\":[{\"pid\":41230,\"name\":\"npm\"}]"));
    CHECK(has(text, "\"warnings\":[\"Its file was deleted.\"]"));
    CHECK(has(text, "\"service\":null"));
    CHECK(has(text, "\"container\":null"));
    CHECK(str_find(text, STR("hunter2")) == SIZE_MAX);
    CHECK(str_find(text, STR("unknown")) == SIZE_MAX);
    CHECK(has(holder_text(arena, &holder, &open_hand), "hunter2"));
}

TEST(shared_answer_names_neither_user_nor_home_nor_arguments)
{
    struct process process = node(arena);
    struct holder holder = {.pid = 41233, .process = &process, .started_by = STR("ann's shell")};
    struct str text = holder_text(arena, &holder, &to_share);
    CHECK(str_find(text, STR("ann")) == SIZE_MAX);
    CHECK(str_find(text, STR("server.js")) == SIZE_MAX);
    CHECK(has(text, "\"command\":[\"node\"]"));
    CHECK(has(text, "\"user\":null"));
}

TEST(what_could_not_be_read_is_null_and_has_its_reason)
{
    struct process process = {.pid = 7,
                              .name = STR("x"),
                              .exe = {.known = KNOWN_NOT_ALLOWED},
                              .command_known = KNOWN_TIMEOUT,
                              .cwd = {.known = KNOWN_UNSUPPORTED},
                              .user = {.known = KNOWN_GONE}};
    struct holder holder = {.pid = 7, .process = &process};
    struct str text = holder_text(arena, &holder, &masked);
    CHECK(has(text, "\"exe\":null"));
    CHECK(has(text, "\"command\":null"));
    CHECK(has(text, "\"how\":null"));
    CHECK(has(text, "\"unknown\":{\"started\":\"gone\",\"exe\":\"not-allowed\",\"command\":\"timeout\","
                    "\"cwd\":\"unsupported\",\"user\":\"gone\"}"));
    holder.process = NULL;
    CHECK(has(holder_text(arena, &holder, &masked), "\"exe\":\"gone\""));
    process = (struct process){.pid = 7, .known = KNOWN_GONE};
    holder.process = &process;
    CHECK(has(
        holder_text(arena, &holder, &masked),
        "\"unknown\":{\"started\":\"gone\",\"exe\":\"gone\",\"command\":\"gone\",\"cwd\":\"gone\",\"user\":\"gone\"}"));
}

TEST(bytes_that_are_no_text_are_kept_beside)
{
    struct process process = node(arena);
    *LIST_ADD(arena, &process.command) = STR("\xff");
    struct holder holder = {.pid = 41233, .process = &process};
    CHECK(has(holder_text(arena, &holder, &open_hand), "\"command_raw\":["));
    CHECK(has(holder_text(arena, &holder, &open_hand), "\"/w==\"]"));
    process.command.items[0] = STR("/home/ann/\xfe");
    struct str text = holder_text(arena, &holder, &to_share);
    CHECK(has(text, "\"command\":[\"\xef\xbf\xbd\"],\"command_raw\":[\"/g==\"]"));
}

TEST(unit_and_container_of_a_holder_are_told)
{
    struct service unit = {.manager = STR("systemd"), .name = STR("nginx.service"), .main_pid = 7};
    struct container container = {.runtime = STR("docker"), .id = STR("0123456789ab"), .name = STR("web")};
    *LIST_ADD(arena, &container.ports) = (struct published_port){.host_port = 8080, .container_port = 80};
    struct holder holder = {.pid = 7, .unit = unit.name, .service = &unit, .forwards = &container};
    struct str text = holder_text(arena, &holder, &masked);
    CHECK(has(text, "\"service\":{\"manager\":\"systemd\",\"name\":\"nginx.service\",\"main_pid\":7"));
    CHECK(has(text, "\"name\":\"web\",\"image\":null"));
    CHECK(has(text, "\"ports\":[{\"protocol\":\"tcp\",\"host_port\":8080,\"container_port\":80}]"));
    holder = (struct holder){.pid = 7,
                             .unit = STR("app.service"),
                             .user_manager = true,
                             .runtime = STR("podman"),
                             .container_id = STR("fedcba987654")};
    text = holder_text(arena, &holder, &masked);
    CHECK(has(text, "\"manager\":\"systemd --user\""));
    CHECK(has(text, "\"runtime\":\"podman\",\"id\":\"fedcba987654\",\"name\":null"));
}

static struct str
socket_text(struct arena *arena, const struct host *host, const struct socket_row *row)
{
    json_use(arena);
    cJSON *object = cJSON_CreateObject();
    report_add_socket(arena, object, host, row, &masked);
    return json_print(arena, object, false);
}

TEST(shared_socket_names_no_user)
{
    struct host host = {0};
    struct socket_row row = {.local = address_any(FAMILY_IPV4), .uid = 1000, .uid_known = true};
    json_use(arena);
    cJSON *object = cJSON_CreateObject();
    report_add_socket(arena, object, &host, &row, &to_share);
    CHECK(has(json_print(arena, object, false), "\"uid\":null"));
}

TEST(sockets_tell_endpoint_state_and_place)
{
    struct host host = {0};
    *LIST_ADD(arena, &host.namespaces) = (struct netns){.id = 4026532281, .name = STR("blue")};
    struct socket_row row = {.state = SOCKET_LISTEN,
                             .local = address_any(FAMILY_IPV6),
                             .local_port = 8080,
                             .v6only = TRI_NO,
                             .inode = 99123,
                             .cookie = 7,
                             .uid = 1000,
                             .uid_known = true,
                             .device = 3,
                             .device_name = STR("eth0"),
                             .netns = 4026532281,
                             .backlog = 128};
    struct str text = socket_text(arena, &host, &row);
    CHECK(has(text, "\"local\":\"[::]:8080\",\"remote\":null,\"state\":\"LISTEN\",\"uid\":1000,\"inode\":99123"));
    CHECK(has(text, "\"device\":\"eth0\",\"netns\":\"blue\",\"v6only\":false,\"cookie\":\"7\""));
    CHECK(has(text, "\"queue\":0,\"backlog\":128"));
    row = (struct socket_row){.state = SOCKET_TIME_WAIT,
                              .local = address_loopback(FAMILY_IPV6),
                              .local_port = 80,
                              .remote = address_loopback(FAMILY_IPV6),
                              .remote_port = 4000,
                              .device = 9,
                              .netns = 5,
                              .expires_ms = 1500};
    text = socket_text(arena, &host, &row);
    CHECK(has(text, "\"remote\":\"[::1]:4000\",\"state\":\"TIME_WAIT\",\"uid\":null"));
    CHECK(has(text, "\"device\":\"if9\",\"netns\":\"net:[5]\",\"v6only\":null,\"expires_ms\":1500"));
}

static struct str
answer_text(struct arena *arena, const struct host *host, const struct answer *answer,
            const struct report_privacy *privacy)
{
    json_use(arena);
    cJSON *array = cJSON_CreateArray();
    report_add_answer(arena, array, host, answer, privacy);
    return json_print(arena, array, false);
}

TEST(answer_tells_question_binds_causes_and_remedies)
{
    struct host host = {0};
    struct port_range range = {.first = 32768, .last = 60999, .source = STR("net.ipv4.ip_local_port_range")};
    struct service unit = {.name = STR("cups.socket")};
    struct container container = {.runtime = STR("docker"), .id = STR("0123456789ab")};
    *LIST_ADD(arena, &host.sockets) = (struct socket_row){.local = address_any(FAMILY_IPV4), .local_port = 8080};
    struct answer answer = {.question = {.endpoint = {.first = 8080, .last = 8080}, .mode = BIND_REUSE},
                            .tier = TIER_PROC,
                            .plain_warning = STR("free for most servers")};
    *LIST_ADD(arena, &answer.probes) = (struct probe){
        .address = address_any(FAMILY_IPV4), .bind = STR("reuse"), .code = 98, .result = STR("EADDRINUSE")};
    *LIST_ADD(arena, &answer.unseen) =
        (struct unseen){.pid = 1, .what = STR("fds"), .reason = KNOWN_NOT_ALLOWED, .relevant = true};
    *LIST_ADD(arena, &answer.suggest) = 8081;
    struct cause *cause = LIST_ADD(arena, &answer.causes);
    *cause = (struct cause){.kind = CAUSE_LINGERING,
                            .blocks = true,
                            .sentence = STR("s"),
                            .seconds = 43,
                            .range = &range,
                            .service = &unit,
                            .container = &container};
    *LIST_ADD(arena, &cause->sockets) = 0;
    *LIST_ADD(arena, &cause->notes) = STR("note");
    LIST_ADD(arena, &cause->holders)->pid = 7;
    *LIST_ADD(arena, &cause->remedies) =
        (struct remedy){.lever = LEVER_OTHER_PORT, .harm = HARM_NONE, .sentence = STR("r"), .port = 8081};
    struct str text = answer_text(arena, &host, &answer, &masked);
    CHECK(has(text, "\"protocol\":\"tcp\",\"address\":null,\"port\":8080,\"bindable\":false,\"proved\":false,"
                    "\"bind\":\"reuse\""));
    CHECK(has(text, "{\"address\":\"0.0.0.0\",\"bind\":\"reuse\",\"result\":\"EADDRINUSE\",\"code\":98}"));
    CHECK(has(text, "\"tier\":\"proc\",\"complete\":false,\"unseen\":[{\"pid\":1,\"what\":\"fds\","
                    "\"reason\":\"not-allowed\"}],\"plain\":\"free for most servers\""));
    CHECK(has(text, "\"kind\":\"lingering\",\"blocks\":true,\"sentence\":\"s\""));
    CHECK(has(text, "\"notes\":[\"note\"],\"unit\":\"cups.socket\",\"container\":{\"runtime\":\"docker\""));
    CHECK(has(text, "\"range\":{\"first\":32768,\"last\":60999"));
    CHECK(has(text, "\"seconds\":43,\"remedies\":[{\"lever\":\"other-port\",\"harm\":\"none\",\"sentence\":\"r\","
                    "\"command\":null,\"by_hand\":null,\"port\":8081}]"));
    CHECK(has(text, "\"suggest\":[8081]"));
    answer.question.endpoint.host = ENDPOINT_LOCALHOST;
    CHECK(has(answer_text(arena, &host, &answer, &to_share), "\"address\":\"localhost\""));
    answer.question.endpoint.host = ENDPOINT_ADDRESS;
    answer.question.endpoint.address = address_loopback(FAMILY_IPV6);
    CHECK(has(answer_text(arena, &host, &answer, &masked), "\"address\":\"::1\""));
}

TEST(what_windows_tells_of_a_program_is_told)
{
    struct process process = node(arena);
    struct service service = {.manager = STR("windows"),
                              .name = STR("Shop"),
                              .main_pid = 41233,
                              .dependants = STR("Till"),
                              .shares_process = true};
    struct holder holder = {.pid = 41233, .process = &process, .service = &service, .unit = STR("Shop")};
    struct report_privacy privacy = {0};

    struct str text = holder_text(arena, &holder, &privacy);
    CHECK(str_find(text, STR("\"session\"")) == SIZE_MAX);
    CHECK(str_find(text, STR("\"company\"")) == SIZE_MAX);
    process.session_known = true;
    process.session = 2;
    process.company = (struct fact){KNOWN_YES, STR("Nodes")};
    process.product = (struct fact){KNOWN_YES, STR("Node.js")};
    process.signer = (struct fact){.known = KNOWN_NOT_ALLOWED};
    process.signature = SIGNATURE_DOUBTED;
    text = holder_text(arena, &holder, &privacy);
    CHECK(has(text, "\"session\":2"));
    CHECK(has(text, "\"company\":\"Nodes\",\"product\":\"Node.js\",\"signer\":null,\"signature\":\"doubted\""));
    CHECK(has(text, "\"signer\":\"not-allowed\""));
    CHECK(has(text, "\"dependants\":\"Till\",\"shares_process\":true"));
}

TEST(owner_and_time_of_a_bind_are_told)
{
    struct host host = {0};
    struct socket_row row = {.local = address_any(FAMILY_IPV4),
                             .local_port = 80,
                             .owner_pid = 900,
                             .owner_service = STR("Dnscache"),
                             .created_ms = 1769850000000};

    json_use(arena);
    cJSON *object = cJSON_CreateObject();
    report_add_socket(arena, object, &host, &row, &masked);
    struct str text = json_print(arena, object, false);
    CHECK(has(text, "\"bound\":\"2026-01-31T09:00:00Z\",\"owner_pid\":900,\"owner_service\":\"Dnscache\""));
}

static struct str
cause_text(struct arena *arena, const struct cause *cause, const struct report_privacy *privacy)
{
    struct host host = {.platform = STR("windows")};
    struct answer answer = {.question = {.endpoint = {.first = 80}}};

    *LIST_ADD(arena, &answer.causes) = *cause;
    json_use(arena);
    cJSON *array = cJSON_CreateArray();
    report_add_answer(arena, array, &host, &answer, privacy);
    return json_print(arena, array, false);
}

TEST(program_behind_the_systems_http_server_is_told)
{
    struct report_privacy privacy = {0};
    struct http_url url = {.url = STR("http://+:80/"), .port = 80, .registered = true, .owner = STR("Pool")};
    struct http_url reserved = {.url = STR("http://+:80/x/"), .port = 80, .owner = STR("Everyone")};
    struct cause cause = {.kind = CAUSE_HTTP_SYS, .blocks = true, .sentence = STR("x")};

    *LIST_ADD(arena, &url.pids) = 5000;
    *LIST_ADD(arena, &cause.users) = (struct http_user){.url = &url, .known = {.title = STR("IIS")}};
    *LIST_ADD(arena, &cause.users) = (struct http_user){.url = &reserved};
    *LIST_ADD(arena, &cause.behind) = (struct holder){.pid = 5000};
    struct str text = cause_text(arena, &cause, &privacy);
    CHECK(has(text,
              "{\"url\":\"http://+:80/\",\"registered\":true,\"queue\":\"Pool\",\"name\":\"IIS\",\"pids\":[5000]}"));
    CHECK(has(text, "\"registered\":false,\"reserved_for\":\"Everyone\",\"name\":null,\"pids\":[]"));
    CHECK(has(text, "\"behind\":[{\"pid\":5000"));
}

TEST(neighbour_rule_and_range_of_a_cause_are_told)
{
    struct report_privacy privacy = {0};
    struct neighbour_port port = {
        .system = STR("WSL"), .port = 80, .pid = 40, .name = STR("node"), .command = STR("node --token=x")};
    struct redirect rule = {.source = STR("portproxy"), .rule = STR("v4tov4 *:80 -> x:81"), .to_port = 81};
    struct port_range range = {.kind = RANGE_EXCLUDED, .first = 80, .last = 90, .source = STR("netsh")};
    struct cause cause = {.kind = CAUSE_EXCLUDED_RANGE,
                          .sentence = STR("x"),
                          .neighbour = &port,
                          .redirect = &rule,
                          .range = &range,
                          .maker = STR("Hyper-V")};

    port.address = address_any(FAMILY_IPV4);
    struct str text = cause_text(arena, &cause, &privacy);
    CHECK(has(text,
              "\"neighbour\":{\"system\":\"WSL\",\"local\":\"0.0.0.0:80\",\"pid\":40,\"name\":\"node\",\"command\":"
              "\"node --token=***\"}"));
    CHECK(has(text, "\"rule\":\"v4tov4 *:80 -> x:81\",\"to\":null,\"to_port\":81"));
    CHECK(has(text, "\"administered\":false,\"made_by\":\"Hyper-V\""));
    privacy.full = true;
    port.pid = 0;
    rule.to = address_ipv4(10, 0, 0, 1);
    text = cause_text(arena, &cause, &privacy);
    CHECK(has(text, "\"pid\":null,\"name\":\"node\",\"command\":\"node --token=x\""));
    CHECK(has(text, "\"to\":\"10.0.0.1\""));
    privacy = (struct report_privacy){.share = true};
    CHECK(has(cause_text(arena, &cause, &privacy), "\"name\":\"node\",\"command\":null"));
}

TAP_MAIN
