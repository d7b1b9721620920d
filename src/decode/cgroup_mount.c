#include "decode/cgroup_mount.h"

#include "base/buf.h"

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

// "40 30 0:37 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw"
static bool
parse_line(struct str line, enum cgroup_tree tree, struct str *root, struct str *point)
{
    struct str word;
    struct str source;
    struct str options;
    for (size_t i = 0; i < 3; i++) {
        if (!str_word(&line, &word))
            return false;
    }
    if (!str_word(&line, root) || !str_word(&line, point))
        return false;
    do {
        if (!str_word(&line, &word))
            return false;
    } while (!str_equal(word, STR("-")));
    if (!str_word(&line, &word) || !str_word(&line, &source) || !str_word(&line, &options))
        return false;
    return tree == CGROUP_TREE_UNIFIED ? str_equal(word, STR("cgroup2"))
                                       : str_equal(word, STR("cgroup")) && has_option(options, STR("name=systemd"));
}

bool
cgroup_mount_parse(struct arena *arena, struct str mountinfo, enum cgroup_tree tree, struct str *out)
{
    struct str line;
    struct str found = {NULL, 0};
    bool whole = false;
    while (!whole && str_cut(&mountinfo, '\n', &line)) {
        struct str root;
        struct str point;
        if (!parse_line(line, tree, &root, &point))
            continue;
        whole = str_equal(root, STR("/"));
        if (whole || !found.ptr)
            found = point;
    }
    if (!found.ptr)
        return false;
    *out = unescape(arena, found);
    return true;
}
