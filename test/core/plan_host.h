#ifndef MOORAGE_TEST_CORE_PLAN_HOST_H
#define MOORAGE_TEST_CORE_PLAN_HOST_H

// Recorded hosts on which something has port 3000, for plans and what comes of them. Text is put together so that what a test
// says comes before what is usual: of two members with one name the first counts.

#include "core/plan.h"
#include "sys/fake_host.h"
#include "tap.h"

// A process; `more` are members, each with a comma behind it.
#define ONE(number, parent, called, more)                                                                        \
    "{" more "\"pid\": " #number ", \"ppid\": " #parent ", \"pgid\": " #number ", \"sid\": " #number             \
    ", \"known\": \"yes\", \"name\": \"" called "\", \"started_ms\": 1700000000000, \"started_ticks\": " #number \
    ", \"state\": \"S\", \"same_netns\": true, \"uid\": 1000, \"user\": \"ann\", \"exe\": \"/usr/bin/" called    \
    "\", \"cwd\": \"/home/ann/shop\", \"command\": [\"" called "\"]}"
#define PROCESS_AND(number, parent, called, more) "\"processes\": [" ONE(number, parent, called, more) "], "
#define PROCESS(number, parent, called) PROCESS_AND(number, parent, called, "")
#define LISTENER                                                                                               \
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:3000\", \"inode\": 5, " \
    "\"cookie\": "                                                                                             \
    "9, \"uid\": 1000}], "
#define HOLDS(number) "{\"socket\": 0, \"pid\": " #number ", \"how\": \"fd\", \"fd\": 7}"
#define HOLDING(number) "\"holdings\": [" HOLDS(number) "]"
#define HELD_BY(number) LISTENER HOLDING(number)
#define CGROUP(unit) "\"cgroup\": \"/system.slice/" unit "\","

#define SERVER PROCESS(40, 1, "node") HELD_BY(40)
#define THREE(called)                                                              \
    "\"processes\": [" ONE(50, 1, called, "") "," ONE(51, 50, called, "") "," ONE( \
        52, 50, called, "") "], " LISTENER "\"holdings\": [" HOLDS(50) "," HOLDS(51) "," HOLDS(52) "]"
#define PREFORK THREE("python3")
#define NGINX THREE("nginx")
#define NODEMON "\"processes\": [" ONE(40, 39, "node", "") "," ONE(39, 1, "nodemon", "") "], " HELD_BY(40)
#define ENTRY "\"entry\": \"web\", \"entry_of\": \"supervisord\", \"entry_api\": \"/run/supervisor.sock\","
#define SUPERVISED                                                                                                  \
    "\"processes\": [" ONE(40, 39, "node", ENTRY) "," ONE(39, 38, "dumb-init", ENTRY) "," ONE(38, 1, "supervisord", \
                                                                                              "") "], " HELD_BY(40)
#define UNIT(unit, main, more)                                                                                 \
    "\"processes\": [" ONE(40, 1, "node", CGROUP(unit)) "], " HELD_BY(                                         \
        40) ", \"services\": [{" more "\"manager\": \"systemd\", \"name\": \"" unit "\", \"main_pid\": " #main \
            ", \"state\": \"active\"}]"
#define SOCKET_UNIT(unit, more)                                                                                  \
    "\"processes\": [" ONE(1, 0, "systemd", "") "," ONE(                                                         \
        40, 1, "server", CGROUP(unit ".service")) "], " LISTENER "\"holdings\": [" HOLDS(1) more                 \
        "], \"services\": [{\"manager\": \"systemd\", \"name\": \"" unit ".socket\", "                           \
        "\"is_socket\": true, \"listens\": \"0.0.0.0:3000\", \"state\": \"active\"},{\"manager\": \"systemd\", " \
        "\"name\": \"" unit ".service\", \"main_pid\": 40, \"state\": \"active\", \"triggered_by\": \"" unit     \
        ".socket\"}]"
#define API "\"runtime\": \"docker\", \"endpoint\": \"/run/docker.sock\", \"known\": \"yes\", "
#define ID "4f5a1be27d0c9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e9e"
#define CONTAINER(config)                                                                                             \
    "\"processes\": [" ONE(                                                                                           \
        60, 1, "docker-proxy",                                                                                        \
        "\"command\": [\"docker-proxy\", \"-proto\", \"tcp\", \"-host-ip\", \"0.0.0.0\", "                            \
        "\"-host-port\", \"3000\", \"-container-ip\", \"172.17.0.2\", \"-container-port\", "                          \
        "\"80\"], \"uid\": 0,") "], " HELD_BY(60) ", \"api_answers\": [{" API                                         \
                                                  "\"request\": \"/containers/json\", \"body\": \"HTTP/1.1 200 "      \
                                                  "OK\\r\\nContent-Type: "                                            \
                                                  "application/json\\r\\nConnection: "                                \
                                                  "close\\r\\n\\r\\n[{\\\"Id\\\":\\\"" ID                             \
                                                  "\\\",\\\"Names\\\":[\\\"/web\\\"],"                                \
                                                  "\\\"State\\\":\\\"running\\\",\\\"Ports\\\":[{\\\"IP\\\":\\\"0.0." \
                                                  "0.0\\\",\\\"PrivatePort\\\":80,\\\"PublicPort\\\":"                \
                                                  "3000,\\\"Type\\\":\\\"tcp\\\"}]}]\"}, {" API                       \
                                                  "\"request\": \"/containers/" ID                                    \
                                                  "/json\", \"body\": \"HTTP/1.1 200 "                                \
                                                  "OK\\r\\nConnection: close\\r\\n\\r\\n{\\\"Id\\\":\\\"" ID          \
                                                  "\\\",\\\"Config\\\":{" config "},\\\"State\\\":{\\\"Pid\\\":"      \
                                                  "700},\\\"HostConfig\\\":{\\\"RestartPolicy\\\":{\\\"Name\\\":"     \
                                                  "\\\"always\\\"}}}\"}]"
#define LINGERING                                                                                                 \
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"TIME_WAIT\", \"local\": \"127.0.0.1:3000\", \"remote\": " \
    "\"127.0.0.1:40000\", \"cookie\": 9, \"expires_ms\": 42100, \"reuse_addr\": false}]"
#define KERNEL                                                                                                 \
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:3000\", \"inode\": 5, " \
    "\"uid\": 0}], "                                                                                           \
    "\"kernel_ports\": [{\"protocol\": \"tcp\", \"port\": 3000, \"kind\": \"nfsd\", \"name\": \"nfsd\"}]"

static inline void
load(const char *host)
{
    struct err err = {0};
    struct arena *arena = arena_open();
    struct str text = str_printf(
        arena,
        "{\"schema\": \"moorage.snapshot/1\", %s, \"platform\": \"linux\", \"ipv6\": true, \"complete\": true, "
        "\"time_ms\": 1700000001000, \"uid\": 0, \"admin\": true}",
        host);
    if (!fake_host_load(text, &err))
        printf("# %s\n", err.text);
    arena_close(arena);
    CHECK(err.kind == ERR_NONE);
    fake_host_forget_files();
}

static inline struct plan
plan_again_of(struct arena *arena, struct plan_wish wish)
{
    struct plan plan;
    struct why_question question = {
        .endpoint = {.first = 3000, .last = 3000}, .protocol = PROTOCOL_TCP, .deadline_ms = 300};
    plan_make(arena, &wish, &question, 1, &plan);
    return plan;
}

static inline struct plan
plan_of(struct arena *arena, const char *host, struct plan_wish wish)
{
    load(host);
    return plan_again_of(arena, wish);
}

#endif
