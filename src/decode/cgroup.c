#include "decode/cgroup.h"

#include "base/ascii.h"

#include <string.h>

#define FULL_ID 64 // hexadecimal digits of a container id (OCI runtimes: a SHA-256)
#define SHORT_ID 12

static bool
is_hex(struct str s, size_t least)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.ptr[i]) && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
            return false;
    }
    return s.len >= least;
}

static struct str
without_end(struct str s, struct str end)
{
    return str_ends(s, end) ? str_part(s, 0, s.len - end.len) : s;
}

static bool
is_unit(struct str s)
{
    return str_ends(s, STR(".service")) || str_ends(s, STR(".scope")) || str_ends(s, STR(".socket"));
}

// Names that the kernel could take for its own files are written with a leading "_" (systemd, cg_escape()).
static struct str
without_mark(struct str segment)
{
    return segment.len > 1 && segment.ptr[0] == '_' ? str_part(segment, 1, SIZE_MAX) : segment;
}

// "my\x2dbox" is "my-box" (systemd.unit(5), string escaping).
static struct str
unescape(struct arena *arena, struct str s)
{
    if (str_find(s, STR("\\x")) == SIZE_MAX)
        return s;
    char *out = arena_alloc(arena, s.len);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t byte;
        if (s.ptr[i] == '\\' && i + 3 < s.len && s.ptr[i + 1] == 'x' && str_to_u64(str_part(s, i + 2, 2), 16, &byte)) {
            out[len++] = (char)byte;
            i += 3;
        } else {
            out[len++] = s.ptr[i];
        }
    }
    return (struct str){out, len};
}

struct prefix {
    struct str text;
    struct str runtime;
};

// Longer ones first, since the rest must be an id: libpod-conmon-ID is the monitor of a container, not the container.
static const struct prefix prefixes[] = {
    {STR_INIT("cri-containerd-"), STR_INIT("containerd")},
    {STR_INIT("libpod-payload-"), STR_INIT("podman")},
    {STR_INIT("containerd-"), STR_INIT("containerd")},
    {STR_INIT("nerdctl-"), STR_INIT("containerd")},
    {STR_INIT("docker-"), STR_INIT("docker")},
    {STR_INIT("libpod-"), STR_INIT("podman")},
    {STR_INIT("crio-"), STR_INIT("cri-o")},
};

// Parents under which a bare id stands when the runtime writes groups itself, without systemd.
static const struct prefix parents[] = {
    {STR_INIT("docker"), STR_INIT("docker")},        {STR_INIT("moby"), STR_INIT("docker")},
    {STR_INIT("default"), STR_INIT("containerd")},   {STR_INIT("k8s.io"), STR_INIT("containerd")},
    {STR_INIT("libpod_parent"), STR_INIT("podman")},
};

// docker-ID.scope and the like; also SLICE:cri-containerd:ID, which a runtime leaves that was told the wrong driver.
static bool
container_by_prefix(struct str segment, struct cgroup_facts *out)
{
    struct str name = without_end(segment, STR(".scope"));
    size_t colon = str_find_last_byte(name, ':');
    if (colon != SIZE_MAX) {
        struct str id = str_part(name, colon + 1, SIZE_MAX);
        bool crio = str_ends(str_part(name, 0, colon), STR(":crio"));
        if (!is_hex(id, FULL_ID) || (!crio && !str_ends(str_part(name, 0, colon), STR(":cri-containerd"))))
            return false;
        out->runtime = crio ? STR("cri-o") : STR("containerd");
        out->container_id = id;
        return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct str id = str_part(name, prefixes[i].text.len, SIZE_MAX);
        if (str_starts(name, prefixes[i].text) && is_hex(id, SHORT_ID)) {
            out->runtime = prefixes[i].runtime;
            out->container_id = id;
            return true;
        }
    }
    return false;
}

static bool
container_by_bare_id(struct str parent, struct str segment, struct cgroup_facts *out)
{
    if (segment.len != FULL_ID || !is_hex(segment, FULL_ID))
        return false;
    out->runtime = STR("container");
    out->container_id = segment;
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
        if (str_equal(parent, parents[i].text))
            out->runtime = parents[i].runtime;
    }
    return true;
}

// LXC, LXD and Incus: lxc.payload.NAME; older ones lxc.payload/NAME and lxc/NAME.
static bool
container_by_lxc(struct str parent, struct str segment, struct cgroup_facts *out)
{
    struct str prefix = STR("lxc.payload.");
    if (str_starts(segment, prefix) && segment.len > prefix.len)
        out->container_id = str_part(segment, prefix.len, SIZE_MAX);
    else if (str_equal(parent, STR("lxc")) || str_equal(parent, STR("lxc.payload")))
        out->container_id = segment;
    else
        return false;
    out->runtime = STR("lxc");
    return true;
}

// systemd-nspawn: machine-NAME.scope or systemd-nspawn@NAME.service, in machine.slice. libvirt registers its machines
// there too, as machine-qemu\x2d1\x2dNAME.scope: these are no containers that nspawn's tools know.
static bool
container_by_nspawn(struct str parent, struct str segment, struct cgroup_facts *out)
{
    struct str scope = STR("machine-");
    struct str service = STR("systemd-nspawn@");
    struct str name;
    if (!str_equal(parent, STR("machine.slice")))
        return false;
    if (str_starts(segment, service) && str_ends(segment, STR(".service")))
        name = str_part(without_end(segment, STR(".service")), service.len, SIZE_MAX);
    else if (str_starts(segment, scope) && str_ends(segment, STR(".scope")))
        name = str_part(without_end(segment, STR(".scope")), scope.len, SIZE_MAX);
    else
        return false;
    if (!name.len || str_starts(name, STR("qemu\\x2d")) || str_starts(name, STR("lxc\\x2d")))
        return false;
    out->runtime = STR("nspawn");
    out->container_id = name;
    return true;
}

// The outermost container on the path: the one that a runtime of this host knows. Its id is still escaped.
static bool
find_container(struct str path, struct cgroup_facts *out)
{
    struct str parent = {0};
    struct str segment;
    bool in_pods = false;
    while (str_cut(&path, '/', &segment)) {
        if (!segment.len)
            continue;
        in_pods = in_pods || str_find(segment, STR("kubepods")) != SIZE_MAX;
        if (container_by_prefix(segment, out) || container_by_bare_id(parent, segment, out) ||
            container_by_lxc(parent, segment, out) || container_by_nspawn(parent, segment, out)) {
            if (in_pods)
                out->runtime = STR("kubernetes");
            return true;
        }
        parent = segment;
    }
    return false;
}

// The user manager's own unit, user@UID.service.
static bool
parse_user_manager(struct str unit, uint32_t *uid)
{
    struct str prefix = STR("user@");
    uint64_t number;
    if (!str_starts(unit, prefix) || !str_ends(unit, STR(".service")) ||
        !str_to_u64(str_part(without_end(unit, STR(".service")), prefix.len, SIZE_MAX), 10, &number) ||
        number >= UINT32_MAX)
        return false;
    *uid = (uint32_t)number;
    return true;
}

// Where systemd itself looks (cg_path_get_unit()): behind the slices stands the unit, and behind a user's manager, again
// behind slices, that user's unit.
static void
find_unit(struct str path, struct cgroup_facts *out)
{
    struct str segment;
    bool in_user_manager = false;
    uint32_t uid = 0;
    while (str_cut(&path, '/', &segment)) {
        struct str name = without_mark(segment);
        // ".." leads out of the control group namespace of the reader: what follows counts from there.
        if (!name.len || str_equal(name, STR("..")) || str_ends(name, STR(".slice")))
            continue;
        if (!is_unit(name))
            return;
        out->unit = name;
        if (in_user_manager) {
            out->user_manager = true;
            out->uid = uid;
            return;
        }
        if (!parse_user_manager(name, &uid))
            return;
        in_user_manager = true;
    }
}

void
cgroup_explain(struct arena *arena, struct str path, struct cgroup_facts *out)
{
    *out = (struct cgroup_facts){0};
    find_unit(path, out);
    if (find_container(path, out))
        out->container_id = unescape(arena, out->container_id);
}

// One line: hierarchy:controllers:path, the path maybe followed by " (deleted)".
static bool
parse_line(struct str line, struct str *controllers, struct str *path)
{
    struct str hierarchy;
    uint64_t number;
    if (!str_cut(&line, ':', &hierarchy) || !str_to_u64(hierarchy, 10, &number) || !str_cut(&line, ':', controllers) ||
        !line.len || line.ptr[0] != '/')
        return false;
    *path = without_end(line, STR(" (deleted)"));
    return true;
}

bool
cgroup_parse(struct str file, struct str *path)
{
    // What the hierarchies say, by rank: 0 unified, 1 systemd's, 2 the first that names a container, 3 a root.
    struct str ranks[4] = {{0}};
    struct str line;
    struct str controllers;
    struct str found;
    while (str_cut(&file, '\n', &line)) {
        struct cgroup_facts facts = {0};
        if (!parse_line(line, &controllers, &found))
            continue;
        size_t rank = !controllers.len ? 0 : str_equal(controllers, STR("name=systemd")) ? 1 : 2;
        if (str_equal(found, STR("/")))
            rank = 3;
        else if (rank == 2 && !find_container(found, &facts))
            continue;
        if (!ranks[rank].ptr)
            ranks[rank] = found;
    }
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        if (ranks[i].ptr) {
            *path = ranks[i];
            return true;
        }
    }
    return false;
}
