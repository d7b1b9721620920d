#include "decode/git.h"

#include <string.h>

#include "base/buf.h"

#define MAX_STEPS 64
#define SHORT_COMMIT 12

// git-check-ref-format(1), as far as bytes go; the rest of its rules only keeps git's own syntax apart.
static bool
is_ref_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c <= ' ' || c == 0x7f || str_find_byte(STR("~^:?*[\\"), (char)c) != SIZE_MAX)
            return false;
    }
    return name.len && !str_starts(name, STR(".")) && str_find(name, STR("/.")) == SIZE_MAX &&
           str_find(name, STR("..")) == SIZE_MAX && !str_ends(name, STR("/")) && !str_ends(name, STR(".lock"));
}

static bool
is_commit(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit;
        if (!str_to_u64(str_part(text, i, 1), 16, &digit))
            return false;
    }
    return text.len == 40 || text.len == 64; // SHA-1 or SHA-256
}

bool
git_parse_head(struct str text, struct str *branch, bool *detached)
{
    struct str ref = STR("ref:");
    text = str_trim(text);
    if (!str_starts(text, ref)) {
        if (!is_commit(text))
            return false;
        *branch = str_part(text, 0, SHORT_COMMIT);
        *detached = true;
        return true;
    }
    struct str name = str_trim(str_part(text, ref.len, SIZE_MAX));
    if (str_starts(name, STR("refs/heads/")))
        name = str_part(name, sizeof "refs/heads/" - 1, SIZE_MAX);
    else if (!str_starts(name, STR("refs/")))
        return false;
    if (!is_ref_name(name))
        return false;
    *branch = name;
    *detached = false;
    return true;
}

bool
git_parse_link(struct str text, struct str *path)
{
    struct str key = STR("gitdir:");
    if (!str_starts(text, key))
        return false;
    struct str value = str_trim(str_part(text, key.len, SIZE_MAX));
    if (!value.len || str_find_byte(value, '\n') != SIZE_MAX || str_find_byte(value, '\0') != SIZE_MAX)
        return false;
    *path = value;
    return true;
}

// Adds the steps of `path` to `steps`, taking back one for each "..".
static bool
add_steps(struct str path, struct str *steps, size_t *count)
{
    struct str step;
    while (str_cut(&path, '/', &step)) {
        if (!step.len || str_equal(step, STR(".")))
            continue;
        if (str_equal(step, STR(".."))) {
            *count -= *count > 0;
            continue;
        }
        if (*count == MAX_STEPS)
            return false;
        steps[(*count)++] = step;
    }
    return true;
}

bool
git_way(struct arena *arena, struct str from, struct str to, struct str *out)
{
    struct str start[MAX_STEPS];
    struct str end[MAX_STEPS];
    size_t start_count = 0;
    size_t end_count = 0;
    size_t same = 0;
    struct buf way = {.arena = arena};
    if (!str_starts(from, STR("/")) || !add_steps(from, start, &start_count))
        return false;
    if (!str_starts(to, STR("/"))) {
        memcpy(end, start, sizeof *start * start_count);
        end_count = start_count;
    }
    if (!add_steps(to, end, &end_count))
        return false;
    while (same < start_count && same < end_count && str_equal(start[same], end[same]))
        same++;
    if (start_count - same + end_count - same > MAX_STEPS)
        return false;
    for (size_t i = same; i < start_count; i++)
        buf_add(&way, STR("../"));
    for (size_t i = same; i < end_count; i++) {
        buf_add(&way, end[i]);
        buf_add_byte(&way, '/');
    }
    if (!way.len)
        buf_add(&way, STR("./"));
    way.len--; // the last slash
    *out = buf_str(&way);
    return true;
}
