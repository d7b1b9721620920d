#include "decode/cgroup_mount.h"

#include "base/buf.h"
#include "decode/proc.h"

// The kernel writes blank, tab, line end and backslash as \ooo (mangle() in fs/proc_namespace.c).
static struct str
unescape(struct arena *arena, struct str text)
{
    struct buf out = {.arena = arena};
    for (size_t i = 0; i < text.len; i++) {
        uint64_t byte;
        if (text.ptr[i] == '\\' && text.len - i > 3 && str_to_u64(str_part(text, i + 1, 3), 8, &byte) && byte < 256) {
            buf_add_byte(&out, (char)byte);
            i += 3;
        } else {
            buf_add_byte(&out, text.ptr[i]);
        }
    }
    return buf_str(&out);
}

static bool
has_option(struct str options, struct str wanted)
{
    struct str option;
    while (str_cut(&options, ',', &option)) {
        if (str_equal(option, wanted))
            return true;
    }
    return false;
}

bool
cgroup_mount_parse(struct arena *arena, struct str mountinfo, enum cgroup_tree tree, struct str *out)
{
    struct str line;
    struct proc_mount mount;
    while (str_cut(&mountinfo, '\n', &line)) {
        if (!proc_parse_mount(line, &mount))
            continue;
        bool unified = str_equal(mount.type, STR("cgroup2"));
        bool named = str_equal(mount.type, STR("cgroup")) && has_option(mount.options, STR("name=systemd"));
        if (tree == CGROUP_TREE_UNIFIED ? unified : named) {
            *out = unescape(arena, mount.point);
            return true;
        }
    }
    return false;
}
