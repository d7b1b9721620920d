// Any bytes as a file of /proc, of git, of users or as a cgroup path; the first byte picks the parser. What comes out lies
// within what went in, and nothing is let through that the headers exclude.

#include "decode/cgroup.h"
#include "decode/git.h"
#include "decode/passwd.h"
#include "decode/proc.h"
#include "decode/sockaddr.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Whether `part` is a view into `whole`.
static bool
within(struct str part, struct str whole)
{
    return !part.len || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void
try_stat(struct str text)
{
    struct proc_stat stat;
    uint32_t uid;
    int64_t seconds;
    if (proc_parse_stat(text, &stat))
        assert(within(stat.name, text) && stat.state);
    if (proc_parse_boot_time(text, &seconds))
        assert(seconds >= 0);
    uint64_t threads;
    if (proc_parse_threads(text, &threads))
        assert(str_find(text, STR("/")) != SIZE_MAX);
    struct proc_status status;
    if (proc_parse_status(text, &status))
        assert(status.tgid > 0 && proc_parse_uid(text, &uid) && uid == status.uid);
    if (proc_has_inner_numbers(text))
        assert(str_find(text, STR("NSpid:")) != SIZE_MAX);
}

static void
try_command(struct arena *arena, struct str text)
{
    struct str_list arguments = {0};
    size_t total = 0;
    proc_split_command(arena, text, &arguments);
    for (size_t i = 0; i < arguments.count; i++) {
        assert(within(arguments.items[i], text) && str_find_byte(arguments.items[i], '\0') == SIZE_MAX);
        total += arguments.items[i].len + 1;
    }
    assert(total <= text.len + 1);
}

static void
try_descriptor(struct str text)
{
    struct proc_ring ring;
    struct str name;
    uint64_t number;
    if (proc_parse_link(text, STR("socket"), &number))
        assert(str_starts(text, STR("socket:[")));
    proc_parse_in_flight(text, &number);
    if (proc_ring_begin(text, &ring)) {
        for (size_t left = ring.rest.len; proc_ring_next(&ring, &name); left = ring.rest.len)
            assert(within(name, text) && ring.rest.len < left);
    }
    if (proc_parse_map(text, &name))
        assert(within(name, text));
}

static void
try_mounts(struct str text)
{
    struct proc_mount mount;
    struct str path;
    // The path first, up to the first line end.
    if (!str_cut(&text, '\n', &path))
        return;
    if (proc_find_mount(text, path, &mount)) {
        assert(within(mount.point, text) && within(mount.type, text) && str_starts(mount.point, STR("/")));
        assert(str_equal(mount.point, STR("/")) || mount.point.len > 0);
        assert(proc_mount_depth(&mount, path) <= path.len);
        proc_mount_is_local(mount.type);
    }
}

static void
try_cgroup(struct arena *arena, struct str text)
{
    struct cgroup_facts facts;
    struct str path = text;
    if (cgroup_parse(text, &path))
        assert(within(path, text) && path.ptr[0] == '/');
    cgroup_explain(arena, path, &facts);
    assert(within(facts.unit, text) && str_find_byte(facts.unit, '/') == SIZE_MAX);
    assert(facts.container_id.len <= text.len && (facts.runtime.len > 0) == (facts.container_id.ptr != NULL));
    assert(facts.user_manager || facts.uid == 0);
}

static void
try_git(struct arena *arena, struct str text)
{
    struct str branch;
    struct str path;
    struct str way;
    bool detached;
    if (git_parse_head(text, &branch, &detached)) {
        assert(within(branch, text) && branch.len > 0);
        for (size_t i = 0; i < branch.len; i++)
            assert((unsigned char)branch.ptr[i] > ' ' && branch.ptr[i] != 0x7f);
    }
    if (git_parse_link(text, &path))
        assert(within(path, text) && path.len > 0);
    if (git_way(arena, STR("/home/ann/shop"), text, &way))
        assert(way.len > 0 && way.ptr[0] != '/');
    git_way(arena, text, STR("/home/ann/shop"), &way);
}

static void
try_users(struct str text)
{
    struct str name;
    uint32_t uid;
    uint32_t again;
    (void)passwd_maps_all(text);
    if (passwd_name(text, 0, &name))
        assert(within(name, text) && name.len > 0);
    if (str_cut(&text, '\n', &name) && passwd_uid(text, name, &uid)) {
        // The number's first name is one that has the number.
        assert(passwd_name(text, uid, &name) && passwd_uid(text, name, &again));
    }
}

static void
try_sockaddr(struct str bytes)
{
    struct address address;
    uint16_t port;
    if (sockaddr_parse(bytes, &address, &port))
        assert(bytes.len >= 16 && address.family != FAMILY_NONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct arena *arena = arena_open();
    struct str text = {(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 's':
        try_stat(text);
        break;
    case 'c':
        try_command(arena, text);
        break;
    case 'd':
        try_descriptor(text);
        break;
    case 'm':
        try_mounts(text);
        break;
    case 'g':
        try_cgroup(arena, text);
        break;
    case 'h':
        try_git(arena, text);
        break;
    case 'u':
        try_users(text);
        break;
    case 'a':
        try_sockaddr(text);
        break;
    case 't':
        if (size >= 5)
            proc_tty_name(arena, (uint32_t)data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16 |
                                     (uint32_t)data[4] << 24);
        break;
    default:
        break;
    }
    arena_close(arena);
    return 0;
}
