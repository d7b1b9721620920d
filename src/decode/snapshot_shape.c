#include "decode/snapshot_shape.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(enum known) == sizeof(unsigned), "enums are copied as unsigned");

#define FIELD(key, kind, type, member)                              \
    {                                                               \
        (key), (kind), offsetof(struct type, member), 0, NULL, NULL \
    }
#define FIELD_TWO(key, kind, type, member, second)                                              \
    {                                                                                           \
        (key), (kind), offsetof(struct type, member), offsetof(struct type, second), NULL, NULL \
    }
#define FIELD_NAMED(key, words, type, member)                               \
    {                                                                       \
        (key), FIELD_WORD, offsetof(struct type, member), 0, &(words), NULL \
    }
#define FIELD_MANY(key, shape, type, member)                                \
    {                                                                       \
        (key), FIELD_LIST, offsetof(struct type, member), 0, NULL, &(shape) \
    }
#define SHAPE(fields, type)                                              \
    {                                                                    \
        (fields), sizeof(fields) / sizeof *(fields), sizeof(struct type) \
    }

static struct str
protocol_name(unsigned value)
{
    return host_protocol_name((enum protocol)value);
}

static struct str
state_name(unsigned value)
{
    return host_state_name((enum socket_state)value);
}

static struct str
known_name(unsigned value)
{
    return value == KNOWN_YES ? STR("yes") : host_known_name((enum known)value);
}

static struct str
tier_name(unsigned value)
{
    return value == TIER_NONE ? STR("") : host_tier_name((enum tier)value);
}

static struct str
how_name(unsigned value)
{
    static const struct str names[] = {[HOLDING_FD] = STR_INIT("fd"),
                                       [HOLDING_THREAD_FD] = STR_INIT("thread"),
                                       [HOLDING_IN_FLIGHT] = STR_INIT("in-flight"),
                                       [HOLDING_IO_URING] = STR_INIT("io_uring"),
                                       [HOLDING_MMAP] = STR_INIT("mmap"),
                                       [HOLDING_HANDLE] = STR_INIT("handle"),
                                       [HOLDING_TABLE] = STR_INIT("table")};
    return names[value];
}

static struct str
exe_state_name(unsigned value)
{
    static const struct str names[] = {[EXE_UNKNOWN] = STR_INIT(""),
                                       [EXE_PRESENT] = STR_INIT("present"),
                                       [EXE_DELETED] = STR_INIT("deleted"),
                                       [EXE_REPLACED] = STR_INIT("replaced")};
    return names[value];
}

static struct str
family_name(unsigned value)
{
    return value == FAMILY_IPV4 ? STR("ipv4") : value == FAMILY_IPV6 ? STR("ipv6") : STR("");
}

static struct str
signature_name(unsigned value)
{
    static const struct str names[] = {[SIGNATURE_UNKNOWN] = STR_INIT(""),
                                       [SIGNATURE_NONE] = STR_INIT("none"),
                                       [SIGNATURE_GOOD] = STR_INIT("good"),
                                       [SIGNATURE_BROKEN] = STR_INIT("broken"),
                                       [SIGNATURE_DOUBTED] = STR_INIT("doubted")};
    return names[value];
}

static struct str
range_kind_name(unsigned value)
{
    static const struct str names[] = {[RANGE_DYNAMIC] = STR_INIT("dynamic"),
                                       [RANGE_RESERVED] = STR_INIT("reserved"),
                                       [RANGE_PRIVILEGED] = STR_INIT("privileged"),
                                       [RANGE_EXCLUDED] = STR_INIT("excluded")};
    return names[value];
}

static const struct field_words protocol_words = {protocol_name, PROTOCOL_COUNT};
static const struct field_words state_words = {state_name, SOCKET_STATE_COUNT};
static const struct field_words known_words = {known_name, KNOWN_TIMEOUT + 1};
static const struct field_words tier_words = {tier_name, TIER_FAKE + 1};
static const struct field_words how_words = {how_name, HOLDING_TABLE + 1};
static const struct field_words exe_state_words = {exe_state_name, EXE_REPLACED + 1};
static const struct field_words signature_words = {signature_name, SIGNATURE_DOUBTED + 1};
static const struct field_words family_words = {family_name, FAMILY_IPV6 + 1};
static const struct field_words range_kind_words = {range_kind_name, RANGE_EXCLUDED + 1};

static const struct field socket_fields[] = {
    FIELD_NAMED("protocol", protocol_words, socket_row, protocol),
    FIELD_NAMED("state", state_words, socket_row, state),
    FIELD_TWO("local", FIELD_ENDPOINT, socket_row, local, local_port),
    FIELD_TWO("remote", FIELD_ENDPOINT, socket_row, remote, remote_port),
    FIELD("v6only", FIELD_TRI, socket_row, v6only),
    FIELD("reuse_addr", FIELD_TRI, socket_row, reuse_addr),
    FIELD("reuse_port", FIELD_TRI, socket_row, reuse_port),
    FIELD("device", FIELD_U32, socket_row, device),
    FIELD("device_name", FIELD_TEXT, socket_row, device_name),
    FIELD_TWO("uid", FIELD_MAYBE_U32, socket_row, uid, uid_known),
    FIELD("inode", FIELD_U64, socket_row, inode),
    FIELD("cookie", FIELD_U64, socket_row, cookie),
    FIELD("cgroup", FIELD_U64, socket_row, cgroup),
    FIELD("netns", FIELD_U64, socket_row, netns),
    FIELD("owner_pid", FIELD_U32, socket_row, owner_pid),
    FIELD("owner_service", FIELD_TEXT, socket_row, owner_service),
    FIELD("created_ms", FIELD_I64, socket_row, created_ms),
    FIELD("expires_ms", FIELD_U32, socket_row, expires_ms),
    FIELD("queue", FIELD_U32, socket_row, queue),
    FIELD("backlog", FIELD_U32, socket_row, backlog),
    FIELD("holders_read", FIELD_BOOL, socket_row, holders_read),
};

static const struct field holding_fields[] = {
    FIELD("socket", FIELD_SIZE, holding, socket), FIELD("pid", FIELD_U32, holding, pid),
    FIELD_NAMED("how", how_words, holding, how),  FIELD("fd", FIELD_U64, holding, fd),
    FIELD("tid", FIELD_U32, holding, tid),
};

static const struct field unseen_fields[] = {
    FIELD("pid", FIELD_U32, unseen, pid),
    FIELD("what", FIELD_TEXT, unseen, what),
    FIELD_NAMED("reason", known_words, unseen, reason),
    FIELD("relevant", FIELD_BOOL, unseen, relevant),
};

static const struct field process_fields[] = {
    FIELD("pid", FIELD_U32, process, pid),
    FIELD_NAMED("known", known_words, process, known),
    FIELD("ppid", FIELD_U32, process, ppid),
    FIELD("pgid", FIELD_U32, process, pgid),
    FIELD("sid", FIELD_U32, process, sid),
    FIELD("name", FIELD_TEXT, process, name),
    FIELD("exe", FIELD_FACT, process, exe),
    FIELD_NAMED("exe_state", exe_state_words, process, exe_state),
    FIELD_TWO("command", FIELD_ARGV, process, command, command_known),
    FIELD("cwd", FIELD_FACT, process, cwd),
    FIELD("git_root", FIELD_FACT, process, git_root),
    FIELD("git_branch", FIELD_FACT, process, git_branch),
    FIELD_TWO("uid", FIELD_MAYBE_U32, process, uid, uid_known),
    FIELD("user", FIELD_FACT, process, user),
    FIELD_TWO("started_ms", FIELD_MAYBE_I64, process, started_ms, started_known),
    FIELD("started_ticks", FIELD_U64, process, started_ticks),
    FIELD("state", FIELD_LETTER, process, state),
    FIELD("tty", FIELD_TEXT, process, tty),
    FIELD("kernel_thread", FIELD_BOOL, process, kernel_thread),
    FIELD("forked_no_exec", FIELD_BOOL, process, forked_no_exec),
    FIELD("same_netns", FIELD_BOOL, process, same_netns),
    FIELD("netns", FIELD_U64, process, netns),
    FIELD("pidns", FIELD_U64, process, pidns),
    FIELD("cgroup", FIELD_FACT, process, cgroup),
    FIELD_TWO("session", FIELD_MAYBE_U32, process, session, session_known),
    FIELD("company", FIELD_FACT, process, company),
    FIELD("product", FIELD_FACT, process, product),
    FIELD("signer", FIELD_FACT, process, signer),
    FIELD_NAMED("signature", signature_words, process, signature),
    FIELD("critical", FIELD_BOOL, process, critical),
    FIELD("entry", FIELD_FACT, process, entry.name),
    FIELD("entry_of", FIELD_TEXT, process, entry.of),
    FIELD("entry_api", FIELD_TEXT, process, entry.api),
};

static const struct field service_fields[] = {
    FIELD("manager", FIELD_TEXT, service, manager),
    FIELD("name", FIELD_TEXT, service, name),
    FIELD("triggered_by", FIELD_TEXT, service, triggered_by),
    FIELD("uid", FIELD_U32, service, uid),
    FIELD("main_pid", FIELD_U32, service, main_pid),
    FIELD("is_socket", FIELD_BOOL, service, is_socket),
    FIELD("description", FIELD_TEXT, service, description),
    FIELD("restart", FIELD_TEXT, service, restart),
    FIELD("listens", FIELD_TEXT, service, listens),
    FIELD("state", FIELD_TEXT, service, state),
    FIELD("at_boot", FIELD_BOOL, service, at_boot),
    FIELD("dependants", FIELD_TEXT, service, dependants),
    FIELD("shares_process", FIELD_BOOL, service, shares_process),
    FIELD("triggers", FIELD_TEXT, service, triggers),
    FIELD("stop_ms", FIELD_U32, service, stop_ms),
};

static const struct field published_fields[] = {
    FIELD_NAMED("protocol", protocol_words, published_port, protocol),
    FIELD("host_address", FIELD_ADDRESS, published_port, host_address),
    FIELD("host_port", FIELD_U16, published_port, host_port),
    FIELD("container_port", FIELD_U16, published_port, container_port),
};
static const struct shape published_shape = SHAPE(published_fields, published_port);

static const struct field container_fields[] = {
    FIELD("runtime", FIELD_TEXT, container, runtime),
    FIELD("id", FIELD_TEXT, container, id),
    FIELD("name", FIELD_TEXT, container, name),
    FIELD("image", FIELD_TEXT, container, image),
    FIELD("compose_project", FIELD_TEXT, container, compose_project),
    FIELD("compose_service", FIELD_TEXT, container, compose_service),
    FIELD("state", FIELD_TEXT, container, state),
    FIELD("restart", FIELD_TEXT, container, restart),
    FIELD("api", FIELD_TEXT, container, api),
    FIELD("pid", FIELD_U32, container, pid),
    FIELD("stop_s", FIELD_U32, container, stop_s),
    FIELD_MANY("ports", published_shape, container, ports),
};

static const struct field redirect_fields[] = {
    FIELD("source", FIELD_TEXT, redirect, source),
    FIELD("rule", FIELD_TEXT, redirect, rule),
    FIELD("local_output", FIELD_BOOL, redirect, local_output),
    FIELD_NAMED("protocol", protocol_words, redirect, protocol),
    FIELD_NAMED("family", family_words, redirect, family),
    FIELD("to", FIELD_ADDRESS, redirect, to),
    FIELD("matched", FIELD_ADDRESS, redirect, matched),
    FIELD("first", FIELD_U16, redirect, first),
    FIELD("last", FIELD_U16, redirect, last),
    FIELD("to_port", FIELD_U16, redirect, to_port),
    FIELD("matched_prefix", FIELD_U8, redirect, matched_prefix),
    FIELD("partial", FIELD_BOOL, redirect, partial),
};

static const struct field range_fields[] = {
    FIELD_NAMED("kind", range_kind_words, port_range, kind),
    FIELD("any_protocol", FIELD_BOOL, port_range, any_protocol),
    FIELD_NAMED("protocol", protocol_words, port_range, protocol),
    FIELD_NAMED("family", family_words, port_range, family),
    FIELD("first", FIELD_U16, port_range, first),
    FIELD("last", FIELD_U16, port_range, last),
    FIELD("source", FIELD_TEXT, port_range, source),
    FIELD("administered", FIELD_BOOL, port_range, administered),
};

static const struct field http_url_fields[] = {
    FIELD("url", FIELD_TEXT, http_url, url),
    FIELD("port", FIELD_U16, http_url, port),
    FIELD("registered", FIELD_BOOL, http_url, registered),
    FIELD("owner", FIELD_TEXT, http_url, owner),
    FIELD("pids", FIELD_U32S, http_url, pids),
};

static const struct field neighbour_port_fields[] = {
    FIELD("system", FIELD_TEXT, neighbour_port, system),
    FIELD_NAMED("protocol", protocol_words, neighbour_port, protocol),
    FIELD("address", FIELD_ADDRESS, neighbour_port, address),
    FIELD("port", FIELD_U16, neighbour_port, port),
    FIELD("pid", FIELD_U32, neighbour_port, pid),
    FIELD("name", FIELD_TEXT, neighbour_port, name),
    FIELD("command", FIELD_TEXT, neighbour_port, command),
};

static const struct field address_fields[] = {
    FIELD("address", FIELD_ADDRESS, local_address, address),
    FIELD("device", FIELD_U32, local_address, device),
    FIELD("device_name", FIELD_TEXT, local_address, device_name),
    FIELD("prefix", FIELD_U8, local_address, prefix),
};

static const struct field kernel_port_fields[] = {
    FIELD_NAMED("protocol", protocol_words, kernel_port, protocol),
    FIELD_NAMED("family", family_words, kernel_port, family),
    FIELD("port", FIELD_U16, kernel_port, port),
    FIELD("kind", FIELD_TEXT, kernel_port, kind),
    FIELD("name", FIELD_TEXT, kernel_port, name),
};

static const struct field netns_fields[] = {
    FIELD("id", FIELD_U64, netns, id),
    FIELD("name", FIELD_TEXT, netns, name),
    FIELD("pid", FIELD_U32, netns, pid),
    FIELD("is_own", FIELD_BOOL, netns, is_own),
    FIELD_NAMED("known", known_words, netns, known),
};

static const struct field api_answer_fields[] = {
    FIELD("runtime", FIELD_TEXT, api_answer, runtime), FIELD("endpoint", FIELD_TEXT, api_answer, endpoint),
    FIELD("request", FIELD_TEXT, api_answer, request), FIELD_NAMED("known", known_words, api_answer, known),
    FIELD("body", FIELD_TEXT, api_answer, body),
};

static const struct field raw_fields[] = {
    FIELD("name", FIELD_TEXT, raw_bytes, name),
    FIELD("bytes", FIELD_BYTES, raw_bytes, bytes),
};

static const struct field probe_fields[] = {
    FIELD_NAMED("protocol", protocol_words, probe, protocol),
    FIELD("address", FIELD_ADDRESS, probe, address),
    FIELD("port", FIELD_U16, probe, port),
    FIELD("bind", FIELD_TEXT, probe, bind),
    FIELD("v6only", FIELD_BOOL, probe, v6only),
    FIELD("device", FIELD_U32, probe, device),
    FIELD("worked", FIELD_BOOL, probe, worked),
    FIELD("code", FIELD_ULONG, probe, code),
    FIELD("result", FIELD_TEXT, probe, result),
};

static const struct field lease_fields[] = {
    FIELD_NAMED("protocol", protocol_words, lease, protocol),
    FIELD("port", FIELD_U16, lease, port),
    FIELD("name", FIELD_TEXT, lease, name),
    FIELD("project", FIELD_TEXT, lease, project),
    FIELD("owner", FIELD_U32, lease, owner),
    FIELD("user", FIELD_TEXT, lease, user),
    FIELD("own", FIELD_BOOL, lease, own),
    FIELD("lasting", FIELD_BOOL, lease, lasting),
    FIELD("pid", FIELD_U32, lease, pid),
    FIELD("started", FIELD_U64, lease, started),
    FIELD("space", FIELD_U64, lease, space),
    FIELD("ttl_ms", FIELD_I64, lease, ttl_ms),
    FIELD("taken_ms", FIELD_I64, lease, taken_ms),
    FIELD("taken_up", FIELD_I64, lease, taken_up),
    FIELD("ends_ms", FIELD_I64, lease, ends_ms),
    FIELD("boot", FIELD_TEXT, lease, boot),
    FIELD("token", FIELD_TEXT, lease, token),
    FIELD("fence", FIELD_U64, lease, fence),
    FIELD("damaged", FIELD_BOOL, lease, damaged),
};

static const struct field ability_fields[] = {
    FIELD("name", FIELD_TEXT, ability, name),
    FIELD("good", FIELD_BOOL, ability, good),
    FIELD("detail", FIELD_TEXT, ability, detail),
    FIELD("fix", FIELD_TEXT, ability, fix),
};

static const struct field group_fields[] = {
    FIELD("id", FIELD_U64, group, id),
    FIELD("path", FIELD_FACT, group, path),
    FIELD("pids", FIELD_U32S, group, pids),
};

static const struct shape socket_shape = SHAPE(socket_fields, socket_row);
static const struct shape holding_shape = SHAPE(holding_fields, holding);
static const struct shape unseen_shape = SHAPE(unseen_fields, unseen);
static const struct shape process_shape = SHAPE(process_fields, process);
static const struct shape service_shape = SHAPE(service_fields, service);
static const struct shape container_shape = SHAPE(container_fields, container);
static const struct shape redirect_shape = SHAPE(redirect_fields, redirect);
static const struct shape range_shape = SHAPE(range_fields, port_range);
static const struct shape http_url_shape = SHAPE(http_url_fields, http_url);
static const struct shape neighbour_port_shape = SHAPE(neighbour_port_fields, neighbour_port);
static const struct shape address_shape = SHAPE(address_fields, local_address);
static const struct shape kernel_port_shape = SHAPE(kernel_port_fields, kernel_port);
static const struct shape netns_shape = SHAPE(netns_fields, netns);
static const struct shape api_answer_shape = SHAPE(api_answer_fields, api_answer);
static const struct shape raw_shape = SHAPE(raw_fields, raw_bytes);
static const struct shape probe_shape = SHAPE(probe_fields, probe);
static const struct shape lease_shape = SHAPE(lease_fields, lease);
static const struct shape ability_shape = SHAPE(ability_fields, ability);
static const struct shape group_shape = SHAPE(group_fields, group);

static const struct field host_fields[] = {
    FIELD("platform", FIELD_TEXT, host, platform),
    FIELD("system", FIELD_TEXT, host, system),
    FIELD("host", FIELD_TEXT, host, name),
    FIELD("host_id", FIELD_TEXT, host, id),
    FIELD("boot_id", FIELD_TEXT, host, boot_id),
    FIELD("time_ms", FIELD_I64, host, time_ms),
    FIELD("uid", FIELD_U32, host, uid),
    FIELD("admin", FIELD_BOOL, host, admin),
    FIELD("socket_source", FIELD_TEXT, host, socket_source),
    FIELD_NAMED("tier", tier_words, host, tier),
    FIELD("complete", FIELD_BOOL, host, complete),
    FIELD("ipv6", FIELD_BOOL, host, ipv6),
    FIELD("nonlocal_bind", FIELD_BOOL, host, nonlocal_bind),
    FIELD_NAMED("redirects_known", known_words, host, redirects_known),
    FIELD_NAMED("namespaces_known", known_words, host, namespaces_known),
    FIELD("namespaces_tcp", FIELD_BOOL, host, namespaces_tcp),
    FIELD_NAMED("services_known", known_words, host, services_known),
    FIELD_MANY("sockets", socket_shape, host, sockets),
    FIELD_MANY("holdings", holding_shape, host, holdings),
    FIELD_MANY("unseen", unseen_shape, host, unseen),
    FIELD_MANY("processes", process_shape, host, processes),
    FIELD_MANY("services", service_shape, host, services),
    FIELD_MANY("containers", container_shape, host, containers),
    FIELD_MANY("redirects", redirect_shape, host, redirects),
    FIELD_MANY("ranges", range_shape, host, ranges),
    FIELD_MANY("addresses", address_shape, host, addresses),
    FIELD_MANY("kernel_ports", kernel_port_shape, host, kernel_ports),
    FIELD_MANY("namespaces", netns_shape, host, namespaces),
    FIELD_MANY("groups", group_shape, host, groups),
    FIELD_NAMED("http_known", known_words, host, http_known),
    FIELD_MANY("http_urls", http_url_shape, host, http_urls),
    FIELD("wsl", FIELD_TEXT, host, wsl),
    FIELD("wsl_networking", FIELD_TEXT, host, wsl_networking),
    FIELD_NAMED("neighbours_known", known_words, host, neighbours_known),
    FIELD_MANY("neighbour_ports", neighbour_port_shape, host, neighbour_ports),
    FIELD("socket_units_of", FIELD_U32S, host, socket_units_of),
    FIELD("silent_managers", FIELD_U32S, host, silent_managers),
    FIELD_MANY("api_answers", api_answer_shape, host, api_answers),
    FIELD_MANY("probes", probe_shape, host, probes),
    FIELD_MANY("leases", lease_shape, host, leases),
    FIELD_NAMED("leases_known", known_words, host, leases_known),
    FIELD_MANY("abilities", ability_shape, host, abilities),
    FIELD_MANY("raw", raw_shape, host, raw),
};

const struct shape snapshot_host_shape = SHAPE(host_fields, host);

struct any_list
snapshot_list_get(const void *where)
{
    struct any_list list;
    memcpy(&list, where, sizeof list);
    return list;
}

void
snapshot_list_set(void *where, struct any_list list)
{
    memcpy(where, &list, sizeof list);
}

enum known
snapshot_known_get(const void *where)
{
    unsigned value;
    memcpy(&value, where, sizeof value);
    return (enum known)value;
}
