#include "decode/netns_mount.h"

#include "base/buf.h"
#include "decode/proc.h"

// The kernel writes blank, tab, line end and backslash as \ooo (mangle() in fs/proc_namespace.c).
static struct str
unescape(struct arena *arena, struct str text)
{
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < text.len; i++) {
        uint64_t byte;
        char c = text.ptr[i];
        if (c == '\\' && str_to_u64(str_part(text, i + 1, 3), 8, &byte) && byte < 256) {
            c = (char)byte;
            i += 3;
        }
        buf_add_byte(&out, c);
    }
    return buf_str(&out);
}

// The fourth field: which file of the file system is mounted, "net:[4026532000]".
static bool
parse_root(struct str line, uint64_t *id)
{
    struct str root;
    for (size_t i = 0; i < 4; i++) {
        if (!str_word(&line, &root))
            return false;
    }
    return proc_parse_link(root, STR("net"), id);
}

static struct str
name_of(struct str path)
{
    // /var/run is /run, or what it was before.
    static const struct str folders[] = {STR_INIT("/run/netns/"), STR_INIT("/var/run/netns/")};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (str_starts(path, folders[i]))
            return str_part(path, folders[i].len, SIZE_MAX);
    }
    return STR("");
}

bool
netns_mount_next(struct arena *arena, struct str mountinfo, struct str *rest, struct netns_mount *out)
{
    struct str line;
    while (str_cut(rest, '\n', &line)) {
        struct proc_mount mount;
        struct proc_mount visible;
        uint64_t id;
        if (!proc_parse_mount(line, &mount) || !str_equal(mount.type, STR("nsfs")) || !parse_root(line, &id))
            continue;
        struct str path = unescape(arena, mount.point);
        if (!proc_find_mount(mountinfo, path, &visible) || visible.id != mount.id)
            continue;
        *out = (struct netns_mount){.id = id, .path = path, .name = name_of(path)};
        return true;
    }
    return false;
}
