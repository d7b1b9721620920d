#include "decode/forwarder.h"

enum {
    SHORT_NAME = 15, // what Linux keeps of a name (TASK_COMM_LEN in linux/sched.h)
};

// The value of an option in the word at *at, or in the next word, which is then used up: "-name v", "-name=v", "--name v".
// Go's flag package takes one dash or two (https://pkg.go.dev/flag), and so do we for all of these programs.
static bool
take_option(const struct str_list *command, size_t *at, struct str name, struct str *value)
{
    struct str word = command->items[*at];
    size_t dashes = str_starts(word, STR("--")) ? 2 : str_starts(word, STR("-")) ? 1 : 0;
    if (dashes == 0 || !str_starts(str_part(word, dashes, word.len), name))
        return false;
    struct str rest = str_part(word, dashes + name.len, word.len);
    if (str_starts(rest, STR("="))) {
        *value = str_part(rest, 1, rest.len);
        return true;
    }
    if (rest.len > 0 || *at + 1 >= command->count)
        return false;
    *value = command->items[++*at];
    return true;
}

static bool
parse_port(struct str text, uint16_t *out)
{
    uint64_t number;
    if (!str_to_u64(text, 10, &number) || number == 0 || number > 65535)
        return false;
    *out = (uint16_t)number;
    return true;
}

// "8080" or "8080-8090"
static bool
parse_ports(struct str text, uint16_t *first, uint16_t *last)
{
    struct str head;
    if (!str_cut(&text, '-', &head) || !parse_port(head, first))
        return false;
    *last = *first;
    return !text.ptr || (parse_port(text, last) && *last >= *first);
}

static struct str
strip_brackets(struct str address)
{
    if (str_starts(address, STR("[")) && str_ends(address, STR("]")))
        return str_part(address, 1, address.len - 2);
    return address;
}

// -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80 [-use-listen-fd]
static void
read_docker_proxy(struct arena *arena, const struct str_list *command, struct forwarder *out)
{
    struct forwarded_port port = {.protocol = PROTOCOL_TCP};
    bool known = true;
    struct str value;
    for (size_t i = 1; i < command->count; i++) {
        if (take_option(command, &i, STR("proto"), &value))
            known = known && host_protocol_parse(value, &port.protocol);
        else if (take_option(command, &i, STR("host-ip"), &value))
            address_parse(strip_brackets(value), &port.host_address);
        else if (take_option(command, &i, STR("host-port"), &value))
            parse_port(value, &port.first);
        else if (take_option(command, &i, STR("container-ip"), &value))
            address_parse(strip_brackets(value), &port.container_address);
        else if (take_option(command, &i, STR("container-port"), &value))
            parse_port(value, &port.container_first);
    }
    port.last = port.first;
    if (known && port.first != 0)
        *LIST_ADD(arena, &out->ports) = port;
}

// -p [PARENTIP:]PARENTPORT:CHILDPORT/PROTO, rootlesskit's --publish
static void
read_rootlesskit(struct arena *arena, const struct str_list *command, struct forwarder *out)
{
    struct str value;
    // Its own options end where the command that it runs begins.
    for (size_t i = 1; i < command->count && str_starts(command->items[i], STR("-")); i++) {
        if (!take_option(command, &i, STR("p"), &value) && !take_option(command, &i, STR("publish"), &value))
            continue;
        struct forwarded_port port = {.protocol = PROTOCOL_TCP};
        size_t slash = str_find_last_byte(value, '/');
        struct str protocol = slash == SIZE_MAX ? STR("tcp") : str_part(value, slash + 1, value.len);
        struct str ports = str_part(value, 0, slash);
        size_t colon = str_find_last_byte(ports, ':');
        if (colon == SIZE_MAX || !parse_port(str_part(ports, colon + 1, ports.len), &port.container_first))
            continue;
        struct str parent = str_part(ports, 0, colon);
        colon = str_find_last_byte(parent, ':');
        if (colon != SIZE_MAX) {
            address_parse(strip_brackets(str_part(parent, 0, colon)), &port.host_address);
            parent = str_part(parent, colon + 1, parent.len);
        }
        if (!parse_port(parent, &port.first) || !host_protocol_parse(protocol, &port.protocol))
            continue;
        port.last = port.first;
        *LIST_ADD(arena, &out->ports) = port;
    }
}

// pasta(1), "-t spec": "none", "auto", "all", or [ADDRESS[%INTERFACE]/]PORTS, PORTS being N, N-M, N:M, N-M:O-P, ~N (excluded)
// with commas between.
static void
add_pasta_ports(struct arena *arena, enum protocol protocol, struct str spec, struct forwarder *out)
{
    struct address address = {.family = FAMILY_NONE};
    struct str item;
    bool excludes = false;
    bool named = false;
    size_t slash = str_find_byte(spec, '/');
    if (slash != SIZE_MAX) {
        struct str text = str_part(spec, 0, slash);
        address_parse(strip_brackets(str_part(text, 0, str_find_byte(text, '%'))), &address);
        spec = str_part(spec, slash + 1, spec.len);
    }
    if (str_equal(spec, STR("none")))
        return;
    if (str_equal(spec, STR("all")) || str_equal(spec, STR("auto"))) {
        out->every_port = true;
        return;
    }
    while (str_cut(&spec, ',', &item)) {
        struct forwarded_port port = {.protocol = protocol, .host_address = address};
        struct str host;
        uint16_t unused;
        if (str_starts(item, STR("~"))) {
            excludes = true;
            continue;
        }
        if (!str_cut(&item, ':', &host) || !parse_ports(host, &port.first, &port.last))
            continue;
        named = true;
        port.container_first = port.first;
        if (item.ptr && !parse_ports(item, &port.container_first, &unused))
            continue;
        *LIST_ADD(arena, &out->ports) = port;
    }
    // "Exclusions only" means all ports but these.
    out->every_port = out->every_port || (excludes && !named);
}

static void
read_pasta(struct arena *arena, const struct str_list *command, struct forwarder *out)
{
    struct str value;
    for (size_t i = 1; i < command->count; i++) {
        if (take_option(command, &i, STR("t"), &value) || take_option(command, &i, STR("tcp-ports"), &value))
            add_pasta_ports(arena, PROTOCOL_TCP, value, out);
        else if (take_option(command, &i, STR("u"), &value) || take_option(command, &i, STR("udp-ports"), &value))
            add_pasta_ports(arena, PROTOCOL_UDP, value, out);
        else if (take_option(command, &i, STR("netns"), &value))
            out->netns = value;
    }
}

// slirp4netns [OPTION]... PID|PATH [TAPNAME]
static void
read_slirp4netns(const struct str_list *command, struct forwarder *out)
{
    bool by_path = false;
    struct str value;
    for (size_t i = 1; i < command->count; i++) {
        if (take_option(command, &i, STR("netns-type"), &value))
            by_path = str_equal(value, STR("path"));
        else if (by_path && str_starts(command->items[i], STR("/")) && out->netns.len == 0)
            out->netns = command->items[i];
    }
}

// conmon(8): -c ID -n NAME ... --exit-command /usr/bin/podman --exit-command-arg ...
static void
read_conmon(const struct str_list *command, struct forwarder *out)
{
    struct str value;
    for (size_t i = 1; i < command->count; i++) {
        if (take_option(command, &i, STR("exit-command-arg"), &value))
            continue;
        if (take_option(command, &i, STR("c"), &value) || take_option(command, &i, STR("cid"), &value))
            out->id = value;
        else if (take_option(command, &i, STR("n"), &value) || take_option(command, &i, STR("name"), &value))
            out->name = value;
        else if (take_option(command, &i, STR("exit-command"), &value) &&
                 str_equal(str_base_name(value), STR("podman")))
            out->runtime = STR("podman");
    }
    // The kubelet's naming scheme: k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT
    if (str_starts(out->name, STR("k8s_")))
        out->runtime = STR("cri-o");
}

// -namespace moby -id ID -address ...; shims before containerd 1.2 had -workdir .../moby/ID in place of the id.
static void
read_containerd_shim(const struct str_list *command, struct forwarder *out)
{
    struct str value;
    out->runtime = STR("containerd");
    for (size_t i = 1; i < command->count; i++) {
        if (take_option(command, &i, STR("namespace"), &value))
            out->runtime = str_equal(value, STR("moby"))     ? STR("docker")
                           : str_equal(value, STR("k8s.io")) ? STR("kubernetes")
                                                             : STR("containerd");
        else if (take_option(command, &i, STR("id"), &value))
            out->id = value;
        else if (take_option(command, &i, STR("workdir"), &value) && out->id.len == 0)
            out->id = str_base_name(value);
    }
}

// The kind by the program's own name.
static const struct {
    struct str name;
    enum forwarder_kind kind;
    struct str runtime;
} programs[] = {
    {STR_INIT("docker-proxy"), FORWARDER_DOCKER_PROXY, STR_INIT("docker")},
    {STR_INIT("rootlesskit-docker-proxy"), FORWARDER_DOCKER_PROXY, STR_INIT("docker")},
    {STR_INIT("rootlessport"), FORWARDER_ROOTLESSPORT, STR_INIT("podman")},
    {STR_INIT("rootlessport-child"), FORWARDER_ROOTLESSPORT, STR_INIT("podman")},
    // Podman before 4 ran itself again under these names.
    {STR_INIT("containers-rootlessport"), FORWARDER_ROOTLESSPORT, STR_INIT("podman")},
    {STR_INIT("containers-rootlessport-child"), FORWARDER_ROOTLESSPORT, STR_INIT("podman")},
    {STR_INIT("rootlesskit"), FORWARDER_ROOTLESSKIT, STR_INIT("")},
    {STR_INIT("slirp4netns"), FORWARDER_SLIRP4NETNS, STR_INIT("")},
    {STR_INIT("pasta"), FORWARDER_PASTA, STR_INIT("")},
    {STR_INIT("pasta.avx2"), FORWARDER_PASTA, STR_INIT("")},
    {STR_INIT("conmon"), FORWARDER_CONMON, STR_INIT("")},
    {STR_INIT("containerd-shim"), FORWARDER_CONTAINERD_SHIM, STR_INIT("")},
    {STR_INIT("containerd-shim-runc-v1"), FORWARDER_CONTAINERD_SHIM, STR_INIT("")},
    {STR_INIT("containerd-shim-runc-v2"), FORWARDER_CONTAINERD_SHIM, STR_INIT("")},
};

static bool
find_kind(struct str program, struct forwarder *out)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        if (str_equal(program, programs[i].name)) {
            *out = (struct forwarder){
                .kind = programs[i].kind, .program = programs[i].name, .runtime = programs[i].runtime};
            return true;
        }
    }
    return false;
}

bool
forwarder_may_be(struct str name)
{
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        if (str_equal(name, str_part(programs[i].name, 0, SHORT_NAME)))
            return true;
    }
    // What runs itself again by way of /proc/self/exe, as rootlessport does.
    return str_equal(name, STR("exe"));
}

bool
forwarder_parse(struct arena *arena, const struct str_list *command, struct forwarder *out)
{
    if (command->count == 0 || !find_kind(str_base_name(command->items[0]), out))
        return false;
    switch (out->kind) {
    case FORWARDER_DOCKER_PROXY:
        read_docker_proxy(arena, command, out);
        break;
    case FORWARDER_ROOTLESSPORT:
        break;
    case FORWARDER_ROOTLESSKIT:
        read_rootlesskit(arena, command, out);
        break;
    case FORWARDER_SLIRP4NETNS:
        read_slirp4netns(command, out);
        break;
    case FORWARDER_PASTA:
        read_pasta(arena, command, out);
        break;
    case FORWARDER_CONMON:
        read_conmon(command, out);
        break;
    case FORWARDER_CONTAINERD_SHIM:
        read_containerd_shim(command, out);
        break;
    }
    return true;
}

const struct forwarded_port *
forwarder_port(const struct forwarder *forwarder, enum protocol protocol, struct address address, uint16_t port)
{
    for (size_t i = 0; i < forwarder->ports.count; i++) {
        const struct forwarded_port *item = &forwarder->ports.items[i];
        bool any = item->host_address.family == FAMILY_NONE ||
                   (address_is_any(item->host_address) && item->host_address.family == address.family);
        if (host_same_ports(item->protocol, protocol) && port >= item->first && port <= item->last &&
            (any || address_equal(item->host_address, address)))
            return item;
    }
    return NULL;
}
