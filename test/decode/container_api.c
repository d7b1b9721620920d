#include "decode/container_api.h"

#include "base/buf.h"
#include "tap.h"

// As Docker 24 answers.
static const char docker_list[] =
    "[{\"Id\":\"8dfafdbc3a40aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"Names\":[\"/shop-web-1\"],"
    "\"Image\":\"nginx:1.25\",\"ImageID\":\"sha256:1\",\"Command\":\"nginx\",\"Created\":1700000000,"
    "\"Ports\":[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
    "{\"IP\":\"::\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
    "{\"PrivatePort\":443,\"Type\":\"tcp\"},"
    "{\"IP\":\"127.0.0.1\",\"PrivatePort\":53,\"PublicPort\":5353,\"Type\":\"udp\"},"
    "{\"IP\":\"0.0.0.0\",\"PrivatePort\":9,\"PublicPort\":9,\"Type\":\"sctp\"}],"
    "\"Labels\":{\"com.docker.compose.project\":\"shop\",\"com.docker.compose.service\":\"web\"},"
    "\"State\":\"running\",\"Status\":\"Up 2 hours\",\"HostConfig\":{\"NetworkMode\":\"shop_default\"}},"
    "{\"Id\":\"9cd87474be90\",\"Names\":[],\"Image\":\"busybox\",\"Ports\":[],\"Labels\":{},\"State\":\"running\"}]";

// As Podman 4 answers the same request.
static const char podman_list[] =
    "[{\"Id\":\"b1c2\",\"Names\":[\"/db\"],\"Image\":\"docker.io/library/postgres:16\",\"Ports\":[{\"IP\":\"\","
    "\"PrivatePort\":5432,\"PublicPort\":5432,\"Type\":\"tcp,udp\"}],\"SizeRootFs\":0,\"Labels\":"
    "{\"io.podman.compose.project\":\"shop\",\"io.podman.compose.service\":\"db\"},\"State\":\"running\","
    "\"Mounts\":null,\"NetworkSettings\":null},"
    "{\"Id\":\"b1c3\",\"Names\":null,\"Image\":null,\"Ports\":null,\"Labels\":null,\"State\":\"exited\"}]";

// "tcp 0.0.0.0:8080 80", one line for each port.
static struct str
ports_of(struct arena *arena, const struct container *container)
{
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < container->ports.count; i++) {
        const struct published_port *port = &container->ports.items[i];
        struct str protocol = host_protocol_name(port->protocol);
        struct str host = address_format(arena, port->host_address);
        buf_addf(&out, "%.*s %.*s %u %u\n", STR_ARG(protocol), STR_ARG(host), port->host_port, port->container_port);
    }
    return buf_str(&out);
}

TEST(dockers_list_is_read)
{
    struct container_list list = {.count = 0};
    CHECK(container_api_parse_list(arena, str_of(docker_list), STR("docker"), STR("/run/docker.sock"), &list, NULL));
    CHECK_INT(list.count, 2);
    const struct container *web = &list.items[0];
    CHECK_STR(web->runtime, "docker");
    CHECK_STR(web->api, "/run/docker.sock");
    CHECK_STR(str_part(web->id, 0, 12), "8dfafdbc3a40");
    CHECK_STR(web->name, "shop-web-1");
    CHECK_STR(web->image, "nginx:1.25");
    CHECK_STR(web->state, "running");
    CHECK_STR(web->compose_project, "shop");
    CHECK_STR(web->compose_service, "web");
    CHECK_STR(ports_of(arena, web), "tcp 0.0.0.0 8080 80\ntcp :: 8080 80\nudp 127.0.0.1 5353 53\n");
    CHECK_STR(list.items[1].name, "");
    CHECK_STR(list.items[1].compose_project, "");
}

TEST(podmans_list_is_read)
{
    struct container_list list = {.count = 0};
    CHECK(container_api_parse_list(arena, str_of(podman_list), STR("podman"), STR("/p"), &list, NULL));
    CHECK_INT(list.count, 2);
    CHECK_STR(list.items[0].compose_project, "shop");
    CHECK_STR(list.items[0].compose_service, "db");
    CHECK_STR(ports_of(arena, &list.items[0]), "tcp  5432 5432\nudp  5432 5432\n");
    CHECK_STR(list.items[1].name, "");
    CHECK_INT(list.items[1].ports.count, 0);
}

TEST(ports_of_strange_types_are_left_out)
{
    struct container_list list = {.count = 0};
    CHECK(container_api_parse_list(
        arena,
        STR("[{\"Id\":\"a\",\"Names\":[7],\"Ports\":[{\"PublicPort\":70000,\"Type\":\"tcp\"},"
            "{\"PublicPort\":0},{\"PublicPort\":\"x\"},{\"PublicPort\":1,\"PrivatePort\":70000},"
            "{\"PublicPort\":2,\"IP\":7},7,null]},{\"Id\":\"\"},{\"Id\":7},{},7,null]"),
        STR("docker"), STR("/d"), &list, NULL));
    CHECK_INT(list.count, 1);
    CHECK_STR(ports_of(arena, &list.items[0]), "tcp  2 0\n");
}

TEST(what_is_no_list_is_refused)
{
    struct container_list list = {.count = 0};
    struct err err = {.kind = ERR_NONE};
    CHECK(!container_api_parse_list(arena, STR("{\"message\":\"no\"}"), STR("d"), STR("/d"), &list, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(!container_api_parse_list(arena, STR("<html>"), STR("d"), STR("/d"), &list, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK_INT(list.count, 0);
}

TEST(dockers_description_adds_what_the_list_had_not)
{
    struct container container = {.id = STR("8dfafdbc3a40"), .name = STR("kept")};
    CHECK(container_api_parse_one(
        arena,
        STR("{\"Id\":\"8dfafdbc3a40ffff\",\"Name\":\"/shop-web-1\",\"State\":{\"Status\":\"running\",\"Pid\":4711},"
            "\"Config\":{\"Image\":\"nginx\",\"Labels\":{\"com.docker.compose.project\":\"shop\"}},"
            "\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"unless-stopped\",\"MaximumRetryCount\":0}},"
            "\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},"
            "{\"HostIp\":\"::\",\"HostPort\":\"8080\"}],\"443/tcp\":null,\"x/tcp\":[{}],\"9/"
            "tcp\":[{\"HostPort\":\"\"}]}}}"),
        &container, NULL));
    CHECK_STR(container.id, "8dfafdbc3a40ffff");
    CHECK_STR(container.name, "kept");
    CHECK_STR(container.image, "nginx");
    CHECK_STR(container.state, "running");
    CHECK_STR(container.restart, "unless-stopped");
    CHECK_STR(container.compose_project, "shop");
    CHECK_INT(container.pid, 4711);
    CHECK_STR(ports_of(arena, &container), "tcp 0.0.0.0 8080 80\ntcp :: 8080 80\n");
}

TEST(the_time_to_stop_is_read_where_it_was_set)
{
    struct container container = {.pid = 0};
    CHECK(container_api_parse_one(arena, STR("{\"Id\":\"4f5a\",\"Config\":{\"StopTimeout\":45}}"), &container, NULL));
    CHECK_INT(container.stop_s, 45);
}

TEST(podmans_description_is_read)
{
    struct container container = {.restart = STR("")};
    *LIST_ADD(arena, &container.ports) = (struct published_port){.host_port = 7};
    CHECK(container_api_parse_one(
        arena,
        STR("{\"Id\":\"b1c2\",\"Name\":\"db\",\"State\":{\"Status\":\"running\",\"Pid\":-1},"
            "\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"\"}},\"NetworkSettings\":{\"Ports\":{}}}"),
        &container, NULL));
    CHECK_STR(container.name, "db");
    CHECK_STR(container.restart, "no");
    CHECK_INT(container.pid, 0);
    CHECK_INT(container.ports.items[0].host_port, 7);
}

TEST(the_description_of_another_container_is_refused)
{
    struct container container = {.id = STR("aaa")};
    struct err err = {.kind = ERR_NONE};
    CHECK(!container_api_parse_one(arena, STR("{\"Id\":\"bbb\"}"), &container, &err));
    CHECK_INT(err.kind, ERR_FORMAT);
    CHECK(!container_api_parse_one(arena, STR("{\"message\":\"No such container\"}"), &container, &err));
    CHECK(!container_api_parse_one(arena, STR("no"), &container, &err));
    CHECK_STR(container.id, "aaa");
}

TEST(an_answer_to_an_order_is_judged_by_its_status)
{
    static const struct {
        unsigned status;
        const char *body;
        enum err_kind kind;
        const char *words;
    } cases[] = {
        {204, "", ERR_NONE, ""},
        {304, "", ERR_NONE, ""},
        {404, "{\"message\":\"No such container: web\"}", ERR_GONE,
         "the container runtime answered 404: No such container: web"},
        {403, "denied by a proxy", ERR_NOT_ALLOWED, "the container runtime answered 403: denied by a proxy"},
        {500, "{\"cause\":\"broken\",\"message\":\"\"}", ERR_SYSTEM, "the container runtime answered 500: broken"},
        {500, "", ERR_SYSTEM, "the container runtime answered 500"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct http_answer answer = {.status = cases[i].status, .body = str_of(cases[i].body)};
        CHECK(container_api_judge(arena, &answer, &err) == (cases[i].kind == ERR_NONE));
        CHECK_INT(err.kind, cases[i].kind);
        CHECK_STR(str_of(err.text), cases[i].words);
    }
}

TAP_MAIN
