#include "decode/container_api.h"

#include "base/json.h"

// The short name that people know it by: Docker writes "/web", and for links "/web/db" too, which is no name of its own.
static struct str
plain_name(struct str name)
{
    return str_starts(name, STR("/")) ? str_part(name, 1, name.len) : name;
}

static void
take_labels(struct arena *arena, const cJSON *labels, struct container *out)
{
    // Docker Compose and podman-compose, which sets both kinds in its newer versions.
    static const char *const projects[] = {"com.docker.compose.project", "io.podman.compose.project"};
    static const char *const services[] = {"com.docker.compose.service", "io.podman.compose.service"};
    for (size_t i = 0; i < sizeof projects / sizeof *projects; i++) {
        if (out->compose_project.len == 0)
            json_get_str(arena, labels, projects[i], &out->compose_project);
        if (out->compose_service.len == 0)
            json_get_str(arena, labels, services[i], &out->compose_service);
    }
}

// Podman publishes one port for several protocols as "tcp,udp". SCTP has no place in the model.
static void
add_ports(struct arena *arena, struct str protocols, struct str host_ip, uint64_t host_port, uint64_t container_port,
          struct container *out)
{
    struct str word;
    if (host_port == 0 || host_port > 65535 || container_port > 65535)
        return;
    while (str_cut(&protocols, ',', &word)) {
        struct published_port port = {.host_port = (uint16_t)host_port, .container_port = (uint16_t)container_port};
        if (!host_protocol_parse(word, &port.protocol))
            continue;
        // An empty text is how Podman says "every address".
        address_parse(host_ip, &port.host_address);
        *LIST_ADD(arena, &out->ports) = port;
    }
}

static void
take_listed_ports(struct arena *arena, const cJSON *ports, struct container *out)
{
    for (const cJSON *item = ports ? ports->child : NULL; item; item = item->next) {
        struct str protocol = STR("tcp");
        struct str host_ip = {NULL, 0};
        uint64_t host_port;
        uint64_t container_port = 0;
        // Without a public port it is only exposed: nothing of the host's is taken.
        if (!json_get_u64(item, "PublicPort", &host_port))
            continue;
        json_get_u64(item, "PrivatePort", &container_port);
        json_get_str(arena, item, "Type", &protocol);
        json_get_str(arena, item, "IP", &host_ip);
        add_ports(arena, protocol, host_ip, host_port, container_port, out);
    }
}

// {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": null}
static void
take_bound_ports(struct arena *arena, const cJSON *ports, struct container *out)
{
    for (const cJSON *item = ports ? ports->child : NULL; item; item = item->next) {
        struct str protocol = str_of(item->string);
        struct str number;
        uint64_t container_port;
        if (!cJSON_IsArray(item) || !str_cut(&protocol, '/', &number) || !str_to_u64(number, 10, &container_port))
            continue;
        for (const cJSON *binding = item->child; binding; binding = binding->next) {
            struct str host_ip = {NULL, 0};
            uint64_t host_port;
            json_get_str(arena, binding, "HostIp", &host_ip);
            if (json_get_u64(binding, "HostPort", &host_port))
                add_ports(arena, protocol, host_ip, host_port, container_port, out);
        }
    }
}

bool
container_api_parse_list(struct arena *arena, struct str body, struct str runtime, struct str api,
                         struct container_list *out, struct err *err)
{
    const cJSON *list = json_parse(arena, body, err);
    if (!list)
        return false;
    if (!cJSON_IsArray(list))
        return err_set(err, ERR_FORMAT, 0, "the container runtime's answer is no list");
    for (const cJSON *item = list->child; item; item = item->next) {
        struct container container = {.runtime = runtime, .api = api};
        if (!json_get_str(arena, item, "Id", &container.id) || container.id.len == 0)
            continue;
        const cJSON *names = json_get_array(item, "Names");
        if (names && cJSON_IsString(names->child))
            container.name = plain_name(str_of(names->child->valuestring));
        json_get_str(arena, item, "Image", &container.image);
        json_get_str(arena, item, "State", &container.state);
        take_labels(arena, json_get_object(item, "Labels"), &container);
        take_listed_ports(arena, json_get_array(item, "Ports"), &container);
        *LIST_ADD(arena, out) = container;
    }
    return true;
}

bool
container_api_parse_one(struct arena *arena, struct str body, struct container *out, struct err *err)
{
    struct str id;
    struct str text;
    uint64_t pid;
    uint64_t seconds;
    const cJSON *root = json_parse(arena, body, err);
    if (!root)
        return false;
    if (!json_get_str(arena, root, "Id", &id) || id.len == 0 || (out->id.len > 0 && !str_starts(id, out->id)))
        return err_set(err, ERR_FORMAT, 0, "the container runtime's answer describes another container");
    out->id = id;
    const cJSON *state = json_get_object(root, "State");
    const cJSON *config = json_get_object(root, "Config");
    const cJSON *restart = json_get_object(json_get_object(root, "HostConfig"), "RestartPolicy");
    const cJSON *ports = json_get_object(json_get_object(root, "NetworkSettings"), "Ports");
    if (json_get_u64(state, "Pid", &pid) && pid <= UINT32_MAX)
        out->pid = (uint32_t)pid;
    if (json_get_u64(config, "StopTimeout", &seconds) && seconds <= UINT32_MAX)
        out->stop_s = (uint32_t)seconds;
    json_get_str(arena, state, "Status", &out->state);
    // Podman leaves the name empty where no policy was given; Docker says "no".
    if (json_get_str(arena, restart, "Name", &out->restart) && out->restart.len == 0)
        out->restart = STR("no");
    if (out->name.len == 0 && json_get_str(arena, root, "Name", &text))
        out->name = plain_name(text);
    if (out->image.len == 0)
        json_get_str(arena, config, "Image", &out->image);
    take_labels(arena, json_get_object(config, "Labels"), out);
    struct container bound = {.pid = 0};
    take_bound_ports(arena, ports, &bound);
    if (bound.ports.count > 0) {
        out->ports.items = bound.ports.items;
        out->ports.count = bound.ports.count;
        out->ports.capacity = bound.ports.capacity;
    }
    return true;
}

bool
container_api_judge(struct arena *arena, const struct http_answer *answer, struct err *err)
{
    struct str message = {NULL, 0};
    // 304: it stands so already.
    if ((answer->status >= 200 && answer->status < 300) || answer->status == 304)
        return true;
    const cJSON *root = json_parse(arena, answer->body, NULL);
    if (!json_get_str(arena, root, "message", &message) || message.len == 0)
        json_get_str(arena, root, "cause", &message);
    if (message.len == 0)
        message = str_trim(str_part(answer->body, 0, 120));
    enum err_kind kind = answer->status == 404                            ? ERR_GONE
                         : answer->status == 401 || answer->status == 403 ? ERR_NOT_ALLOWED
                                                                          : ERR_SYSTEM;
    return err_set(err, kind, answer->status, "the container runtime answered %u%s%.*s", answer->status,
                   message.len > 0 ? ": " : "", STR_ARG(message));
}
