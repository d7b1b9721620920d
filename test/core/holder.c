#include "core/holder.h"

#include "base/buf.h"
#include "core/holder_parts.h"
#include "decode/snapshot.h"
#include "tap.h"

// A host out of the members of its document.
static struct host
parse(struct arena *arena, const char *members)
{
    struct host host;
    struct err err = {0};
    struct str json = str_printf(arena, "{\"schema\": \"moorage.snapshot/1\", \"platform\": \"linux\", %s}", members);
    if (!snapshot_parse(arena, json, &host, NULL, &err))
        printf("# %s\n", err.text);
    CHECK(err.kind == ERR_NONE);
    return host;
}

// All holders of all sockets.
static struct holder_list
find(struct arena *arena, const struct host *host)
{
    struct holder_list list;
    size_t *sockets = arena_array(arena, host->sockets.count, sizeof *sockets);
    for (size_t i = 0; i < host->sockets.count; i++)
        sockets[i] = i;
    holder_find(arena, host, sockets, host->sockets.count, &list);
    return list;
}

// The one holder (pid 50) of a listener on `local`; `processes` are further members of its process and other processes.
static struct holder
find_one(struct arena *arena, const char *local, const char *processes)
{
    static struct host host; // the holder refers to it
    struct str members = str_printf(
        arena,
        "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"%s\", \"inode\": 1}], \"holdings\":"
        "[{\"socket\": 0, \"pid\": 50, \"how\": \"fd\", \"fd\": 19}], \"processes\": [{\"known\": \"yes\", \"pid\": "
        "50, %s]",
        local, processes);
    host = parse(arena, members.ptr);
    struct holder_list list = find(arena, &host);
    CHECK_INT(list.count, 1);
    return list.items[0];
}

// What the parent chain says of who started it: programs from the parent upward, "name command".
static struct str
started_by(struct arena *arena, const char *const *chain, size_t count)
{
    struct buf json = {.arena = arena};
    buf_add(&json, STR("\"ppid\": 49, \"name\": \"node\"}"));
    for (size_t i = 0; i < count; i++) {
        struct str rest = str_of(chain[i]);
        struct str word;
        CHECK(str_cut(&rest, '|', &word));
        buf_addf(&json, ", {\"known\": \"yes\", \"pid\": %zu, \"ppid\": %zu, \"name\": \"%.*s\", \"command\": [",
                 49 - i, i + 1 == count ? (size_t)0 : 48 - i, STR_ARG(word));
        bool first = true;
        while (str_cut(&rest, '|', &word)) {
            buf_addf(&json, "%s\"%.*s\"", first ? "" : ", ", STR_ARG(word));
            first = false;
        }
        buf_add(&json, STR("]}"));
    }
    struct holder holder = find_one(arena, "0.0.0.0:8080", buf_str(&json).ptr);
    CHECK_INT(holder.ancestry.count, count);
    return holder.started_by;
}

#define STARTED_BY(...)                                   \
    started_by(arena, (const char *const[]){__VA_ARGS__}, \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

TEST(holder_stands_once_with_all_its_ways)
{
    struct host host =
        parse(arena, "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"},"
                     "{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::]:80\"}, {\"protocol\": \"tcp\","
                     "\"state\": \"LISTEN\", \"local\": \"[::]:81\"}], \"holdings\": ["
                     "{\"socket\": 0, \"pid\": 51, \"how\": \"fd\", \"fd\": 19}, {\"socket\": 1, \"pid\": 50, \"how\":"
                     "\"fd\", \"fd\": 3}, {\"socket\": 1, \"pid\": 51, \"how\": \"io_uring\"}, {\"socket\": 1, \"pid\":"
                     "51, \"how\": \"fd\", \"fd\": 19}, {\"socket\": 2, \"pid\": 52, \"how\": \"fd\"}],"
                     "\"processes\": [{\"pid\": 51, \"known\": \"yes\", \"name\": \"node\"}]");
    struct holder_list list;
    size_t sockets[] = {1, 0};
    holder_find(arena, &host, sockets, 2, &list);
    CHECK_INT(list.count, 2);
    CHECK_INT(list.items[0].pid, 50);
    CHECK(list.items[0].process == NULL);
    CHECK_STR(holder_name(arena, &list.items[0]), "pid 50");
    CHECK_STR(holder_supervisor(arena, &list.items[0]), "");
    CHECK_INT(list.items[1].how.count, 2);
    CHECK_STR(list.items[1].how.items[0], "fd 19");
    CHECK_STR(list.items[1].how.items[1], "io_uring");
    CHECK_STR(holder_name(arena, &list.items[1]), "node");
}

TEST(usual_descriptors_stand_before_rare_ways)
{
    struct host host =
        parse(arena, "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"}],"
                     "\"holdings\": [{\"socket\": 0, \"pid\": 51, \"how\": \"mmap\"}, {\"socket\": 0, \"pid\": 51,"
                     "\"how\": \"thread\", \"fd\": 3, \"tid\": 53}, {\"socket\": 0, \"pid\": 51, \"how\":"
                     "\"thread\", \"fd\": 3, \"tid\": 52}, {\"socket\": 0, \"pid\": 51, \"how\": \"fd\", \"fd\": 10},"
                     "{\"socket\": 0, \"pid\": 51, \"how\": \"fd\", \"fd\": 9}]");
    static const char *const ways[] = {"fd 9", "fd 10", "thread 52 fd 3", "thread 53 fd 3", "mmap"};
    struct holder_list list;
    holder_find(arena, &host, &(size_t){0}, 1, &list);
    CHECK_INT(list.count, 1);
    CHECK_INT(list.items[0].how.count, 5);
    for (size_t i = 0; i < 5 && i < list.items[0].how.count; i++)
        CHECK_STR(list.items[0].how.items[i], ways[i]);
}

TEST(ancestry_ends_where_a_parent_is_younger_than_its_child)
{
    struct holder holder = find_one(arena, "0.0.0.0:8080",
                                    "\"ppid\": 49, \"name\": \"node\", \"started_ticks\": 9}, {\"known\": \"yes\","
                                    "\"pid\": 49, \"ppid\": 48, \"name\": \"npm\", \"started_ticks\": 8}, {\"known\":"
                                    "\"yes\", \"pid\": 48, \"ppid\": 1, \"name\": \"later\", \"started_ticks\": 10}");
    CHECK_INT(holder.ancestry.count, 1);
    CHECK_INT(holder.ancestry.items[0]->pid, 49);
    struct process child = {.pid = 5, .started_known = true, .started_ms = 10};
    struct process parent = {.pid = 4, .known = KNOWN_YES, .started_known = true, .started_ms = 10};
    CHECK(holder_is_parent(&parent, &child));
    parent.started_ms = 11;
    CHECK(!holder_is_parent(&parent, &child));
    parent.started_known = false;
    CHECK(holder_is_parent(&parent, &child));
    CHECK(!holder_is_parent(&child, &child));
    parent.known = KNOWN_GONE;
    CHECK(!holder_is_parent(&parent, &child));
}

TEST(loop_of_parents_comes_to_an_end)
{
    struct holder holder = find_one(arena, "0.0.0.0:8080",
                                    "\"ppid\": 49, \"name\": \"a\"}, {\"known\": \"yes\", \"pid\": 49, \"ppid\": 50,"
                                    "\"name\": \"b\"}");
    CHECK_INT(holder.ancestry.count, 32);
}

TEST(unit_and_container_come_from_the_cgroup)
{
    struct host host = parse(
        arena,
        "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"inode\": 1}],"
        "\"holdings\": [{\"socket\": 0, \"pid\": 50}, {\"socket\": 0, \"pid\": 51}, {\"socket\": 0, \"pid\": 52}],"
        "\"processes\": [{\"pid\": 50, \"known\": \"yes\", \"cgroup\": \"/system.slice/shop.service\"},"
        "{\"pid\": 51, \"known\": \"yes\", \"cgroup\":"
        "\"/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service\"},"
        "{\"pid\": 52, \"known\": \"yes\", \"cgroup\": \"/system.slice/docker-"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\"}],"
        "\"services\": [{\"manager\": \"systemd --user\", \"uid\": 1000, \"name\": \"shop.service\", \"restart\":"
        "\"no\"}, {\"manager\": \"systemd\", \"name\": \"shop.service\", \"main_pid\": 50, \"restart\": \"always\"}],"
        "\"containers\": [{\"runtime\": \"docker\", \"id\":"
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"name\": \"web\", \"restart\":"
        "\"unless-stopped\"}]");
    struct holder_list list = find(arena, &host);
    CHECK_STR(list.items[0].service->manager, "systemd");
    CHECK_STR(list.items[0].unit, "shop.service");
    CHECK_STR(list.items[0].started_by, "systemd");
    CHECK_STR(holder_supervisor(arena, &list.items[0]), "systemd (Restart=always)");
    CHECK_STR(list.items[1].service->manager, "systemd --user");
    CHECK_STR(list.items[1].started_by, "systemd --user");
    CHECK(list.items[1].user_manager && list.items[1].manager_uid == 1000);
    CHECK_STR(holder_supervisor(arena, &list.items[1]), "");
    CHECK_STR(list.items[2].runtime, "docker");
    CHECK_STR(list.items[2].container->name, "web");
    CHECK_STR(list.items[2].started_by, "docker");
    CHECK_STR(holder_supervisor(arena, &list.items[2]), "docker (restart policy unless-stopped)");
    host.services.count = 0;
    host.containers.count = 0;
    list = find(arena, &host);
    CHECK(list.items[0].service == NULL && list.items[2].container == NULL);
    CHECK_STR(list.items[0].unit, "shop.service");
    CHECK_STR(list.items[0].started_by, "systemd");
    CHECK_STR(holder_supervisor(arena, &list.items[0]), "");
}

TEST(forwarder_is_told_from_a_program_of_its_own)
{
    struct host host = parse(
        arena, "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:5432\"}],"
               "\"holdings\": [{\"socket\": 0, \"pid\": 50}], \"processes\": [{\"pid\": 50, \"known\": \"yes\","
               "\"name\": \"docker-proxy\", \"command\": [\"/usr/bin/docker-proxy\", \"-proto\", \"tcp\","
               "\"-host-ip\", \"0.0.0.0\", \"-host-port\", \"5432\", \"-container-ip\", \"172.17.0.2\","
               "\"-container-port\", \"5432\"]}], \"containers\": [{\"runtime\": \"docker\", \"id\": \"0123456789ab\","
               "\"state\": \"running\", \"restart\": \"always\", \"ports\": [{\"protocol\": \"tcp\","
               "\"host_address\": \"0.0.0.0\", \"host_port\": 5432, \"container_port\": 5432}]}]");
    struct holder_list list = find(arena, &host);
    CHECK(list.items[0].is_forwarder);
    CHECK(list.items[0].forwards == &host.containers.items[0]);
    CHECK_STR(holder_supervisor(arena, &list.items[0]), "docker (restart policy always)");
    CHECK_INT(list.items[0].warnings.count, 0);
}

TEST(what_started_it_is_guessed_from_the_nearest_sure_sign)
{
    CHECK_STR(STARTED_BY("npm run dev|npm run dev", "bash|bash", "code|/usr/share/code/code"), "npm run dev");
    CHECK_STR(STARTED_BY("sh|sh|-c|node x", "node|node|/usr/bin/npm-cli.js|start"), "npm start");
    CHECK_STR(STARTED_BY("make|make|-j4|serve"), "make");
    CHECK_STR(STARTED_BY("make|/usr/bin/make|serve|TOKEN=x"), "make serve");
    CHECK_STR(STARTED_BY("node|node|/x/node_modules/.bin/nodemon|a.js", "bash|-bash"), "nodemon");
    CHECK_STR(STARTED_BY("bash|bash", "gnome-terminal-|x"), "a shell");
    CHECK_STR(STARTED_BY("bash|bash", "code|/usr/share/code/code"), "a shell in Visual Studio Code");
    CHECK_STR(STARTED_BY("zsh|-zsh", "tmux: server|tmux"), "a shell in tmux");
    CHECK_STR(STARTED_BY("bash|-bash", "sshd|sshd: ann@pts/0"), "a shell over ssh");
    CHECK_STR(STARTED_BY("sh|/bin/sh|-c|serve", "cron|/usr/sbin/CRON|-f"), "cron");
    CHECK_STR(STARTED_BY("sh|/bin/sh|-c|serve", "crond|/usr/sbin/crond"), "cron");
    CHECK_STR(STARTED_BY("bash|bash|run.sh", "Runner.Worker|Runner.Worker"), "GitHub Actions");
    CHECK_STR(STARTED_BY("idea64|idea64"), "IntelliJ IDEA");
    CHECK_STR(STARTED_BY("vim|vim"), "vim");
    CHECK_STR(STARTED_BY("weird|weird"), "");
}

TEST(supervisor_is_the_one_that_would_start_it_again)
{
    static const char nodemon[] =
        "\"ppid\": 49, \"name\": \"node\"}, {\"known\": \"yes\", \"pid\": 49, \"ppid\": 48, \"name\":"
        "\"sh\", \"command\": [\"sh\", \"-c\", \"x\"]}, {\"known\": \"yes\", \"pid\": 48,"
        "\"name\": \"node\", \"command\": [\"node\", \"/usr/bin/nodemon.js\", \"a\"]}";
    static const char watch[] =
        "\"ppid\": 49, \"name\": \"node\"}, {\"known\": \"yes\", \"pid\": 49, \"name\": \"node\","
        "\"command\": [\"node\", \"--watch\", \"a.js\"]}";
    static const char beyond[] = "\"ppid\": 49, \"name\": \"node\"}, {\"known\": \"yes\", \"pid\": 49, \"ppid\": 48,"
                                 "\"name\": \"bash\", \"command\": [\"bash\"]}, {\"known\": \"yes\", \"pid\": 48,"
                                 "\"name\": \"supervisord\"}";
    struct holder holder = find_one(arena, "0.0.0.0:8080", nodemon);
    CHECK_STR(holder_supervisor(arena, &holder), "nodemon");
    holder = find_one(arena, "0.0.0.0:8080", watch);
    CHECK_STR(holder_supervisor(arena, &holder), "node --watch");
    holder = find_one(arena, "0.0.0.0:8080", beyond);
    CHECK_STR(holder_supervisor(arena, &holder), "");
}

TEST(unit_does_not_bring_back_what_a_person_started_in_its_terminal)
{
    static const char members[] =
        "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"}], \"holdings\":"
        "[{\"socket\": 0, \"pid\": 50}], \"processes\": [{\"pid\": 50, \"known\": \"yes\", \"ppid\": 49, %s\"cgroup\":"
        "\"/system.slice/ide.service\"}, {\"pid\": 49, \"known\": \"yes\", \"name\": \"ide\"}], \"services\":"
        "[{\"manager\": \"systemd\", \"name\": \"ide.service\", \"main_pid\": 49, \"restart\": \"on-failure\"}]";
    for (int terminal = 0; terminal < 2; terminal++) {
        struct str text = str_of(members);
        size_t at = str_find(text, STR("%s"));
        struct buf json = {.arena = arena};
        buf_add(&json, str_part(text, 0, at));
        buf_add(&json, terminal ? STR("\"tty\": \"pts/3\", ") : STR(""));
        buf_add(&json, str_part(text, at + 2, SIZE_MAX));
        struct host host = parse(arena, buf_str(&json).ptr);
        struct holder_list list = find(arena, &host);
        CHECK_STR(holder_supervisor(arena, &list.items[0]), terminal ? "" : "systemd (Restart=on-failure)");
    }
}

TEST(orphan_is_what_its_parent_left_behind)
{
    static const char manager[] = "}, {\"known\": \"yes\", \"pid\": 1, \"name\": \"systemd\", \"sid\": 1}";
    static const struct {
        const char *process;
        const char *rest;
        bool orphan;
    } cases[] = {
        {"\"ppid\": 1, \"sid\": 7, \"cgroup\": \"/user.slice/user-1000.slice/session-3.scope\"", manager, true},
        {"\"ppid\": 1, \"sid\": 50, \"cgroup\": \"/system.slice/a.service\"", manager, false},
        {"\"ppid\": 1, \"sid\": 50, \"cgroup\": \"/init.scope\"", manager, false},
        {"\"ppid\": 1, \"sid\": 50", manager, false},
        {"\"ppid\": 1, \"sid\": 7", manager, true},
        {"\"ppid\": 1, \"sid\": 1", manager, false},
        {"\"ppid\": 1", manager, false},
        {"\"ppid\": 1, \"sid\": 7", "}", false},
        {"\"ppid\": 1, \"sid\": 50", "}, {\"known\": \"yes\", \"pid\": 1, \"name\": \"sleep\", \"sid\": 1}", true},
        {"\"ppid\": 1, \"sid\": 50", "}, {\"known\": \"yes\", \"pid\": 1, \"name\": \"tini\", \"sid\": 1}", false},
        {"\"ppid\": 49, \"sid\": 7", "}, {\"known\": \"yes\", \"pid\": 49, \"name\": \"bash\", \"sid\": 7}", false},
        {"\"ppid\": 49, \"sid\": 7, \"cgroup\": \"/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\"",
         "}, {\"known\": \"yes\", \"pid\": 49, \"name\": \"systemd\", \"sid\": 49}", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct holder holder =
            find_one(arena, "0.0.0.0:8080", str_printf(arena, "%s%s", cases[i].process, cases[i].rest).ptr);
        if (holder.orphan != cases[i].orphan)
            printf("# case %zu\n", i);
        CHECK(holder.orphan == cases[i].orphan);
    }
}

TEST(worker_whose_master_died_is_an_orphan_of_its_unit)
{
    struct host host = parse(
        arena, "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\"}],"
               "\"holdings\": [{\"socket\": 0, \"pid\": 50}], \"processes\": [{\"pid\": 50, \"known\": \"yes\","
               "\"ppid\": 1, \"cgroup\": \"/system.slice/a.service\"}, {\"pid\": 1, \"known\": \"yes\", \"name\":"
               "\"systemd\"}], \"services\": [{\"manager\": \"systemd\", \"name\": \"a.service\", \"main_pid\": 9}]");
    CHECK(find(arena, &host).items[0].orphan);
    host.services.items[0].main_pid = 50;
    CHECK(!find(arena, &host).items[0].orphan);
}

static bool
warns(struct arena *arena, const char *local, const char *process, const char *part)
{
    struct holder holder = find_one(arena, local, str_printf(arena, "%s}", process).ptr);
    for (size_t i = 0; i < holder.warnings.count; i++)
        if (str_find(holder.warnings.items[i], str_of(part)) != SIZE_MAX)
            return true;
    return false;
}

static size_t
warning_count(struct arena *arena, const char *local, const char *process)
{
    return find_one(arena, local, str_printf(arena, "%s}", process).ptr).warnings.count;
}

TEST(odd_programs_are_warned_of)
{
    const char *at = "127.0.0.1:8765";
    CHECK(warns(arena, at, "\"exe\": \"/usr/bin/node\", \"exe_state\": \"deleted\"", "/usr/bin/node was deleted"));
    CHECK(warns(arena, at, "\"exe\": \"/usr/bin/node\", \"exe_state\": \"replaced\"", "still runs the old version"));
    CHECK(warns(arena, at, "\"exe\": \"/tmp/x\"", "a place for temporary files"));
    CHECK(warns(arena, at, "\"exe\": \"/dev/shm/x\"", "a place for temporary files"));
    CHECK(warns(arena, at, "\"exe\": \"C:\\\\Users\\\\a\\\\AppData\\\\Local\\\\Temp\\\\x.exe\"",
                "a place for temporary"));
    CHECK(warns(arena, at, "\"exe\": \"C:\\\\Windows\\\\Temp\\\\x.exe\"", "a place for temporary"));
    CHECK(warns(arena, at, "\"exe\": \"/memfd:x\", \"exe_state\": \"deleted\"", "It runs from memory"));
    CHECK_INT(warning_count(arena, at, "\"exe\": \"/memfd:x\", \"exe_state\": \"deleted\""), 1);
    CHECK(warns(arena, at, "\"name\": \"sshd\", \"exe\": \"/home/ann/sshd\"",
                "called sshd like a program of the system"));
    CHECK(
        warns(arena, at, "\"name\": \"svchost.exe\", \"exe\": \"C:\\\\Users\\\\x\\\\svchost.exe\"", "called svchost"));
    CHECK(!warns(arena, at, "\"name\": \"sshd\", \"exe\": \"/usr/sbin/sshd\"", "called"));
    CHECK(!warns(arena, at, "\"name\": \"sshd\"", "called"));
    CHECK(warns(arena, at, "\"state\": \"T\", \"tty\": \"pts/3\"", "a job of the terminal pts/3"));
    CHECK(warns(arena, at, "\"state\": \"T\"", "It is stopped"));
    CHECK(warns(arena, at, "\"state\": \"t\"", "A debugger"));
    CHECK(warns(arena, at, "\"state\": \"Z\"", "first thread has ended"));
    CHECK_INT(warning_count(arena, at, "\"state\": \"Z\", \"kernel_thread\": true"), 0);
    CHECK_INT(warning_count(arena, at, "\"name\": \"node\", \"state\": \"S\", \"exe\": \"/usr/bin/node\""), 0);
}

TEST(odd_places_are_warned_of)
{
    CHECK(warns(arena, "0.0.0.0:22", "\"name\": \"node\"", "Port 22 usually belongs to "));
    CHECK(!warns(arena, "0.0.0.0:22", "\"name\": \"sshd\"", "usually belongs"));
    CHECK(!warns(arena, "0.0.0.0:22", "\"name\": \"systemd\"", "usually belongs"));
    CHECK(warns(arena, "0.0.0.0:5432", "\"name\": \"postgres\"", "It can be reached from every network on port 5432"));
    CHECK(!warns(arena, "127.0.0.1:5432", "\"name\": \"postgres\"", "every network"));
    CHECK(!warns(arena, "0.0.0.0:8080", "\"name\": \"node\"", "every network"));
}

TEST(same_warning_for_two_sockets_stands_once)
{
    struct host host = parse(
        arena, "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:5432\"},"
               "{\"protocol\": \"mptcp\", \"state\": \"LISTEN\", \"local\": \"[::]:5432\"}, {\"protocol\": \"tcp\","
               "\"state\": \"ESTABLISHED\", \"local\": \"1.1.1.1:5432\", \"remote\": \"1.1.1.1:5\"}], \"holdings\":"
               "[{\"socket\": 0, \"pid\": 50}, {\"socket\": 1, \"pid\": 50}, {\"socket\": 2, \"pid\": 50}],"
               "\"processes\": [{\"pid\": 50, \"known\": \"yes\", \"name\": \"postgres\"}]");
    CHECK_INT(find(arena, &host).items[0].warnings.count, 1);
}

static struct str
name_of(struct arena *arena, const char *process)
{
    struct holder holder = find_one(arena, "127.0.0.1:8080", str_printf(arena, "%s}", process).ptr);
    return holder_name(arena, &holder);
}

TEST(program_has_the_name_that_people_know)
{
    CHECK_STR(name_of(arena, "\"name\": \"node\""), "node");
    CHECK_STR(name_of(arena, "\"name\": \"python3\", \"command\": [\"python3\", \"manage.py\"]"), "python3");
    CHECK_STR(name_of(arena, "\"name\": \"systemd-resolve\", \"exe\": \"/usr/lib/systemd/systemd-resolved\""),
              "systemd-resolved");
    CHECK_STR(name_of(arena, "\"name\": \"containerd-shim\", \"command\": [\"/usr/bin/containerd-shim-runc-v2\"]"),
              "containerd-shim-runc-v2");
    CHECK_STR(name_of(arena, "\"name\": \"MainThread\", \"exe\": \"/usr/bin/node\""), "node");
    CHECK_STR(name_of(arena, "\"name\": \"MainThread\", \"command\": [\"/usr/bin/node\"]"), "node");
    CHECK_STR(name_of(arena, "\"name\": \"MainThread\""), "MainThread");
    CHECK_STR(name_of(arena, "\"command\": [\"-bash\"]"), "bash");
    CHECK_STR(name_of(arena, "\"name\": \"tmux: server\""), "tmux");
    CHECK_STR(name_of(arena, "\"name\": \"npm run dev\""), "npm");
    CHECK_STR(name_of(arena, "\"name\": \"Web Content\""), "Web Content");
    CHECK_STR(name_of(arena, "\"name\": \"node.exe\", \"exe\": \"C:\\\\Program Files\\\\nodejs\\\\node.exe\""), "node");
    CHECK_STR(name_of(arena, "\"ppid\": 1"), "pid 50");
}

static struct str
script_of(struct arena *arena, const char *process)
{
    struct holder holder = find_one(arena, "127.0.0.1:8080", str_printf(arena, "%s}", process).ptr);
    return holder_script(arena, holder.process);
}

TEST(interpreter_is_known_by_its_script)
{
    CHECK_STR(script_of(arena, "\"name\": \"node\", \"command\": [\"node\", \"--inspect\", \"/x/Nodemon.js\"]"),
              "nodemon");
    CHECK_STR(script_of(arena, "\"name\": \"python3\", \"command\": [\"python3\", \"-m\", \"gunicorn\"]"), "gunicorn");
    CHECK_STR(script_of(arena, "\"name\": \"python3\", \"command\": [\"python3\", \"-c\", \"import x\"]"), "python3");
    CHECK_STR(script_of(arena, "\"name\": \"python3\""), "python3");
    CHECK_STR(script_of(arena, "\"name\": \"nginx\", \"command\": [\"nginx\", \"x\"]"), "nginx");
}

TEST(socket_without_visible_holder_is_named_by_cgroup_or_socket_unit)
{
    struct host host = parse(
        arena, "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"cgroup\":"
               "7}, {\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"[::]:631\"}, {\"protocol\": \"tcp\","
               "\"state\": \"LISTEN\", \"local\": \"[::]:632\", \"cgroup\": 8}], \"groups\": [{\"id\": 7, \"path\":"
               "\"/system.slice/db.service\", \"pids\": [5]}, {\"id\": 8, \"path\": null}], \"services\":"
               "[{\"manager\": \"systemd\", \"name\": \"db.service\"}, {\"manager\": \"systemd\", \"name\":"
               "\"cups.socket\", \"is_socket\": true, \"listens\": \"/run/cups.sock [::]:631\"}]");
    struct holder holder;
    const struct group *group;
    CHECK(holder_unseen(arena, &host, 0, &holder, &group));
    CHECK_STR(holder.service->name, "db.service");
    CHECK_INT(group->pids.items[0], 5);
    CHECK(holder_unseen(arena, &host, 1, &holder, &group));
    CHECK_STR(holder.unit, "cups.socket");
    CHECK(group == NULL);
    CHECK(!holder_unseen(arena, &host, 2, &holder, &group));
}

// A host that runs Windows, out of the members of its document.
static struct host
parse_windows(struct arena *arena, const char *members)
{
    return parse(arena, str_printf(arena, "\"tier\": \"windows\", %s", members).ptr);
}

#define OWNED                                                                                                     \
    "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:80\", \"owner_pid\": 50, " \
    "\"owner_service\": \"%s\", \"created_ms\": 1000}], \"holdings\": [{\"socket\": 0, \"pid\": %u, \"how\": "    \
    "\"table\"}], "

static struct holder
find_owned(struct arena *arena, const char *service, unsigned pid, const char *rest)
{
    static struct host host;
    host = parse_windows(arena, str_printf(arena, OWNED "%s", service, pid, rest).ptr);
    struct holder_list list = find(arena, &host);
    CHECK_INT(list.count, 1);
    return list.items[0];
}

#define SERVICES                                                                                          \
    "\"services\": [{\"manager\": \"windows\", \"name\": \"Dnscache\", \"main_pid\": 50}, {\"manager\": " \
    "\"windows\", \"name\": \"CDPSvc\", \"main_pid\": 50}]"

TEST(service_in_a_process_of_many_is_the_one_that_the_row_names)
{
    struct holder holder = find_owned(arena, "dnscache", 50, "\"processes\": [{\"pid\": 50}], " SERVICES);
    CHECK_STR(holder.unit, "Dnscache");
    CHECK_STR(holder.service->name, "Dnscache");
    holder = find_owned(arena, "Other", 50, "\"processes\": [{\"pid\": 50}], " SERVICES);
    CHECK_STR(holder.unit, "Other");
    CHECK(holder.service == NULL);
}

TEST(unnamed_service_is_known_only_where_there_is_one)
{
    struct holder holder = find_owned(arena, "", 50, "\"processes\": [{\"pid\": 50}], " SERVICES);
    CHECK(holder.service == NULL);
    CHECK_INT(holder.services.count, 2);
    holder = find_owned(arena, "", 50,
                        "\"processes\": [{\"pid\": 50}], \"services\": [{\"manager\": \"windows\", \"name\": "
                        "\"W3SVC\", \"main_pid\": 50}]");
    CHECK_STR(holder.service->name, "W3SVC");
    CHECK_STR(holder.unit, "W3SVC");
}

TEST(child_of_a_service_belongs_to_it_in_the_session_of_services)
{
    struct holder holder =
        find_owned(arena, "", 50,
                   "\"processes\": [{\"known\": \"yes\", \"pid\": 50, \"ppid\": 49, \"session\": 0}, {\"known\": "
                   "\"yes\", \"pid\": 49, \"ppid\": 48}, {\"known\": \"yes\", \"pid\": 48}], \"services\": "
                   "[{\"manager\": \"windows\", \"name\": \"postgresql\", \"main_pid\": 48}]");
    CHECK_STR(holder.unit, "postgresql");
    holder = find_owned(arena, "", 50,
                        "\"processes\": [{\"known\": \"yes\", \"pid\": 50, \"ppid\": 49, \"session\": 1}, {\"known\": "
                        "\"yes\", \"pid\": 49}], \"services\": [{\"manager\": \"windows\", \"name\": "
                        "\"postgresql\", \"main_pid\": 49}]");
    CHECK_STR(holder.unit, "");
}

static bool
opener_is_gone(struct arena *arena, const char *process)
{
    struct host host = parse_windows(arena, str_printf(arena, OWNED "\"processes\": [%s]", "", 60, process).ptr);
    return holder_opener_is_gone(&host, &host.sockets.items[0]);
}

TEST(opener_is_gone_when_it_ended_or_its_number_is_another_ones)
{
    CHECK(opener_is_gone(arena, "{\"pid\": 50, \"known\": \"gone\"}"));
    CHECK(opener_is_gone(arena, "{\"pid\": 50, \"known\": \"yes\", \"started_ms\": 1001}"));
    CHECK(!opener_is_gone(arena, "{\"pid\": 50, \"known\": \"yes\", \"started_ms\": 999}"));
    CHECK(!opener_is_gone(arena, "{\"pid\": 50, \"known\": \"yes\"}"));
    CHECK(!opener_is_gone(arena, "{\"pid\": 50, \"known\": \"not-allowed\"}"));
    CHECK(!opener_is_gone(arena, "{\"pid\": 51, \"known\": \"gone\"}"));
}

static struct str
warnings_of(struct arena *arena, const char *process)
{
    struct holder holder = find_one(arena, "0.0.0.0:8080", process);
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < holder.warnings.count; i++)
        buf_addf(&out, "%s%.*s", i > 0 ? "|" : "", STR_ARG(holder.warnings.items[i]));
    return buf_str(&out);
}

TEST(programs_of_windows_are_warned_of_by_signature_place_and_name)
{
    CHECK_STR(
        warnings_of(arena, "\"name\": \"node.exe\", \"exe\": \"C:\\\\Tools\\\\node.exe\", \"signature\": \"good\"}"),
        "");
    CHECK_STR(warnings_of(arena, "\"name\": \"a.exe\", \"signature\": \"none\"}"),
              "Its program file is not signed: who made it can't be told.");
    CHECK_STR(warnings_of(arena, "\"name\": \"a.exe\", \"signature\": \"broken\"}"),
              "Its program file was changed after it was signed.");
    CHECK_STR(warnings_of(arena, "\"name\": \"a.exe\", \"signature\": \"doubted\"}"),
              "Its program file is signed by somebody whom this computer does not trust.");
    CHECK_STR(warnings_of(arena, "\"name\": \"a.exe\", \"exe\": \"C:\\\\Users\\\\ann\\\\downloads\\\\a.exe\"}"),
              "It runs from where downloads are put: C:\\Users\\ann\\downloads\\a.exe.");
    CHECK_STR(warnings_of(arena, "\"name\": \"svchost.exe\", \"exe\": \"D:\\\\Windows\\\\System32\\\\svchost.exe\"}"),
              "");
    CHECK_STR(warnings_of(arena, "\"name\": \"svchost.exe\", \"exe\": \"C:\\\\x\\\\svchost.exe\"}"),
              "It is called svchost like a program of the system, but runs from C:\\x\\svchost.exe.");
}

TEST(only_the_systems_own_svchost_runs_services)
{
    struct process process = {.pid = 1, .name = STR("svchost.exe")};
    struct holder holder = {.pid = 1, .process = &process};
    CHECK(holder_hosts_services(&holder));
    process.exe = (struct fact){KNOWN_YES, STR("c:\\windows\\system32\\svchost.exe")};
    CHECK(holder_hosts_services(&holder));
    process.exe.value = STR("C:\\Temp\\svchost.exe");
    CHECK(!holder_hosts_services(&holder));
    process.name = STR("node.exe");
    CHECK(!holder_hosts_services(&holder));
    holder.process = NULL;
    CHECK(!holder_hosts_services(&holder) && !holder_is_program(arena, &holder, "relay"));
}

TEST(shells_of_windows_tell_whether_a_person_uses_them)
{
    CHECK_STR(STARTED_BY("cmd.exe|cmd.exe|/d|/s|/c|npm start", "explorer.exe|explorer.exe"), "the desktop");
    CHECK_STR(STARTED_BY("cmd.exe|cmd.exe", "explorer.exe|explorer.exe"), "a shell");
    CHECK_STR(STARTED_BY("cmd.exe|cmd.exe|/K|setup.bat", "Code.exe|Code.exe"), "a shell in Visual Studio Code");
    CHECK_STR(STARTED_BY("powershell.exe|powershell.exe|-NoExit|-Command|x", "Code.exe|Code.exe"),
              "a shell in Visual Studio Code");
    CHECK_STR(STARTED_BY("powershell.exe|powershell.exe|-Command|npm start", "Code.exe|Code.exe"),
              "Visual Studio Code");
}

TEST(program_without_a_socket_is_described_like_a_holder)
{
    struct host host =
        parse_windows(arena, "\"processes\": [{\"known\": \"yes\", \"pid\": 7, \"ppid\": 6}, {\"known\": "
                             "\"yes\", \"pid\": 6, \"name\": \"explorer.exe\"}]");
    struct holder holder;
    holder_describe(arena, &host, 7, &holder);
    CHECK_INT(holder.ancestry.count, 1);
    CHECK_STR(holder.started_by, "the desktop");
    holder_describe(arena, &host, 99, &holder);
    CHECK(holder.process == NULL && holder.pid == 99);
}

TEST(forwarder_of_docker_desktop_stands_for_the_container_of_its_port)
{
    struct host host = parse_windows(
        arena, "\"sockets\": [{\"protocol\": \"tcp\", \"state\": \"LISTEN\", \"local\": \"0.0.0.0:8080\", "
               "\"owner_pid\": 9}], \"holdings\": [{\"socket\": 0, \"pid\": 9, \"how\": \"table\"}], \"processes\": "
               "[{\"known\": \"yes\", \"pid\": 9, \"name\": \"com.docker.backend.exe\"}], \"containers\": "
               "[{\"runtime\": \"docker\", \"id\": \"aa\", \"name\": \"web\", \"state\": \"running\", \"ports\": "
               "[{\"protocol\": \"tcp\", \"host_port\": 8080, \"container_port\": 80}]}]");
    struct holder_list list = find(arena, &host);
    CHECK(list.items[0].is_forwarder);
    CHECK_STR(list.items[0].forwards->name, "web");
}

TAP_MAIN
