#ifndef MOORAGE_TEST_CORE_WHY_SCENE_H
#define MOORAGE_TEST_CORE_WHY_SCENE_H

#include "core/why.h"

#include "core/snapshot.h"
#include "decode/snapshot.h"
#include "sys/fake_host.h"
#include "tap.h"

// A host is built as data, written as a recording, and asked through the fake platform, as moorage-fake would.
struct scene {
    struct arena *arena;
    struct host host;
    struct host read;
    struct answer answer;
};

static inline struct scene
scene_new(struct arena *arena)
{
    struct scene scene = {.arena = arena};

    scene.host.platform = STR("linux");
    scene.host.name = STR("box");
    scene.host.time_ms = 1769860800000;
    scene.host.admin = true;
    scene.host.ipv6 = true;
    scene.host.complete = true;
    scene.host.socket_source = STR("netlink");
    struct port_range *range = LIST_ADD(arena, &scene.host.ranges);
    *range = (struct port_range){.kind = RANGE_DYNAMIC,
                                 .any_protocol = true,
                                 .first = 32768,
                                 .last = 60999,
                                 .source = STR("net.ipv4.ip_local_port_range")};
    range = LIST_ADD(arena, &scene.host.ranges);
    *range = (struct port_range){.kind = RANGE_PRIVILEGED,
                                 .any_protocol = true,
                                 .first = 1,
                                 .last = 1023,
                                 .source = STR("net.ipv4.ip_unprivileged_port_start")};
    return scene;
}

static inline struct socket_row *
add_socket(struct scene *scene, enum protocol protocol, enum socket_state state, const char *local, uint16_t port,
           uint64_t inode)
{
    struct socket_row *row = LIST_ADD(scene->arena, &scene->host.sockets);

    row->protocol = protocol;
    row->state = state;
    (void)address_parse(str_of(local), &row->local);
    row->local_port = port;
    row->inode = inode;
    row->cookie = 1000 + scene->host.sockets.count;
    row->uid_known = true;
    if (row->local.family == FAMILY_IPV6)
        row->v6only = TRI_NO;
    return row;
}

static inline struct process *
add_process(struct scene *scene, uint32_t pid, uint32_t ppid, const char *name)
{
    struct process *process = LIST_ADD(scene->arena, &scene->host.processes);

    process->pid = pid;
    process->ppid = ppid;
    process->pgid = process->sid = pid;
    process->known = KNOWN_YES;
    process->name = str_of(name);
    process->command_known = KNOWN_YES;
    *LIST_ADD(scene->arena, &process->command) = str_of(name);
    process->user = (struct fact){KNOWN_YES, STR("ann")};
    process->started_known = true;
    process->started_ms = 1769850000000 + (int64_t)pid;
    process->state = 'S';
    process->same_netns = true;
    return process;
}

// The socket that was added last is held by this process.
static inline void
held_by(struct scene *scene, uint32_t pid, uint64_t fd)
{
    struct holding *holding = LIST_ADD(scene->arena, &scene->host.holdings);

    *holding = (struct holding){.socket = scene->host.sockets.count - 1, .pid = pid, .how = HOLDING_FD, .fd = fd};
}

static inline void
probe_says(struct scene *scene, enum protocol protocol, const char *address, uint16_t port, const char *bind,
           unsigned long code, const char *result)
{
    struct probe *probe = LIST_ADD(scene->arena, &scene->host.probes);

    probe->protocol = protocol;
    (void)address_parse(str_of(address), &probe->address);
    probe->port = port;
    probe->bind = str_of(bind);
    probe->v6only = probe->address.family == FAMILY_IPV6;
    probe->worked = code == 0;
    probe->code = code;
    probe->result = str_of(result);
}

static inline void
both_probes_say(struct scene *scene, enum protocol protocol, uint16_t port, const char *bind, unsigned long code,
                const char *result)
{
    probe_says(scene, protocol, "0.0.0.0", port, bind, code, result);
    probe_says(scene, protocol, "::", port, bind, code, result);
}

static inline bool
ask_question(struct scene *scene, struct why_question question)
{
    struct err err = {0};
    struct snapshot_ask ask = {.protocols = 1u << question.protocol,
                               .states = 1u << SOCKET_LISTEN | 1u << SOCKET_UNCONN,
                               .first = question.endpoint.first,
                               .last = question.endpoint.first};

    if (!fake_host_load(snapshot_write(scene->arena, &scene->host, false), &err))
        printf("# %s\n", err.text);
    if (!snapshot_read(scene->arena, &ask, &scene->read, &err) ||
        !why_answer(scene->arena, &scene->read, &question, &scene->answer, &err)) {
        printf("# %s\n", err.text);
        return false;
    }
    return true;
}

static inline struct why_question
question_of(enum protocol protocol, uint16_t port)
{
    return (struct why_question){.protocol = protocol, .endpoint = {.first = port, .last = port}, .deadline_ms = 300};
}

static inline bool
ask(struct scene *scene, enum protocol protocol, uint16_t port)
{
    return ask_question(scene, question_of(protocol, port));
}

static inline struct cause *
first_cause(struct scene *scene)
{
    static struct cause none = {.kind = CAUSE_KIND_COUNT};

    return scene->answer.causes.count > 0 ? &scene->answer.causes.items[0] : &none;
}

static inline struct cause *
cause_of(struct scene *scene, enum cause_kind kind)
{
    for (size_t i = 0; i < scene->answer.causes.count; i++)
        if (scene->answer.causes.items[i].kind == kind)
            return &scene->answer.causes.items[i];
    return NULL;
}

// The contract's promise about every answer.
static inline bool
is_consistent(const struct scene *scene)
{
    bool blocked = false;

    for (size_t i = 0; i < scene->answer.causes.count; i++) {
        const struct cause *cause = &scene->answer.causes.items[i];
        blocked = blocked || cause->blocks;
        if (cause->sentence.len == 0 || (cause->blocks && cause->remedies.count == 0 && cause->kind != CAUSE_HIDDEN))
            return false;
        for (size_t k = 1; k < cause->remedies.count; k++)
            if (cause->remedies.items[k - 1].harm > cause->remedies.items[k].harm)
                return false;
    }
    return blocked != scene->answer.bindable;
}

static inline void
add_web_container(struct scene *scene)
{
    struct container *container = LIST_ADD(scene->arena, &scene->host.containers);

    *container = (struct container){.runtime = STR("docker"),
                                    .id = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
                                    .name = STR("shop-web-1"),
                                    .image = STR("nginx"),
                                    .compose_project = STR("shop"),
                                    .compose_service = STR("web"),
                                    .state = STR("running"),
                                    .restart = STR("always")};
    *LIST_ADD(scene->arena, &container->ports) =
        (struct published_port){.protocol = PROTOCOL_TCP, .host_port = 8080, .container_port = 80};
}

// The same of a host that runs Windows, where an ordinary user asks.
static inline struct scene
scene_windows(struct arena *arena)
{
    struct scene scene = scene_new(arena);

    scene.host.platform = STR("windows");
    scene.host.socket_source = STR("iphlpapi");
    scene.host.tier = TIER_WINDOWS;
    scene.host.admin = false;
    scene.host.uid = 1001;
    scene.host.ranges.count = 0;
    return scene;
}

// A row that names its owner, who holds the socket.
static inline struct socket_row *
add_owned(struct scene *scene, const char *local, uint16_t port, uint32_t pid)
{
    struct socket_row *row = add_socket(scene, PROTOCOL_TCP, SOCKET_LISTEN, local, port, 0);

    row->cookie = 0;
    row->uid_known = false;
    row->v6only = TRI_UNKNOWN;
    row->owner_pid = pid;
    *LIST_ADD(scene->arena, &scene->host.holdings) =
        (struct holding){.socket = scene->host.sockets.count - 1, .pid = pid, .how = HOLDING_TABLE};
    return row;
}

static inline struct process *
add_svchost(struct scene *scene, uint32_t pid)
{
    struct process *process = add_process(scene, pid, 700, "svchost.exe");

    process->exe = (struct fact){KNOWN_YES, STR("C:\\Windows\\System32\\svchost.exe")};
    return process;
}

static inline struct service *
add_service(struct scene *scene, const char *name, uint32_t pid)
{
    struct service *service = LIST_ADD(scene->arena, &scene->host.services);

    *service =
        (struct service){.manager = STR("windows"), .name = str_of(name), .main_pid = pid, .state = STR("active")};
    return service;
}

static inline struct port_range *
add_range(struct scene *scene, enum range_kind kind, enum family family, uint16_t first, uint16_t last)
{
    struct port_range *range = LIST_ADD(scene->arena, &scene->host.ranges);

    *range = (struct port_range){.kind = kind,
                                 .protocol = PROTOCOL_TCP,
                                 .family = family,
                                 .first = first,
                                 .last = last,
                                 .source = STR("netsh excludedportrange")};
    return range;
}

static inline struct http_url *
add_url(struct scene *scene, const char *url, uint16_t port, bool registered, const char *owner, uint32_t pid)
{
    struct http_url *added = LIST_ADD(scene->arena, &scene->host.http_urls);

    *added = (struct http_url){.url = str_of(url), .port = port, .registered = registered, .owner = str_of(owner)};
    if (pid != 0)
        *LIST_ADD(scene->arena, &added->pids) = pid;
    return added;
}

// What a bind of this address gives with each kind of options: 0, 10048, ...
static inline void
binds_give(struct scene *scene, const char *address, uint16_t port, unsigned long plain, unsigned long exclusive,
           unsigned long reuse)
{
    static const char *const binds[] = {"plain", "exclusive", "reuse"};
    unsigned long codes[] = {plain, exclusive, reuse};

    for (size_t i = 0; i < 3; i++)
        probe_says(scene, PROTOCOL_TCP, address, port, binds[i], codes[i],
                   codes[i] == 0       ? "ok"
                   : codes[i] == 10048 ? "WSAEADDRINUSE"
                   : codes[i] == 10013 ? "WSAEACCES"
                                       : "WSAEADDRNOTAVAIL");
}

static inline struct neighbour_port *
add_neighbour(struct scene *scene, const char *system, const char *address, uint16_t port, uint32_t pid,
              const char *name)
{
    struct neighbour_port *added = LIST_ADD(scene->arena, &scene->host.neighbour_ports);

    *added = (struct neighbour_port){.system = str_of(system), .port = port, .pid = pid, .name = str_of(name)};
    (void)address_parse(str_of(address), &added->address);
    scene->host.neighbours_known = KNOWN_YES;
    return added;
}

// Whether the first cause has this evidence.
static inline bool
notes(struct scene *scene, const char *sentence)
{
    const struct cause *cause = first_cause(scene);

    for (size_t i = 0; i < cause->notes.count; i++)
        if (str_equal(cause->notes.items[i], str_of(sentence)))
            return true;
    return false;
}

// Which command of moorage the first cause offers under this label; empty if none.
static inline struct str
command_of(struct scene *scene, const char *label)
{
    const struct cause *cause = first_cause(scene);

    for (size_t i = 0; i < cause->remedies.count; i++)
        if (str_equal(cause->remedies.items[i].label, str_of(label)))
            return cause->remedies.items[i].command;
    return STR("");
}

static inline bool
offers(struct scene *scene, const char *by_hand)
{
    const struct cause *cause = first_cause(scene);

    for (size_t i = 0; i < cause->remedies.count; i++)
        if (str_equal(cause->remedies.items[i].by_hand, str_of(by_hand)) ||
            str_equal(cause->remedies.items[i].command, str_of(by_hand)))
            return true;
    return false;
}

#endif
